"""An execution as it was after any of its events, and as it goes on; a replay through the API."""

from typing import Any

import pytest
from tests.services.states.beyond.test_restarting import MACHINE, STATES, create, described, made, restart, started

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.services.operation import Parked
from interstate.services.states.beyond.inspecting import InspectExecution, inspect_execution


def inspected(world: World, arn: str, **more: Any) -> Any:
    return world.call("interstate-states", "InspectExecution", {"execution": arn, **more})


def test_after_each_event_the_state_that_stood_there() -> None:
    world = made()
    arn = started(world, {"n": 21, "good": True})
    events = world.call("stepfunctions", "GetExecutionHistory", {"executionArn": arn})["events"]
    for event in events:
        then = inspected(world, arn, at=event["id"])
        assert then["event"]["type"] == event["type"]
        if event["type"].endswith("StateEntered"):
            entered = event["stateEnteredEventDetails"]
            stands = then["standing"][-1]
            assert (stands["state"], stands["input"], stands["event"]) == (
                entered["name"],
                loads(entered["input"]),
                event["id"],
            )
            if entered["name"] == "Check":
                assert stands["variables"] == {"kept": 42, "round": 2}
        if event["type"].endswith("StateExited"):
            names = [stands["state"] for stands in then["standing"]]
            assert event["stateExitedEventDetails"]["name"] not in names
        ended = event["type"] == "ExecutionSucceeded"
        assert then["status"] == ("SUCCEEDED" if ended else "RUNNING")
    assert inspected(world, arn)["standing"] == []


def test_branches_and_what_they_wait_for() -> None:
    branches = [
        {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 60, "End": True}}},
        {
            "StartAt": "Ask",
            "States": {
                "Ask": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:us-east-1:000000000000:activity:a",
                    "End": True,
                }
            },
        },
    ]
    world = World()
    world.call("stepfunctions", "CreateActivity", {"name": "a"})
    create(world, {"Fork": {"Type": "Parallel", "Branches": branches, "End": True}})
    now = inspected(world, started(world, {"n": 1}))["standing"]
    found = [(one["state"], one["within"], one["waitsFor"]) for one in now]
    assert found == [
        ("Fork", [], "its branches: 2 begun, 2 in a state"),
        ("Rest", ["Fork[Rest]"], "its time"),
        ("Ask", ["Fork[Ask]"], "an answer"),
    ]


def test_there_is_no_event_beyond_the_last() -> None:
    world = made()
    arn = started(world, {"n": 1})
    with pytest.raises(ServiceError, match="There is no event 9999: the history has events 1 to"):
        inspected(world, arn, at=9999)


def test_who_follows_is_woken_by_the_next_event() -> None:
    world = made({"Rest": {"Type": "Wait", "Seconds": 60, "Next": "End"}, "End": {"Type": "Succeed"}})
    arn = started(world, {})
    seen = inspected(world, arn)["events"]
    follow = InspectExecution(arn, after=seen, wait_s=45)
    outcome = world.run(lambda work: inspect_execution(follow, work))
    assert isinstance(outcome, Parked)
    assert (outcome.key, outcome.wait_s) == (f"history:{arn}", 45)
    world.wakes.clear()
    world.run_until_idle()
    assert f"history:{arn}" in [key for key, _one in world.wakes]
    assert inspected(world, arn, after=seen)["events"] > seen


def test_a_replay_of_what_ran_here() -> None:
    world = made()
    arn = started(world, {"n": 1})
    same = world.call("interstate-states", "ReplayExecution", {"execution": arn})
    assert (same["same"], same["status"]) == (True, "FAILED")
    other = {**STATES, "Begin": {**STATES["Begin"], "Assign": {"kept": 1, "round": 0}}}
    text = dumps({"QueryLanguage": "JSONata", "StartAt": "Begin", "States": other})
    found = world.call("interstate-states", "ReplayExecution", {"execution": arn, "definition": text})
    assert (found["same"], found["difference"]["kind"], found["difference"]["state"]) == (
        False,
        "other variables",
        "Begin",
    )


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"history": {"events": []}, "definition": "{}"}, "A history is"),
        ({"history": [{"id": 1, "type": "ExecutionStarted", "timestamp": 1}]}, "Give the definition"),
        ({"execution": MACHINE.replace("stateMachine", "execution") + ":none"}, "Execution Does Not Exist"),
        (
            {"history": [{"id": 1, "type": "ExecutionStarted", "timestamp": 1}], "definition": "{}"},
            "Invalid State Machine Definition",
        ),
    ],
)
def test_what_cannot_be_replayed(request_: dict[str, Any], words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        World().call("interstate-states", "ReplayExecution", request_)


def test_a_restarted_execution_is_not_replayed() -> None:
    world = made()
    again = restart(world, started(world, {"n": 1}), "Check")["executionArn"]
    assert described(world, again)["status"] == "FAILED"
    with pytest.raises(ServiceError, match="it was restarted"):
        world.call("interstate-states", "ReplayExecution", {"execution": again})
