"""``interstate up`` and ``interstate deploy``: a template on the platform."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from interstate.base.addresses import at_host
from interstate.cli import options
from interstate.cli.client import control
from interstate.cli.starting import announce, fail, settings_of, start
from interstate.config import DEFAULT_HOST, DEFAULT_PORT

_TEMPLATES = ("template.yaml", "template.yml", "template.json")
_FLAGSHIP = Path("apps/orders/template.yaml")

Template = Annotated[
    Path | None,
    typer.Argument(
        help="SAM or CloudFormation template. Default: the nearest one here or above, or apps/orders/template.yaml."
    ),
]
Parameters = Annotated[
    list[str] | None, typer.Option("--parameter", metavar="KEY=VALUE", help="A template parameter. Repeatable.")
]
StackName = Annotated[
    str | None, typer.Option(help="Name of the stack. Default: what the template says, else its folder.")
]
Watch = Annotated[
    bool, typer.Option("--watch", help="Bring changes of code, state machines and the template over as they are saved.")
]
_WORKERS_OF_UP = 24  # An application of twenty functions keeps them all warm.


def up(
    template: Template = None,
    parameter: Parameters = None,
    stack_name: StackName = None,
    watch: Watch = False,
    port: options.Port = DEFAULT_PORT,
    host: options.Host = DEFAULT_HOST,
    data: options.Data = None,
    memory: options.Memory = False,
    database: options.Database = None,
    role: options.Role = "all",
    credentials: options.CredentialsFile = None,
    allow_host: options.AllowHost = None,
    clock: options.ClockMode = None,
    workers: options.Workers = _WORKERS_OF_UP,
    mock_config: options.MockConfig = None,
    enforce_capacity: options.EnforceCapacity = False,
    smtp: options.Smtp = None,
    sms_gateway: options.SmsGateway = None,
    push_gateway: options.PushGateway = None,
    log_level: options.LogLevel = "warning",
) -> None:
    """Serve, and deploy a template (default: the order application) until Ctrl-C."""
    path = find_template(template)
    given = parameters_of(parameter)
    settings = settings_of(
        port=port, host=host, data=data, memory=memory, database=database, role=role, credentials=credentials,
        allow_host=allow_host, clock=clock, workers=workers, mock_config=mock_config,
        enforce_capacity=enforce_capacity, log_level=log_level,
        smtp=smtp, sms_gateway=sms_gateway, push_gateway=push_gateway,
    )  # fmt: skip

    async def ready(instance: Any, server_control: Any, bound: int) -> None:
        from interstate.runtime.up import Up  # noqa: PLC0415 what only a deploy needs

        announce(settings, bound)
        endpoint = f"http://{settings.host}:{bound}"
        await Up(instance, server_control, settings.data, endpoint, typer.echo).run(
            path, stack_name, given, watch=watch
        )

    start(settings, ready, hold_effects=True)


def deploy(
    template: Template = None,
    parameter: Parameters = None,
    stack_name: StackName = None,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
) -> None:
    """Deploy a template to the server that runs here; resources that left it are deleted."""
    path = find_template(template)
    body = {"template": str(path), "parameters": parameters_of(parameter), "stackName": stack_name}
    answer = control(endpoint_url, "POST", "deploy", body)
    for line in answer["progress"]:
        typer.echo(line)
    for name, value in answer["outputs"].items():
        typer.echo(f"  {name} = {at_host(value, urlsplit(endpoint_url).netloc)}")


def find_template(given: Path | None) -> Path:
    """The template meant: the one given, the nearest one upwards, or the order application's."""
    if given is not None:
        path = given / _TEMPLATES[0] if given.is_dir() else given
        if not path.is_file():
            fail(f"There is no template at {path}.")
        return path.resolve()
    for folder in [Path.cwd(), *Path.cwd().parents]:
        for name in (*_TEMPLATES, str(_FLAGSHIP)):
            if (folder / name).is_file():
                return (folder / name).resolve()
    fail("There is no template.yaml here or above; name one: interstate up path/to/template.yaml")
    raise AssertionError("fail ends the command")


def parameters_of(given: list[str] | None) -> dict[str, str]:
    """``KEY=VALUE`` texts as a mapping."""
    found = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            fail(f"--parameter {text} is not KEY=VALUE.")
        found[name] = value
    return found
