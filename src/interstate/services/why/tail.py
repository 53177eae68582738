"""A bus as it goes: what ``interstate events tail`` shows.

A follower waits parked until something comes onto the bus, so that nothing is asked again and again.
"""

from typing import Any

import msgspec

from interstate.base.errors import ServiceError
from interstate.services.events.locate import bus_arn, bus_name, find_bus
from interstate.services.events.sending import TAIL
from interstate.services.operation import Outcome, Parked
from interstate.services.why.logged import newest_id
from interstate.services.why.search import Sieve, Wanted
from interstate.store.ports import Work, comes_again
from interstate.store.records.events import LOG_OF_BUS

WAIT_S_MAX = 50.0
_ROWS_MAX = 100


class BusDoesNotExist(ServiceError):
    """There is no such bus to follow."""

    code = "ResourceNotFoundException"

    def __init__(self, bus: str) -> None:
        super().__init__(f"Event bus {bus} does not exist.")


class TailEvents(Wanted, frozen=True, rename="camel"):
    """``after`` None tells only where the log ends now; else what came after it, or a wait."""

    after: int | None = None
    wait_s: float = 0.0


def tail_events(request: TailEvents, work: Work) -> Outcome:
    """The events that came after a place, oldest first, and where to go on.

    Raises:
        BusDoesNotExist: there is no such bus.
    """
    arn = bus_arn(request.bus, work.caller)
    if find_bus(arn, work) is None:
        raise BusDoesNotExist(bus_name(arn) or arn)
    if request.after is None:
        return {"events": [], "after": newest_id(work)}
    return _look(request, arn, Sieve(request), work, last=request.wait_s <= 0)


def _look(request: TailEvents, arn: str, sieve: Sieve, work: Work, *, last: bool) -> Outcome:
    assert request.after is not None
    rows = work.select(LOG_OF_BUS, limit=_ROWS_MAX, bus=arn, after=request.after)
    events: list[dict[str, Any]] = [
        {"bus": row.bus, "receivedAt": row.at, "event": event} for row in rows for event in sieve.of(row)
    ]
    after = rows[-1].id if rows else request.after
    if events or last or len(rows) == _ROWS_MAX:
        return {"events": events, "after": after}
    going_on = msgspec.structs.replace(request, after=after)

    def again(work: Work, last: bool) -> Outcome:  # noqa: FBT001 the contract's positional "last"
        return _look(going_on, arn, sieve, work, last=last)

    return Parked(TAIL + arn, min(request.wait_s, WAIT_S_MAX), again, wake_at=comes_again(work))
