"""The circuit breakers of the carriers: a parcel goes with another carrier, unless the first one may have it already."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ordering import circuit, keep, partner
from tests.apps.order_world import Died, OrderWorld, wired

SWIFT, CONTINENTAL, HARBOR = circuit.CARRIERS
KOREA = {"country": "KR"}  # swift, then continental, then harbor.
PACKING = {"units": 1, "box": "S", "boxes": 1}


class Depot:
    """Carriers that are up, down (they do nothing), deaf (they do it, their answer is lost) or refuse."""

    def __init__(self) -> None:
        self.world = OrderWorld()
        self.books, self.probes = (wired(self.world, name) for name in ("select_carrier", "probe_circuit"))
        self.db = self.world.client("dynamodb")
        self.mood = dict.fromkeys(("swift", "continental", "harbor"), "up")
        self.bookings: dict[tuple[str, str], str] = {}
        self.asked: list[str] = []
        partner.call = self.call

    def call(self, method: str, url: str, body: dict[str, Any] | None = None, **_: Any) -> dict[str, Any]:
        self.world.before_a_call()
        carrier = next(name for name in self.mood if f"/{name}/" in url)
        self.asked.append(carrier)
        mood = self.mood[carrier]
        if mood == "down":
            raise partner.PartnerUnavailable("down")
        if mood == "refuses":
            raise partner.PartnerRefused(422, {"message": "no"})
        if method == "POST" and body is not None:
            self.bookings[carrier, body["key"]] = f"{carrier}-1"
        if mood == "deaf":
            raise partner.PartnerUnavailable("deaf")
        return {"trackingNumber": f"{carrier}-1"}

    def book(self, order_id: str = "O-1") -> str:
        """One attempt of the workflow's state: the carrier, or the error's name."""
        try:
            answer = self.books.book({"orderId": order_id, "shippingAddress": KOREA}, PACKING)
        except (partner.PartnerUnavailable, self.books.NoCarrier) as fault:
            return type(fault).__name__
        carrier: str = answer["carrier"]
        return carrier

    def open(self, carrier: str) -> None:
        """Others' parcels fail there until nobody asks it any more."""
        mood, self.mood[carrier] = self.mood[carrier], "down"
        which = circuit.CIRCUITS[carrier]
        for number in range(which.failures_max):
            ask = partial(self.books.ask, carrier, parcel(number))
            with pytest.raises(partner.PartnerUnavailable):
                circuit.through(self.db, self.world.client("stepfunctions"), which, ask)
        self.mood[carrier] = mood
        self.asked.clear()

    def state(self, carrier: str) -> str:
        return circuit.state_of(circuit.load(self.db, circuit.CIRCUITS[carrier]))

    def standing(self, order_id: str = "O-1") -> list[str]:
        return [carrier for carrier, key in self.bookings if key == f"{order_id}-shipment"]


def parcel(number: int) -> dict[str, Any]:
    return {"key": f"F-{number}-shipment", "orderId": f"F-{number}"}


@pytest.fixture
def depot() -> Iterator[Depot]:
    call = partner.call
    yield Depot()
    partner.call = call


def test_a_carrier_that_fails_five_times_is_left_alone_and_the_next_takes_the_parcel(depot: Depot) -> None:
    depot.mood["swift"] = "down"
    for number in range(SWIFT.failures_max):
        assert depot.book(f"F-{number}") == "PartnerUnavailable"
    assert [depot.state(name) for name in depot.mood] == ["OPEN", "CLOSED", "CLOSED"]
    depot.asked.clear()
    assert depot.book() == "continental"
    assert depot.asked == ["continental"]


def test_a_parcel_that_a_carrier_may_have_waits_for_that_carrier(depot: Depot) -> None:
    depot.mood["swift"] = "deaf"
    assert depot.book() == "PartnerUnavailable"
    depot.open("swift")
    assert depot.book() == "CircuitOpen"
    assert depot.asked == []
    depot.mood["swift"] = "up"
    assert depot.probes.probe(SWIFT, 1) == {"state": "CLOSED"}
    assert depot.probes.replay(SWIFT) == {"more": False}
    assert depot.book() == "swift"
    assert depot.standing() == ["swift"]


def test_who_got_the_parcel_meanwhile_keeps_it(depot: Depot) -> None:
    """The answer of the second carrier is lost; the first one is well again when the call is repeated."""
    depot.open("swift")
    depot.mood["continental"] = "deaf"
    assert depot.book() == "PartnerUnavailable"
    assert depot.probes.probe(SWIFT, 1) == {"state": "CLOSED"}
    depot.mood["continental"] = "up"
    assert depot.book() == "continental"
    assert depot.standing() == ["continental"]


def test_all_refuse_or_some_are_left_alone(depot: Depot) -> None:
    depot.mood = dict.fromkeys(depot.mood, "refuses")
    assert depot.book() == "NoCarrier"
    depot.open("harbor")
    assert depot.book() == "CircuitOpen", "harbor may take it when it is back"
    depot.mood["harbor"] = "up"
    depot.probes.probe(HARBOR, 1)
    assert depot.book() == "harbor"


def test_a_trial_asks_for_the_carriers_own_health(depot: Depot) -> None:
    depot.open("continental")
    depot.mood["continental"] = "down"
    assert depot.probes.probe(CONTINENTAL, 1) == {"state": "OPEN"}
    assert depot.asked == ["continental"]


@pytest.mark.parametrize("seed", range(40))
def test_however_carriers_fail_and_functions_die_a_parcel_is_booked_once(depot: Depot, seed: int) -> None:
    dice = random.Random(seed)
    booked = ""
    for _ in range(60):
        depot.mood = {name: dice.choice(("up", "down", "deaf")) for name in depot.mood}
        for carrier in circuit.CARRIERS:
            found = circuit.load(depot.db, carrier)
            if circuit.state_of(found) != circuit.CLOSED and dice.random() < 0.3:
                depot.probes.probe(carrier, found["generation"])
        depot.world.plan = {depot.world.calls + dice.randint(1, 30): died}
        try:
            booked = depot.book()
        except Died:
            continue
        finally:
            depot.world.plan = {}
        if booked in depot.mood:
            break
    depot.mood = dict.fromkeys(depot.mood, "up")
    for carrier in circuit.CARRIERS:
        depot.probes.probe(carrier, circuit.load(depot.db, carrier).get("generation", 0))
    assert depot.book() == (booked if booked in depot.mood else keep.load(depot.db, "O-1")["carrierAsked"])
    assert len(depot.standing()) == 1


def died() -> None:
    raise Died
