"""One operation's codec: bytes to parameters, answer to bytes, for each protocol that its service speaks."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs
from zlib import crc32

import msgspec
import orjson

from interstate.wire import query_json
from interstate.wire.cbor import cbor_bytes, read_cbor
from interstate.wire.errors import SerializationException
from interstate.wire.event_stream import event_stream
from interstate.wire.form import FormReader, scalar_of_text, tree
from interstate.wire.messages import Request, Response
from interstate.wire.model import Member, OperationModel, ServiceModel, Shape
from interstate.wire.reading import Problem, Reader, Readers
from interstate.wire.rest_xml import RestXml
from interstate.wire.typed import FORMS, OPERATIONS, Decode, TypedReaders
from interstate.wire.validation import refusal, style_of
from interstate.wire.writing import JsonWriters, XmlWriters, json_bytes, write_instant

Params = dict[str, Any]

_XML = (b"content-type", b"text/xml")
_XML_LINES = b"content-type: text/xml\r\nx-amzn-requestid: %b\r\n"
_JSON = (b"content-type", b"application/json")
_CBOR = (b"content-type", b"application/cbor")
_RPC_V2 = (b"smithy-protocol", b"rpc-v2-cbor")


class ServiceParts:
    """What the operations of one service share, compiled when first needed."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self.style = style_of(model.metadata)
        enums, own = self.style.enums, self.style.own_enums
        self.api_readers = Readers(model, wire_names=False, enums=enums, own_enums=own)
        self.wire_readers = Readers(model, wire_names=True, enums=enums, own_enums=own)
        self.json_writers = JsonWriters(model)
        self.xml_writers = XmlWriters(model)
        self.typed_readers = TypedReaders(model.shapes, self.api_readers, enums=enums)
        self.form_reader = FormReader(model)
        self.content_type = (b"content-type", f"application/x-amz-json-{model.metadata.json_version}".encode())
        self.first_lines = b"%b: %b\r\nx-amzn-requestid: " % self.content_type
        self.checksummed = model.metadata.name in ("dynamodb", "dynamodbstreams")


