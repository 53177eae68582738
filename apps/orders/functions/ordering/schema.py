"""Events against their JSON Schema: the part of JSON Schema that our schemas use, without a dependency.

``schemas/<type>-<version>.json`` beside the functions are ordinary JSON Schema documents; any validator reads them. This
one knows type, required, properties, items, minItems, enum, pattern, minimum, exclusiveMinimum; a keyword that it does not know
is an error of the schema, never passed over.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent.parent / "schemas"
ANNOTATIONS = frozenset({"$schema", "$id", "title", "description", "examples"})
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


class EventInvalid(Exception):
    """An event's data is not what its schema says."""

    def __init__(self, kind: str, version: str, faults: list[str]) -> None:
        super().__init__(f"{kind} {version}: {'; '.join(faults)}")
        self.faults = faults


def check(kind: str, version: str, data: Any) -> None:
    """Pass data that the schema of ``kind`` (``Order Placed``) allows.

    Raises:
        EventInvalid: with every fault and its place.
    """
    if faults := list(faults_of(_schema(kind, version), data, "data")):
        raise EventInvalid(kind, version, faults)


@cache
def _schema(kind: str, version: str) -> dict[str, Any]:
    name = f"{kind.lower().replace(' ', '-')}-{version}.json"
    schema: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return schema


def faults_of(schema: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    if "type" in schema and not _is(schema["type"], value):
        yield f"{place} must be of type {schema['type']}"
        return
    for keyword, wanted in schema.items():
        if keyword in ANNOTATIONS or keyword == "type":
            continue
        yield from KEYWORDS[keyword](wanted, value, place)


def _is(name: str, value: Any) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _required(names: list[str], value: Any, place: str) -> Iterator[str]:
    yield from (f"{place}.{name} is required" for name in names if name not in value)


def _properties(schemas: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    for name, schema in schemas.items():
        if name in value:
            yield from faults_of(schema, value[name], f"{place}.{name}")


def _items(schema: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    for position, member in enumerate(value):
        yield from faults_of(schema, member, f"{place}[{position}]")


def _min_items(least: int, value: Any, place: str) -> Iterator[str]:
    if len(value) < least:
        yield f"{place} must have at least {least} items"


def _enum(allowed: list[Any], value: Any, place: str) -> Iterator[str]:
    if value not in allowed:
        yield f"{place} must be one of {allowed}"


def _pattern(pattern: str, value: Any, place: str) -> Iterator[str]:
    if not re.search(pattern, value):
        yield f"{place} must match {pattern}"


def _minimum(least: float, value: Any, place: str) -> Iterator[str]:
    if value < least:
        yield f"{place} must be at least {least}"


def _exclusive_minimum(below: float, value: Any, place: str) -> Iterator[str]:
    if value <= below:
        yield f"{place} must be above {below}"


KEYWORDS: dict[str, Callable[[Any, Any, str], Iterator[str]]] = {
    "required": _required,
    "properties": _properties,
    "items": _items,
    "minItems": _min_items,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _minimum,
    "exclusiveMinimum": _exclusive_minimum,
}
