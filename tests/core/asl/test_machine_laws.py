"""Laws of the interpreter, for machines and arrivals at random.

* Saving and loading between any two events changes nothing.
* An event that nothing awaits changes nothing.
* History is numbered without gaps, each event follows one that was before, and an execution ends once.
"""

import gc
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.core.asl.driving import Run

from interstate.core.asl.machine import advance
from interstate.core.asl.vocabulary import (
    Abort,
    Awaiting,
    Datum,
    Event,
    Frame,
    Heartbeat,
    Step,
    Stored,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    Timer,
    TimerFired,
)

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
CALLBACK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
RETRY = [{"ErrorEquals": ["A"], "MaxAttempts": 2, "JitterStrategy": "FULL"}]
CATCH = [{"ErrorEquals": ["A", "States.Timeout"], "ResultPath": "$.e", "Next": "End"}]


def task(name: str, resource: str, **fields: Any) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: {"Type": "Task", "Resource": resource, "End": True, **fields}}}


STATES: dict[str, Any] = {
    "Start": {"Type": "Pass", "Result": [1, 2, 3], "ResultPath": "$.items", "Next": "Fork"},
    "Fork": {
        "Type": "Parallel",
        "Branches": [
            task("T", FUNCTION, TimeoutSeconds=30, Retry=RETRY),
            task("C", CALLBACK, HeartbeatSeconds=20),
            {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 25, "End": True}}},
        ],
        "Retry": RETRY,
        "Catch": CATCH,
        "ResultPath": "$.fork",
        "Next": "Each",
    },
    "Each": {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 2,
        "ItemProcessor": task("I", FUNCTION, Retry=RETRY),
        "Catch": CATCH,
        "ResultPath": "$.each",
        "Next": "End",
    },
    "End": {"Type": "Succeed"},
}

Arrival = tuple[int, Event | None]
TIMERS: tuple[Timer, ...] = ("wait", "retry", "timeout", "heartbeat")
VISITS = some.integers(0, 4)
EVENTS = some.one_of(
    some.none(),  # The next timer fires.
    some.builds(TaskSucceeded, VISITS, some.just('{"ok": true}')),
    some.builds(TaskFailed, VISITS, some.sampled_from(["A", "B", None])),
    some.builds(TaskSubmitted, VISITS, some.just("{}")),
    some.builds(Heartbeat, VISITS),
    some.builds(TimerFired, VISITS, some.sampled_from(TIMERS)),
    some.just(Abort("X", "Y")),
)
ARRIVALS = some.lists(some.tuples(some.integers(0, 12), EVENTS), max_size=40)


def begun() -> Run:
    return Run(STATES, given={"a": 1}).start()


def arrive(run: Run, arrivals: list[Arrival]) -> Run:
    for number, event in arrivals:
        if run.end is not None:
            break
        if event is not None:
            run.send(event, number if not isinstance(event, Abort) else 0)
        elif run.timers:
            run.fire()
    return run


class Saved(msgspec.Struct):
    """A frame as a store keeps it."""

    awaiting: Awaiting | None
    rest: list[Any]


def saved_and_loaded(frame: Frame) -> Frame:
    fields = msgspec.structs.asdict(frame)
    awaiting, data, at = fields.pop("awaiting"), fields.pop("data"), fields.pop("entered_at")
    text = msgspec.json.encode(Saved(awaiting, [data.text, at, fields]))
    loaded = msgspec.json.decode(text, type=Saved)
    body, when, rest = loaded.rest
    rest["retries"] = tuple(rest["retries"])
    moment = msgspec.convert(when, type(at))
    return Frame(**rest, awaiting=loaded.awaiting, data=Datum(body), entered_at=moment)


@settings(max_examples=200)
@given(arrivals=ARRIVALS, cut=some.integers(0, 40))
def test_saving_and_loading_between_any_two_events_changes_nothing(arrivals: list[Arrival], cut: int) -> None:
    whole = arrive(begun(), arrivals)
    parts = arrive(begun(), arrivals[:cut])
    parts.frames = {number: saved_and_loaded(frame) for number, frame in parts.frames.items()}
    arrive(parts, arrivals[cut:])
    assert parts.frames == whole.frames
    assert parts.history == whole.history
    assert parts.end == whole.end


def answers(visit: int) -> list[Event]:
    timers = [TimerFired(visit, timer) for timer in TIMERS]
    return [TaskSucceeded(visit, "1"), TaskFailed(visit, "A"), TaskSubmitted(visit, "1"), Heartbeat(visit), *timers]


def is_awaited(run: Run, number: int, event: Any) -> bool:
    """What the driver knows: timers that were set and not taken back, tasks that were asked for and not answered."""
    if run.end is not None:
        return False
    waits: Any = run.timers.get((number, event.timer)) if isinstance(event, TimerFired) else run.tasks.get(number)
    return waits is not None and waits.visit == event.visit


@given(arrivals=ARRIVALS)
def test_an_event_that_nothing_awaits_changes_nothing(arrivals: list[Arrival]) -> None:
    run = arrive(begun(), arrivals)
    for number, frame in run.frames.items():
        for visit in range(frame.visit + 2):
            for event in answers(visit):
                step = advance(run.definition, run.execution, run.chain(number), event, now=run.now, seed=b"s")
                assert is_awaited(run, number, event) == (step != Step()), (frame, event)


@settings(max_examples=200)
@given(arrivals=ARRIVALS)
def test_history_is_a_story(arrivals: list[Arrival]) -> None:
    run = arrive(begun(), arrivals)
    assert [event.id for event in run.history] == list(range(1, len(run.history) + 1))
    assert all(event.previous < event.id for event in run.history)
    ends = [kind for kind in run.types if kind.startswith("Execution") and kind != "ExecutionStarted"]
    assert len(ends) == (run.end is not None)
    if run.end is not None:
        assert run.types[-1] == ends[0]
        assert not run.timers
    else:
        waits = [
            frame
            for frame in run.frames.values()
            if frame.at and not any(f.parent == frame.frame for f in run.frames.values())
        ]
        assert waits, "it neither waits nor has ended"
        assert all(frame.awaiting is not None for frame in waits)


def test_stored_events_survive_the_store() -> None:
    kinds: list[Stored] = [
        TaskSucceeded(1, "1"),
        TaskFailed(2, None, "c"),
        Heartbeat(3),
        TimerFired(4, "wait"),
        Abort("E", None),
    ]
    text = msgspec.json.encode(kinds)
    assert msgspec.json.decode(text, type=list[Stored]) == kinds


def test_a_step_leaves_nothing_for_the_search_for_garbage() -> None:
    """A turn and its context know each other while it lasts: fourteen objects a step, if they did afterwards."""
    definition = {"X": {"Type": "Pass", "End": True}}
    Run(definition, given={"a": 1}).start()  # What is made once is made here.
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            Run(definition, given={"a": 1}).start()
        assert gc.collect() < 20
    finally:
        gc.enable()
