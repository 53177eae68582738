"""Mapping templates of REST APIs: their variables, and the text that they make of a payload.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.base.json import BrokenJSON, dumps, loads
from interstate.core.jsonpath.path import InvalidPath, NoSuchPath, compile_path
from interstate.core.velocity.java import MISSING, Missing, Open, from_json, text_of
from interstate.core.velocity.parse import BrokenTemplate, UnknownDirective, parse_template
from interstate.core.velocity.render import Object, render
from interstate.core.velocity.tree import Block
from interstate.services.apigateway.errors import BadRequestException
from interstate.services.apigateway.exchange import Exchange
from interstate.services.apigateway.payload import rest_context

_SHORT: Final = {"\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r"}


class Mapped(msgspec.Struct, frozen=True):
    """What a template wrote, and what it overrode of the response."""

    text: str
    status: int | None = None
    headers: list[tuple[str, str]] = []


@lru_cache(maxsize=512)
def _parsed(template: str) -> Block:
    return parse_template(template)


def check_template(template: str, where: str) -> None:
    """Check a template before it is kept.

    Raises:
        BadRequestException: it is none.
        NotImplementedHere: it uses macros.
    """
    try:
        _parsed(template)
    except UnknownDirective as error:
        raise NotImplementedHere(f"the directive {error} of mapping templates ({where})") from error
    except BrokenTemplate as error:
        raise BadRequestException(f"Invalid mapping template specified: {error} ({where})") from error


def mapped(template: str, payload: str, exchange: Exchange) -> Mapped:
    """Render a template over a payload.

    Raises:
        TooMuch: it runs or writes too long.
    """
    context = context_of(exchange)
    text = render(
        _parsed(template),
        {
            "context": context,
            "input": _input(payload, exchange),
            "stageVariables": Open(exchange.variables),
            "util": _UTIL,
        },
    )
    override = context["responseOverride"]
    status = text_of(override.get("status", ""))
    headers = override.get("header")
    return Mapped(
        text,
        int(status) if status.isdecimal() and len(status) == 3 else None,
        [(name, text_of(item)) for name, item in headers.items()] if isinstance(headers, dict) else [],
    )


def context_of(exchange: Exchange) -> Open:
    """``$context``; members of a request that has none are missing."""
    context = _open(rest_context(exchange))
    return Open(context, requestOverride=_overrides(), responseOverride=_overrides())


def _overrides() -> Open:
    return Open(header=Open(), path=Open(), querystring=Open())


def _open(value: Mapping[str, Any]) -> Open:
    return Open(
        (name, _open(item) if isinstance(item, Mapping) else item) for name, item in value.items() if item is not None
    )


def select(path: str, payload: str) -> Any:
    """The part of a JSON payload that a path names; MISSING where there is none."""
    try:
        return compile_path(path).select(loads(payload) if payload else {}, _NOWHERE)
    except (BrokenJSON, InvalidPath, NoSuchPath):
        return MISSING


class _Nowhere:
    """A payload has no context beside it."""

    def value(self) -> Any:
        return {}

    def variable(self, name: str) -> Any:
        raise KeyError(name)

    def states(self, name: str) -> Any:
        raise KeyError(name)

    @property
    def now(self) -> Any:
        raise AssertionError


_NOWHERE: Final = _Nowhere()


def _input(payload: str, exchange: Exchange) -> Object:
    parameters = Open(
        path=Open(exchange.parameters),
        querystring=Open(exchange.queries()),
        header=Open(exchange.headers),
    )

    def params(name: Any = MISSING) -> Any:
        if isinstance(name, Missing):
            return parameters
        found = (part[name] for part in parameters.values() if name in part)
        return next(found, _header(text_of(name), exchange))

    def json(path: Any) -> str:
        value = select(text_of(path), payload)
        return '""' if isinstance(value, Missing) else dumps(value)

    return Object(
        {"json": json, "params": params, "path": lambda path: from_json(select(text_of(path), payload))},
        {"body": payload},
    )


def _header(name: str, exchange: Exchange) -> Any:
    value = exchange.header(name.lower())
    return MISSING if value is None else value


def _escaped(value: Any) -> str:
    """As Commons Lang's escapeJavaScript, which API Gateway uses."""
    return "".join(_letter(letter) for letter in text_of(value))


def _letter(letter: str) -> str:
    if letter in "\\\"'/":
        return f"\\{letter}"
    if " " <= letter <= "~":
        return letter
    units = letter.encode("utf-16-be")
    return _SHORT.get(letter) or "".join(f"\\u{units[at]:02X}{units[at + 1]:02X}" for at in range(0, len(units), 2))


def _parse_json(text: Any) -> Any:
    try:
        return from_json(loads(text_of(text)))
    except BrokenJSON:
        return MISSING


def _decoded(text: Any) -> Any:
    try:
        return b64decode(text_of(text)).decode(errors="replace")
    except ValueError:
        return MISSING


_UTIL: Final = Object(
    {
        "base64Decode": _decoded,
        "base64Encode": lambda text: b64encode(text_of(text).encode()).decode(),
        "escapeJavaScript": _escaped,
        "parseJson": _parse_json,
        "urlDecode": lambda text: unquote_plus(text_of(text)),
        "urlEncode": lambda text: quote_plus(text_of(text), safe="*"),
    }
)
