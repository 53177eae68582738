"""A function's log as it grows: what ``interstate functions logs -f`` shows.

A follower waits parked until a call of the function has ended, so that nothing is asked again and again.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.time import from_micros
from interstate.services.lambda_.locate import located, log_group_of, version_at
from interstate.services.logs.locate import group_arn
from interstate.services.operation import Outcome, Parked
from interstate.store.ports import Work, comes_again
from interstate.store.records.logs import CHUNKS, CHUNKS_OF_GROUP, GROUPS, LogChunk, LogGroup
from interstate.store.tables import Scalar, Select

WAIT_S_MAX = 50.0
CHUNKS_MAX = 500
_FAR = timedelta(days=36_500)

# By the number alone: what was written since the last look is read, whichever group it belongs to.
NEW_CHUNKS = Select(CHUNKS, "id > :after", "id", follows=True)
NEWEST = Scalar("SELECT MAX(id) FROM log_chunks WHERE id < :below", (CHUNKS,))


class Follow(msgspec.Struct, frozen=True, rename="pascal"):
    """``after`` None: events since ``since`` (milliseconds since the epoch) at once; else what came after it, or a wait."""

    function_name: str
    since: int = 0
    after: int | None = None
    wait_s: float = 0.0


def follow(request: Follow, work: Work) -> Outcome:
    """The log's events, oldest first, and where to go on.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    found = located(work, request.function_name)
    version = version_at(work, found)
    arn = group_arn(log_group_of(version), work.caller)
    if request.after is None:
        since = from_micros(request.since * 1000)
        group = work.get(GROUPS, arn)
        return _answer(
            _past(work, group, since) if group is not None else [], work.scalar(NEWEST, below=work.horizon())
        )
    return _look(request, arn, found.function.arn, work, last=request.wait_s <= 0)


def _past(work: Work, group: LogGroup, since: datetime) -> list[LogChunk]:
    return work.select(
        CHUNKS_OF_GROUP, limit=CHUNKS_MAX, group=group.id, at=from_micros(0), id=0, until=work.now + _FAR, since=since
    )


def _look(request: Follow, arn: str, function: str, work: Work, *, last: bool) -> Outcome:
    assert request.after is not None
    new = work.select(NEW_CHUNKS, limit=CHUNKS_MAX, after=request.after)
    group = work.get(GROUPS, arn)
    own = [chunk for chunk in new if group is not None and chunk.group_id == group.id]
    after = new[-1].id if new else request.after
    if own or last:
        return _answer(own, after)
    going_on = msgspec.structs.replace(request, after=after)

    def again(work: Work, last: bool) -> Outcome:  # noqa: FBT001 the contract's positional "last"
        return _look(going_on, arn, function, work, last=last)

    return Parked(key_of(function), min(request.wait_s, WAIT_S_MAX), again, wake_at=comes_again(work))


def key_of(function: str) -> str:
    """What followers of a function wait for."""
    return f"function-log:{function}"


def _answer(chunks: list[LogChunk], after: int) -> dict[str, Any]:
    events = [
        {"Timestamp": at, "Message": message, "Stream": chunk.stream}
        for chunk in chunks
        for at, message in chunk.events
    ]
    return {"Events": events, "After": after}
