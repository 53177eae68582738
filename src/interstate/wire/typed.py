"""Requests of the busiest operations, read from JSON straight into their structs.

Theory of operation
-------------------
The long way of a request is JSON to Python's values, those checked by the model's readers, those into the operation's struct.
For the operations below a struct is derived from the operation's own, whose fields have the model's types and demands; msgspec
reads it in one go, without Python. It reads nearly every request. What it refuses goes the long way, which accepts it or
words the refusal: a member that the operation's struct does not have, null, a broken constraint, text that is no JSON.
So the short way may refuse what is right, but must never read what the long way refuses, nor read it otherwise.

Values that msgspec would read otherwise than the readers do (blobs, instants, numbers with fractions) are given to the readers.
One thing is said otherwise: an attribute value that is nested so deeply that the long way refused it as unreadable is read,
and refused by DynamoDB for its depth.
"""

import math
import re
from collections.abc import Callable, Mapping
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Literal, TypedDict, get_args, get_origin

import msgspec

from interstate.wire.constraints import constraints_of
from interstate.wire.model import Member, Shape
from interstate.wire.patterns import compiled
from interstate.wire.reading import Problem, Readers

Decode = Callable[[bytes], msgspec.Struct]

OPERATIONS: Mapping[str, frozenset[str]] = {
    "dynamodb": frozenset(
        {
            "BatchGetItem",
            "BatchWriteItem",
            "DeleteItem",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
            "TransactGetItems",
            "TransactWriteItems",
            "UpdateItem",
        }
    ),
    "events": frozenset({"PutEvents"}),
    "sqs": frozenset(
        {
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
            "DeleteMessage",
            "DeleteMessageBatch",
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
        }
    ),
    "stepfunctions": frozenset(
        {"DescribeExecution", "SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess", "StartExecution"}
    ),
}
"""What is worth it of JSON requests. Its handlers compare no struct of a request with one that came another way: the types differ."""

FORMS: Mapping[str, frozenset[str]] = {"sns": frozenset({"Publish", "PublishBatch"})}
"""The same of query requests: their fields become values as always, and those are read straight into the struct."""

OPEN = frozenset({"AttributeValue", "MessageAttributeValue", "MessageSystemAttributeValue"})
"""Structures that handlers take as mappings, and of which they look at the members alone that the model has."""

_BITS = {"integer": 32, "long": 64}


class _Refused(ValueError):
    """A value breaks a constraint; the long way says which."""


class _Anything(type):
    """The type of a value that a reader has made."""

    def __instancecheck__(cls, instance: object) -> bool:
        return True


