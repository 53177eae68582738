"""Calling functions, and what follows when a call has ended.

Source: Lambda API Reference, Invoke; https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

import contextlib
from base64 import b64decode, b64encode
from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.base.json import BrokenJSON, dumps, loads
from interstate.base.time import to_millis
from interstate.core.functions.embedded_metrics import requests_of
from interstate.core.functions.payload import words_of_broken
from interstate.core.functions.recursion import is_loop
from interstate.core.functions.tracing import lineage_of
from interstate.services.lambda_ import access, asynchronous, following, metrics, polling, streams
from interstate.services.lambda_.errors import (
    InvalidParameterValueException,
    InvalidRequestContentException,
    RecursiveInvocationException,
    RequestTooLargeException,
    ResourceNotFoundException,
    ServiceException,
    TooManyRequestsException,
)
from interstate.services.lambda_.locate import located, log_group_of, version_at, version_of
from interstate.services.logs.streams import write
from interstate.services.operation import Answer, Outcome, Perform, Streaming
from interstate.store.ports import Work
from interstate.store.records.lambda_ import Function, Invocation, InvocationResult, TaskAnswer

# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (invocation payload)
PAYLOAD_BYTES_MAX = 6_291_456
ASYNC_PAYLOAD_BYTES_MAX = 1_048_576
STATE_BYTES_MAX = 262_144  # Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
CLIENT_CONTEXT_BYTES_MAX = 3_583  # Source: Invoke, ClientContext.


class Invoke(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    invocation_type: str = "RequestResponse"
    log_type: str = "None"
    client_context: str | None = None
    payload: bytes = b""
    qualifier: str | None = None
    durable_execution_name: str | None = None
    tenant_id: str | None = None


def invoke(request: Invoke, work: Work) -> Outcome:
    """Call a function and wait, or have it called (``Event``), or only look whether it could be (``DryRun``).

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        InvalidRequestContentException: the payload is not JSON.
        RequestTooLargeException: the payload is too large for this way of calling.
        TooManyRequestsException: the function's reserved concurrency is in use.
        RecursiveInvocationException: the function's own calls have caused this one too often.
    """
    found = located(work, request.function_name, request.qualifier)
    access.check(work, found.function.arn, found.qualifier, access.INVOKE)
    version_at(work, found)
    payload = _payload(request)
    for member, what in (
        (request.durable_execution_name, "durable functions"),
        (request.tenant_id, "tenant isolation"),
    ):
        if member is not None:
            raise NotImplementedHere(what)
    if request.invocation_type == "DryRun":
        return {"StatusCode": 204}
    call = Invocation(
        request_id=work.entropy.uuid(),
        function=found.function.arn,
        payload=payload,
        qualifier=found.qualifier,
        client_context=_client_context(request.client_context),
        trace=work.caller.trace or None,
        tail=request.log_type == "Tail",
    )
    looping = _is_loop(found.function, work)
    if looping:
        metrics.measure(work, call.function, "RecursiveInvocationsDropped")
        if request.invocation_type != "Event":
            raise RecursiveInvocationException
    if request.invocation_type == "Event":
        (asynchronous.drop if looping else asynchronous.accept)(call, work)
        return {"StatusCode": 202, "_RequestId": call.request_id}
    return Perform("lambda.invoke", call, lambda result: _named(call, answered(result)))


def _named(call: Invocation, answer: Answer) -> Answer:
    """The answer goes out under the id by which function and log know the call, as on AWS."""
    return {**(answer or {}), "_RequestId": call.request_id}


_DETECTED = frozenset({"", "sns.amazonaws.com", "s3.amazonaws.com"})
"""Callers through which loops are seen: functions themselves, and these services. (Queues are read by mappings.)"""


def _is_loop(function: Function, work: Work) -> bool:
    caller = work.caller
    if not caller.trace or function.recursion != "Terminate" or caller.service not in _DETECTED:
        return False
    return is_loop(lineage_of(caller.trace), function.arn)


def _payload(request: Invoke) -> str:
    limit = ASYNC_PAYLOAD_BYTES_MAX if request.invocation_type == "Event" else PAYLOAD_BYTES_MAX
    if len(request.payload) > limit:
        raise RequestTooLargeException(limit)
    if not request.payload:
        return "{}"
    try:
        loads(request.payload)
    except BrokenJSON as error:
        raise InvalidRequestContentException(words_of_broken(request.payload)) from error
    return request.payload.decode()


def _client_context(header: str | None) -> str | None:
    """The client context as compact JSON text, which fits into a header."""
    if header is None:
        return None
    try:
        return dumps(loads(b64decode(header, validate=True)[:CLIENT_CONTEXT_BYTES_MAX]))
    except (ValueError, BrokenJSON) as error:
        raise InvalidParameterValueException("Client context must be a valid Base64-encoded JSON object.") from error


def answered(result: InvocationResult) -> Answer:
    """What the caller of a call gets.

    Raises:
        TooManyRequestsException: the function's reserved concurrency was in use.
        ResourceNotFoundException: the function went away meanwhile.
        ServiceException: the call could not be carried out.
    """
    match result.refused:
        case None:
            pass
        case "TooManyRequestsException":
            raise TooManyRequestsException(result.reason or "ReservedFunctionConcurrentInvocationLimitExceeded")
        case "ResourceNotFoundException":
            raise ResourceNotFoundException(result.payload)
        case _:
            raise ServiceException(result.payload)
    answer: dict[str, Any] = {
        "StatusCode": 200,
        "ExecutedVersion": result.executed_version,
        "Payload": result.payload.encode(),
    }
    if result.function_error is not None:
        answer["FunctionError"] = result.function_error
    if result.log_tail:
        answer["LogResult"] = b64encode(result.log_tail.encode()).decode()
    return answer


# The end of a call ------------------------------------------------------------------------------------------------


def finish(body: Invocation, result: InvocationResult, work: Work) -> None:
    """Keep the call's log and count it, and tell whoever wanted the call; one commit with the end of its row."""
    _keep_log(body, result, work)
    metrics.called(body, result, work)
    match body.origin:
        case None:
            pass
        case "states.task":
            work.later("states.task_answer", task_answer(body, result))
        case "lambda.async":
            asynchronous.finish(body, result, work)
        case "lambda.mapping":
            polling.finish(body, result, work)
        case "lambda.stream":
            streams.finish(body, result, work)
        case _:
            raise AssertionError(body.origin)


