"""Connections and API destinations, as they survive; and the bodies of their due work."""

from datetime import datetime
from typing import Any

import msgspec

from interstate.store.records.events import Delivery
from interstate.store.tables import Select, Table

CREATING, AUTHORIZING, AUTHORIZED, DEAUTHORIZED = "CREATING", "AUTHORIZING", "AUTHORIZED", "DEAUTHORIZED"


class Connection(msgspec.Struct, frozen=True):
    """A connection; ``shown`` is what is described of its AuthParameters, ``sealed`` all of them."""

    arn: str
    scope: str
    name: str
    type: str
    state: str
    secret_arn: str
    shown: dict[str, Any]
    sealed: bytes
    created: datetime
    modified: datetime
    token: bytes | None = None
    token_until: datetime | None = None
    authorized: datetime | None = None
    reason: str | None = None
    description: str | None = None
    kms_key: str | None = None


class ApiDestination(msgspec.Struct, frozen=True):
    """Where calls go, and how many a second."""

    arn: str
    scope: str
    name: str
    connection: str
    endpoint: str
    method: str
    rate: int
    created: datetime
    modified: datetime
    description: str | None = None


class Flow(msgspec.Struct, frozen=True):
    """The calls of one destination: under way, waiting for their turn; up to when its rate is spent."""

    destination: str
    in_flight: int
    waiting: int
    spent_until: datetime


class Waiting(msgspec.Struct, frozen=True):
    """A call that waits until one of its destination's calls has ended."""

    id: int
    destination: str
    body: bytes


CONNECTIONS = Table("events_connections", Connection, ("arn",), shared=True)
API_DESTINATIONS = Table("events_api_destinations", ApiDestination, ("arn",), shared=True)
FLOWS = Table("events_api_flows", Flow, ("destination",))
WAITING = Table("events_api_waiting", Waiting, ("id",))

CONNECTIONS_OF_SCOPE = Select(CONNECTIONS, "scope = :scope AND name > :after AND name >= :prefix", "name")
CONNECTION_NAMED = Select(CONNECTIONS, "scope = :scope AND name = :name", "name")
DESTINATIONS_OF_SCOPE = Select(API_DESTINATIONS, "scope = :scope AND name > :after AND name >= :prefix", "name")
DESTINATION_NAMED = Select(API_DESTINATIONS, "scope = :scope AND name = :name", "name")
WAITING_OF = Select(WAITING, "destination = :destination", "id")


class HttpCall(msgspec.Struct, frozen=True):
    """A call of an API destination; body of the effect "events.http". It holds no secret: those are read when it starts."""

    destination: str
    connection: str
    target_arn: str
    method: str
    url: str
    headers: dict[str, str]
    text: str
    delivery: Delivery


class HttpAnswer(msgspec.Struct, frozen=True):
    """How a call ended: a status, or the error that stood in its way; and the token that was fetched for it."""

    status: int = 0
    error: str = ""
    code: str = ""
    retry_after: str | None = None
    body: str = ""
    token: "Token | None" = None


class Token(msgspec.Struct, frozen=True):
    """An access token and how long it is good for; ``error`` says why there is none."""

    value: str = ""
    expires_in_s: float | None = None
    error: str = ""


class TokenCall(msgspec.Struct, frozen=True):
    """Fetch a connection's token, which was tried so often before; body of the effect "events.token"."""

    connection: str
    tries: int = 0
