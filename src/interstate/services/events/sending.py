"""From events on a bus to deliveries: one due row for each target that a call's events go to.

Theory of operation
-------------------
A call may bring ten events that go to one target. They travel together, because a row, a step and a call to the target's
service cost more than the event itself; what the target refuses of them goes on alone (see ``deliveries``). The rows are due
now, so they are usually carried out in the transaction that leaves them, and never written.

The events of a call that came onto one bus are one row of the event log, whose number is in their ids: it is kept for some
days, so that what became of an event can be told.
"""

from collections.abc import Collection

import msgspec

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


class _Road:
    """A bus, as one call brings events onto it."""

    __slots__ = ("bus", "ids", "log", "routes", "row", "runs", "texts")

    def __init__(self, bus: Bus, routes: Routes, log: BusLog | None) -> None:
        self.bus = bus
        self.routes = routes
        self.log = log
        self.row = 0  # Of the event log.
        self.ids: list[str] = []  # Of its first events, when many are expected.
        self.texts: list[bytes] = []  # What it will have.
        self.runs: list[tuple[list[str], list[Carried]]] = []  # Events in order; those in a row that matched the same.

    def begin(self, work: Work, expects: int) -> None:
        """Draw the number of the log's row, and ids."""
        self.row = work.next_id(LOG)
        if expects > 1:
            self.ids = event_ids(self.row, expects, work.entropy)

    def carry(self, matching: list[str], carried: Carried) -> None:
        """Take an event to the targets of the rules that it matches."""
        runs = self.runs
        if runs and runs[-1][0] == matching:
            runs[-1][1].append(carried)
        else:
            runs.append((matching, [carried]))


class Sender:
    """Takes the events of one call; ``close`` writes the log and leaves the deliveries.

    ``expects`` is how many there may be.
    """

    def __init__(self, work: Work, cache: RoutesCache, *, hops: int = 0, expects: int = 1) -> None:
        self._work = work
        self._cache = cache
        self._hops = hops
        self._expects = min(expects, PLACES_MAX)
        self._roads: dict[str, _Road] = {}

    def send(self, bus: Bus, event: JSONObject, *, trace: str | None = None, keep_id: bool = False) -> str:
        """Take an event onto a bus: into the archives that want it, and to the targets of the rules that it matches.

        Tells the event's id, which is new unless ``keep_id``.
        """
        road = self._roads.get(bus.arn) or self._road(bus)
        text = self._write(road, event, keep_id=keep_id)
        matching = road.routes.index.matching(event)
        if road.log is not None:
            self._tell(road, event, matching)
        number: str = event["id"]
        if matching:
            if road.routes.archives and "replay-name" not in event:
                for arn in matching:
                    archive = road.routes.archives.get(arn)
                    if archive is not None:
                        keep(archive, event, text, self._work)
            place = None if keep_id else (road.row, len(road.texts) - 1)
            road.carry(matching, Carried(number, msgspec.Raw(text), trace, place))
        return number

    def fire(self, bus: Bus, rules: Collection[str], event: JSONObject) -> None:
        """Take an event to the targets of these rules, whether they match it or not."""
        road = self._road(bus)
        text = self._write(road, event)
        self._tell(road, event, rules)
        road.carry(list(rules), Carried(event["id"], msgspec.Raw(text)))

    def send_again(self, bus: Bus, rules: Collection[str], event: JSONObject) -> None:
        """Take an event that is in the log already, under the id that it has."""
        road = self._road(bus)
        self._tell(road, event, rules)
        road.carry(list(rules), Carried(event["id"], msgspec.Raw(dumps_bytes(event))))

    def _road(self, bus: Bus) -> _Road:
        road = self._roads.get(bus.arn)
        if road is None:
            log = None if bus.log_config is None else log_of(bus, self._work)
            road = self._roads[bus.arn] = _Road(bus, self._cache.of(bus, self._work), log)
        return road

    def _write(self, road: _Road, event: JSONObject, *, keep_id: bool = False) -> bytes:
        """Give the event an id and a place in the log; tells its text."""
        texts = road.texts
        if not texts:
            road.begin(self._work, self._expects)
        if not keep_id:
            place = len(texts)
            event["id"] = road.ids[place] if place < len(road.ids) else event_id(road.row, place, self._work.entropy)
        text = dumps_bytes(event)
        texts.append(text)
        return text

    def _tell(self, road: _Road, event: JSONObject, matching: Collection[str]) -> None:
        if road.log is not None:
            rules = road.routes.rules
            road.log.came(event, (rules[arn] for arn in matching if arn in rules))

    def close(self) -> None:
        """Write the log, count, and leave the deliveries."""
        work = self._work
        roads = self._roads.values()
        for road in roads:
            if road.log is not None:
                road.log.close()
        if any(road.texts for road in roads):
            plan_sweep(work)
        for road in roads:
            if road.texts:
                body = b"[" + b",".join(road.texts) + b"]"
                work.put(LOG, Logged(road.row, road.bus.arn, work.now, len(road.texts), body))
                work.wake(TAIL + road.bus.arn)
        for road in roads:
            if road.runs:
                self._leave(road)

    def _leave(self, road: _Road) -> None:
        """Count what matched, and leave a delivery for each target."""
        work, bus, rules = self._work, road.bus.arn, road.routes.rules
        matched: dict[str, int] = {}
        matched_any = 0
        ways: dict[tuple[str, str], list[Carried]] = {}
        for matching, events in road.runs:
            routes = [route for arn in matching if (route := rules.get(arn)) is not None]  # Archives are none.
            if routes:
                matched_any += len(events)
            for route in routes:
                matched[route.name] = matched.get(route.name, 0) + len(events)
                for target in route.targets:
                    ways.setdefault((route.arn, target.id), []).extend(events)
        for name, count in matched.items():
            of_this, *_ = of_rule(bus, name, "MatchedEvents")  # For the account it counts once an event, not a rule.
            work.tally((of_this, *of_rule(bus, name, "TriggeredRules")), count)
        if matched_any:
            work.tally(of_bus(bus, "MatchedEvents"), matched_any)
        for (rule, target_id), events in ways.items():
            work.tally(of_bus(bus, "InvocationsCreated"), len(events))
            for begin in range(0, len(events), TOGETHER_MAX):
                together = events[begin : begin + TOGETHER_MAX]
                work.later(DELIVERY, Delivery(bus, rule, target_id, together, work.now, hops=self._hops))


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
