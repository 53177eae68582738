"""How an execution ends: its row, those who wait for it, and the event that tells the default bus."""

import msgspec

from interstate.core.asl.vocabulary import End, TaskFailed, TaskSucceeded
from interstate.services.states import integrations, retention
from interstate.services.states.announcing import announce
from interstate.services.states.distributed.children import child_ended
from interstate.services.states.machines import execution_ended
from interstate.services.states.open_counts import count_execution
from interstate.store.ports import Work
from interstate.store.records.states import (
    EXECUTIONS,
    EXPRESS,
    Deliveries,
    Delivery,
    Execution,
    Parent,
)


def end(execution: Execution, how: End, work: Work) -> None:
    """Write the end, wake who is parked on it, tell the bus, answer the Task that waits for it."""
    ended = msgspec.structs.replace(
        execution,
        status=how.status,
        stopped=work.now,
        output=None if how.output is None else how.output.text,
        error=how.error,
        cause=how.cause,
    )
    work.put(EXECUTIONS, ended)
    if ended.type != EXPRESS:
        count_execution(ended.machine, -1, work)
    work.wake(f"execution:{ended.arn}")
    announce(ended, work)
    execution_ended(ended.machine, work)
    retention.arm(work)
    if ended.machine_id < 0:
        child_ended(ended, work)
    if ended.parent is not None:
        _answer(ended, ended.parent, work)


def _answer(ended: Execution, parent: Parent, work: Work) -> None:
    outcome = integrations.answer_to_parent(ended, parent.style, work)
    event: TaskSucceeded | TaskFailed
    if isinstance(outcome, integrations.Answered):
        event = TaskSucceeded(parent.visit, outcome.output)
    else:
        event = TaskFailed(parent.visit, outcome.error, outcome.cause)
    work.later("states.event", Deliveries(parent.execution, [Delivery(parent.frame, event)]))
