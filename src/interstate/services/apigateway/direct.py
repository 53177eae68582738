"""Direct integrations of HTTP APIs: a route calls an AWS service without a function between, in the same transaction.

The answer is the service's own, as JSON. (For SQS, AWS answers some clients in XML; here it is JSON for every service.)

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import JSON, BrokenJSON, dumps, dumps_bytes, loads
from interstate.base.numbers import whole_number
from interstate.base.time import parse_iso, to_epoch_s
from interstate.services.apigateway.errors import BadRequestException
from interstate.services.apigateway.exchange import Exchange, message
from interstate.services.apigateway.mapping import resolve_parameter
from interstate.services.doors import Response
from interstate.store.ports import Work


class Direct(msgspec.Struct, frozen=True):
    """A subtype: which operation it calls, which parameters it takes."""

    service: str
    operation: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    request: Callable[[dict[str, Any]], dict[str, Any]] | None = None


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else dumps(value)


def _json(name: str, value: JSON) -> JSON:
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except BrokenJSON as error:
        raise BadRequestException(f"Invalid value for parameter {name}: {error}") from error


def _put_events(parameters: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {name: _text(value) for name, value in parameters.items()}
    if "Resources" in parameters:
        listed = parameters["Resources"]
        is_list = isinstance(listed, list) or _text(listed).lstrip().startswith("[")
        entry["Resources"] = _json("Resources", listed) if is_list else _text(listed).split(",")
    if "Time" in parameters:
        entry["Time"] = _instant(entry["Time"])
    return {"Entries": [entry]}


def _instant(text: str) -> datetime:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise BadRequestException(f"Invalid value for parameter Time: {error}") from error


def _send_message(parameters: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {name: _text(value) for name, value in parameters.items()}
    if "DelaySeconds" in request:
        request["DelaySeconds"] = _number("DelaySeconds", request["DelaySeconds"])
    for name in ("MessageAttributes", "MessageSystemAttributes"):
        if name in parameters:
            request[name] = _json(name, parameters[name])
    return request


def _receive_message(parameters: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {name: _text(value) for name, value in parameters.items()}
    for name in ("MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds"):
        if name in request:
            request[name] = _number(name, request[name])
    for name in ("AttributeNames", "MessageAttributeNames"):
        if name in parameters:
            request[name] = _json(name, parameters[name])
    return request


def _number(name: str, text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise BadRequestException(f"Invalid value for parameter {name}: {text}")
    return number


def _camel(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: _text(value) for name, value in parameters.items()}


SUBTYPES: Final[Mapping[str, Direct]] = {
    "EventBridge-PutEvents": Direct(
        "events",
        "PutEvents",
        ("Detail", "DetailType", "Source"),
        ("EventBusName", "Resources", "Time", "TraceHeader"),
        _put_events,
    ),
    "SQS-DeleteMessage": Direct("sqs", "DeleteMessage", ("ReceiptHandle", "QueueUrl")),
    "SQS-PurgeQueue": Direct("sqs", "PurgeQueue", ("QueueUrl",)),
    "SQS-ReceiveMessage": Direct(
        "sqs",
        "ReceiveMessage",
        ("QueueUrl",),
        ("AttributeNames", "MaxNumberOfMessages", "MessageAttributeNames", "VisibilityTimeout", "WaitTimeSeconds"),
        _receive_message,
    ),
    "SQS-SendMessage": Direct(
        "sqs",
        "SendMessage",
        ("MessageBody", "QueueUrl"),
        (
            "DelaySeconds",
            "MessageAttributes",
            "MessageDeduplicationId",
            "MessageGroupId",
            "MessageSystemAttributes",
        ),
        _send_message,
    ),
    "StepFunctions-StartExecution": Direct(
        "stepfunctions", "StartExecution", ("StateMachineArn",), ("Input", "Name"), _camel
    ),
    "StepFunctions-StartSyncExecution": Direct(
        "stepfunctions", "StartSyncExecution", ("StateMachineArn",), ("Input", "Name", "TraceHeader"), _camel
    ),
    "StepFunctions-StopExecution": Direct(
        "stepfunctions", "StopExecution", ("ExecutionArn",), ("Cause", "Error"), _camel
    ),
}


def check_parameters(subtype: str, parameters: Mapping[str, str]) -> None:
    """Check what a direct integration maps.

    Raises:
        BadRequestException: a required parameter is missing, or one is unknown.
    """
    direct = SUBTYPES[subtype]
    missing = [name for name in direct.required if name not in parameters]
    if missing:
        raise BadRequestException(f"Required parameters are missing for {subtype}: {', '.join(missing)}")
    known = {*direct.required, *direct.optional, "Region"}
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise BadRequestException(f"Invalid parameters for {subtype}: {', '.join(unknown)}")


class Call(msgspec.Struct, frozen=True):
    """The call that a request means."""

    service: str
    operation: str
    request: dict[str, Any]
    caller: Caller


def call_of(exchange: Exchange) -> Call:
    """What a request to a direct integration calls.

    Raises:
        BadRequestException: the request lacks what the integration needs.
    """
    integration = exchange.route.integration
    assert integration is not None
    direct = SUBTYPES[integration.subtype]
    parameters = {name: resolve_parameter(name, source, exchange) for name, source in integration.parameters.items()}
    region = _text(parameters.pop("Region", exchange.region))
    request = (
        direct.request(parameters) if direct.request else {name: _text(value) for name, value in parameters.items()}
    )
    return Call(direct.service, direct.operation, request, Caller(exchange.account, region))


def carry_out(exchange: Exchange, work: Work) -> Response:
    """Call the service; its refusal is the response."""
    try:
        call = call_of(exchange)
        answer = work.call(call.service, call.operation, call.request, caller=call.caller)
    except ServiceError as error:
        return message(error.status, error.message)
    return answered(answer)


def answered(answer: Any) -> Response:
    """A service's answer as JSON."""
    return Response(200, [("content-type", "application/json")], dumps_bytes(_plain(answer)))


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case datetime():
            return to_epoch_s(value)
        case bytes():
            return value.decode(errors="replace")
        case _:
            return value
