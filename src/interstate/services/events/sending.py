"""From an event on a bus to deliveries: one due row per matching target.

The rows are due now, so they are usually carried out in the transaction that leaves them, and never written.
"""

from collections.abc import Iterable

import msgspec
import orjson

from interstate.base.json import JSONObject
from interstate.services.events.archiving import keep
from interstate.services.events.locate import find_bus
from interstate.services.events.routing import Route, RoutesCache, Target, targets_of
from interstate.store.ports import Work
from interstate.store.records.events import Bus, Delivery

DELIVERY = "events.delivery"


def send(bus: Bus, event: JSONObject, work: Work, cache: RoutesCache, *, hops: int = 0) -> None:
    """Take an event onto a bus: into the archives that want it, and to the targets of the rules that it matches."""
    routes = cache.of(bus, work)
    matching = routes.index.matching(event)
    if not matching:
        return
    text = orjson.dumps(event)
    for arn in matching:
        archive = routes.archives.get(arn)
        if archive is not None and "replay-name" not in event:
            keep(archive, event, text, work)
    _leave(bus.arn, event["id"], text, targets_of(routes, matching), work, hops=hops)


def leave(bus_arn: str, rules: Iterable[str], event: JSONObject, work: Work, cache: RoutesCache) -> None:
    """Deliver an event to the targets of these rules, whether it matches or not."""
    bus = find_bus(bus_arn, work)
    if bus is not None:
        _leave(bus_arn, event["id"], orjson.dumps(event), targets_of(cache.of(bus, work), rules), work)


def _leave(
    bus: str, event_id: str, text: bytes, targets: Iterable[tuple[Route, Target]], work: Work, *, hops: int = 0
) -> None:
    raw = msgspec.Raw(text)
    for route, target in targets:
        work.later(DELIVERY, Delivery(bus, route.arn, target.id, event_id, raw, work.now, hops=hops))
