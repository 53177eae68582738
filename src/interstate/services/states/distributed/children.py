"""The children of a Map Run: how one begins, and what its end leaves.

Source: Step Functions Developer Guide, "ResultWriter" (what is told of each execution).
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from interstate.base.json import JSONObject, dumps
from interstate.base.time import to_iso
from interstate.core.asl.vocabulary import MapRunSetup
from interstate.services.states.arns import execution_arn
from interstate.services.states.distributed.begin import schedule
from interstate.services.states.texts import forget_input, input_of
from interstate.store.ports import Work
from interstate.store.records.map_runs import MAP_RESULTS, MAP_RUNS, MAP_SOURCES, Counts, MapResult, MapRun, Tally
from interstate.store.records.states import EXECUTION_ARNS, EXECUTIONS, EXPRESS, RUNNING, STANDARD, Execution

_COUNTED: Final[Mapping[str, str]] = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "TIMED_OUT": "timed_out",
    "ABORTED": "aborted",
}


def new_child(run: MapRun, parent: Execution, text: str, work: Work) -> Execution:
    """An execution of the processor with this input, not started yet."""
    name = work.entropy.uuid()
    express_id = work.entropy.uuid() if run.express else None
    return Execution(
        id=work.next_id(EXECUTIONS),
        arn=execution_arn(run.machine, name, express_id=express_id),
        machine=run.machine,
        machine_id=-run.id,
        name=name,
        type=EXPRESS if run.express else STANDARD,
        revision=parent.revision,
        role_arn=parent.role_arn,
        status=RUNNING,
        started=work.now,
        input=text,
        mock_case=parent.mock_case,
    )


def began(run: MapRun, items: int) -> MapRun:
    """Count a child that begins with so many items."""
    tally = run.counts
    counts = Tally(_more(tally.executions, 1), _more(tally.items, items))
    return msgspec.structs.replace(run, counts=counts)


def _more(counts: Counts, by: int) -> Counts:
    return msgspec.structs.replace(counts, total=counts.total + by, running=counts.running + by)


def child_ended(child: Execution, work: Work) -> None:
    """Keep the child's result, count it, and let the run go on. An Express child is forgotten: nobody can ask for it."""
    run = work.get(MAP_RUNS, -child.machine_id)
    if run is None:
        return
    source = work.get(MAP_SOURCES, run.id)
    if source is not None:  # A child that somebody restarted when the run was over counts no more.
        kind = "SUCCEEDED" if child.status == "SUCCEEDED" else "FAILED"
        work.put(MAP_RESULTS, MapResult(run.id, kind, child.id, _result(child, source.setup, work)))
        items = items_in(child, source.setup, work)
        tally = run.counts
        counts = Tally(_ended(tally.executions, child.status, 1), _ended(tally.items, child.status, items))
        schedule(msgspec.structs.replace(run, counts=counts), work)
    if child.type == EXPRESS:
        forget_input(child, work)
        work.delete(EXECUTIONS, child.id)
        work.delete(EXECUTION_ARNS, child.arn)


def _ended(counts: Counts, status: str, by: int) -> Counts:
    field = _COUNTED[status]
    return msgspec.structs.replace(counts, running=counts.running - by, **{field: getattr(counts, field) + by})


def counted_again(run: MapRun, status: str, items: int, *, leaves: bool = False) -> MapRun:
    """Count a child that had ended as one that runs; or, when another takes its place, no more."""
    tally = run.counts
    counts = Tally(_again(tally.executions, status, 1, leaves), _again(tally.items, status, items, leaves))
    return msgspec.structs.replace(run, counts=counts)


def _again(counts: Counts, status: str, by: int, leaves: bool) -> Counts:  # noqa: FBT001 - told by name by its only caller
    field = _COUNTED[status]
    waiting = max(counts.to_redrive - by, 0)
    counts = msgspec.structs.replace(counts, **{field: getattr(counts, field) - by}, to_redrive=waiting)
    if leaves:
        return msgspec.structs.replace(counts, total=counts.total - by)
    return msgspec.structs.replace(counts, running=counts.running + by)


def to_redrive(counts: Counts) -> Counts:
    """All that ended without success wait to be redriven."""
    unsuccessful = counts.failed + counts.timed_out + counts.aborted
    return msgspec.structs.replace(counts, to_redrive=unsuccessful, not_redrivable=0)


def all_redriven(counts: Counts) -> Counts:
    """None waits to be redriven any more."""
    return msgspec.structs.replace(counts, to_redrive=0)


def stays_ended(run: MapRun, items: int) -> MapRun:
    """Count a child that cannot be redriven."""
    tally = run.counts
    return msgspec.structs.replace(run, counts=Tally(_stays(tally.executions, 1), _stays(tally.items, items)))


def _stays(counts: Counts, by: int) -> Counts:
    waiting = max(counts.to_redrive - by, 0)
    return msgspec.structs.replace(counts, to_redrive=waiting, not_redrivable=counts.not_redrivable + by)


def items_in(child: Execution, setup: MapRunSetup, work: Work) -> int:
    """How many items a child's input holds."""
    return 1 if setup.batching is None else items_of(input_of(child, work))


def items_of(batch: str) -> int:
    """How many items the input of a child holds that takes a batch."""
    return len(msgspec.json.decode(batch, type=_Batch).Items)


class _Batch(msgspec.Struct):
    Items: list[msgspec.Raw]


def item_count(child: Execution, work: Work) -> int:
    """How many items a child was given, told from its input: a batch has the form that a batcher makes."""
    value = msgspec.json.decode(input_of(child, work))
    batch = value.get("Items") if isinstance(value, dict) and value.keys() <= {"BatchInput", "Items"} else None
    return len(batch) if isinstance(batch, list) else 1


def _result(child: Execution, setup: MapRunSetup, work: Work) -> str:
    """What is gathered of a child: its output, or all that is told of its execution."""
    writing = setup.writing
    form = writing.transformation if writing else None
    if form is None:
        form = "NONE" if writing is not None and writing.bucket else "COMPACT"
    if form != "NONE" and child.status == "SUCCEEDED":
        assert child.output is not None, child
        return child.output
    return dumps(described(child, work))


def described(child: Execution, work: Work) -> JSONObject:
    """An execution as result files tell it."""
    succeeded = child.status == "SUCCEEDED"
    told: JSONObject = {
        "ExecutionArn": child.arn,
        "Input": input_of(child, work),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "RedriveCount": child.redrive_count,
        "StartDate": to_iso(child.started),
        "StateMachineArn": child.machine,
        "Status": child.status,
    }
    if child.stopped is not None:
        told["StopDate"] = to_iso(child.stopped)
    if succeeded:
        told["Output"] = child.output
        told["OutputDetails"] = {"Included": True}
        told["RedriveStatus"] = "NOT_REDRIVABLE"
        told["RedriveStatusReason"] = "Execution is SUCCEEDED and cannot be redriven"
    else:
        told["RedriveStatus"] = "REDRIVABLE_BY_MAP_RUN"
    if child.error is not None:
        told["Error"] = child.error
    if child.cause is not None:
        told["Cause"] = child.cause
    return dict(sorted(told.items()))
