"""What became of a request to a function that nobody waits for."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.time import from_micros
from interstate.services.lambda_.locate import log_group_of, version_of
from interstate.services.logs.locate import group_arn
from interstate.store.ports import Work
from interstate.store.records.due import IN_FLIGHT, NEXT, WAITING
from interstate.store.records.lambda_ import Invocation
from interstate.store.records.logs import CHUNKS_OF_GROUP, GROUPS
from interstate.store.records.why import DUE_FROM

_ROWS_MAX = 1_000
_LANES_OF_NODE = 4
_STATES = {WAITING: "waiting", IN_FLIGHT: "in flight"}
_CHUNKS_MAX = 200
_LINES_MAX = 20
_AHEAD = timedelta(hours=6)  # Lambda's asynchronous queue keeps an event so long.


def request(function_arn: str, request_id: str, since: Any, work: Work) -> dict[str, Any]:
    """A request of the asynchronous queue: waiting, in flight or ended, with what the function logged of it."""
    told: dict[str, Any] = {"kind": "function request", "requestId": request_id, "function": function_arn}
    needle = request_id.encode()
    for lane in _effect_lanes(work):
        for row in work.select(NEXT, limit=_ROWS_MAX, lane=lane):
            if row.kind == "lambda.invoke" and needle in row.body:
                call = msgspec.json.decode(row.body, type=Invocation)
                if call.request_id == request_id:
                    state = _STATES[lane % _LANES_OF_NODE]
                    told |= {"state": state, "attempt": call.attempt, "until": row.due_at}
    told.setdefault("state", "ended")
    lines = _log(function_arn, request_id, since, work)
    if lines:
        told["log"] = lines
        told["failed"] = any("[ERROR]" in line or "Task timed out" in line for line in lines)
    return told


def _effect_lanes(work: Work) -> Iterator[int]:
    """The lanes in which effects are, of all nodes; found by going from one lane that has a row to the next."""
    lane = 0
    while found := work.select(DUE_FROM, limit=1, lane=lane):
        if found[0].lane % _LANES_OF_NODE in _STATES:
            yield found[0].lane
        lane = found[0].lane + 1


def _log(function_arn: str, request_id: str, since: Any, work: Work) -> list[str]:
    unqualified = ":".join(function_arn.split(":")[:7])
    version = version_of(work, unqualified, None)
    if version is None:
        return []
    group = work.get(GROUPS, group_arn(log_group_of(version), caller_of(unqualified)))
    if group is None:
        return []
    page = work.select(
        CHUNKS_OF_GROUP,
        limit=_CHUNKS_MAX,
        group=group.id,
        at=from_micros(0),
        id=0,
        until=since + _AHEAD,
        since=since,
    )
    lines = [message.rstrip() for chunk in page for _, message in chunk.events if request_id in message]
    return lines[:_LINES_MAX]
