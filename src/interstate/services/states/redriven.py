"""An execution is set in motion again: its frames, its row, its event, in one transaction.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from datetime import datetime, timedelta

import msgspec

from interstate.core.asl.history import encode
from interstate.core.asl.vocabulary import HistoryEvent, SetTimer
from interstate.services.states import execution_logs
from interstate.services.states.announcing import announce
from interstate.services.states.compiled import definition_of, facts_of
from interstate.services.states.distributed.redrives import redrivable_runs
from interstate.services.states.frames import EXECUTION_TIMER, Frames
from interstate.services.states.open_counts import count_execution
from interstate.services.states.past import history_of
from interstate.services.states.resuming import Resumed, resumed
from interstate.store.ports import Work
from interstate.store.records.states import (
    EXECUTIONS,
    HISTORY,
    RUNNING,
    Deliveries,
    Delivery,
    Execution,
    HistoryChunk,
)


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
    history = history_of(execution, work)
    last = history[-1].id if history else 0
    event = _noted(execution, last, work.now)
    found = resumed(
        definition.machine,
        history,
        facts_of(execution, work).input,
        event.id,
        now=work.now,
        runs=redrivable_runs(execution, work),
    )
    _save(found, execution, definition.timeout_s, work)
    for chunk in encode([event]):
        work.put(HISTORY, HistoryChunk(work.next_id(HISTORY), execution.id, chunk.first, chunk.last, chunk.body))
    work.put(EXECUTIONS, execution)
    count_execution(execution.machine, 1, work)
    execution_logs.log(execution, [event], work)
    announce(execution, work)
    deliveries = [Delivery(number, event) for number, event in found.events]  # type: ignore[arg-type]  # Go and timers are stored
    work.later("states.event", Deliveries(execution.id, deliveries))


def _noted(execution: Execution, last: int, now: datetime) -> HistoryEvent:
    more = {"redriveCount": execution.redrive_count}
    return HistoryEvent(last + 1, last, "ExecutionRedriven", now, None, None, more)


def _save(found: Resumed, execution: Execution, timeout_s: int | None, work: Work) -> None:
    """Write the frames. The time limit of the whole execution starts again."""
    frames = Frames(facts_of(execution, work), work, input_at=execution.input_at)
    for frame in found.frames:
        frames.put(frame)
    if timeout_s is not None:
        frames.set_timer(SetTimer(0, 0, EXECUTION_TIMER, work.now + timedelta(seconds=timeout_s)))  # type: ignore[arg-type]  # the literal
    frames.write()