class InvokeAsync(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    invoke_args: bytes = b""


def invoke_async(request: InvokeAsync, work: Work) -> dict[str, Any]:
    """Have a function called: the old form of ``Invoke`` with the type Event.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    invoke(Invoke(request.function_name, "Event", payload=request.invoke_args), work)
    return {"Status": 202}


class InvokeWithResponseStream(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    invocation_type: str = "RequestResponse"
    log_type: str = "None"
    client_context: str | None = None
    payload: bytes = b""
    qualifier: str | None = None
    tenant_id: str | None = None


def invoke_with_response_stream(request: InvokeWithResponseStream, work: Work) -> Outcome:
    """Call a function; the answer comes as an event stream, which goes out while the handler writes it.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        TooManyRequestsException: the function's reserved concurrency is in use.
    """
    plain = Invoke(
        request.function_name,
        request.invocation_type,
        request.log_type,
        request.client_context,
        request.payload,
        request.qualifier,
        tenant_id=request.tenant_id,
    )
    outcome = invoke(plain, work)
    if not isinstance(outcome, Perform):
        return outcome
    found = located(work, request.function_name, request.qualifier)
    version = version_at(work, found).version
    body = outcome.body
    assert isinstance(body, Invocation)
    streaming = Streaming(
        lambda _type, head: _named(body, _stream(version, [{"PayloadChunk": {"Payload": head}}])),
        lambda data: {"PayloadChunk": {"Payload": data}},
        lambda result: [{"InvokeComplete": _complete(result, answered(result))}],
    )
    return Perform(outcome.kind, body, lambda result: _named(body, _streamed(result, answered(result))), streaming)


def _streamed(result: InvocationResult, answer: Answer) -> Answer:
    assert answer is not None
    if result.streamed is not None:
        content = result.streamed
    else:
        content = b"" if result.function_error is not None else result.payload.encode()
    chunks = [content[begin : begin + CHUNK_BYTES] for begin in range(0, len(content), CHUNK_BYTES)]
    events = [{"PayloadChunk": {"Payload": chunk}} for chunk in chunks]
    return _stream(result.executed_version, [*events, {"InvokeComplete": _complete(result, answer)}])


def _complete(result: InvocationResult, answer: Answer) -> dict[str, Any]:
    """The last event: what went wrong, and the log's tail."""
    complete: dict[str, Any] = {}
    if result.function_error is not None:
        complete = {"ErrorCode": result.function_error, "ErrorDetails": result.payload}
    if answer and "LogResult" in answer:
        complete["LogResult"] = answer["LogResult"]
    return complete


def _stream(version: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "StatusCode": 200,
        "ExecutedVersion": version,
        "ResponseStreamContentType": "application/vnd.amazon.eventstream",
        "EventStream": events,
    }


CHUNK_BYTES = 65_536


def _keep_log(body: Invocation, result: InvocationResult, work: Work) -> None:
    if not result.log:
        return
    version = version_of(work, body.function, result.executed_version)
    if version is None:  # Deleted while it ran.
        return
    events = [(to_millis(line.at), line.message) for line in result.log]
    write(work, caller_of(body.function), log_group_of(version), result.log_stream, events)
    work.wake(following.key_of(body.function))
    for line in result.log:
        for request in requests_of(line.message):
            # What CloudWatch does not take is no metric; the line is kept all the same.
            with contextlib.suppress(ServiceError):
                work.call("cloudwatch", "PutMetricData", request, caller=caller_of(body.function))


def task_answer(body: Invocation, result: InvocationResult) -> TaskAnswer:
    """What a Task's state machine gets: the answer, or an error's name and cause as Catch sees them.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (Lambda.Unknown,
    and names of the exceptions that a handler raises)
    """
    answer = TaskAnswer(
        origin_data=body.origin_data,
        request_id=body.request_id,
        ok=result.ok,
        executed_version=result.executed_version,
        log_tail=result.log_tail,
    )
    if result.ok:
        return _answered_task(answer, result.payload)
    if result.refused is not None:
        status = {"TooManyRequestsException": 429, "ResourceNotFoundException": 404}.get(result.refused, 500)
        cause = f"{result.payload} (Service: Lambda, Status Code: {status}, Request ID: {body.request_id})"
        return msgspec.structs.replace(answer, error=f"Lambda.{result.refused}", cause=cause)
    try:
        document = loads(result.payload)
    except BrokenJSON:
        document = None
    error_type = document.get("errorType") if isinstance(document, dict) else None
    if isinstance(error_type, str) and error_type:
        return msgspec.structs.replace(answer, error=error_type, cause=result.payload)
    cause = (
        "The cause could not be determined because Lambda did not return an error type. "
        f"Returned payload: {result.payload}"
    )
    return msgspec.structs.replace(answer, error="Lambda.Unknown", cause=cause)


def _answered_task(answer: TaskAnswer, payload: str) -> TaskAnswer:
    """A handler can answer NaN, which Python writes and JSON does not know; no state can have it as its data.

    What is larger than a state's data may be fails for that reason, whatever it is; the workflow says so.
    """
    if len(payload) > STATE_BYTES_MAX:
        return msgspec.structs.replace(answer, payload=payload)
    try:
        loads(payload)
    except BrokenJSON as error:
        cause = f"The function's answer is not JSON: {error}"
        return msgspec.structs.replace(answer, ok=False, error="Lambda.Unknown", cause=cause)
    return msgspec.structs.replace(answer, payload=payload)
