"""Parameters and results of integrations: between the States Language's names and the API's.

Tasks write every member with a capital first letter, whatever the API's own case; results come back the same way. Instants are
ISO texts, binary data are texts, and where the API wants a text, JSON is written into it.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html ("API actions are camel case, and
parameter names are Pascal case").
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from interstate.base.json import JSON, dumps
from interstate.base.time import parse_iso, to_iso
from interstate.wire.model import Models, ServiceModel, Shape, load


@cache
def _models() -> Models:
    return load()


def model_of(service: str) -> ServiceModel:
    """The published model of a service."""
    return _models().service(service)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


@cache
def operation_named(service: str, action: str) -> str | None:
    """The API's name of an action: ``listQueues`` is ListQueues."""
    return next((name for name in model_of(service).operations if name == _capital(action)), None)


@cache
def _members(service: str, shape: str) -> dict[str, tuple[str, str]]:
    """A structure's members by their capital names: (API name, shape)."""
    return {_capital(member.name): (member.name, member.shape) for member in model_of(service).shapes[shape].members}


def members_of_request(service: str, operation: str) -> frozenset[str]:
    """The names that a Task's parameters may have."""
    shape = model_of(service).operations[operation].input
    return frozenset(_members(service, shape)) if shape else frozenset()


def required_of_request(service: str, operation: str) -> frozenset[str]:
    """The names that a Task's parameters must have."""
    shape = model_of(service).operations[operation].input
    if not shape:
        return frozenset()
    return frozenset(_capital(name) for name in model_of(service).shapes[shape].required)


def to_request(service: str, operation: str, parameters: Mapping[str, JSON]) -> dict[str, Any]:
    """The request that a Task's parameters mean. What the API does not know, and null, is left out."""
    shape = model_of(service).operations[operation].input
    request: dict[str, Any] = _in(service, shape, dict(parameters)) if shape else {}
    return request


def _in(service: str, name: str, value: Any) -> Any:
    shape = model_of(service).shapes[name]
    match shape.kind, value:
        case "structure", dict():
            members = _members(service, name)
            streamed = _streamed(service, shape)
            return {
                members[key][0]: _in(service, members[key][1], _body(item) if members[key][0] == streamed else item)
                for key, item in value.items()
                if key in members and item is not None
            }
        case "list", list():
            assert shape.element is not None
            return [_in(service, shape.element.shape, item) for item in value]
        case "map", dict():
            assert shape.element is not None
            return {key: _in(service, shape.element.shape, item) for key, item in value.items()}
        case _:
            return _scalar_in(shape, value)


def _streamed(service: str, shape: Shape) -> str | None:
    """The member that is a request's body as it is: an object of S3."""
    if not shape.payload:
        return None
    kinds = {member.name: model_of(service).shapes[member.shape].kind for member in shape.members}
    return shape.payload if kinds.get(shape.payload) == "blob" else None


def _body(value: JSON) -> JSON:
    """A body is written as JSON, texts too. Source: objects that recorded executions have put."""
    return dumps(value) if isinstance(value, str) else value


def _scalar_in(shape: Shape, value: Any) -> Any:
    match shape.kind, value:
        case "string", dict() | list():
            return dumps(value)
        case "blob", str():
            return value.encode()
        case "blob", _:
            return dumps(value).encode()
        case "timestamp", str():
            try:
                return parse_iso(value)
            except ValueError:
                return value
        case _:
            return value


def to_result(service: str, operation: str, answer: Mapping[str, Any]) -> dict[str, JSON]:
    """An answer as a Task's result."""
    shape = model_of(service).operations[operation].output
    result: dict[str, JSON] = _out(service, shape, answer) if shape else {}
    return result


def _out(service: str, name: str, value: Any) -> Any:
    shape = model_of(service).shapes[name]
    match value:
        case Mapping() if shape.kind == "structure":
            shapes = {member.name: member.shape for member in shape.members}
            return {
                _capital(key): _out(service, shapes[key], item)
                for key, item in value.items()
                if key in shapes and item is not None
            }
        case Mapping() if shape.element is not None:
            inner = shape.element.shape
            return {key: _out(service, inner, item) for key, item in value.items()}
        case list() | tuple() if shape.element is not None:
            inner = shape.element.shape
            return [_out(service, inner, item) for item in value]
        case datetime():
            return to_iso(value)
        case bytes():
            return _text(value)
        case _:
            return value


def _text(value: bytes) -> str:
    """Binary data as text: what is UTF-8 as it is, the rest in base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
