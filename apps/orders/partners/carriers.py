"""The carriers' gateway: bookings and pickups.

``POST /<carrier>/shipments`` books, ``DELETE /<carrier>/shipments/<key>`` takes a booking back, ``POST /<carrier>/pickups`` lets a
driver come for a parcel that is booked. Each is done once for its key. What a carrier does not serve it refuses with 422, and has
booked nothing. ``GET /<carrier>/health`` suffers the same faults as a booking. Pickups want to know who asks, each carrier in its own way: swift an API key, continental user and password, harbor
a token that ``POST /harbor/token`` gives to a client for a while. ``GET /ledger`` tells every booking, whether it still stands,
and every pickup.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from partners.faults import Dice, Rates
from partners.ledger import Ledger
from partners.web import NO_HEADERS, Reply

EUROPE = "AT BE CH CY CZ DE DK ES FI FR GB GG GR IE IS IT JE LT MT NL NO PL PT SE"
# Countries that a carrier serves; None for all.
SERVES: dict[str, frozenset[str] | None] = {"swift": None, "continental": frozenset(EUROPE.split()), "harbor": None}


TOKEN_S = 60


@dataclass(frozen=True, slots=True)
class Access:
    """What the carriers want to be shown; one secret for all of them, as the stack's parameters say."""

    user: str = "orders"
    secret: str = "local-carrier-secret"  # noqa: S105  # of a simulation on loopback


@dataclass
class Pickup:
    carrier: str
    key: str
    order_id: str
    tracking_number: str
    requests: int = 1


@dataclass
class Booking:
    carrier: str
    key: str
    order_id: str
    tracking_number: str
    voided: bool = False
    requests: int = 1


def up() -> Reply:
    return 200, {"status": "up"}


class Carriers:
    def __init__(self, path: Path, rates: Rates, seed: str, access: Access | None = None) -> None:
        self.ledger = Ledger(path)
        self.access = access or Access()
        self.bookings: dict[tuple[str, str], Booking] = {}
        self.pickups: dict[tuple[str, str], Pickup] = {}
        for line in self.ledger.lines():
            self.apply(line)
        self.dice = Dice(f"{seed}/carriers", rates)

    def apply(self, line: dict[str, Any]) -> None:
        place = (line["carrier"], line["key"])
        if line["type"] == "void":
            self.bookings[place].voided = True
        elif line["type"] == "pickup":
            self.pickups[place] = Pickup(*place, line["order_id"], line["tracking_number"])
        else:
            self.bookings[place] = Booking(*place, line["order_id"], line["tracking_number"])

    def write(self, **line: Any) -> None:
        self.ledger.append(**line)
        self.apply(line)

    async def handle(self, method: str, path: str, body: Any, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        if method == "GET" and path == "/ledger":
            return 200, self.report()
        act: Callable[[], Reply]
        match path.strip("/").split("/"):
            case [carrier, "shipments"] if method == "POST" and carrier in SERVES:
                act = partial(self.book, carrier, body)
            case [carrier, "shipments", key] if method == "DELETE" and carrier in SERVES:
                act = partial(self.void, carrier, key)
            case [carrier, "health"] if method == "GET" and carrier in SERVES:
                act = up
            case [carrier, "pickups"] if method == "POST" and carrier in SERVES:
                act = partial(self.pick_up, carrier, body, headers)
            case ["harbor", "token"] if method == "POST":
                act = partial(self.token, body, headers)
            case _:
                return 404, {"message": f"{method} {path} is not here"}
        await self.dice.wait(self.dice.rates.latency_ms)
        misfortune = self.dice.draw()
        if answer := self.dice.suffer(misfortune.before):
            return answer
        reply = act()
        return self.dice.suffer(misfortune.after) or reply

    def book(self, carrier: str, body: dict[str, Any]) -> Reply:
        known = self.bookings.get((carrier, body["key"]))
        if known and known.voided:
            return 409, {"message": f"{known.key} was taken back"}
        if known:
            known.requests += 1
            return 200, {"trackingNumber": known.tracking_number}
        serves, country = SERVES[carrier], body.get("country")
        if serves is not None and country not in serves:
            return 422, {"message": f"{carrier} does not go to {country}"}
        digest = hashlib.sha256(f"{carrier}/{body['key']}".encode()).hexdigest()
        number = f"{carrier[:2].upper()}{int(digest[:12], 16) % 10**12:012d}"
        self.write(type="book", carrier=carrier, key=body["key"], order_id=body["orderId"], tracking_number=number)
        return 201, {"trackingNumber": number}

    def void(self, carrier: str, key: str) -> Reply:
        known = self.bookings.get((carrier, key))
        if known is None:
            return 404, {"message": f"{carrier} has no booking {key}"}
        if not known.voided:
            self.write(type="void", carrier=carrier, key=key)
        return 200, {"voided": True}

    def pick_up(self, carrier: str, body: dict[str, Any], headers: Mapping[str, str]) -> Reply:
        if not self.knows(carrier, headers):
            return 401, {"message": f"{carrier} does not know who asks"}
        place = (carrier, body["key"])
        if known := self.pickups.get(place):
            known.requests += 1
            return 200, {"pickup": "known"}
        booking = self.bookings.get(place)
        if booking is None or booking.voided:
            return 404, {"message": f"{carrier} has no booking {body['key']}"}
        number = booking.tracking_number
        self.write(type="pickup", carrier=carrier, key=body["key"], order_id=body["orderId"], tracking_number=number)
        return 202, {"pickup": "planned"}

    def knows(self, carrier: str, headers: Mapping[str, str]) -> bool:
        if carrier == "swift":
            return hmac.compare_digest(headers.get("x-api-key", ""), self.access.secret)
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if carrier == "continental":
            wanted = base64.b64encode(f"{self.access.user}:{self.access.secret}".encode()).decode()
            return kind.lower() == "basic" and hmac.compare_digest(shown, wanted)
        until, _, seal = shown.partition(".")
        lives = until.isdecimal() and int(until) > time.time()
        return kind.lower() == "bearer" and lives and hmac.compare_digest(seal, self.seal(until))

    def token(self, body: dict[str, Any] | None, headers: Mapping[str, str]) -> Reply:
        """A token for whoever shows client id and secret: in the body, or as user and password."""
        given = body or {}
        basic = base64.b64encode(f"{self.access.user}:{self.access.secret}".encode()).decode()
        by_body = (given.get("client_id"), given.get("client_secret")) == (self.access.user, self.access.secret)
        if not by_body and headers.get("authorization") != f"Basic {basic}":
            return 401, {"error": "invalid_client"}
        if given.get("grant_type", "client_credentials") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        until = str(int(time.time()) + TOKEN_S)
        return 200, {"access_token": f"{until}.{self.seal(until)}", "token_type": "Bearer", "expires_in": TOKEN_S}

    def seal(self, until: str) -> str:
        return hmac.new(self.access.secret.encode(), until.encode(), hashlib.sha256).hexdigest()

    def report(self) -> dict[str, Any]:
        pickups = [
            {
                "carrier": each.carrier,
                "orderId": each.order_id,
                "trackingNumber": each.tracking_number,
                "requests": each.requests,
            }
            for each in self.pickups.values()
        ]
        bookings = [
            {
                "carrier": each.carrier,
                "key": each.key,
                "orderId": each.order_id,
                "trackingNumber": each.tracking_number,
                "voided": each.voided,
                "requests": each.requests,
            }
            for each in self.bookings.values()
        ]
        return {"bookings": bookings, "pickups": pickups}
