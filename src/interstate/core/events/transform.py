"""What a target gets: the event, a part of it, a constant, or a template filled from it.

Theory of operation
-------------------
A template is text with ``<name>`` placeholders. It comes in two kinds, told apart by the first character. One that begins
with a quote is *text*: values are put in as they are, and quotes inside JSON values are dropped, so that the whole stays
readable as one string. Any other must become JSON: a placeholder outside of quotes becomes a JSON value, one inside of
quotes becomes part of that string; a whole object or list inside of quotes breaks the JSON, and then nothing is delivered.
A path that leads nowhere gives an empty text in both.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html; recorded deliveries in
tests/aws/services/events/test_events_inputs.snapshot.json of github.com/localstack/localstack.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.json import BrokenJSON, JSONObject, dumps, loads
from interstate.base.time import to_iso_s
from interstate.core.events.paths import MISSING, InvalidPath, parse_path, read_path

_PLACEHOLDER = re.compile(r"<([\w.\-]+)>")


class Transformer(msgspec.Struct, frozen=True):
    """A target's InputTransformer."""

    template: str
    paths: dict[str, str] = {}


class Context(msgspec.Struct, frozen=True):
    """What the reserved placeholders stand for, besides the event."""

    rule_arn: str
    rule_name: str
    ingested: datetime


class InvalidInput(Exception):
    """A template's result is not JSON; such an event is never delivered."""


_ALIASES = {"detail-type": "detailType"}


def _without_detail(event: JSONObject) -> JSONObject:
    """``<aws.events.event>``: recorded without detail, and with the type's key in camel case."""
    return {_ALIASES.get(key, key): value for key, value in event.items() if key != "detail"}


_RESERVED: Mapping[str, Any] = {
    "aws.events.rule-arn": lambda _, context: context.rule_arn,
    "aws.events.rule-name": lambda _, context: context.rule_name,
    "aws.events.event.ingestion-time": lambda _, context: to_iso_s(context.ingested),
    "aws.events.event": lambda event, _: _without_detail(event),
    "aws.events.event.json": lambda event, _: event,
}


def faults(transformer: Transformer) -> list[str]:
    """What is wrong with a transformer, as ends of a sentence that begins with the target."""
    unknown = [name for name in _PLACEHOLDER.findall(transformer.template) if not _is_known(name, transformer)]
    found = [f"contains invalid placeholder {name}." for name in unknown]
    reserved = [name for name in transformer.paths if name.startswith("aws.")]
    return found + [f"contains the reserved variable name {name}." for name in reserved]


def _is_known(name: str, transformer: Transformer) -> bool:
    return name in transformer.paths or name in _RESERVED


def broken_paths(transformer: Transformer) -> list[str]:
    """The paths that are no JSON paths."""
    return [path for path in transformer.paths.values() if not is_path(path)]


def is_path(text: str) -> bool:
    """Whether a text is a JSON path."""
    try:
        parse_path(text)
    except InvalidPath:
        return False
    return True


def part(path: str, event: JSONObject) -> str:
    """What InputPath selects, as JSON text; null where the path leads nowhere."""
    value = read_path(path, event)
    return "null" if value is MISSING else dumps(value)


def render(transformer: Transformer, event: JSONObject, context: Context) -> str:
    """Fill the template.

    Raises:
        InvalidInput: the result should be JSON and is not.
    """
    template = transformer.template

    def value_of(name: str) -> Any:
        if name in transformer.paths:
            return read_path(transformer.paths[name], event)
        reserved = _RESERVED.get(name)
        return MISSING if reserved is None else reserved(event, context)

    if template.lstrip().startswith('"'):
        return _PLACEHOLDER.sub(lambda found: _as_text(value_of(found[1])), template)
    text = _PLACEHOLDER.sub(
        lambda found: (
            _in_quotes(value_of(found[1])) if _is_quoted(template, found.start()) else _as_json(value_of(found[1]))
        ),
        template,
    )
    try:
        loads(text)
    except BrokenJSON as error:
        raise InvalidInput(str(error)) from error
    return text


def _is_quoted(template: str, at: int) -> bool:
    """Whether a place stands inside a JSON string."""
    quotes = re.findall(r'\\.|"', template[:at], re.DOTALL)
    return quotes.count('"') % 2 == 1


def _as_text(value: Any) -> str:
    if value is MISSING:
        return ""
    return (value if isinstance(value, str) else dumps(value)).replace('"', "")


def _as_json(value: Any) -> str:
    return '""' if value is MISSING else dumps(value)


def _in_quotes(value: Any) -> str:
    if value is MISSING:
        return ""
    return dumps(value)[1:-1] if isinstance(value, str) else dumps(value)
