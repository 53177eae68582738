"""The event by which an execution tells the default bus that it has started, goes on, or has ended.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from interstate.base.arn import caller_of
from interstate.base.json import JSONObject
from interstate.base.time import to_millis
from interstate.services.events.aws_events import put_aws_event
from interstate.services.states.redrivable import redrive_obstacle
from interstate.services.states.texts import input_of
from interstate.store.ports import Work
from interstate.store.records.states import EXPRESS, Execution

DETAIL_DATA_BYTES_MAX = 248 * 1024
"""Longer input or output is left out of the event. Source: the page above, "Execution status change"."""


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
