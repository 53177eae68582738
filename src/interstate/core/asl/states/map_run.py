"""A Map in distributed mode: its fields evaluated, a Map Run asked for, and what becomes of its answer.

Children, items and results are the run's; this state only waits. Source:
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html; the history as recorded from Step Functions.
"""

import re
from typing import Final

from interstate.base.json import JSON, JSONObject
from interstate.core.asl import flow
from interstate.core.asl.definition import ItemBatcher, ItemReader, Map, ResultWriter
from interstate.core.asl.errors import RUNTIME, StateFailed
from interstate.core.asl.query import check_type
from interstate.core.asl.states import task
from interstate.core.asl.template import Template
from interstate.core.asl.turn import AHEAD, ITEMS, Turn, collection_of, too_long
from interstate.core.asl.vocabulary import (
    DATA_SIZE_MAX,
    Datum,
    Event,
    MapBatching,
    MapReading,
    MapRunSetup,
    MapWriting,
    RedriveMapRun,
    Retrying,
    StartMapRun,
    TaskFailed,
    Tasking,
    TaskSucceeded,
)
from interstate.core.jsonpath.path import Path

CHILDREN_MAX: Final = 10_000
"""Children that run at once. Source: Step Functions quotas, "Maximum parallel Map Run child workflow executions"."""
_FLOAT = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?\Z")
_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
Number = int | float | Path | Template | None


def start(state: Map, turn: Turn) -> None:
    """Evaluate what the run needs, and ask for it.

    Raises:
        StateFailed: a field cannot be evaluated, or there are no items.
    """
    spec = state.distributed
    assert spec is not None
    items = None if spec.reader is not None else _items(state, turn)
    turn.note("MapStateStarted", more={"length": 0 if items is None else len(items)})
    count = _integer(state, turn, spec.tolerated_count, "ToleratedFailureCount")
    percentage = _float(state, turn, spec.tolerated_percentage, "ToleratedFailurePercentage")
    concurrency = _integer(state, turn, state.concurrency, "MaxConcurrency") or 0
    label = spec.label or turn.entropy.uuid()
    execution = turn.execution
    base = execution.machine_arn.replace(":stateMachine:", ":mapRun:", 1)
    arn = f"{base}/{label}:{turn.entropy.uuid()}"
    selects = state.flow.parameters is not None
    setup = MapRunSetup(
        arn,
        label,
        spec.express,
        concurrency,
        _given(state, turn).text if selects else "",
        Datum(value=turn.context.value()).text if selects else "",
        _variables(turn) if selects else {},
        None if items is None else Datum(value=items).text,
        None if spec.reader is None else _reading(state, turn, spec.reader),
        None if spec.batcher is None else _batching(state, turn, spec.batcher),
        None if spec.writer is None else _writing(state, turn, spec.writer),
        count,
        percentage,
    )
    turn.note("MapRunStarted", more={"mapRunArn": arn})
    visit = turn.park(Tasking())
    turn.commands.append(StartMapRun(turn.frame, visit, state.name, setup))


def redrive(turn: Turn, again: Retrying) -> None:
    """Let the run that failed go on; nothing of the state is evaluated again.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
    """
    turn.awaiting = None
    turn.note("MapRunRedriven", more={"mapRunArn": again.run, "redriveCount": again.redrives})
    visit = turn.park(Tasking())
    turn.commands.append(RedriveMapRun(turn.frame, visit, again.run))


def answer(state: Map, turn: Turn, event: Event) -> None:
    """Leave with the run's results, or fail as it failed.

    Raises:
        StateFailed: the run has failed, or its results are too long.
    """
    match event:
        case TaskSucceeded(output=output):
            turn.awaiting = None
            turn.note("MapRunSucceeded")
            result = Datum(output)
            if result.exceeds(DATA_SIZE_MAX):
                raise too_long(state.name)
            turn.note_beside("MapStateSucceeded")
            left, assigned = flow.leaving(state.flow, turn.data, result, turn.context, turn.entropy)
            turn.leave("MapStateExited", state.next, left, assigned)
        case TaskFailed(error=error, cause=cause):
            turn.awaiting = None
            more: dict[str, JSON] = {"error": error, "cause": cause}
            turn.note("MapRunFailed", more=more)
            raise task.TaskError(error, cause)
        case _:
            return


