"""RedriveExecution: go on from where an execution failed, under the same ARN, definition and input.

Source: API Reference, RedriveExecution, DescribeExecution (redriveStatusReason);
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.time import from_micros, to_micros
from interstate.core.asl.history import decode, encode
from interstate.core.asl.vocabulary import Datum, HistoryEvent, SetTimer
from interstate.services.states import ending, execution_logs
from interstate.services.states.compiled import definition_of, facts_of
from interstate.services.states.errors import ExecutionNotRedrivable
from interstate.services.states.executions import execution_at
from interstate.services.states.frames import EXECUTION_TIMER, Frames
from interstate.services.states.redrivable import redrive_obstacle
from interstate.services.states.resuming import Resumed, resumed
from interstate.store.ports import Work
from interstate.store.records.states import (
    EXECUTIONS,
    HISTORY,
    HISTORY_FROM,
    RUNNING,
    Deliveries,
    Delivery,
    Execution,
    HistoryChunk,
)

TOKENS_MAX = 10
TOKENS_FOR = timedelta(minutes=15)
_PAGE = 1000


class RedriveExecution(msgspec.Struct, frozen=True, rename="camel"):
    execution_arn: str
    client_token: str | None = None


def redrive_execution(request: RedriveExecution, work: Work) -> dict[str, Any]:
    """Let an execution go on that failed, was aborted, or timed out. The same client token answers the same.

    Raises:
        ExecutionDoesNotExist: there is none.
        ExecutionNotRedrivable: it runs, it succeeded, or it is too old or too long.
    """
    execution = execution_at(request.execution_arn, work)
    tokens = [entry for entry in execution.redrive_tokens if work.now - from_micros(entry[1]) <= TOKENS_FOR]
    known = next((entry for entry in tokens if entry[0] == request.client_token), None)
    if known is not None:
        return {"redriveDate": from_micros(known[1])}
    reason = redrive_obstacle(execution, work)
    if reason is not None:
        raise ExecutionNotRedrivable(reason)
    if request.client_token is not None:
        tokens = [*tokens, (request.client_token, to_micros(work.now))][-TOKENS_MAX:]
    redrive(msgspec.structs.replace(execution, redrive_tokens=tokens), work)
    return {"redriveDate": work.now}


def redrive(before: Execution, work: Work) -> None:
    """Set the execution in motion again: its frames, its row, its event, in one transaction."""
    execution = msgspec.structs.replace(
        before,
        status=RUNNING,
        stopped=None,
        error=None,
        cause=None,
        redrive_count=before.redrive_count + 1,
        redriven=work.now,
    )
    definition = definition_of(execution, work)
    history = _history(execution, work)
    last = history[-1].id if history else 0
    event = _noted(execution, last, work.now)
    found = resumed(definition.machine, history, Datum(execution.input), event.id, work.now)
    _save(found, execution, definition.timeout_s, work)
    for chunk in encode([event]):
        work.put(HISTORY, HistoryChunk(work.next_id(HISTORY), execution.id, chunk.first, chunk.last, chunk.body))
    work.put(EXECUTIONS, execution)
    execution_logs.log(execution, [event], work)
    ending.announce(execution, work)
    deliveries = [Delivery(number, event) for number, event in found.events]  # type: ignore[arg-type]  # Go and timers are stored
    work.later("states.event", Deliveries(execution.id, deliveries))


def _history(execution: Execution, work: Work) -> list[HistoryEvent]:
    found: list[HistoryEvent] = []
    while True:
        first = found[-1].id + 1 if found else 1
        chunks = work.select(HISTORY_FROM, limit=_PAGE, execution=execution.id, first=first)
        found += [event for chunk in chunks for event in decode(chunk.body)]
        if len(chunks) < _PAGE:
            return found


def _noted(execution: Execution, last: int, now: datetime) -> HistoryEvent:
    more = {"redriveCount": execution.redrive_count}
    return HistoryEvent(last + 1, last, "ExecutionRedriven", now, None, None, more)


def _save(found: Resumed, execution: Execution, timeout_s: int | None, work: Work) -> None:
    """Write the frames. The time limit of the whole execution starts again."""
    frames = Frames(facts_of(execution), work)
    for frame in found.frames:
        frames.put(frame)
    if timeout_s is not None:
        frames.set_timer(SetTimer(0, 0, EXECUTION_TIMER, work.now + timedelta(seconds=timeout_s)))  # type: ignore[arg-type]  # the literal
    frames.write()
