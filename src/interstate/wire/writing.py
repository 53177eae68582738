"""Writers: an answer's values as JSON or XML.

An answer has the API's member names, datetimes for instants and bytes for blobs. Most JSON answers need no look at their
shapes: orjson writes them as they are, and asks ``_default`` about the rest. Shapes are followed where names or formats
of the wire differ, and for XML.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

import orjson

from interstate.base.time import to_epoch_s, to_iso, to_iso_s
from interstate.wire.model import Member, ServiceModel, Shape

Writer = Callable[[Any], Any]
XmlWriter = Callable[[str, Any, "list[str]"], None]

_ENTITIES = {"\r": "&#xD;", "\x85": "&#x85;", "\u2028": "&#x2028;"}
_ESCAPED = re.compile("[&<>\r\x85\u2028]").search


def json_bytes(value: Any) -> bytes:
    """Compact JSON; instants as seconds since the epoch, blobs as Base64."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _default(value: Any) -> Any:
    match value:
        case datetime():
            return to_epoch_s(value)
        case bytes() | bytearray() | memoryview():
            return b64encode(value).decode()
        case Mapping():
            return dict(value)
        case Sequence():
            return list(value)
        case _:
            raise TypeError(type(value).__name__)


def write_instant(at: datetime, form: str) -> str | float:
    """An instant in one of the model's formats; ``unixTimestamp`` unless told otherwise."""
    match form:
        case "iso8601":
            return to_iso(at) if at.microsecond else to_iso_s(at)
        case "rfc822":
            return format_datetime(at, usegmt=True)
        case _:
            return to_epoch_s(at)


class JsonWriters:
    """Shape-directed JSON: API names to wire names, instants in the member's format, absent members left out."""

    def __init__(self, model: ServiceModel) -> None:
        self._shapes = model.shapes
        self._writers: dict[tuple[str, str], Writer] = {}

    def needed(self, name: str, seen: frozenset[str] = frozenset()) -> bool:
        """A shape below has names or formats of its own, so that plain JSON would be wrong."""
        if name in seen:
            return False
        shape, seen = self._shapes[name], seen | {name}
        if shape.kind == "timestamp":
            return bool(shape.timestamp_format)
        if shape.payload or any(member.wire != member.name or member.location for member in shape.members):
            return True
        if any(member.timestamp_format for member in shape.members):
            return True
        below = [member.shape for member in shape.members] + ([shape.element.shape] if shape.element else [])
        return any(self.needed(child, seen) for child in dict.fromkeys(below))

    def writer(self, name: str, form: str = "") -> Writer:
        """The writer of a shape. Shapes may refer to themselves."""
        key = (name, form)
        found = self._writers.get(key)
        if found is not None:
            return found

        def later(value: Any) -> Any:
            return self._writers[key](value)

        self._writers[key] = later
        self._writers[key] = self._compile(self._shapes[name], form)
        return self._writers[key]

    def _compile(self, shape: Shape, form: str) -> Writer:
        match shape.kind:
            case "structure":
                return self._structure(shape)
            case "list":
                assert shape.element is not None
                element = self.writer(shape.element.shape)
                return lambda value: [element(item) for item in value]
            case "map":
                assert shape.element is not None
                element = self.writer(shape.element.shape)
                return lambda value: {key: element(item) for key, item in value.items()}
            case "timestamp":
                chosen = form or shape.timestamp_format
                return lambda value: write_instant(value, chosen) if isinstance(value, datetime) else value
            case _:
                return lambda value: value

    def _structure(self, shape: Shape) -> Writer:
        members = {
            member.name: (member.wire, self.writer(member.shape, member.timestamp_format))
            for member in shape.members
            if not member.location
        }

        def write(value: Any) -> Any:
            written: dict[str, Any] = {}
            for name, item in value.items():
                if item is not None and (entry := members.get(name)):
                    written[entry[0]] = entry[1](item)
            return written

        return write


class XmlWriters:
    """Shape-directed XML of the query protocol: ``write(element, value, out)`` appends text to ``out``.

    Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
    """

    def __init__(self, model: ServiceModel) -> None:
        self._shapes = model.shapes
        self._writers: dict[str, XmlWriter] = {}

    def writer(self, name: str) -> XmlWriter:
        """The writer of a shape. Shapes may refer to themselves."""
        found = self._writers.get(name)
        if found is not None:
            return found

        def later(element: str, value: Any, out: list[str]) -> None:
            self._writers[name](element, value, out)

        self._writers[name] = later
        self._writers[name] = self._compile(self._shapes[name])
        return self._writers[name]

    def _compile(self, shape: Shape) -> XmlWriter:
        match shape.kind:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case _:
                return _scalar

    def members(self, shape_name: str) -> Callable[[Mapping[str, Any], list[str]], None]:
        """A structure's members without an element around them."""
        shape = self._shapes[shape_name]
        members = [(member.name, member.query, self._member(member)) for member in shape.members if not member.location]

        def write(value: Mapping[str, Any], out: list[str]) -> None:
            for name, element, writer in members:
                item = value.get(name)
                if item is not None:
                    writer(element, item, out)

        return write

    def _member(self, member: Member) -> XmlWriter:
        return self.writer(member.shape)

    def _structure(self, shape: Shape) -> XmlWriter:
        members = [(member.name, member.query, self._member(member)) for member in shape.members]

        def write(element: str, value: Any, out: list[str]) -> None:
            out.append(f"<{element}>")
            for name, wire, writer in members:
                item = value.get(name)
                if item is not None:
                    writer(wire, item, out)
            out.append(f"</{element}>")

        return write

    def _list(self, shape: Shape) -> XmlWriter:
        assert shape.element is not None
        item_writer = self._member(shape.element)
        item_name, flattened = shape.element.query, shape.flattened

        def write(element: str, value: Any, out: list[str]) -> None:
            if flattened:
                # Without a name of its own, an element takes the member's.
                for item in value:
                    item_writer(element if item_name == "member" else item_name, item, out)
                return
            out.append(f"<{element}>")
            for item in value:
                item_writer(item_name, item, out)
            out.append(f"</{element}>")

        return write

    def _map(self, shape: Shape) -> XmlWriter:
        assert shape.element is not None
        assert shape.key is not None
        key_name, value_name = shape.key.query, shape.element.query
        value_writer, flattened = self._member(shape.element), shape.flattened

        def write(element: str, value: Any, out: list[str]) -> None:
            entry = element if flattened else "entry"
            if not flattened:
                out.append(f"<{element}>")
            for key, item in value.items():
                out.append(f"<{entry}>")
                _scalar(key_name, key, out)
                value_writer(value_name, item, out)
                out.append(f"</{entry}>")
            if not flattened:
                out.append(f"</{element}>")

        return write


def _scalar(element: str, value: Any, out: list[str]) -> None:
    out.append(f"<{element}>{xml_text(value)}</{element}>")


def xml_text(value: Any) -> str:
    """A scalar as XML text."""
    if type(value) is str and not _ESCAPED(value):
        return value
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return str(write_instant(value, "iso8601"))
        case bytes():
            return b64encode(value).decode()
        case _:
            return escape(str(value), _ENTITIES)
