"""A recorded history against a changed definition: the same, or where it first differs."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.core.asl.driving import Run

from interstate.base.json import dumps
from interstate.core.asl.parse import parse
from interstate.core.asl.replay.player import Replay, replay
from interstate.core.asl.replay.recorded import NoHistory, read_history
from interstate.core.asl.vocabulary import TaskFailed, TaskSucceeded

F = "arn:aws:lambda:us-east-1:000000000000:function:f"
States = dict[str, Any]


def task(**fields: Any) -> States:
    return {"Type": "Task", "Resource": F, **({} if "Next" in fields else {"End": True}), **fields}


def one(name: str, state: States) -> States:
    return {"StartAt": name, "States": {name: state}}


def record(states: States, answers: list[str | tuple[str, str]], given: Any = None, **top: Any) -> Any:
    """The history of an execution, as the API shows it: tasks get the answers in their order, waits end in time."""
    run = Run(states, given=given, top=top).start()
    left = list(answers)
    while run.end is None:
        if run.tasks and left:
            frame, command = min(run.tasks.items())
            answer = left.pop(0)
            failed = not isinstance(answer, str)
            event = TaskFailed(command.visit, *answer) if failed else TaskSucceeded(command.visit, answer)  # type: ignore[arg-type]  # by its type
            run.tasks.pop(frame)
            run.wait(0.25)
            run.send(event, frame)
        elif run.timers:
            run.fire()
        else:
            break
    return json.loads(json.dumps({"events": run.shown}, default=str))


def played(document: Any, states: States, **top: Any) -> Replay:
    text = dumps({"StartAt": next(iter(states)), "States": states, **top})
    return replay(parse(text), read_history(document))


BASE: States = {
    "Take": task(Parameters={"order.$": "$.id"}, ResultPath="$.taken", Next="Rest"),
    "Rest": {"Type": "Wait", "Seconds": 60, "Next": "Pay"},
    "Pay": task(
        Retry=[{"ErrorEquals": ["Busy"], "MaxAttempts": 2}],
        Catch=[{"ErrorEquals": ["Declined"], "ResultPath": "$.error", "Next": "Tell"}],
        Next="Done",
    ),
    "Tell": {"Type": "Pass", "Result": "told", "Next": "Done"},
    "Done": {"Type": "Succeed"},
}
ANSWERS: list[str | tuple[str, str]] = ['{"ok":true}', ("Busy", "wait"), ("Declined", "no money")]


def changed(**states: Any) -> States:
    return {**BASE, **states}


def test_the_same_definition_reaches_the_same_end() -> None:
    document = record(BASE, ANSWERS, {"id": 7})
    found = played(document, BASE)
    assert found.same, found.difference
    assert found.status == "SUCCEEDED"
    assert found.compared == len([one for one in document["events"] if not one["type"].endswith("FunctionStarted")])


def test_playing_twice_tells_the_same() -> None:
    document = record(BASE, ANSWERS, {"id": 7})
    other = changed(Tell={"Type": "Pass", "Result": "other", "Next": "Done"})
    assert played(document, other) == played(document, other)


@pytest.mark.parametrize(
    ("states", "event", "kind", "state", "words"),
    [
        (
            {"Take": {**BASE["Take"], "Parameters": {"order.$": "$.id", "more": 1}}},
            "LambdaFunctionScheduled",
            "other parameters",
            "Take",
            ["$.more", "1"],
        ),
        (
            {"Take": {**BASE["Take"], "Next": "Pay"}, "Tell": {**BASE["Tell"], "Next": "Rest"}},
            "WaitStateEntered",
            "other next state",
            "Rest",
            ["'Rest'", "'Pay'"],
        ),
        (
            {"Take": {**BASE["Take"], "ResultPath": "$.got"}},
            "TaskStateExited",
            "other output",
            "Take",
            ["$.taken", '{"ok":true}'],
        ),
        (
            {"Pay": {**BASE["Pay"], "Catch": [{"ErrorEquals": ["Other"], "Next": "Tell"}]}},
            "TaskStateExited",
            "missing error handler",
            "Pay",
            ["fails with Declined"],
        ),
        (
            {"Pay": {**BASE["Pay"], "Retry": []}},
            "LambdaFunctionScheduled",
            "missing error handler",
            None,
            ["fails with Busy"],
        ),
        (
            {"Pay": {**BASE["Pay"], "Retry": [{"ErrorEquals": ["States.ALL"]}]}},
            "TaskStateExited",
            "other error",
            "Pay",
            ["tried again (Retry)"],
        ),
        (
            {"Tell": {"Type": "Pass", "Result": "new", "Next": "Done"}},
            "PassStateExited",
            "other output",
            "Tell",
            ['"told"', '"new"'],
        ),
        (
            {"Done": {"Type": "Pass", "Next": "More"}, "More": {"Type": "Pass", "End": True}},
            "SucceedStateEntered",
            "other event",
            "Done",
            ["Succeed", "Pass"],
        ),
    ],
)
def test_the_first_difference_is_told(
    states: States, event: str, kind: str, state: str | None, words: list[str]
) -> None:
    document = record(BASE, ANSWERS, {"id": 7})
    found = played(document, changed(**states))
    assert not found.same
    difference = found.difference
    assert difference is not None
    if kind == "other event":  # The state's own type changed: it is entered, but as another one.
        assert difference.kind in {"other event", "other next state"}
    else:
        assert difference.kind == kind, difference
    assert difference.type == event, difference
    assert state is None or difference.state == state
    assert document["events"][difference.event - 1]["type"] == event
    for word in words:
        assert word in difference.sentence


def test_what_is_different_each_time_is_taken_as_recorded() -> None:
    states: States = {
        "Make": {
            "Type": "Pass",
            "Parameters": {"id.$": "States.UUID()", "at.$": "$$.State.EnteredTime"},
            "Next": "Use",
        },
        "Use": task(Parameters={"id.$": "$.id", "name.$": "$$.Execution.Name"}),
    }
    document = record(states, ["1"])
    assert played(document, states).same
    worse = {**states, "Use": task(Parameters={"id.$": "$.id", "name": "x"})}
    difference = played(document, worse).difference
    assert difference is not None
    assert (difference.kind, difference.path) == ("other parameters", "$.name")


def test_jsonata_and_variables() -> None:
    states: States = {
        "Begin": {"Type": "Pass", "Assign": {"n": "{% $states.input.n * 2 %}"}, "Next": "Call"},
        "Call": task(Arguments={"n": "{% $n %}"}, Output="{% $states.result.m %}"),
    }
    document = record(states, ['{"m":5}'], {"n": 4}, QueryLanguage="JSONata")
    assert played(document, states, QueryLanguage="JSONata").same
    other = {**states, "Begin": {**states["Begin"], "Assign": {"n": "{% $states.input.n * 3 %}"}}}
    difference = played(document, other, QueryLanguage="JSONata").difference
    assert difference is not None
    assert (difference.kind, difference.state, difference.recorded, difference.now) == (
        "other variables",
        "Begin",
        8,
        12,
    )


FORK: States = {
    "Fork": {
        "Type": "Parallel",
        "Branches": [one("Left", task()), one("Right", task(Retry=[{"ErrorEquals": ["Busy"]}]))],
        "Next": "Each",
    },
    "Each": {
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": {"StartAt": "In", "States": {"In": task(Next="Out"), "Out": {"Type": "Pass", "End": True}}},
        "End": True,
    },
}


def test_branches_and_iterations() -> None:
    document = record(FORK, ["1", ("Busy", ""), "2", "3", "4"])
    assert played(document, FORK).same
    processor = {**FORK["Each"]["ItemProcessor"]}
    processor["States"] = {**processor["States"], "Out": {"Type": "Pass", "Result": 9, "End": True}}
    difference = played(document, {**FORK, "Each": {**FORK["Each"], "ItemProcessor": processor}}).difference
    assert difference is not None
    assert (difference.kind, difference.state, difference.within) == ("other output", "Out", ("Each[0]",))


def test_the_order_in_which_branches_were_interleaved_does_not_matter() -> None:
    """AWS runs branches side by side: the events of one may stand between those of another."""
    document = record(FORK, ["1", ("Busy", ""), "2", "3", "4"])
    events = document["events"]
    assert [_named(events[at]) for at in (3, 6)] == ["Left", "Right"]
    order = [1, 2, 3, 7, 4, 8, 5, 9, 6, *range(10, len(events) + 1)]
    numbers = {0: 0} | {before: after for after, before in enumerate(order, 1)}
    for event in events:
        event["id"], event["previousEventId"] = numbers[event["id"]], numbers[event["previousEventId"]]
    assert played(document, FORK).same


def _named(event: States) -> str | None:
    name: str | None = event.get("stateEnteredEventDetails", {}).get("name")
    return name


def test_a_branch_that_stops_its_siblings() -> None:
    states: States = {
        "Fork": {
            "Type": "Parallel",
            "Branches": [one("Left", task()), one("Right", {"Type": "Wait", "Seconds": 99, "End": True})],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "After"}],
            "End": True,
        },
        "After": {"Type": "Pass", "End": True},
    }
    document = record(states, [("Bad", "cause")])
    assert played(document, states).same
    uncaught = {**states, "Fork": {key: value for key, value in states["Fork"].items() if key != "Catch"}}
    uncaught["Fork"]["Next"] = "After"
    uncaught["Fork"].pop("End")
    difference = played(document, uncaught).difference
    assert difference is not None
    assert (difference.kind, difference.type) == ("missing error handler", "ParallelStateExited")


def test_a_history_that_has_not_ended_says_so() -> None:
    document = record(BASE, [], {"id": 7})
    assert document["events"][-1]["type"] == "LambdaFunctionStarted"
    found = played(document, BASE)
    assert found.same
    assert found.status == "RUNNING"
    assert "has not ended" in found.notes[0]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda document: {**document, "nextToken": "x"}, "further pages"),
        (lambda document: {"events": document["events"][1:]}, "ExecutionStarted"),
        (lambda _document: {}, '{"events": [...]}'),
        (lambda document: [{**document["events"][0], "id": "x"}], "lacks"),
    ],
)
def test_what_is_no_history_is_refused(spoil: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(NoHistory, match=words.replace("{", r"\{").replace("[", r"\[")):
        read_history(spoil(record(BASE, ANSWERS, {"id": 7})))


@pytest.mark.parametrize("at", [1767323045.5, "2026-01-02T03:04:05.500000+00:00", "2026-01-02T03:04:05.500Z"])
def test_timestamps_may_be_the_apis_or_the_clis(at: Any) -> None:
    (event,) = read_history([{"id": 1, "type": "ExecutionStarted", "timestamp": at}])
    assert event.at.isoformat() == "2026-01-02T03:04:05.500000+00:00"