class OperationCodec:
    """The codec of one operation. Parts that a protocol needs are built when it is first spoken."""

    def __init__(self, parts: ServiceParts, operation: OperationModel) -> None:
        self.operation = operation
        self.service = parts.model.metadata.name
        self._parts = parts
        self._reader: Reader | None = parts.api_readers.reader(operation.input) if operation.input else None
        self._json: Callable[[Any], Any] | None = None
        if operation.output and parts.json_writers.needed(operation.output):
            self._json = parts.json_writers.writer(operation.output)
        self._query_start = f'<{operation.name}Response xmlns="{parts.model.metadata.xml_namespace}">'
        self._rest: _RestReader | None = None
        self._restxml: RestXml | None = None
        self._xml: Callable[[Mapping[str, Any], list[str]], None] | None = None

    # Requests ------------------------------------------------------------------------------------------------------

    def check(self, params: Mapping[str, Any]) -> Params:
        """Parameters under their API names, checked, with instants and blobs as Python's.

        Raises:
            SerializationException: a value has the wrong type.
            ServiceError: values break the model's constraints; worded as the service words it.
        """
        if self._reader is None:
            return {}
        problems: list[Problem] = []
        try:
            checked: Params = self._reader(params, None, problems)
        except RecursionError:
            msg = "The request is nested too deeply"
            raise SerializationException(msg) from None
        if problems:
            raise refusal(self._parts.style, problems, self.operation.name)
        return checked

    def decode_json(self, body: bytes) -> Params:
        """A body of the JSON protocols. An empty one means no parameters."""
        return self.check(_json_object(body))

    def decoder(self, request: type[msgspec.Struct]) -> Decode | None:
        """Reads a JSON body into the operation's own struct where it can; None where nothing is gained.

        Whatever it raises: the body must be read by ``decode_json``.
        """
        if self.operation.name not in OPERATIONS.get(self.service, ()):
            return None
        return self._parts.typed_readers.decoder(self.operation.input, request)

    def form_decoder(self, request: type[msgspec.Struct]) -> Callable[[Mapping[str, str]], msgspec.Struct] | None:
        """Reads the fields of a query request likewise; where it raises, ``decode_form`` must read them."""
        if self.operation.name not in FORMS.get(self.service, ()):
            return None
        shape, values = self.operation.input, self._parts.form_reader.read
        convert = self._parts.typed_readers.converter(shape, request)
        texts = self._parts.form_reader.texts(shape)

        def read(fields: Mapping[str, str]) -> msgspec.Struct:
            given = dict(fields)
            del given["Action"]
            given.pop("Version", None)
            # Texts at the top are most requests, and are what they say.
            return convert(given if given.keys() <= texts else values(shape, tree(fields)))

        return read

    def decode_cbor(self, body: bytes) -> Params:
        """A body of the RPC v2 protocol. An empty one means no parameters."""
        return self.check(read_cbor(body) if body else {})

    def decode_form(self, fields: Mapping[str, str]) -> Params:
        """The fields of a query request."""
        if not self.operation.input:
            return {}
        return self.check(self._parts.form_reader.read(self.operation.input, tree(fields)))

    def decode_rest(self, request: Request, labels: Mapping[str, str]) -> Params:
        """A REST request whose path gave ``labels``."""
        if not self.operation.input:
            return {}
        if self._rest is None:
            self._rest = _RestReader(self._parts, self.operation)
        problems: list[Problem] = []
        try:
            params = self._rest.read(request, labels, problems)
        except RecursionError:
            msg = "The request is nested too deeply"
            raise SerializationException(msg) from None
        if problems:
            raise refusal(self._parts.style, problems, self.operation.name)
        return params

    def decode_rest_xml(self, request: Request, labels: Mapping[str, str]) -> Params:
        """A request of the REST-XML protocol."""
        return self._rest_xml().decode(request, labels)

    def _rest_xml(self) -> RestXml:
        if self._restxml is None:
            parts = self._parts
            self._restxml = RestXml(parts.model, self.operation, parts.api_readers, parts.style)
        return self._restxml

    # Answers -------------------------------------------------------------------------------------------------------

    def encode_rest_xml(self, answer: Mapping[str, Any] | None, request_id: bytes) -> Response:
        """An answer of the REST-XML protocol."""
        return self._rest_xml().encode(answer, request_id)

    def encode_json(self, answer: Mapping[str, Any] | None, request_id: bytes) -> Response:
        """An answer of the JSON protocols. An operation without output answers with an empty body, or ``{}``."""
        if answer is None:
            body = b"{}" if self.operation.output else b""
        elif self._json is not None:
            body = json_bytes(self._json(answer))
        else:
            body = json_bytes(answer)
        parts = self._parts
        headers = [parts.content_type, (b"x-amzn-requestid", request_id)]
        if parts.checksummed:
            checksum = b"%d" % crc32(body)
            headers.append((b"x-amz-crc32", checksum))
            lines = b"%b%b\r\nx-amz-crc32: %b\r\n" % (parts.first_lines, request_id, checksum)
        else:
            lines = b"%b%b\r\n" % (parts.first_lines, request_id)
        return Response(200, headers, body, None, lines)

    def encode_cbor(self, answer: Mapping[str, Any] | None, request_id: bytes) -> Response:
        """An answer of the RPC v2 protocol. An operation without output answers with an empty body."""
        headers = [_RPC_V2, (b"x-amzn-requestid", request_id)]
        if not self.operation.output:
            return Response(200, headers, b"")
        return Response(200, [_CBOR, *headers], cbor_bytes(answer or {}))

    def encode_query(self, answer: Mapping[str, Any] | None, request_id: bytes, *, as_json: bool = False) -> Response:
        """An answer of the query protocol: XML, or JSON for whom asked for it."""
        if as_json:
            return query_json.encode(self._parts.model, self.operation, answer, request_id)
        operation = self.operation
        out = [self._query_start]
        if operation.output and operation.wrapper:
            if self._xml is None:
                self._xml = self._parts.xml_writers.members(operation.output)
            inside: list[str] = []
            self._xml(answer or {}, inside)
            if inside:
                out.extend((f"<{operation.wrapper}>", *inside, f"</{operation.wrapper}>"))
            else:
                out.append(f"<{operation.wrapper}/>")
        out.append(
            f"<ResponseMetadata><RequestId>{request_id.decode()}</RequestId></ResponseMetadata></{operation.name}Response>"
        )
        body = "".join(out).encode()
        return Response(200, [_XML, (b"x-amzn-requestid", request_id)], body, None, _XML_LINES % request_id)

    def encode_rest(self, answer: Mapping[str, Any] | None, request_id: bytes) -> Response:
        """An answer of the REST protocol: members go to status, headers, payload or body.

        An operation that gave its call an id of its own tells it in ``_RequestId``.
        """
        answer = answer or {}
        own: str | None = answer.get("_RequestId")
        headers = [(b"x-amzn-requestid", own.encode() if own else request_id)]
        status, payload = self.operation.status, ""
        if self.operation.output:
            shape = self._parts.model.shapes[self.operation.output]
            payload = shape.payload
            for member in shape.members:
                value = answer.get(member.name)
                if member.location == "statusCode" and value is not None:
                    status = value
                elif member.location == "header" and value is not None:
                    headers.append((member.wire.lower().encode(), _header_text(value, member)))
        if payload:
            if not any(name == b"content-type" for name, _ in headers):
                headers.append(_JSON)
            return Response(status, headers, self._payload(answer.get(payload), payload))
        body = b"" if status == 204 else json_bytes(self._json(answer) if self._json else answer)
        return Response(status, [*headers, _JSON], body)

    def _payload(self, value: Any, name: str) -> bytes:
        """The body that a payload member makes."""
        match value:
            case None:
                return b""
            case bytes():
                return value
            case str():
                return value.encode()
            case list():
                return event_stream(value)
            case _:
                shape = self._parts.model.shapes[self.operation.output]
                member = next(member for member in shape.members if member.name == name)
                return json_bytes(self._parts.json_writers.writer(member.shape)(value))


