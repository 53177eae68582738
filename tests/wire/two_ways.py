"""The two ways of a request's body into its struct: straight, and through the model's readers."""

import json
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from interstate.runtime.catalog import Catalog
from interstate.services.tables import SERVICES
from interstate.wire.codec import Wire
from interstate.wire.model import load
from interstate.wire.typed import Decode

CATALOG = Catalog(SERVICES)


@cache
def wire() -> Wire:
    return Wire(load())


@cache
def decoder(service: str, operation: str) -> Decode:
    found = wire().codec(service, operation).decoder(CATALOG.operation(service, operation).request)
    assert found is not None
    return found


def shortly(service: str, operation: str, body: bytes) -> Any:
    """What the short way reads; None when it lets it be."""
    try:
        return decoder(service, operation)(body)
    except Exception:  # noqa: BLE001 whatever it is: the long way is to read it
        return None


def at_length(service: str, operation: str, body: bytes) -> Any:
    params = wire().codec(service, operation).decode_json(body)
    return CATALOG.request(service, operation, params, checked=True)


def plain(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(bytes, datetime))


def body_of(request: Any) -> bytes:
    return json.dumps(request).encode("utf-8", "surrogatepass")
