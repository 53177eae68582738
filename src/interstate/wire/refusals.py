"""Errors as responses, in the words of each protocol.

Sources: https://smithy.io/2.0/aws/protocols/ (aws-json, aws-query, rest-json, rpc-v2-cbor: "Operation error
serialization"); https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-api-responses.html
"""

from collections.abc import Mapping
from typing import Any

from interstate.base.errors import ServiceError
from interstate.wire import sqs_query
from interstate.wire.cbor import cbor_bytes
from interstate.wire.messages import Response
from interstate.wire.model import Fault, ServiceModel
from interstate.wire.writing import json_bytes, xml_text

# Some services put a name space before ``__type``; SDKs cut it off, older tools look at it.
_NAMESPACES: Mapping[str, str] = {
    "sqs": "com.amazonaws.sqs#",
    "dynamodb": "com.amazonaws.dynamodb.v20120810#",
    "dynamodbstreams": "com.amazonaws.dynamodb.v20120810#",
}
_CORAL: Mapping[str, str] = {
    "SerializationException": "com.amazon.coral.service#",
    "UnknownOperationException": "com.amazon.coral.service#",
    "ValidationException": "com.amazon.coral.validate#",
}


_NO_SERVICE = "http://webservices.amazon.com/AWSFault/2005-15-09"
"""Where an error stands that the front door answers before a service does.

Source: https://github.com/boto/boto/issues/442 (the answer to an action that there is not).
"""


class Refusal:
    """An error with what its service's model says about it."""

    def __init__(self, error: ServiceError, model: ServiceModel | None) -> None:
        name, fault = error.code, Fault(status=error.status, sender=error.status < 500)
        shape = None
        if model is not None and error.code in model.faults:
            name, fault = model.faults[error.code]
            shape = model.shapes[name]
        self.message = error.message
        self.members = dict(error.members)
        self.name = name
        self.code = fault.code or name
        self.status = fault.status
        self.sender = fault.sender
        self.service = model.metadata.name if model else ""
        self.query_compatible = bool(model and model.metadata.query_compatible)
        self.namespace = model.metadata.xml_namespace if model else ""
        if self.service == "sqs" and shape is None:
            self.name = sqs_query.JSON_NAMES.get(name, name)
        known = [member.name for member in shape.members] if shape else []
        self.message_member = next((member for member in known if member.lower() == "message"), "message")
        self.has_type = "Type" in known

    def query_error(self) -> list[tuple[bytes, bytes]]:
        """The header by which clients of services that left the query protocol keep their error codes."""
        if not self.query_compatible:
            return []
        side = "Sender" if self.sender else "Receiver"
        return [(b"x-amzn-query-error", f"{self.code};{side}".encode())]


def refuse_json(refusal: Refusal, request_id: bytes, json_version: str) -> Response:
    """``{"__type": "...", "message": "..."}`` and the error's own members."""
    prefix = _NAMESPACES.get(refusal.service, "")
    if prefix:
        prefix = _CORAL.get(refusal.name, prefix)
    body = json_bytes(
        {"__type": prefix + refusal.name, refusal.message_member: refusal.message, **_json_members(refusal)}
    )
    headers = [
        (b"content-type", f"application/x-amz-json-{json_version}".encode()),
        (b"x-amzn-requestid", request_id),
        *refusal.query_error(),
    ]
    return Response(refusal.status, headers, body)


def refuse_rest_json(refusal: Refusal, request_id: bytes) -> Response:
    """The error's name in a header, its message in the body."""
    body: dict[str, Any] = {refusal.message_member: refusal.message, **_json_members(refusal)}
    if refusal.has_type:
        body = {"Type": "User" if refusal.sender else "Server", **body}
    headers = [
        (b"content-type", b"application/json"),
        (b"x-amzn-errortype", refusal.name.encode()),
        (b"x-amzn-requestid", request_id),
    ]
    return Response(refusal.status, headers, json_bytes(body))


def query_message(refusal: Refusal) -> str:
    """The message as the query protocol words it."""
    return (
        sqs_query.QUERY_MESSAGES.get(refusal.message, refusal.message) if refusal.service == "sqs" else refusal.message
    )


def refuse_query(refusal: Refusal, request_id: bytes) -> Response:
    """An ``ErrorResponse`` document."""
    side = "Sender" if refusal.sender else "Receiver"
    message, detail = query_message(refusal), "<Detail/>" if refusal.service == "sqs" else ""
    document = (
        f'<ErrorResponse xmlns="{refusal.namespace or _NO_SERVICE}"><Error><Type>{side}</Type><Code>{xml_text(refusal.code)}</Code>'
        f"<Message>{xml_text(message)}</Message>{detail}</Error>"
        f"<RequestId>{request_id.decode()}</RequestId></ErrorResponse>"
    )
    headers = [(b"content-type", b"text/xml"), (b"x-amzn-requestid", request_id)]
    if refusal.service == "sqs" and refusal.name == "UnknownOperationException":  # A queue's address without an action.
        document = "<UnknownOperationException/>"
    return Response(refusal.status, headers, document.encode())


def refuse_rest_xml(refusal: Refusal, request_id: bytes) -> Response:
    """An ``Error`` document, as S3 writes it."""
    members = "".join(f"<{name}>{xml_text(value)}</{name}>" for name, value in _json_members(refusal).items())
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{xml_text(refusal.code)}</Code><Message>{xml_text(refusal.message)}</Message>{members}"
        f"<RequestId>{request_id.decode()}</RequestId><HostId>interstate</HostId></Error>"
    )
    headers = [(b"content-type", b"application/xml"), (b"x-amz-request-id", request_id)]
    if refusal.status == 304:  # Nothing but headers may follow.
        return Response(304, headers[1:], b"")
    return Response(refusal.status, headers, document.encode())


def refuse_cbor(refusal: Refusal, request_id: bytes) -> Response:
    """A CBOR map: the error's name under ``__type``, its message and its members."""
    body = cbor_bytes({"__type": refusal.name, refusal.message_member: refusal.message, **_json_members(refusal)})
    headers = [
        (b"content-type", b"application/cbor"),
        (b"smithy-protocol", b"rpc-v2-cbor"),
        (b"x-amzn-requestid", request_id),
        *refusal.query_error(),
    ]
    return Response(refusal.status, headers, body)


def _json_members(refusal: Refusal) -> dict[str, Any]:
    return {name: value for name, value in refusal.members.items() if value is not None}
