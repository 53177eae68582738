"""Service integrations: what a Task's Resource does.

``start_task`` carries out a Task in the transaction of its step, or leaves the call of a function as an effect.
"""

from interstate.base.errors import NotImplementedHere
from interstate.core.asl.errors import RUNTIME
from interstate.core.asl.vocabulary import Execution, StartTask
from interstate.services.states.integrations import calls, functions, http_tasks, nested, requests
from interstate.services.states.integrations.credentials import unassumable
from interstate.services.states.integrations.functions import function_answer
from interstate.services.states.integrations.nested import answer_to_parent
from interstate.services.states.integrations.outcome import Answered, Failed, Outcome, Outside, Submitted, Waiting
from interstate.services.states.integrations.resources import is_here, is_known
from interstate.store.ports import Work

__all__ = [
    "Answered",
    "Failed",
    "Outcome",
    "Outside",
    "Submitted",
    "Waiting",
    "answer_to_parent",
    "function_answer",
    "is_known",
    "start_task",
    "try_task",
]


def start_task(command: StartTask, execution: Execution, work: Work) -> Outcome:
    """Carry out a Task of ``execution``; never raises for what a Task can meet. Activities are the executor's.

    What needs the outside is left as an effect, which answers later.
    """
    outcome = try_task(command, execution, work)
    if not isinstance(outcome, Outside):
        return outcome
    work.later(outcome.kind, outcome.body)
    return Waiting()


def try_task(command: StartTask, execution: Execution, work: Work) -> Outcome | Outside:
    """As ``start_task``; what needs the outside is handed to the caller."""
    resource = command.resource
    if resource.kind == "service" and not is_here(resource):
        integration = f"{resource.type}:{resource.name}"
        return Failed(RUNTIME, NotImplementedHere(f"the integration {integration}").message, state_fault=True)
    if (refused := unassumable(command, work)) is not None:
        return refused
    if resource.kind == "lambda":
        return functions.call_plain(command, execution, work)
    match resource.type, resource.action:
        case (("lambda" | "aws-sdk:lambda"), "invoke"):
            return functions.invoke(command, execution, work)
        case "states", "startExecution":
            return nested.start_execution(command, execution, work)
        case "aws-sdk:sfn", "startSyncExecution":
            return nested.start_sync_execution(command, execution, work)
        case "http", "invoke":
            return http_tasks.http(command, execution, work)
        case "apigateway", "invoke":
            return requests.api_gateway(command, execution, work)
        case _:
            return calls.call(command, execution, work)
