"""Tasks that are calls inside the store: queue, topic, bus, table, and every operation that Interstate has.

They run in the transaction of the step that starts them: same commit, no network, exactly once.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html; answers recorded from Step Functions.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from interstate.base.errors import ServiceError
from interstate.base.json import JSONObject, dumps, loads
from interstate.core.asl.errors import DATA_LIMIT_EXCEEDED
from interstate.core.asl.parse_task import parse_resource
from interstate.core.asl.vocabulary import DATA_SIZE_MAX, Execution, StartTask
from interstate.services.states.integrations.credentials import caller_for
from interstate.services.states.integrations.failures import told
from interstate.services.states.integrations.integrity import protect
from interstate.services.states.integrations.metadata import sdk_metadata
from interstate.services.states.integrations.outcome import Answered, Failed, Outcome, Outside, Submitted
from interstate.services.states.integrations.resources import SDK, speaker_of
from interstate.services.states.integrations.shapes import operation_named, to_request, to_result
from interstate.store.ports import Work
from interstate.store.records.states import ApiAnswer, ApiCall, Place

_OUTSIDE = frozenset({("apigateway", "TestInvokeMethod")})
"""Operations that need the outside themselves: they are called from there."""
_WAITING: Mapping[tuple[str, str], str] = {
    ("stepfunctions", "GetActivityTask"): "TaskToken",
    ("sqs", "ReceiveMessage"): "Messages",
}
"""Long polls, and the member that an answer has when there was something. What is there is taken in this transaction; where
nothing is, the call waits outside."""


def call(command: StartTask, execution: Execution, work: Work) -> Outcome | Outside:
    """Call the operation that the Task's Resource names, with its parameters."""
    resource = command.resource
    service = speaker_of(resource).botocore
    operation = operation_named(service, resource.action)
    assert operation is not None, resource
    if (service, operation) in _OUTSIDE:
        return _from_outside(command, execution)
    given = command.input.value
    request = to_request(service, operation, given if isinstance(given, dict) else {})
    if (fault := _prepare(resource.type, operation, request, execution)) is not None:
        return fault
    try:
        answer = work.call(service, operation, request, caller=caller_for(command, execution))
    except ServiceError as error:
        return told(error, resource, command.request_id)
    result = to_result(service, operation, answer)
    awaited = _WAITING.get((service, operation))
    if awaited is not None and not result.get(awaited) and _would_wait(service, request):
        return _from_outside(command, execution)
    if resource.type == "events" and result.get("FailedEntryCount"):
        return Failed("EventBridge.FailedEntry", dumps(result))
    if not resource.type.startswith(SDK) and resource.type != "events":
        result |= sdk_metadata(resource.type, command.request_id, len(dumps(result)), work.now)
    return ended(result, command)


def _would_wait(service: str, request: Mapping[str, Any]) -> bool:
    return service != "sqs" or bool(request.get("WaitTimeSeconds"))


def _from_outside(command: StartTask, execution: Execution) -> Outside:
    caller = caller_for(command, execution)
    body = ApiCall(
        place=Place(execution.id, command.frame, command.visit),
        resource=command.resource.arn,
        input=command.input.text,
        request_id=command.request_id,
        execution_arn=execution.arn,
        account=caller.account,
        region=caller.region,
    )
    return Outside("states.call", body, taken)


def taken(answer: ApiAnswer) -> Answered | Failed:
    """What a call from outside came to."""
    return Failed(answer.error, answer.cause) if answer.error else Answered(answer.output)


def request_of(body: ApiCall) -> tuple[str, str, dict[str, Any]]:
    """Service, operation and request of a call from outside."""
    resource = parse_resource(body.resource)
    assert resource is not None, body
    service = speaker_of(resource).botocore
    operation = operation_named(service, resource.action)
    assert operation is not None, body
    given = loads(body.input)
    return service, operation, to_request(service, operation, given if isinstance(given, dict) else {})


def answer_of(body: ApiCall, outcome: Mapping[str, Any] | ServiceError) -> ApiAnswer:
    """What the operation answered, or refused, in the Task's words."""
    resource = parse_resource(body.resource)
    assert resource is not None, body
    if isinstance(outcome, ServiceError):
        failed = told(outcome, resource, body.request_id)
        return ApiAnswer(error=failed.error, cause=failed.cause or "")
    service = speaker_of(resource).botocore
    operation = operation_named(service, resource.action)
    assert operation is not None, body
    return ApiAnswer(output=dumps(to_result(service, operation, outcome)))


def ended(result: JSONObject, command: StartTask) -> Outcome:
    """A result as the Task's answer; a Task with a token waits on."""
    output = dumps(result)
    if len(output.encode()) > DATA_SIZE_MAX:
        return Failed(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{command.resource.type}' returned a result with a size exceeding the maximum number of "
            "bytes service limit.",
        )
    return Submitted(output) if command.resource.pattern else Answered(output)


def _prepare(kind: str, operation: str, request: dict[str, Any], execution: Execution) -> Failed | None:
    """What Step Functions adds to a request, or finds out before it sends one."""
    match kind:
        case "aws-sdk:s3":
            protect(operation, request)
        case "events":
            _name_the_sender(request.get("Entries"), execution)
        case "sqs":
            return _unreachable(request.get("QueueUrl"))
    return None


def _name_the_sender(entries: Any, execution: Execution) -> None:
    """Each event's resources end with the machine and the execution. What is no event is left to EventBridge to refuse."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(resources := entry.get("Resources", []), list):
            entry["Resources"] = [*resources, execution.machine_arn, execution.arn]


def _unreachable(url: Any) -> Failed | None:
    """A queue URL without account and name: its first part is taken for a host, which nobody finds."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:  # An address that opens a bracket and closes none.
        host = url
    else:
        if len([part for part in parts.path.split("/") if part]) >= 2:
            return None
        host = parts.hostname or url
    return Failed("SQS.SdkClientException", f"Unable to execute HTTP request: {host}: Name or service not known")