def _variables(turn: Turn) -> dict[str, str]:
    """All variables that the state sees; inner ones hide outer ones."""
    seen: dict[str, str] = {}
    for depth in range(turn.depth + 1):
        variables = turn.chain_at(depth).variables
        seen.update({name: value.text for name, value in variables.items() if name not in {ITEMS, AHEAD}})
    return seen


def _items(state: Map, turn: Turn) -> list[JSON] | JSONObject:
    """An array, or an object whose members are the items. Source: Developer Guide, ItemsPath."""
    items = collection_of(state, turn.data, turn.context, turn.entropy, (list, dict))
    assert isinstance(items, list | dict)
    return items


def _given(state: Map, turn: Turn) -> Datum:
    return flow.effective_input(state.flow, turn.data, turn.context)


def _arguments(state: Map, turn: Turn, template: Template | None) -> dict[str, str]:
    if template is None:
        return {}
    value = template.evaluate(_given(state, turn).value, turn.context, turn.entropy)
    return {name: str(told) for name, told in value.items()} if isinstance(value, dict) else {}


def _reading(state: Map, turn: Turn, reader: ItemReader) -> MapReading:
    return MapReading(
        reader.action,
        _arguments(state, turn, reader.arguments),
        reader.input_type,
        reader.header_location,
        reader.headers,
        reader.delimiter,
        _integer(state, turn, reader.max_items, "MaxItems", least=None),
        reader.items_pointer,
        reader.manifest_type,
        reader.transformation,
    )


def _batching(state: Map, turn: Turn, batcher: ItemBatcher) -> MapBatching:
    batch_input = None
    if batcher.batch_input is not None:
        value = batcher.batch_input.evaluate(_given(state, turn).value, turn.context, turn.entropy)
        batch_input = Datum(value=value).text
    return MapBatching(
        _integer(state, turn, batcher.max_items, "MaxItemsPerBatch"),
        _integer(state, turn, batcher.max_bytes, "MaxInputBytesPerBatch"),
        batch_input,
    )


def _writing(state: Map, turn: Turn, writer: ResultWriter) -> MapWriting:
    told = _arguments(state, turn, writer.arguments)
    return MapWriting(told.get("Bucket", ""), told.get("Prefix", ""), writer.transformation, writer.output_type)


def _value(state: Map, turn: Turn, wanted: Path | Template, field: str, kind: str) -> JSON:
    if isinstance(wanted, Template):
        value: JSON = wanted.evaluate(turn.data.value, turn.context, turn.entropy)
        check_type(value, "integer" if kind == "integer" else "number", wanted.given, field)
        return value
    return flow.select(wanted, _given(state, turn).value, turn.context)


def _not_valid(field: str, value: JSON, kind: str, wanted: Path | Template) -> StateFailed:
    shown = value if isinstance(value, str) else Datum(value=value).text
    text = wanted.text if isinstance(wanted, Path) else ""
    return StateFailed(RUNTIME, f'The {field}Path field refers to value "{shown}" which is not a valid {kind}: {text}')


def _integer(state: Map, turn: Turn, wanted: Number, field: str, *, least: int | None = 0) -> int | None:
    if wanted is None or isinstance(wanted, int):
        return wanted
    assert isinstance(wanted, Path | Template), wanted
    value = _value(state, turn, wanted, field, "integer")
    if isinstance(value, str) and _INTEGER.match(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _not_valid(field, value, "integer", wanted)
    if least is not None and value < least:
        raise StateFailed(RUNTIME, f"{field} cannot be negative.")
    return value


def _float(state: Map, turn: Turn, wanted: Number, field: str) -> float | None:
    if wanted is None or isinstance(wanted, int | float):
        return wanted
    value = _value(state, turn, wanted, field, "number")
    if isinstance(value, str) and _FLOAT.match(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_valid(field, value, "float", wanted)
    if not 0 <= value <= 100:
        raise StateFailed(RUNTIME, f"{field} must be between 0 and 100.")
    return float(value)
