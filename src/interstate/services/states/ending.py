"""How an execution ends: its row, those who wait for it, and the event that tells the default bus.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

import msgspec

from interstate.base.arn import caller_of
from interstate.base.json import JSONObject
from interstate.base.time import to_millis
from interstate.core.asl.vocabulary import End, TaskFailed, TaskSucceeded
from interstate.services.events.aws_events import put_aws_event
from interstate.services.states import retention
from interstate.services.states.distributed.children import child_ended
from interstate.services.states.machines import execution_ended
from interstate.services.states.open_counts import count_execution
from interstate.services.states.redrivable import redrive_obstacle
from interstate.services.states.texts import input_of
from interstate.store.ports import Work
from interstate.store.records.states import (
    EXECUTIONS,
    EXPRESS,
    Deliveries,
    Delivery,
    Execution,
    Parent,
)

DETAIL_DATA_BYTES_MAX = 248 * 1024
"""Longer input or output is left out of the event. Source: the page above, "Execution status change"."""


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
    from interstate.services.states import integrations  # noqa: PLC0415 - integrations start executions

    outcome = integrations.answer_to_parent(ended, parent.style, work)
    event: TaskSucceeded | TaskFailed
    if isinstance(outcome, integrations.Answered):
        event = TaskSucceeded(parent.visit, outcome.output)
    else:
        event = TaskFailed(parent.visit, outcome.error, outcome.cause)
    work.later("states.event", Deliveries(parent.execution, [Delivery(parent.frame, event)]))


def announce(execution: Execution, work: Work) -> None:
    """Tell the default bus that a Standard execution has started or ended; Express executions are not told."""
    if execution.type == EXPRESS:
        return
    put_aws_event(
        work,
        caller_of(execution.arn),
        "aws.states",
        "Step Functions Execution Status Change",
        _detail(execution, work),
        [execution.arn],
    )


def _detail(execution: Execution, work: Work) -> JSONObject:
    obstacle = redrive_obstacle(execution, work)
    given = _shown("input", input_of(execution, work))
    made = _shown("output", execution.output)
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine,
        "name": execution.name,
        "status": execution.status,
        "startDate": to_millis(execution.started),
        "stopDate": None if execution.stopped is None else to_millis(execution.stopped),
        **given,
        **made,
        "stateMachineVersionArn": execution.version_arn,
        "stateMachineAliasArn": execution.alias_arn,
        "redriveCount": execution.redrive_count,
        "redriveDate": None if execution.redriven is None else to_millis(execution.redriven),
        "redriveStatus": "REDRIVABLE" if obstacle is None else "NOT_REDRIVABLE",
        "redriveStatusReason": obstacle,
        "error": execution.error,
        "cause": execution.cause,
    }


def _shown(name: str, text: str | None) -> JSONObject:
    if text is None:
        return {name: None, f"{name}Details": None}
    included = len(text.encode()) <= DETAIL_DATA_BYTES_MAX
    return {name: text if included else None, f"{name}Details": {"included": included}}
