"""Readers: closures that check a value against its shape and turn it into Python's.

Theory of operation
-------------------
A shape is compiled once into a function ``read(value, path, problems)``. A value of the wrong type is refused at once,
as AWS's parsers do (SerializationException); a value that breaks a constraint is noted in ``problems`` and read on, since
AWS reports all of them in one message. Instants come back as aware datetimes, blobs as bytes; values that already are
datetimes or bytes pass, so that calls inside the process go the same way as calls from outside. The given value is never
changed: containers are copied where a member changes, and returned as they are where none does.

``path`` is a linked list (parent, name), spelled out only when there is something to report.
"""

import math
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from interstate.base.time import EPOCH, parse_iso
from interstate.wire.constraints import Constraint, constraints_of, grouped
from interstate.wire.errors import SerializationException
from interstate.wire.model import ServiceModel, Shape

Path = tuple["Path | None", str | int] | None  # A number is the place in a list.
Reader = Callable[[Any, Path, "list[Problem]"], Any]

_TOKENS: Mapping[type, str] = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}
# Characters of a value that a message repeats. AWS repeats all (answers recorded from Step Functions); this bounds an answer.
_SHOWN_MAX = 65_536


class _Typed:
    """A value with its shape: structures are printed with their names and members, and only when a message needs them."""

    __slots__ = ("shapes", "target", "value", "wire")

    def __init__(self, value: Any, target: str, shapes: Mapping[str, Shape], *, wire: bool) -> None:
        self.value = value
        self.target = target
        self.shapes = shapes
        self.wire = wire

    def __str__(self) -> str:
        return self._written(self.value, self.target)

    def _written(self, value: Any, target: str) -> str:
        shape = self.shapes[target]
        match value:
            case None:
                return "null"
            case Mapping() if shape.kind == "structure":
                members = (
                    f"{member.name[:1].lower()}{member.name[1:]}="
                    f"{self._written(value.get(member.wire if self.wire else member.name), member.shape)}"
                    for member in shape.members
                )
                return f"{target}({', '.join(members)})"
            case Mapping() if shape.element is not None:
                element = shape.element.shape
                return "{" + ", ".join(f"{key}={self._written(item, element)}" for key, item in value.items()) + "}"
            case list() if shape.element is not None:
                element = shape.element.shape
                return "[" + ", ".join(self._written(item, element) for item in value) + "]"
            case _:
                return _java(value)


HIDDEN: Final = object()
"""Stands for a value that the model calls sensitive, which messages leave out.

Source: https://github.com/trek10inc/serverless-secrets/issues/39 ("Value at 'environment.variables' failed to satisfy
constraint: ..."), https://github.com/serverless/serverless/issues/3103.
"""


class Problem:
    """One broken constraint, worded when it is reported."""

    __slots__ = ("_path", "_text", "_value")

    def __init__(self, path: Path, value: Any, text: str) -> None:
        self._path = path
        self._value = value
        self._text = text

    @property
    def name(self) -> str:
        """The member's own name, without its path."""
        return _name(self._path[1]) if self._path else ""

    @property
    def steps(self) -> tuple[str | int, ...]:
        """The way to the member, from the outside."""
        steps: list[str | int] = []
        path = self._path
        while path is not None:
            path, step = path
            steps.append(step)
        return tuple(reversed(steps))

    @property
    def missing(self) -> bool:
        """There is no value where one is required."""
        return self._value is None

    def __str__(self) -> str:
        shown = "null " if self._value is None else "" if self._value is HIDDEN else f"'{_shown(self._value)}' "
        return f"Value {shown}at '{spelled(self._path)}' failed to satisfy constraint: {self._text}"


def _note(problems: list[Problem], path: Path, value: Any, text: str) -> None:
    problems.append(Problem(path, value, text))


def spelled(path: Path) -> str:
    """``entries.1.member.source``: AWS spells members as its Java beans do, with a small first letter."""
    names: list[str] = []
    while path is not None:
        path, step = path
        name = _name(step)
        names.append(name[:1].lower() + name[1:])
    return ".".join(reversed(names))


def _name(step: str | int) -> str:
    return step if isinstance(step, str) else f"{step}.member"


def _shown(value: Any) -> str:
    text = _java(value)
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."


