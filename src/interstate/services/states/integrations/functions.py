"""Tasks that call functions: by the function's ARN, or by ``lambda:invoke``.

The call is an effect ("lambda.invoke") with the origin "states.task": it is repeated under the same request id after a crash,
and its answer comes back as the due step "states.task_answer". ``origin_data`` says which Task asked, and in which *form* it
wants the answer: "plain" (the function's answer itself), "envelope" (as the Invoke API answers), "token" (an envelope that
shows only that the call was accepted), "sdk" (as ``aws-sdk:lambda:invoke`` answers).

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html; answers recorded from Step Functions.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.arn import Caller, parse_arn
from interstate.base.errors import ServiceError
from interstate.base.json import JSON, BrokenJSON, JSONObject, dumps, loads
from interstate.core.asl.definition import Resource
from interstate.core.asl.errors import DATA_LIMIT_EXCEEDED, TASK_FAILED
from interstate.core.asl.vocabulary import DATA_SIZE_MAX, Execution, StartTask
from interstate.services.states.integrations.credentials import caller_for
from interstate.services.states.integrations.failures import told
from interstate.services.states.integrations.metadata import sdk_metadata
from interstate.services.states.integrations.outcome import Answered, Failed, Outcome, Outside, Submitted
from interstate.store.ports import Work
from interstate.store.records.lambda_ import FUNCTIONS, LATEST, Invocation, InvocationResult, TaskAnswer

PLAIN, ENVELOPE, TOKEN, SDK = "plain", "envelope", "token", "sdk"
_INVOKE = Resource("arn:aws:states:::lambda:invoke", "service", "lambda", "invoke")


class _NoSuchFunction(ServiceError):
    code = "ResourceNotFoundException"
    status = 404


class _Call(msgspec.Struct, frozen=True):
    """Which function to call with what, and how its answer is wanted."""

    name: str
    payload: str
    form: str
    qualifier: str | None = None
    parameters: Mapping[str, JSON] = {}


def call_plain(command: StartTask, execution: Execution, work: Work) -> Outcome | Outside:
    """A Task whose Resource is a function's ARN: it is given the Task's input as it is."""
    return _called(_Call(command.resource.arn, command.input.text, PLAIN), command, execution, work)


def invoke(command: StartTask, execution: Execution, work: Work) -> Outcome | Outside:
    """``lambda:invoke``: Parameters are those of the Invoke API, with Payload as JSON."""
    parameters = command.input.value
    if not isinstance(parameters, dict) or not isinstance(parameters.get("FunctionName"), str):
        return Failed(TASK_FAILED, "The field 'FunctionName' is required but was missing", state_fault=True)
    form = TOKEN if command.resource.pattern else ENVELOPE if command.resource.type == "lambda" else SDK
    qualifier = parameters.get("Qualifier")
    call = _Call(
        name=parameters["FunctionName"],
        payload=_payload(parameters.get("Payload")),
        form=form,
        qualifier=qualifier if isinstance(qualifier, str) else None,
        parameters=parameters,
    )
    return _called(call, command, execution, work)


def _payload(payload: JSON) -> str:
    """What the function is given: JSON. A text that is JSON already goes as it is; nothing is an empty object."""
    if payload is None:
        return "{}"
    if isinstance(payload, str):
        try:
            loads(payload)
        except BrokenJSON:
            return dumps(payload)
        return payload
    return dumps(payload)


def _called(call: _Call, command: StartTask, execution: Execution, work: Work) -> Outcome | Outside:
    function, named = function_arn(call.name, caller_for(command, execution))
    call = msgspec.structs.replace(call, name=function, qualifier=call.qualifier or named)
    if work.get(FUNCTIONS, function) is None:
        missing = _NoSuchFunction(f"Function not found: {function}:{call.qualifier or LATEST}")
        return told(missing, _INVOKE, command.request_id)
    if call.parameters.get("InvocationType") == "Event":
        return _queued(call, command, caller_for(command, execution), work)
    body = Invocation(
        request_id=command.request_id,
        function=function,
        payload=call.payload,
        qualifier=call.qualifier,
        origin="states.task",
        origin_data={
            "execution": execution.id,
            "frame": command.frame,
            "visit": command.visit,
            "form": call.form,
            "label": command.resource.arn if call.form == PLAIN else command.resource.type,
        },
        client_context=_client_context(call.parameters.get("ClientContext")),
        trace=execution.trace_header or None,
        tail=call.parameters.get("LogType") == "Tail",
    )
    return Outside("lambda.invoke", body, lambda result: _taken(body, result, work.now))


def _taken(body: Invocation, result: InvocationResult, now: datetime) -> Answered | Failed:
    """The answer of a call that nobody left in the store."""
    from interstate.services.lambda_.invoke import task_answer  # noqa: PLC0415 - Lambda's operations name these too

    outcome = function_answer(task_answer(body, result), now)
    assert not isinstance(outcome, Submitted), body
    return outcome


def _queued(call: _Call, command: StartTask, caller: Caller, work: Work) -> Answered | Failed | Submitted:
    """InvocationType Event: Lambda's own queue takes the call."""
    request: dict[str, Any] = {
        "FunctionName": call.name,
        "InvocationType": "Event",
        "Payload": call.payload.encode(),
    }
    if call.qualifier:
        request["Qualifier"] = call.qualifier
    try:
        work.call("lambda", "Invoke", request, caller=caller)
    except ServiceError as error:
        return told(error, _INVOKE, command.request_id)
    answer: JSONObject = {"Payload": "", "StatusCode": 202}
    if call.form != SDK:
        answer |= sdk_metadata("lambda", command.request_id, 0, work.now)
    return Submitted(dumps(answer)) if call.form == TOKEN else Answered(dumps(answer))


