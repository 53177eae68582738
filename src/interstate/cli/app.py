"""The commands, gathered."""

import typer

from interstate.cli import (
    backup,
    clock,
    deploy,
    doctor,
    events,
    executions,
    faults,
    functions,
    mail,
    metrics,
    nodes,
    queues,
    serve,
    status,
    why,
)

app = typer.Typer(
    name="interstate",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Run event-driven AWS applications from their SAM template, durably, on this machine.",
)
app.command("serve")(serve.serve)
app.command("up")(deploy.up)
app.command("deploy")(deploy.deploy)
app.command("status")(status.status)
app.command("nodes")(nodes.nodes)
app.command("env")(status.env)
app.command("doctor")(doctor.doctor)
app.command("why")(why.why)
app.command("metrics")(metrics.metrics)
app.command("reset")(status.reset)
for command in (backup.backup, backup.restore, backup.copy, backup.save, backup.load, backup.snapshots):
    app.command(command.__name__)(command)
app.add_typer(clock.app, name="clock")
app.add_typer(events.app, name="events")
app.add_typer(executions.app, name="executions")
app.add_typer(faults.app, name="faults")
app.add_typer(functions.app, name="functions")
app.add_typer(mail.app, name="mail")
app.add_typer(queues.app, name="queues")