def _json_object(body: bytes) -> Any:
    """The JSON value of a body.

    Raises:
        SerializationException: it is no JSON.
    """
    if not body:
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        msg = "Could not parse the request body into JSON: it is not valid JSON"
        raise SerializationException(msg) from None


def _header_text(value: Any, member: Member) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    if hasattr(value, "tzinfo"):
        return str(write_instant(value, member.timestamp_format or "rfc822")).encode()
    return str(value).lower().encode() if isinstance(value, bool) else str(value).encode()


class _RestReader:
    """Collects an operation's parameters from path, query, headers and body."""

    def __init__(self, parts: ServiceParts, operation: OperationModel) -> None:
        self._shapes = parts.model.shapes
        shape = self._shapes[operation.input]
        readers = parts.wire_readers
        self._required = shape.required
        self._template_query = operation.uri.partition("?")[2]
        self._bound = [(member, readers.reader(member.shape)) for member in shape.members if member.location]
        self._payload = next((member for member in shape.members if member.name == shape.payload), None)
        self._payload_reader = readers.reader(self._payload.shape) if self._payload else None
        body = tuple(member for member in shape.members if not member.location and member.name != shape.payload)
        self._body = readers.structure(msgspec.structs.replace(shape, members=body, required=())) if body else None

    def read(self, request: Request, labels: Mapping[str, str], problems: list[Problem]) -> Params:
        params = self._from_body(request.body, problems)
        query = parse_qs(request.query, keep_blank_values=True) if request.query else {}
        for member, reader in self._bound:
            value = self._bound_value(member, request, labels, query)
            if value is not None:
                params[member.name] = reader(value, (None, member.name), problems)
        missing = [name for name in self._required if name not in params]
        problems.extend(Problem((None, name), None, "Member must not be null") for name in missing)
        return params

    def _from_body(self, body: bytes, problems: list[Problem]) -> Params:
        if self._payload is not None and self._payload_reader is not None:
            return self._from_payload(self._payload, self._payload_reader, body, problems)
        if self._body is None or not body:
            return {}
        params: Params = self._body(_json_object(body), None, problems)
        return dict(params)

    def _from_payload(self, member: Member, reader: Reader, body: bytes, problems: list[Problem]) -> Params:
        if not body:
            return {}
        kind = self._shapes[member.shape].kind
        value: Any = (
            body if kind == "blob" else body.decode("utf-8", "replace") if kind == "string" else _json_object(body)
        )
        return {member.name: reader(value, (None, member.name), problems)}

    def _bound_value(
        self, member: Member, request: Request, labels: Mapping[str, str], query: Mapping[str, list[str]]
    ) -> Any:
        shape = self._shapes[member.shape]
        match member.location:
            case "uri":
                text = labels.get(member.wire)
            case "header":
                text = request.header(member.wire.lower().encode()) or None
            case "headers":
                return _prefixed(request, member.wire.lower())
            case "querystring":
                return self._from_query(member, shape, query)
            case _:
                return None
        return None if text is None else scalar_of_text(shape.kind, text, member.name)

    def _from_query(self, member: Member, shape: Shape, query: Mapping[str, list[str]]) -> Any:
        if shape.kind == "map":
            taken = {other.wire for other, _ in self._bound if other.location == "querystring"}
            taken.update(parse_qs(self._template_query, keep_blank_values=True))
            return {name: values[-1] for name, values in query.items() if name not in taken}
        values = query.get(member.wire)
        if values is None:
            return None
        if shape.kind == "list" and shape.element:
            kind = self._shapes[shape.element.shape].kind
            return [scalar_of_text(kind, value, member.name) for value in values]
        return scalar_of_text(shape.kind, values[-1], member.name)


def _prefixed(request: Request, prefix: str) -> dict[str, str]:
    start = prefix.encode()
    return {
        name[len(start) :].decode("latin-1"): value.decode("latin-1")
        for name, value in request.headers.items()
        if name.startswith(start)
    }