def _client_context(text: JSON) -> str | None:
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def function_arn(name: str, caller: Caller) -> tuple[str, str | None]:
    """A function's ARN without qualifier, and the qualifier, of all that Lambda takes as a name.

    ``name``, ``name:alias``, ``123456789012:function:name`` and ARNs; account and region are the caller's unless told
    (definitions in public collections leave them out of ARNs).
    """
    arn = parse_arn(name)
    if arn is not None:
        rest = arn.resource.removeprefix("function:")
        region, account = arn.region or caller.region, arn.account or caller.account
    else:
        before, found, after = name.rpartition("function:")
        region, account = caller.region, before.rstrip(":") if found and before else caller.account
        rest = after
    bare, _, qualifier = rest.partition(":")
    return f"arn:aws:lambda:{region}:{account}:function:{bare}", qualifier or None


# Answers ---------------------------------------------------------------------------------------------------------


def function_answer(answer: TaskAnswer, now: datetime) -> Answered | Failed | Submitted:
    """What a function's answer means to the Task that asked."""
    form, label = answer.origin_data["form"], answer.origin_data["label"]
    if not answer.ok and form == SDK and answer.error and not answer.error.startswith("Lambda."):
        return Answered(_sdk_output(answer.cause, answer.executed_version, "Unhandled"))
    if not answer.ok:
        return Failed(answer.error, _compact(answer.cause) if form in {ENVELOPE, TOKEN} else answer.cause)
    match form:
        case "plain":
            output = answer.payload
        case "sdk":
            output = _sdk_output(answer.payload, answer.executed_version, None)
        case _:
            output = _envelope(answer, now)
    if len(output.encode()) > DATA_SIZE_MAX:
        return Failed(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{label}' returned a result with a size exceeding the maximum number of bytes service limit.",
        )
    return Submitted(output) if form == TOKEN else Answered(output)


def _compact(document: str) -> str:
    """An error document as lambda:invoke tells it: written anew, without spaces."""
    try:
        return dumps(loads(document))
    except BrokenJSON:
        return document


def _envelope(answer: TaskAnswer, now: datetime) -> str:
    """As the Invoke API answers. The payload is JSON text already, so it is not read again."""
    headers = {"X-Amz-Executed-Version": answer.executed_version, "x-amzn-Remapped-Content-Length": "0"}
    metadata = sdk_metadata("lambda", answer.request_id, len(answer.payload.encode()), now, headers)
    log = f'"LogResult":"{base64.b64encode(answer.log_tail.encode()).decode()}",' if answer.log_tail else ""
    opening = f'{{"ExecutedVersion":{dumps(answer.executed_version)},{log}"Payload":{answer.payload or "null"},'
    return opening + dumps({**metadata, "StatusCode": 200})[1:]


def _sdk_output(payload: str, version: str, fault: str | None) -> str:
    output = {"ExecutedVersion": version, "Payload": payload, "StatusCode": 200}
    return dumps(output | ({"FunctionError": fault} if fault else {}))
