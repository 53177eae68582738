"""Lambda's asynchronous queue: every accepted event is a due row until it has succeeded or was given up.

Theory of operation
-------------------
``Invoke`` with the type Event, and every service that calls a function without waiting, leaves a due effect "lambda.invoke".
When an attempt has ended, the same commit either leaves the next attempt (same request id, at its time) or hands the
event to its destination and dead-letter queue. Accepted is delivered, in the order of the store.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import caller_of, parse_arn
from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.base.time import to_millis
from interstate.core.functions.destinations import Outcome, dead_letter_attributes, record
from interstate.core.functions.retry import THROTTLED, Again, Attempt, Condition, Leave, after
from interstate.services.lambda_ import metrics
from interstate.services.lambda_.errors import RecursiveInvocationException
from interstate.services.lambda_.locate import log_group_of, version_of
from interstate.services.logs.streams import write
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    EVENT_INVOKE_CONFIGS,
    FUNCTIONS,
    LATEST,
    EventInvokeConfig,
    FunctionVersion,
    Invocation,
    InvocationResult,
)

ORIGIN = "lambda.async"


def accept(call: Invocation, work: Work) -> None:
    """Take an event into the queue."""
    work.later("lambda.invoke", msgspec.structs.replace(call, origin=ORIGIN, accepted=work.now))
    metrics.measure(work, call.function, "AsyncEventsReceived")


def drop(call: Invocation, work: Work) -> None:
    """Take an event that would go on with a loop: it is not tried, and goes where those go that failed.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    metrics.measure(work, call.function, "AsyncEventsReceived")
    error = RecursiveInvocationException()
    refused = InvocationResult(error.message, refused=error.code)
    body = msgspec.structs.replace(call, origin=ORIGIN, accepted=work.now)
    version = version_of(work, body.function, body.qualifier)
    assert version is not None, body.function
    metrics.measure(work, body.function, "AsyncEventsDropped")
    targets = _targets(version, config_of(work, body.function, body.qualifier), success=False)
    _tell(body, refused, Condition.RETRIES_EXHAUSTED, targets, work)


def finish(body: Invocation, result: InvocationResult, work: Work) -> None:
    """Decide what comes after an attempt, in the commit that ends it."""
    version = version_of(work, body.function, body.qualifier)
    if version is None:  # The function was deleted: its queue went with it.
        return
    config = config_of(work, body.function, body.qualifier)
    function = work.get(FUNCTIONS, body.function)
    off = function is not None and function.reserved_concurrency == 0
    attempt = Attempt(body.attempt, body.accepted or work.now, work.now, not result.ok, result.refused, off)
    age_max = timedelta(seconds=config.age_s_max) if config is not None and config.age_s_max is not None else None
    match after(attempt, retries=config.retries if config is not None else None, age_max=age_max):
        case Again(at=at, counts=counts):
            number = body.attempt + 1 if counts else body.attempt
            work.later("lambda.invoke", msgspec.structs.replace(body, attempt=number), at=at)
        case Leave(condition=condition):
            if condition is not Condition.SUCCESS:
                metrics.measure(work, body.function, "AsyncEventsDropped")
            targets = _targets(version, config, success=condition is Condition.SUCCESS)
            _tell(body, result, condition, targets, work)


def config_of(work: Work, function: str, qualifier: str | None) -> EventInvokeConfig | None:
    """What was configured for calls under a qualifier."""
    return work.get(EVENT_INVOKE_CONFIGS, function, qualifier or LATEST)


class Targets(msgspec.Struct, frozen=True):
    """Who hears of an event that leaves the queue, and where that they could not be reached is written."""

    destination: str | None
    dead_letters: str | None
    log_group: str


def _targets(version: FunctionVersion, config: EventInvokeConfig | None, *, success: bool) -> Targets:
    group = log_group_of(version)
    if success:
        return Targets(config.on_success if config is not None else None, None, group)
    return Targets(config.on_failure if config is not None else None, version.dead_letter_arn, group)


