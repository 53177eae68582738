"""From events on a bus to deliveries: one due row for each target that a call's events go to.

Theory of operation
-------------------
A call may bring ten events that go to one target. They travel together, because a row, a step and a call to the target's
service cost more than the event itself; what the target refuses of them goes on alone (see ``deliveries``). The rows are due
now, so they are usually carried out in the transaction that leaves them, and never written.

The events of a call that came onto one bus are one row of the event log, whose number is in their ids: it is kept for some
days, so that what became of an event can be told.
"""

from collections.abc import Collection, Iterable

import msgspec

from interstate.base.ids import Entropy
from interstate.base.json import JSONObject, dumps_bytes
from interstate.core.events.numbers import PLACES_MAX, event_id, event_ids
from interstate.services.events.archiving import keep
from interstate.services.events.bus_logs import BusLog, log_of
from interstate.services.events.locate import find_bus
from interstate.services.events.log_upkeep import plan_sweep
from interstate.services.events.outcomes import DELIVERY, of_bus, of_rule
from interstate.services.events.routing import Routes, RoutesCache
from interstate.store.ports import Work
from interstate.store.records.events import LOG, Bus, Carried, Delivery, Logged

TAIL = "events.log:"
"""Before a bus's ARN: what those wait for who follow its log."""
TOGETHER_MAX = 10
"""Events that are delivered together: as many as a queue takes in one call."""

_Road = tuple[str, str, str]  # Bus, rule, target.


class _Page:
    """A row of the event log that is being filled; ``ids`` are those of its first events, when many are expected."""

    __slots__ = ("ids", "row", "texts")

    def __init__(self, row: int, ids: list[str]) -> None:
        self.row = row
        self.ids = ids
        self.texts: list[bytes] = []

    def next_id(self, entropy: Entropy) -> str:
        """The id of the event that comes next."""
        place = len(self.texts)
        return self.ids[place] if place < len(self.ids) else event_id(self.row, place, entropy)


class Sender:
    """Takes the events of one call; ``close`` writes the log and leaves the deliveries."""

    def __init__(self, work: Work, cache: RoutesCache, *, hops: int = 0, expects: int = 1) -> None:
        self._work = work
        self._cache = cache
        self._hops = hops
        self._expects = min(expects, PLACES_MAX)
        self._roads: dict[_Road, list[Carried]] = {}
        self._pages: dict[str, _Page] = {}
        self._matched: dict[tuple[str, str], int] = {}
        self._matched_any: dict[str, int] = {}
        self._logs: dict[str, BusLog | None] = {}

    def send(self, bus: Bus, event: JSONObject, *, trace: str | None = None, keep_id: bool = False) -> str:
        """Take an event onto a bus: into the archives that want it, and to the targets of the rules that it matches.

        Tells the event's id, which is new unless ``keep_id``.
        """
        page = self._page(bus)
        if not keep_id:
            event["id"] = page.next_id(self._work.entropy)
        text = dumps_bytes(event)
        page.texts.append(text)
        routes = self._cache.of(bus, self._work)
        matching = routes.index.matching(event)
        if bus.log_config is not None:
            self._log(bus, event, routes, matching)
        if matching:
            for arn in matching:
                archive = routes.archives.get(arn)
                if archive is not None and "replay-name" not in event:
                    keep(archive, event, text, self._work)
            place = None if keep_id else (page.row, len(page.texts) - 1)
            self._carry(bus.arn, routes, matching, Carried(event["id"], msgspec.Raw(text), trace, place))
        number: str = event["id"]
        return number

    def fire(self, bus: Bus, rules: Collection[str], event: JSONObject) -> None:
        """Take an event to the targets of these rules, whether they match it or not."""
        page = self._page(bus)
        event["id"] = page.next_id(self._work.entropy)
        text = dumps_bytes(event)
        page.texts.append(text)
        routes = self._cache.of(bus, self._work)
        if bus.log_config is not None:
            self._log(bus, event, routes, rules)
        self._carry(bus.arn, routes, rules, Carried(event["id"], msgspec.Raw(text)))

    def send_again(self, bus: Bus, rules: Collection[str], event: JSONObject) -> None:
        """Take an event that is in the log already, under the id that it has."""
        carried = Carried(event["id"], msgspec.Raw(dumps_bytes(event)))
        routes = self._cache.of(bus, self._work)
        if bus.log_config is not None:
            self._log(bus, event, routes, rules)
        self._carry(bus.arn, routes, rules, carried)

    def _log(self, bus: Bus, event: JSONObject, routes: Routes, matching: Iterable[str]) -> None:
        if bus.arn not in self._logs:
            self._logs[bus.arn] = log_of(bus, self._work)
        log = self._logs[bus.arn]
        if log is not None:
            log.came(event, (routes.rules[arn] for arn in matching if arn in routes.rules))

    def _page(self, bus: Bus) -> _Page:
        page = self._pages.get(bus.arn)
        if page is None:
            row = self._work.next_id(LOG)
            ids = event_ids(row, self._expects, self._work.entropy) if self._expects > 1 else []
            page = self._pages[bus.arn] = _Page(row, ids)
        return page

    def _carry(self, bus: str, routes: Routes, rules: Iterable[str], carried: Carried) -> None:
        is_first = True
        for arn in rules:
            route = routes.rules.get(arn)
            if route is not None:
                if is_first:
                    self._matched_any[bus] = self._matched_any.get(bus, 0) + 1
                    is_first = False
                self._matched[bus, route.name] = self._matched.get((bus, route.name), 0) + 1
                for target in route.targets:
                    self._roads.setdefault((bus, arn, target.id), []).append(carried)

    def close(self) -> None:
        """Write the log, count, and leave the deliveries."""
        work = self._work
        now = work.now
        for log in self._logs.values():
            if log is not None:
                log.close()
        if self._pages:
            plan_sweep(work)
        for bus, page in self._pages.items():
            work.put(LOG, Logged(page.row, bus, now, len(page.texts), b"[" + b",".join(page.texts) + b"]"))
            work.wake(TAIL + bus)
        for (bus, rule_name), count in self._matched.items():
            matched, *_ = of_rule(
                bus, rule_name, "MatchedEvents"
            )  # For the account it counts once an event, not a rule.
            work.tally((matched, *of_rule(bus, rule_name, "TriggeredRules")), count)
        for bus, count in self._matched_any.items():
            work.tally(of_bus(bus, "MatchedEvents"), count)
        for (bus, rule, target), events in self._roads.items():
            work.tally(of_bus(bus, "InvocationsCreated"), len(events))
            for begin in range(0, len(events), TOGETHER_MAX):
                together = events[begin : begin + TOGETHER_MAX]
                work.later(DELIVERY, Delivery(bus, rule, target, together, now, hops=self._hops))


def send(bus: Bus, event: JSONObject, work: Work, cache: RoutesCache, *, hops: int = 0) -> None:
    """Take a single event onto a bus."""
    sender = Sender(work, cache, hops=hops)
    sender.send(bus, event)
    sender.close()


def fire(bus_arn: str, rules: Collection[str], event: JSONObject, work: Work, cache: RoutesCache) -> None:
    """Take a single event to the targets of these rules; nothing happens when the bus is gone."""
    bus = find_bus(bus_arn, work)
    if bus is not None:
        sender = Sender(work, cache)
        sender.fire(bus, rules, event)
        sender.close()
