"""Answers of the query protocol as JSON, for callers that say ``Accept: application/json``.

API Gateway's integrations and scripts without an XML parser ask for it: SQS and SNS answer with the names of the XML document, members in
the order of their names, and null where there is nothing. The maps of SQS are lists of names and values, as in its forms.

Source: https://docs.aws.amazon.com/prescriptive-guidance/latest/patterns/integrate-amazon-api-gateway-with-amazon-sqs-to-handle-asynchronous-rest-apis.html
(an answer to SendMessage); mapping templates that read ``$.ReceiveMessageResponse.ReceiveMessageResult.messages``
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interstate.base.time import to_epoch_s
from interstate.wire.messages import Request, Response
from interstate.wire.model import OperationModel, ServiceModel, Shape
from interstate.wire.refusals import Refusal, query_message
from interstate.wire.writing import json_bytes

_JSON = (b"content-type", b"application/json")
# SQS's lists of whole answers keep the names that they had before its models.
_NAMES: Mapping[tuple[str, str], str] = {
    ("ReceiveMessage", "Messages"): "messages",
    ("ListQueues", "QueueUrls"): "queueUrls",
}


def wants_json(request: Request) -> bool:
    """Whether the answer to a query request is to be JSON."""
    return request.headers.get(b"accept", b"").startswith(b"application/json")


def encode(
    model: ServiceModel, operation: OperationModel, answer: Mapping[str, Any] | None, request_id: bytes
) -> Response:
    """An operation's answer."""
    inside: dict[str, Any] = {}
    if operation.output and operation.wrapper:
        result = _structure(model, model.shapes[operation.output], answer or {})
        if model.metadata.name == "sqs":
            result = {_NAMES.get((operation.name, name), name): value for name, value in result.items()}
        inside[operation.wrapper] = result
    inside["ResponseMetadata"] = {"RequestId": request_id.decode()}
    document = {f"{operation.name}Response": dict(sorted(inside.items()))}
    return Response(200, [_JSON, (b"x-amzn-requestid", request_id)], json_bytes(document))


def refuse(refusal: Refusal, request_id: bytes) -> Response:
    """An error."""
    error = {
        "Code": refusal.code,
        "Message": query_message(refusal),
        "Type": "Sender" if refusal.sender else "Receiver",
    }
    body = json_bytes({"Error": error, "RequestId": request_id.decode()})
    return Response(refusal.status, [_JSON, (b"x-amzn-requestid", request_id)], body)


def _structure(model: ServiceModel, shape: Shape, value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        member.name: _value(model, member.shape, value.get(member.name))
        for member in sorted(shape.members, key=lambda member: member.name)
        if not member.location
    }


def _value(model: ServiceModel, name: str, value: Any) -> Any:
    shape = model.shapes[name]
    match value, shape.kind:
        case None, _:
            return None
        case _, "structure":
            return _structure(model, shape, value)
        case _, "list":
            assert shape.element is not None
            return [_value(model, shape.element.shape, item) for item in value]
        case _, "map":
            return _map(model, shape, value)
        case datetime(), _:
            return to_epoch_s(value)
        case bytes(), _:
            return b64encode(value).decode()
    return value


def _map(model: ServiceModel, shape: Shape, value: Mapping[str, Any]) -> Any:
    assert shape.element is not None
    assert shape.key is not None
    written = {key: _value(model, shape.element.shape, item) for key, item in value.items()}
    if not shape.flattened:
        return written
    return [{shape.key.query: key, shape.element.query: item} for key, item in written.items()]
