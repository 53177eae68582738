"""One request to an API, and its answer, as values."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from interstate.base.json import dumps_bytes
from interstate.services.doors import Response
from interstate.store.records.apigateway import REST, Api, Routed

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TEXT_TYPES: Final = frozenset({"application/json", "application/javascript", "application/xml"})


class Exchange(msgspec.Struct, frozen=True):
    """A request as it reached a route of a stage."""

    api: Api
    stage: str
    variables: Mapping[str, str]
    route: Routed
    parameters: Mapping[str, str]
    method: str
    path: str  # without the stage
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str
    host: str
    request_id: str
    extended_id: str
    now: datetime
    trace: str = ""

    @property
    def account(self) -> str:
        return self.api.scope.split("/")[0]

    @property
    def region(self) -> str:
        return self.api.scope.split("/")[1]

    @property
    def full_path(self) -> str:
        """The path with the stage, as the client sent it; the ``$default`` stage has none."""
        return self.path if self.stage == "$default" else f"/{self.stage}{self.path}"

    @property
    def route_key(self) -> str:
        """``GET /orders/{id}`` or ``$default``."""
        return self.route.path if self.route.path == "$default" else f"{self.route.method} {self.route.path}"

    def header(self, name: str) -> str | None:
        """The last value of a header, by its name in lower case."""
        found = [value for key, value in self.headers if key.lower() == name]
        return found[-1] if found else None

    def queries(self) -> list[tuple[str, str]]:
        """The query's parameters, decoded, in order."""
        return parse_qsl(self.query, keep_blank_values=True)


def message(status: int, text: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A refusal by the gateway itself."""
    return Response(status, [("content-type", "application/json"), *headers], dumps_bytes({"message": text}))


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """All values of each name, in order."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def clf_time(at: datetime) -> str:
    """``12/Mar/2020:19:03:58 +0000``, whatever the locale."""
    return f"{at.day:02d}/{_MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} +0000"


def body_of(exchange: Exchange) -> tuple[str | None, bool]:
    """The body as a function gets it, and whether it is in base64.

    An HTTP API gives text types as text; anything else, and what is no UTF-8, in base64. A REST API without binary media
    types takes everything for text.
    """
    if not exchange.body:
        return None, False
    if exchange.api.kind == REST:
        return exchange.body.decode(errors="replace"), False
    type_ = (exchange.header("content-type") or "text/plain").partition(";")[0].strip().lower()
    if type_ in _TEXT_TYPES or type_.startswith("text/") or type_.endswith(("+json", "+xml")):
        try:
            return exchange.body.decode(), False
        except UnicodeDecodeError:
            pass
    return b64encode(exchange.body).decode(), True
