"""What a distributed Map made of its result, which is in no history, is taken as recorded; all around it is compared."""

import json
from typing import Any

import pytest
from tests.core.asl.driving import Run

from interstate.base.json import dumps
from interstate.core.asl.parse import parse
from interstate.core.asl.replay.player import Replay, replay
from interstate.core.asl.replay.recorded import read_history
from interstate.core.asl.vocabulary import TaskFailed, Tasking, TaskSucceeded

States = dict[str, Any]
JSONATA = {"QueryLanguage": "JSONata"}
PROCESSOR = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "P",
    "States": {"P": {"Type": "Pass", "End": True}},
}
RESULT = '[{"k":1},{"k":2}]'


def distributed(**fields: Any) -> States:
    return {"Type": "Map", "Label": "L", "ItemProcessor": PROCESSOR, "End": True, **fields}


def record(states: States, result: str | tuple[str, str] = RESULT, given: Any = None, **top: Any) -> Any:
    """The history of an execution whose Map Runs all come to ``result``, as the API shows it."""
    run = Run(states, given=[1, 2] if given is None else given, top=top).start()
    while run.end is None:
        number = next(n for n, frame in run.frames.items() if isinstance(frame.awaiting, Tasking))
        visit = run.frames[number].visit
        run.wait(1)
        event = TaskSucceeded(visit, result) if isinstance(result, str) else TaskFailed(visit, *result)
        run.send(event, number)
    return json.loads(json.dumps({"events": run.shown}, default=str))


def played(document: Any, states: States, **top: Any) -> Replay:
    return replay(parse(dumps({"StartAt": next(iter(states)), "States": states, **top})), read_history(document))


JSONPATH = distributed(
    ResultSelector={"first.$": "$[0].k"}, ResultPath="$.r", OutputPath="$.r.first", Assign={"last.$": "$.first"}
)
READS = distributed(Output="{% $states.result[1].k %}", Assign={"last": "{% $states.result[0].k %}"})


@pytest.mark.parametrize(
    ("state", "given", "top"),
    [
        (READS, None, JSONATA),
        (distributed(Output="{% $sum($states.result.k) %}"), None, JSONATA),
        (distributed(Assign={"all": "{% $states.result %}"}), None, JSONATA),
        (distributed(ItemsPath="$.items", **{k: v for k, v in JSONPATH.items() if k != "Label"}), {"items": [1]}, {}),
    ],
)
def test_fields_that_read_the_result_are_taken_as_recorded(state: States, given: Any, top: Any) -> None:
    following: States = {"Each": {**state}, "After": {"Type": "Pass", "End": True}}
    del following["Each"]["End"]
    following["Each"]["Next"] = "After"
    found = played(record(following, given=given, **top), following, **top)
    assert found.same, found.difference
    assert found.status == "SUCCEEDED"
    assert "no history" in found.notes[0]


@pytest.mark.parametrize("within", ["Parallel", "Map"])
def test_also_within_branches_and_iterations(within: str) -> None:
    inner = {"StartAt": "Each", "States": {"Each": READS}}
    outer: States = {"Type": within, "End": True}
    if within == "Map":
        outer |= {"Items": [[1], [2]], "ItemProcessor": inner}
    else:
        outer |= {"Branches": [{"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}}, inner]}
    states = {"Outer": outer}
    found = played(record(states, **JSONATA), states, **JSONATA)
    assert found.same, found.difference


def test_what_comes_after_is_compared_with_what_was_taken() -> None:
    states: States = {
        "Each": {**{k: v for k, v in READS.items() if k != "End"}, "Next": "After"},
        "After": {"Type": "Pass", "Output": "{% $states.input + $last %}", "End": True},
    }
    document = record(states, **JSONATA)
    assert played(document, states, **JSONATA).same
    other = {**states, "After": {**states["After"], "Output": "{% $states.input - $last %}"}}
    difference = played(document, other, **JSONATA).difference
    assert difference is not None
    assert (difference.kind, difference.state, difference.recorded, difference.now) == ("other output", "After", 3, 1)


@pytest.mark.parametrize(
    ("assign", "path"),
    [
        ({}, "$.last"),
        ({"last": 1, "more": 2}, "$.more"),
        ({"other": "{% $states.result %}"}, "$.last"),
        (None, "$.last"),
    ],
)
def test_other_names_of_variables_are_a_difference(assign: Any, path: str) -> None:
    document = record({"Each": READS}, **JSONATA)
    changed = {name: value for name, value in READS.items() if name != "Assign"}
    changed |= {} if assign is None else {"Assign": assign}
    difference = played(document, {"Each": changed}, **JSONATA).difference
    assert difference is not None
    assert (difference.kind, difference.path) == ("other variables", path)


@pytest.mark.parametrize(
    ("state", "top"),
    [
        (distributed(Output="{% $states.result.k / 'x' %}"), JSONATA),
        (
            distributed(
                Output="{% $states.result.k / 'x' %}",
                Catch=[{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "B"}],
            ),
            JSONATA,
        ),
        (distributed(ResultSelector={"x.$": "$.nothing"}), {}),
    ],
)
def test_a_field_that_failed_over_the_result_fails_again(state: States, top: Any) -> None:
    states = {"Each": state, "B": {"Type": "Pass", "End": True}} if "Catch" in state else {"Each": state}
    found = played(record(states, **top), states, **top)
    assert found.same, found.difference


def test_a_handler_that_is_gone_is_missed() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
    states = {"Each": distributed(Output="{% $states.result.k / 'x' %}", Catch=catch), "B": {"Type": "Succeed"}}
    document = record(states, **JSONATA)
    difference = played(document, {"Each": distributed(Output="{% 1 %}")}, **JSONATA).difference
    assert difference is not None
    assert difference.kind == "missing error handler"


def test_a_run_that_failed_fails_again() -> None:
    states = {"Each": distributed(Output="{% $states.result.k %}")}
    found = played(record(states, ("States.ItemReaderFailed", "no"), **JSONATA), states, **JSONATA)
    assert found.same, found.difference