def _tell(body: Invocation, result: InvocationResult, condition: Condition, targets: Targets, work: Work) -> None:
    """Hand the event to its destination and its dead-letter queue.

    One that refuses loses the record, as on AWS; the function's log says so, where somebody can see it.
    """
    outcome = Outcome(
        request_id=body.request_id,
        function_arn=f"{body.function}:{body.qualifier or LATEST}",
        attempts=body.attempt - (result.refused in _NOT_CALLED),
        executed_version=result.executed_version,
        payload=body.payload,
        answer=result.payload,
        function_error=result.function_error,
        status=200 if result.refused is None else _STATUS.get(result.refused, 404),
    )
    problems = []
    if targets.destination is not None:
        try:
            _send(targets.destination, record(outcome, condition, work.now), work)
        except ServiceError as error:
            problems.append((targets.destination, error))
    if targets.dead_letters is not None:
        try:
            _bury(targets.dead_letters, body.payload, dead_letter_attributes(outcome), work)
        except ServiceError as error:
            problems.append((targets.dead_letters, error))
    stream = result.log_stream or f"{work.now:%Y/%m/%d}/[{result.executed_version}]undelivered"
    for target, refusal in problems:
        metrics.measure(work, body.function, _PROBLEM_METRICS[target == targets.dead_letters])
        text = f"[The record of {body.request_id} could not be sent to {target}: {refusal.code}: {refusal.message}]\n"
        write(work, caller_of(body.function), targets.log_group, stream, [(to_millis(work.now), text)])


_STATUS = {"TooManyRequestsException": 429, "ServiceException": 500, "RecursiveInvocationException": 400}
_NOT_CALLED = THROTTLED | {"RecursiveInvocationException"}
_PROBLEM_METRICS = {True: "DeadLetterErrors", False: "DestinationDeliveryFailures"}


def _bury(target: str, payload: str, attributes: dict[str, dict[str, str]], work: Work) -> None:
    caller = caller_of(target)
    if ":sqs:" in target:
        request = {"QueueUrl": queue_url(target), "MessageBody": payload, "MessageAttributes": attributes}
        work.call("sqs", "SendMessage", request, caller=caller)
    else:
        request = {"TopicArn": target, "Message": payload, "MessageAttributes": attributes}
        work.call("sns", "Publish", request, caller=caller)


def put_object(bucket_arn: str, key: str, text: str, work: Work) -> None:
    """Leave a record in a bucket, under a key that tells when.

    Raises:
        ServiceError: there is no such bucket.
    """
    name = f"{key}/{work.now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{work.entropy.uuid()}"
    bucket = bucket_arn.rsplit(":", 1)[1]
    work.call("s3", "PutObject", {"Bucket": bucket, "Key": name, "Body": text.encode()})


def send_text(target: str, text: str, work: Work) -> None:
    """Leave a text in a queue, or at a topic's subscribers.

    Raises:
        ServiceError: there is no such queue or topic, or it refuses.
    """
    caller = caller_of(target)
    if ":sqs:" in target:
        work.call("sqs", "SendMessage", {"QueueUrl": queue_url(target), "MessageBody": text}, caller=caller)
    else:
        work.call("sns", "Publish", {"TopicArn": target, "Message": text}, caller=caller)


def _send(target: str, document: dict[str, Any], work: Work) -> None:
    """Leave a record at a destination: a queue, a topic, a function or a bus."""
    arn = parse_arn(target)
    assert arn is not None, target
    caller, text = caller_of(target), dumps(document)
    match arn.service:
        case "sqs":
            work.call("sqs", "SendMessage", {"QueueUrl": queue_url(target), "MessageBody": text}, caller=caller)
        case "sns":
            work.call("sns", "Publish", {"TopicArn": target, "Message": text}, caller=caller)
        case "lambda":
            request = {"FunctionName": target, "InvocationType": "Event", "Payload": text.encode()}
            work.call("lambda", "Invoke", request, caller=caller)
        case "events":
            success = document["requestContext"]["condition"] == Condition.SUCCESS.value
            entry = {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {'Success' if success else 'Failure'}",
                "Resources": [target, document["requestContext"]["functionArn"]],
                "Detail": text,
                "EventBusName": target,
            }
            work.call("events", "PutEvents", {"Entries": [entry]}, caller=caller)
        case "s3":
            name = document["requestContext"]["functionArn"].split(":")[6]
            put_object(target, f"aws/lambda/async/{name}", text, work)
        case _:
            raise AssertionError(target)


def queue_url(arn: str) -> str:
    """A URL that names a queue inside the process."""
    parsed = parse_arn(arn)
    assert parsed is not None, arn
    return f"http://localhost/{parsed.account}/{parsed.resource}"
