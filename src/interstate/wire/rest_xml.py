"""The REST-XML protocol: parameters in path, query, headers and an XML or plain body; answers in headers and XML.

S3 is the one service that speaks it here. Roots of its documents have names of their own.

Source: https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html; the S3 API Reference, "Response Syntax" of each operation.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec

from interstate.wire import aws_chunked
from interstate.wire.form import scalar_of_text
from interstate.wire.messages import Request, Response
from interstate.wire.model import Member, OperationModel, ServiceModel, Shape
from interstate.wire.reading import Problem, Reader, Readers
from interstate.wire.validation import Style, refusal
from interstate.wire.writing import XmlWriters, write_instant, xml_text
from interstate.wire.xml_reading import MalformedXML, XmlReader

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_XML = (b"content-type", b"application/xml")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

ROOTS: Mapping[str, str] = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketTagging": "Tagging",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
"""The root of an operation's document where it is not the output's own name."""

PAYLOAD_ROOTS: Mapping[str, str] = {"CopyObjectResult": "CopyObjectResult", "CopyPartResult": "CopyPartResult"}


class RestXml:
    """The REST-XML codec of one operation."""

    def __init__(self, model: ServiceModel, operation: OperationModel, readers: Readers, style: Style) -> None:
        self._model = model
        self._operation = operation
        self._style = style
        self._input = model.shapes[operation.input] if operation.input else None
        self._output = model.shapes[operation.output] if operation.output else None
        self._check: Reader | None = readers.reader(operation.input) if operation.input else None
        self._xml_reader = XmlReader(model)
        self._writers = XmlWriters(model)

    # Requests ------------------------------------------------------------------------------------------------------

    def decode(self, request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        """The parameters of a request, checked.

        Raises:
            ServiceError: the body or a header cannot be read, or the model refuses a value.
        """
        if self._input is None or self._check is None:
            return {}
        if aws_chunked.is_chunked(request.headers):
            body, headers = aws_chunked.decoded(request.body, request.headers)
            request = msgspec.structs.replace(request, headers=headers, body=body)
        params = self._body(self._input, request)
        query = parse_qs(request.query, keep_blank_values=True) if request.query else {}
        for member in self._input.members:
            value = self._bound(member, request, labels, query) if member.location else None
            if value is not None:
                params[member.name] = value
        problems: list[Problem] = []
        checked: dict[str, Any] = self._check(params, None, problems)
        if problems:
            raise refusal(self._style, problems)
        return checked

    def _body(self, shape: Shape, request: Request) -> dict[str, Any]:
        if not shape.payload:
            return {}
        member = next(member for member in shape.members if member.name == shape.payload)
        kind = self._model.shapes[member.shape].kind
        if kind in ("blob", "string"):
            return {member.name: request.body if kind == "blob" else request.body.decode("utf-8", "replace")}
        if not request.body:
            if member.name in shape.required:
                raise MalformedXML
            return {}
        return {member.name: self._xml_reader.read(member.shape, request.body)}

    def _bound(
        self, member: Member, request: Request, labels: Mapping[str, str], query: Mapping[str, list[str]]
    ) -> Any:
        kind = self._model.shapes[member.shape].kind
        match member.location:
            case "uri":
                return labels.get(member.wire)
            case "header":
                text = request.headers.get(member.wire.lower().encode())
                if text is None:
                    return None
                if kind == "list":
                    return _listed(_text(text))
                return scalar_of_text(kind, _text(text), member.wire)
            case "headers":
                return _prefixed(request, member.wire.lower().encode()) or None
            case _:
                values = query.get(member.wire)
                return None if values is None else scalar_of_text(kind, values[-1], member.wire)

    # Answers -------------------------------------------------------------------------------------------------------

    def encode(self, answer: Mapping[str, Any] | None, request_id: bytes) -> Response:
        """An operation's answer. One with a ``ContentRange`` is a part: 206."""
        answer = answer or {}
        headers = [(b"x-amz-request-id", request_id)]
        if self._output is None:
            return Response(self._operation.status, headers, b"")
        for member in self._output.members:
            value = answer.get(member.name)
            if value is None:
                continue
            if member.location == "header":
                headers.append((member.wire.lower().encode(), _header(value)))
            elif member.location == "headers":
                headers += [((member.wire + name).lower().encode(), _header(item)) for name, item in value.items()]
        status = 206 if answer.get("ContentRange") else self._operation.status
        return self._with_body(self._output, status, headers, answer)

    def _with_body(
        self, shape: Shape, status: int, headers: list[tuple[bytes, bytes]], answer: Mapping[str, Any]
    ) -> Response:
        if shape.payload:
            value = answer.get(shape.payload)
            member = next(member for member in shape.members if member.name == shape.payload)
            if isinstance(value, bytes | str) or value is None:
                return Response(status, headers, value.encode() if isinstance(value, str) else value or b"")
            return self._document(
                status, headers, PAYLOAD_ROOTS.get(member.name, member.wire), self._writers.members(member.shape), value
            )
        if self._operation.name == "GetBucketLocation":
            # The one document whose root is its only member.
            text = xml_text(answer.get("LocationConstraint") or "")
            body = f'{_DECLARATION}<LocationConstraint xmlns="{_NAMESPACE}">{text}</LocationConstraint>'
            return Response(status, [*headers, _XML], body.encode())
        if all(member.location for member in shape.members) or status == 204:
            return Response(status, headers, b"")
        root = ROOTS.get(self._operation.name, f"{self._operation.name}Result")
        return self._document(status, headers, root, self._writers.members(self._operation.output), answer)

    def _document(
        self,
        status: int,
        headers: list[tuple[bytes, bytes]],
        root: str,
        write: Callable[[Mapping[str, Any], list[str]], None],
        value: Mapping[str, Any],
    ) -> Response:
        out = [f'{_DECLARATION}<{root} xmlns="{_NAMESPACE}">']
        write(value, out)
        out.append(f"</{root}>")
        return Response(status, [*headers, _XML], "".join(out).encode())


def _text(value: bytes) -> str:
    """A header's value: UTF-8 where it is, else Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


_PART = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)')


def _listed(text: str) -> list[str]:
    """The parts of a header that is a list; one with a comma or quotes in it is quoted."""
    found = [part.group(1).strip() for part in _PART.finditer(text) if part.group(0)]
    return [re.sub(r"\\(.)", r"\1", part[1:-1]) if part.startswith('"') else part for part in found]


def _prefixed(request: Request, prefix: bytes) -> dict[str, str]:
    return {
        name[len(prefix) :].decode("latin-1"): _text(value)
        for name, value in request.headers.items()
        if name.startswith(prefix)
    }


def _header(value: Any) -> bytes:
    if isinstance(value, datetime):
        return str(write_instant(value, "rfc822")).encode()
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode()
