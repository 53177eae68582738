"""Execution logs: the history of an execution, written to the log group that its machine names.

One line of JSON an event, in the transaction of the step that made it. For an Express execution this is the only history. Events are
written into one stream an hour and machine. A log group that was deleted is not made again: its executions go on unlogged.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html (levels and their events); lines as recorded from
Step Functions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from interstate.base.arn import caller_of
from interstate.base.json import dumps
from interstate.base.time import to_millis
from interstate.core.asl.history import DETAILS, shown
from interstate.core.asl.vocabulary import HistoryEvent
from interstate.services.logs.locate import group_arn
from interstate.services.logs.streams import write
from interstate.store.ports import Work
from interstate.store.records.logs import GROUPS, STREAMS
from interstate.store.records.states import REVISIONS, Execution

FATAL = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"})
ERROR = FATAL | frozenset(
    {
        "ActivityFailed",
        "ActivityScheduleFailed",
        "ActivityTimedOut",
        "FailStateEntered",
        "LambdaFunctionFailed",
        "LambdaFunctionScheduleFailed",
        "LambdaFunctionStartFailed",
        "LambdaFunctionTimedOut",
        "MapIterationAborted",
        "MapIterationFailed",
        "MapStateAborted",
        "MapStateFailed",
        "ParallelStateAborted",
        "ParallelStateFailed",
        "TaskFailed",
        "TaskStartFailed",
        "TaskStateAborted",
        "TaskSubmitFailed",
        "TaskTimedOut",
        "WaitStateAborted",
    }
)


VALIDATION_STREAM = "log_stream_created_by_aws_to_validate_log_delivery_subscriptions"
_VALIDATED = (
    "Permissions are set correctly to allow AWS CloudWatch Logs to write into your logs while creating a subscription."
)


def prepare(configuration: Mapping[str, Any] | None, work: Work) -> None:
    """A machine wants to be logged: its group gets the stream with which log delivery shows that it can write."""
    for name in _groups(configuration):
        group = work.get(GROUPS, group_arn(name, work.caller))
        if group is not None and work.get(STREAMS, group.id, VALIDATION_STREAM) is None:
            write(work, work.caller, name, VALIDATION_STREAM, [(to_millis(work.now), _VALIDATED)])


def _groups(configuration: Mapping[str, Any] | None) -> list[str]:
    """The names of the log groups that a configuration names."""
    destinations = [] if configuration is None else configuration.get("destinations", [])
    arns = [destination.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "") for destination in destinations]
    return [arn.removesuffix(":*").rpartition(":log-group:")[2] for arn in arns]


def log(execution: Execution, events: Sequence[HistoryEvent], work: Work) -> None:
    """Write what happened to where the execution's machine wants it, as far as it wants it."""
    if not events:
        return
    revision = work.get(REVISIONS, execution.revision)
    configuration = None if revision is None else revision.logging
    level = "OFF" if configuration is None else configuration.get("level", "OFF")
    if configuration is None or level == "OFF":
        return
    wanted = [event for event in events if _is_wanted(event.type, level)]
    if not wanted:
        return
    with_data = bool(configuration.get("includeExecutionData", False))
    lines = [(to_millis(event.at), _line(event, execution, with_data=with_data)) for event in wanted]
    stream = f"states/{execution.machine.rpartition(':')[2]}/{work.now:%Y-%m-%d-%H-00}/{execution.machine_id:08x}"
    caller = caller_of(execution.arn)
    for name in _groups(configuration):
        if work.get(GROUPS, group_arn(name, caller)) is not None:
            write(work, caller, name, stream, lines)


def _is_wanted(kind: str, level: str) -> bool:
    match level:
        case "FATAL":
            return kind in FATAL
        case "ERROR":
            return kind in ERROR
        case _:
            return True


def _line(event: HistoryEvent, execution: Execution, *, with_data: bool) -> str:
    about = DETAILS[event.type]
    details = {} if about is None else shown(event, with_data=with_data).get(about.member, {})
    return dumps(
        {
            "id": str(event.id),
            "type": event.type,
            "details": details,
            "previous_event_id": str(event.previous),
            "event_timestamp": str(to_millis(event.at)),
            "execution_arn": execution.arn,
            "redrive_count": str(execution.redrive_count),
        }
    )