class TypedReaders:
    """The decoders of one service's operations."""

    def __init__(self, shapes: Mapping[str, Shape], readers: Readers, *, enums: bool) -> None:
        self._shapes = shapes
        self._readers = readers
        self._enums = enums
        self._open: dict[str, Any] = {}
        self._read: dict[Any, Callable[[Any], Any]] = {}

    def decoder(self, shape: str, request: type[msgspec.Struct]) -> Decode:
        """Reads a body into the struct of a request, whose members ``shape`` describes.

        The decoder raises whatever it likes about a body that must go the long way, and about an empty one.
        """
        decode = msgspec.json.Decoder(self._derived(shape, request), dec_hook=self._convert).decode

        def read(body: bytes) -> msgspec.Struct:
            if not body.isascii():
                body.decode()  # msgspec does not look at texts that it skips.
            return decode(body)

        return read

    def converter(self, shape: str, request: type[msgspec.Struct]) -> Callable[[Mapping[str, Any]], msgspec.Struct]:
        """Reads values under their API names into the struct of a request; it raises as a decoder does."""
        kind, convert, hook = self._derived(shape, request), msgspec.convert, self._convert

        def read(values: Mapping[str, Any]) -> msgspec.Struct:
            return convert(values, kind, dec_hook=hook)

        return read

    def _convert(self, kind: Any, value: Any) -> Any:
        return self._read[kind](value)

    # Types ---------------------------------------------------------------------------------------------------------

    def _derived(self, name: str, request: type[msgspec.Struct]) -> type[msgspec.Struct]:
        members = {member.name: member for member in self._shapes[name].members}
        required = self._shapes[name].required
        fields: list[Any] = []
        for field in msgspec.structs.fields(request):
            member = members.get(field.encode_name)
            kind = _never() if member is None else self._type(member, field.type)
            defaults: dict[str, Any] = {}
            if field.encode_name not in required:
                defaults = {"default": field.default, "default_factory": field.default_factory}
            fields.append((field.name, kind, msgspec.field(name=field.encode_name, **defaults)))
        # Positions do not matter: nothing but the decoder makes one.
        return msgspec.defstruct(
            request.__name__, fields, bases=(request,), frozen=True, forbid_unknown_fields=True, kw_only=True
        )

    def _type(self, member: Member, annotation: Any) -> Any:
        """The type of what a member may be, so that a request's field of this annotation holds it."""
        shape = self._shapes[member.shape]
        wanted = _without_none(annotation)
        match shape.kind:
            case "string" if wanted in (str, Any):
                return self._text(member.shape)
            case "boolean" if wanted in (bool, Any):
                return bool
            case "integer" | "long" if wanted in (int, Any):
                return _number(shape)
            case "list":
                return self._list(shape, wanted)
            case "map":
                return self._map(shape, wanted)
            case "structure":
                return self._structure(member.shape, wanted)
            case "blob" | "timestamp" | "float" | "double":
                return self._by_reader(member.shape)
            case _:
                return _never()

    def _text(self, name: str) -> Any:
        shape = self._shapes[name]
        if shape.enum and self._enums:
            holds = [constraint.holds for constraint in constraints_of(shape)]
            return Literal[tuple(text for text in shape.enum if all(each(text) for each in holds))]
        demands: dict[str, Any] = {}
        if shape.low:
            demands["min_length"] = int(shape.low)
        if shape.high is not None:
            demands["max_length"] = int(shape.high)
        if shape.pattern and (pattern := compiled(shape.pattern)):
            if pattern.flags != re.UNICODE:
                return self._by_reader(name)
            demands["pattern"] = rf"\A(?:{pattern.pattern})\Z"
        return Annotated[str, msgspec.Meta(**demands)] if demands else str

    def _list(self, shape: Shape, wanted: Any) -> Any:
        assert shape.element is not None
        origin, inside = _container(wanted, (list, tuple))
        if origin is None:
            return _never()
        element = self._type(shape.element, inside)
        return _sized(GenericAlias(origin, (element,) if origin is list else (element, ...)), shape)

    def _map(self, shape: Shape, wanted: Any) -> Any:
        assert shape.key is not None
        assert shape.element is not None
        origin, inside = _container(wanted, (dict,))
        if origin is None:
            return _never()
        return _sized(GenericAlias(dict, (self._type(shape.key, str), self._type(shape.element, inside))), shape)

    def _structure(self, name: str, wanted: Any) -> Any:
        if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
            return self._derived(name, wanted)
        if name in OPEN and _container(wanted, (dict,))[0] is dict:
            return self._mapping(name)
        return _never()

    def _mapping(self, name: str) -> Any:
        """The type of a structure that stays a mapping; it may hold itself."""
        known = self._open.get(name)
        if known is None:
            shape = self._shapes[name]
            known = self._open[name] = TypedDict(name, {}, total=False)  # type: ignore[operator]  # its members follow
            known.__annotations__ = {member.name: self._type(member, Any) for member in shape.members}
            known.__required_keys__ = frozenset(shape.required)
            known.__optional_keys__ = frozenset(known.__annotations__) - known.__required_keys__
        return known

    def _by_reader(self, name: str) -> Any:
        reader = self._readers.reader(name)

        def read(value: Any) -> Any:
            problems: list[Problem] = []
            found = reader(value, None, problems)
            if problems:
                raise _Refused(name)
            return found

        kind = _Anything(name, (), {})
        self._read[kind] = read
        return kind


def _never() -> Any:
    """Read by nothing: whoever says it goes the long way."""
    return Annotated[int, msgspec.Meta(ge=1, le=0)]


def _without_none(annotation: Any) -> Any:
    inside = [each for each in get_args(annotation) if each is not NoneType]
    return inside[0] if isinstance(annotation, UnionType) and len(inside) == 1 else annotation


def _container(wanted: Any, origins: tuple[type, ...]) -> tuple[type | None, Any]:
    """Which container an annotation means, and of what; the first of ``origins`` when it may be anything."""
    if wanted is Any:
        return origins[0], Any
    origin, inside = get_origin(wanted), get_args(wanted)
    if origin not in origins:
        return None, None
    if origin is dict:
        return (dict, inside[1]) if inside[0] is str else (None, None)
    if origin is tuple and inside[1:] != (...,):
        return None, None
    return origin, inside[0]


def _sized(kind: Any, shape: Shape) -> Any:
    demands: dict[str, Any] = {}
    if shape.low:
        demands["min_length"] = int(shape.low)
    if shape.high is not None:
        demands["max_length"] = int(shape.high)
    return Annotated[kind, msgspec.Meta(**demands)] if demands else kind


def _number(shape: Shape) -> Any:
    limit = 1 << (_BITS[shape.kind] - 1)
    low = -limit if shape.low is None else max(-limit, math.ceil(shape.low))
    high = limit - 1 if shape.high is None else min(limit - 1, math.floor(shape.high))
    return Annotated[int, msgspec.Meta(ge=low, le=high)]
