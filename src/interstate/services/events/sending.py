"""From events on a bus to deliveries: one due row for each target that a call's events go to.

Theory of operation
-------------------
A call may bring ten events that go to one target. They travel together, because a row, a step and a call to the target's
service cost more than the event itself; what the target refuses of them goes on alone (see ``deliveries``). The rows are due
now, so they are usually carried out in the transaction that leaves them, and never written.
"""

from collections.abc import Iterable

import msgspec

from interstate.base.json import JSONObject, dumps_bytes
from interstate.services.events.archiving import keep
from interstate.services.events.locate import find_bus
from interstate.services.events.routing import Routes, RoutesCache
from interstate.store.ports import Work
from interstate.store.records.events import Bus, Carried, Delivery

DELIVERY = "events.delivery"
_Road = tuple[str, str, str]  # Bus, rule, target.


class Sender:
    """Takes the events of one call; ``close`` leaves their deliveries."""

    def __init__(self, work: Work, cache: RoutesCache, *, hops: int = 0) -> None:
        self._work = work
        self._cache = cache
        self._hops = hops
        self._roads: dict[_Road, list[Carried]] = {}

    def send(self, bus: Bus, event: JSONObject) -> None:
        """Take an event onto a bus: into the archives that want it, and to the targets of the rules that it matches."""
        routes = self._cache.of(bus, self._work)
        matching = routes.index.matching(event)
        if not matching:
            return
        text = dumps_bytes(event)
        for arn in matching:
            archive = routes.archives.get(arn)
            if archive is not None and "replay-name" not in event:
                keep(archive, event, text, self._work)
        self._carry(bus.arn, routes, matching, Carried(event["id"], msgspec.Raw(text)))

    def fire(self, bus: Bus, rules: Iterable[str], event: JSONObject) -> None:
        """Take an event to the targets of these rules, whether they match it or not."""
        carried = Carried(event["id"], msgspec.Raw(dumps_bytes(event)))
        self._carry(bus.arn, self._cache.of(bus, self._work), rules, carried)

    def _carry(self, bus: str, routes: Routes, rules: Iterable[str], carried: Carried) -> None:
        for arn in rules:
            route = routes.rules.get(arn)
            if route is not None:
                for target in route.targets:
                    self._roads.setdefault((bus, arn, target.id), []).append(carried)

    def close(self) -> None:
        """Leave the deliveries."""
        now = self._work.now
        for (bus, rule, target), events in self._roads.items():
            self._work.later(DELIVERY, Delivery(bus, rule, target, events, now, hops=self._hops))


def send(bus: Bus, event: JSONObject, work: Work, cache: RoutesCache, *, hops: int = 0) -> None:
    """Take a single event onto a bus."""
    sender = Sender(work, cache, hops=hops)
    sender.send(bus, event)
    sender.close()


def fire(bus_arn: str, rules: Iterable[str], event: JSONObject, work: Work, cache: RoutesCache) -> None:
    """Take a single event to the targets of these rules; nothing happens when the bus is gone."""
    bus = find_bus(bus_arn, work)
    if bus is not None:
        sender = Sender(work, cache)
        sender.fire(bus, rules, event)
        sender.close()