def _java(value: Any) -> str:
    """A value as Java's ``toString`` prints it."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case bytes():
            return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        case Mapping():
            return "{" + ", ".join(f"{key}={_java(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(_java(item) for item in value) + "]"
        case _:
            return str(value)


class Readers:
    """The readers of one service's shapes, compiled when first needed.

    Args:
        wire_names: members are found under their names on the wire and returned under their API names. Without it, they
            are found under their API names, as calls inside the process give them.
        own_enums: shapes whose enumerations the service checks by itself where they stand alone.
    """

    def __init__(
        self, model: ServiceModel, *, wire_names: bool, enums: bool = True, own_enums: frozenset[str] = frozenset()
    ) -> None:
        self._shapes = model.shapes
        self._wire_names = wire_names
        self._enums = enums
        self._own_enums = own_enums
        self._readers: dict[str, Reader] = {}

    def reader(self, name: str) -> Reader:
        """The reader of a shape. Shapes may refer to themselves."""
        found = self._readers.get(name)
        if found is not None:
            return found

        def later(value: Any, path: Path, problems: list[Problem]) -> Any:
            return self._readers[name](value, path, problems)

        self._readers[name] = later  # A shape inside itself finds this one while it is being compiled.
        self._readers[name] = self._compile(name, self._shapes[name])
        return self._readers[name]

    def _compile(self, name: str, shape: Shape) -> Reader:
        match shape.kind:
            case "structure":
                return self.structure(shape)
            case "list":
                return self._list(name, shape)
            case "map":
                return self._map(name, shape)
            case kind:
                scalar = _SCALARS[kind]
                constraints = constraints_of(shape, enums=self._enums and name not in self._own_enums)
                return _constrained(scalar, constraints, sensitive=shape.sensitive)

    def _constraints(self, shape: Shape) -> Sequence[Constraint]:
        return constraints_of(shape, enums=self._enums)

    def structure(self, shape: Shape) -> Reader:
        """The reader of a structure."""
        wire = self._wire_names
        readers = {(member.wire if wire else member.name): self.reader(member.shape) for member in shape.members}
        renames = {member.wire: member.name for member in shape.members} if wire else {}
        renames = {key: name for key, name in renames.items() if key != name}
        required = shape.required
        string = _string

        def read(value: Any, path: Path, problems: list[Problem]) -> Any:
            if type(value) is not dict:
                value = _as_object(value)
            changes: dict[str, Any] | None = None
            for name, item in value.items():
                reader = readers.get(name)
                if reader is None or (reader is string and type(item) is str):  # Most are texts that may say anything.
                    continue
                new = None if item is None else reader(item, (path, name), problems)
                if new is not item or item is None:
                    if changes is None:
                        changes = {}
                    changes[name] = new
            if changes is not None or renames:
                value = _changed(value, changes or {}, renames)
            for name in required:
                if name not in value:
                    _note(problems, (path, name), None, "Member must not be null")
            return value

        return read

    def _typed(self, value: Any, name: str) -> Any:
        if self._shapes[name].sensitive:
            return HIDDEN
        return _Typed(value, name, self._shapes, wire=self._wire_names)

    def _list(self, name: str, shape: Shape) -> Reader:
        assert shape.element is not None
        element = self._shapes[shape.element.shape]
        nested = element.kind in ("structure", "list", "map")
        # Constraints of plain elements are reported at the list, in brackets.
        read_element = self.reader(shape.element.shape) if nested else _SCALARS[element.kind]
        each = () if nested else self._constraints(element)
        own = self._constraints(shape)
        grouped_text = grouped("Member must satisfy constraint", each)

        def read(value: Any, path: Path, problems: list[Problem]) -> Any:
            if type(value) is not list:
                value = _as_list(value)
            for constraint in own:
                if not constraint.holds(value):
                    _note(problems, path, self._typed(value, name), constraint.text)
            items = [
                _element(read_element, item, (path, number) if nested else path, problems)
                for number, item in enumerate(value, 1)
            ]
            if each and not all(constraint.holds(item) for item in items if item is not None for constraint in each):
                _note(problems, path, self._typed(value, name), grouped_text)
            return items

        return read

    def _map(self, name: str, shape: Shape) -> Reader:
        assert shape.element is not None
        assert shape.key is not None
        element = self._shapes[shape.element.shape]
        nested = element.kind in ("structure", "list", "map")
        read_element = self.reader(shape.element.shape) if nested else _SCALARS[element.kind]
        values = () if nested else self._constraints(element)
        keys = self._constraints(self._shapes[shape.key.shape])
        own = self._constraints(shape)
        keys_text = grouped("Map keys must satisfy constraint", keys)
        values_text = grouped("Map value must satisfy constraint", values)

        def read(value: Any, path: Path, problems: list[Problem]) -> Any:
            if type(value) is not dict:
                value = _as_object(value)
            for constraint in own:
                if not constraint.holds(value):
                    _note(problems, path, self._typed(value, name), constraint.text)
            if keys and not all(constraint.holds(key) for key in value for constraint in keys):
                _note(problems, path, self._typed(value, name), keys_text)
            read_value = {
                key: _element(read_element, item, (path, f"{key}.member") if nested else path, problems)
                for key, item in value.items()
                if item is not None
            }
            if values and not all(constraint.holds(item) for item in read_value.values() for constraint in values):
                _note(problems, path, self._typed(value, name), values_text)
            return read_value

        return read


def _changed(value: Mapping[str, Any], changes: Mapping[str, Any], renames: Mapping[str, str]) -> dict[str, Any]:
    """A copy with the changes made, absent members left out, wire names turned into API names."""
    merged = {**value, **changes}
    return {renames.get(name, name): item for name, item in merged.items() if item is not None}


def _element(reader: Reader, item: Any, path: Path, problems: list[Problem]) -> Any:
    if item is None:
        _note(problems, path, None, "Member must not be null")
        return None
    return reader(item, path, problems)


def _constrained(scalar: Reader, constraints: Sequence[Constraint], *, sensitive: bool) -> Reader:
    if not constraints:
        return scalar

    def read(value: Any, path: Path, problems: list[Problem]) -> Any:
        value = scalar(value, path, problems)
        for constraint in constraints:
            if not constraint.holds(value):
                _note(problems, path, HIDDEN if sensitive else value, constraint.text)
        return value

    return read


# Types -------------------------------------------------------------------------------------------------------------


def _as_object(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list):
        msg = "Start of list found where not expected"
        raise SerializationException(msg)
    msg = "Unexpected field type"
    raise SerializationException(msg)


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        msg = "Start of structure or map found where not expected."
        raise SerializationException(msg)
    msg = "Unexpected field type"
    raise SerializationException(msg)


def _refused(value: Any, wanted: str) -> SerializationException:
    match value:
        case bool():
            token = "TRUE_VALUE" if value else "FALSE_VALUE"
        case dict():
            return SerializationException("Start of structure or map found where not expected.")
        case list():
            return SerializationException("Start of list found where not expected")
        case _:
            token = _TOKENS.get(type(value), "Value")
    return SerializationException(f"{token} cannot be converted to {wanted}")


def _string(value: Any, path: Path, problems: list[Problem]) -> str:
    del path, problems
    if type(value) is str:
        return value
    raise _refused(value, "String")


def _integer_reader(wanted: str, bits: int) -> Reader:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def read(value: Any, path: Path, problems: list[Problem]) -> int:
        del path, problems
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not low <= value <= high:
            raise _refused(value, wanted)
        return value

    return read


def _double(value: Any, path: Path, problems: list[Problem]) -> float:
    del path, problems
    if type(value) in (int, float):
        return float(value)
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise _refused(value, "Double")


def _boolean(value: Any, path: Path, problems: list[Problem]) -> bool:
    del path, problems
    if type(value) is bool:
        return value
    raise _refused(value, "Boolean")


def _blob(value: Any, path: Path, problems: list[Problem]) -> bytes:
    del path, problems
    if isinstance(value, bytes):
        return value
    if type(value) is not str:
        raise _refused(value, "Blob")
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError):
        msg = "Invalid Base64 encoded value"
        raise SerializationException(msg) from None


def _timestamp(value: Any, path: Path, problems: list[Problem]) -> datetime:
    del path, problems
    if isinstance(value, datetime):
        return value
    if type(value) in (int, float) or isinstance(value, str):
        instant = read_instant(value)
        if instant is not None:
            return instant
    raise _refused(value, "Timestamp")


def read_instant(value: float | str) -> datetime | None:
    """An instant from seconds since the epoch, RFC 3339 or an HTTP date; None when it is none of them."""
    try:
        if isinstance(value, str):
            return _instant_of_text(value)
        if not math.isfinite(value):
            return None
        return EPOCH + timedelta(seconds=value)
    except (ValueError, OverflowError):
        return None


def _instant_of_text(text: str) -> datetime:
    if "," in text:  # Before the letter T is looked for: Tue, Thu and GMT have it too.
        return parsedate_to_datetime(text).astimezone(UTC)
    if "T" in text:
        return parse_iso(text)
    return EPOCH + timedelta(seconds=float(text))


_SCALARS: Mapping[str, Reader] = {
    "string": _string,
    "character": _string,
    "integer": _integer_reader("Integer", 32),
    "long": _integer_reader("Long", 64),
    "float": _double,
    "double": _double,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": _timestamp,
}
