"""What the properties of a resource type may hold, as data; and values brought into that form.

Templates are lax where APIs are not: a parameter is always text, so ``DelaySeconds: !Ref Delay`` gives "30" for a number, and
``true`` for an environment variable's text. CloudFormation converts scalars, and so does ``shaped``. A name that the table
of a type does not have is refused, whether AWS has it or not: nothing that a template asks for is dropped silently.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, assert_never

from interstate.base.json import JSON, JSONObject, dumps
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.intrinsics import as_text, function_of


class Scalar(Enum):
    """A single value; the text is CloudFormation's name of the type."""

    TEXT = "String"
    INTEGER = "Integer"
    NUMBER = "Number"
    BOOLEAN = "Boolean"


@dataclass(frozen=True, slots=True)
class Document:
    """Any JSON: a policy, a pattern, a definition."""


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    item: "Kind"


@dataclass(frozen=True, slots=True)
class Named:
    """An object with names of the template's choice."""

    item: "Kind"


@dataclass(frozen=True, slots=True)
class Members:
    """An object with these names."""

    members: Mapping[str, "Kind"]
    required: frozenset[str] = frozenset()


Kind = Scalar | Document | Many | Named | Members

TEXT: Final = Scalar.TEXT
INTEGER: Final = Scalar.INTEGER
NUMBER: Final = Scalar.NUMBER
BOOLEAN: Final = Scalar.BOOLEAN
DOCUMENT: Final = Document()
TEXTS: Final = Many(TEXT)
TAGS: Final = Many(Members({"Key": TEXT, "Value": TEXT}, frozenset({"Key", "Value"})))


class PropertiesInvalid(TemplateError):
    """A resource's properties do not have the form of its type."""

    def __init__(self, logical_id: str, faults: list[str]) -> None:
        listed = faults[0] if len(faults) == 1 else "[" + ", ".join(faults) + "]"
        super().__init__(f"Properties validation failed for resource {logical_id} with message:\n{listed}")


def check_names(logical_id: str, kind: Members, properties: JSONObject) -> None:
    """Check, before anything is resolved, that only known names are there and no required one is missing.

    Raises:
        PropertiesInvalid: it names every fault.
    """
    faults = list(_name_faults(kind, properties, "#"))
    if faults:
        raise PropertiesInvalid(logical_id, faults)


def shaped(logical_id: str, kind: Members, properties: JSONObject) -> JSONObject:
    """The resolved properties with scalars of the types that the table names.

    Raises:
        PropertiesInvalid: a value cannot be read as its type, or a required one resolved to nothing.
    """
    check_names(logical_id, kind, properties)
    faults: list[str] = []
    value = _shaped(kind, properties, "#", faults)
    if faults:
        raise PropertiesInvalid(logical_id, faults)
    assert isinstance(value, dict)
    return value


def _name_faults(kind: Kind, value: JSON, place: str) -> Iterator[str]:
    if function_of(value) is not None:
        return
    match kind, value:
        case Members(members, required), dict():
            for name in sorted(required - value.keys()):
                yield f"{place}: required key [{name}] not found"
            for name in sorted(value.keys() - members.keys()):
                yield f"{place}: extraneous key [{name}] is not permitted (or not implemented by Interstate)"
            for name in members.keys() & value.keys():
                yield from _name_faults(members[name], value[name], f"{place}/{name}")
        case Many(item), list():
            for index, entry in enumerate(value):
                yield from _name_faults(item, entry, f"{place}/{index}")
        case Named(item), dict():
            for name, entry in value.items():
                yield from _name_faults(item, entry, f"{place}/{name}")
        case _:
            return


def _shaped(kind: Kind, value: Any, place: str, faults: list[str]) -> JSON:
    match kind:
        case Scalar():
            return _scalar(kind, value, place, faults)
        case Document():
            document: JSON = _checked(value, place, faults, dict, list, str)
            return document
        case Many(item):
            entries = _checked(value, place, faults, list) or []
            return [_shaped(item, entry, f"{place}/{index}", faults) for index, entry in enumerate(entries)]
        case Named(item):
            named = _checked(value, place, faults, dict) or {}
            return {name: _shaped(item, entry, f"{place}/{name}", faults) for name, entry in named.items()}
        case Members(members):
            held = _checked(value, place, faults, dict) or {}
            return {name: _shaped(members[name], entry, f"{place}/{name}", faults) for name, entry in held.items()}
        case _:
            assert_never(kind)


_FOUND: Final[tuple[tuple[type, str], ...]] = (
    (bool, "Boolean"),
    (int, "Integer"),
    (float, "Number"),
    (str, "String"),
    (list, "JSONArray"),
    (dict, "JSONObject"),
)


def _type_name(type_: type) -> str:
    return next((name for known, name in _FOUND if issubclass(type_, known)), "Null")


def _checked(value: Any, place: str, faults: list[str], *types: type) -> Any:
    if isinstance(value, types):
        return value
    faults.append(f"{place}: expected type: {_type_name(types[0])}, found: {_type_name(type(value))}")
    return None


def _scalar(kind: Scalar, value: JSON, place: str, faults: list[str]) -> JSON:
    text = as_text(value)
    found = None if text is None else _parsed(kind, text)
    if found is None:
        faults.append(f"{place}: expected type: {kind.value}, found: {_type_name(type(value))}")
    return found


def _parsed(kind: Scalar, text: str) -> JSON:
    try:
        match kind:
            case Scalar.TEXT:
                return text
            case Scalar.INTEGER:
                return int(text)
            case Scalar.NUMBER:
                return float(text)
            case Scalar.BOOLEAN:
                return {"true": True, "false": False}.get(text.lower())
            case _:
                assert_never(kind)
    except ValueError:
        return None


def document_text(value: JSON) -> str:
    """The text of a document that a template gives as an object or as text."""
    return value if isinstance(value, str) else dumps(value)
