"""A new execution from any state of one that has ended."""

from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import Crash, World

ROLE = "arn:aws:iam::000000000000:role/r"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
STATES: dict[str, Any] = {
    "Begin": {"Type": "Pass", "Assign": {"kept": "{% $states.input.n * 2 %}", "round": 0}, "Next": "Again"},
    "Again": {"Type": "Pass", "Assign": {"round": "{% $round + 1 %}"}, "Next": "Enough"},
    "Enough": {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $round < 2 %}", "Next": "Again"}],
        "Default": "Fork",
    },
    "Fork": {
        "Type": "Parallel",
        "Branches": [{"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}],
        "Output": "{% $states.input %}",
        "Next": "Check",
    },
    "Check": {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.input.good = true %}", "Next": "Done"}],
        "Default": "Broken",
    },
    "Done": {
        "Type": "Succeed",
        "Output": {"kept": "{% $kept %}", "round": "{% $round %}", "n": "{% $states.input.n %}"},
    },
    "Broken": {"Type": "Fail", "Error": "NotGood"},
}


def made(states: dict[str, Any] = STATES, **top: Any) -> World:
    world = World()
    create(world, states, **top)
    return world


def create(world: World, states: dict[str, Any], **top: Any) -> None:
    definition = dumps({"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **top})
    world.call("stepfunctions", "CreateStateMachine", {"name": "m", "definition": definition, "roleArn": ROLE})


def started(world: World, given: Any, name: str = "e") -> str:
    request = {"stateMachineArn": MACHINE, "name": name, "input": dumps(given)}
    arn: str = world.call("stepfunctions", "StartExecution", request)["executionArn"]
    world.run_due()
    return arn


def restart(world: World, arn: str, state: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = world.call(
        "interstate-states", "RestartExecution", {"execution": arn, "state": state, **more}
    )
    world.run_due()
    return answer


def described(world: World, arn: str) -> Any:
    return world.call("stepfunctions", "DescribeExecution", {"executionArn": arn})


def test_it_goes_on_with_the_edited_input_and_the_variables_of_then() -> None:
    world = made()
    arn = started(world, {"n": 21})
    assert described(world, arn)["error"] == "NotGood"
    again = restart(world, arn, "Check", input=dumps({"good": True, "n": 5}))
    assert again["executionArn"].endswith(":execution:m:e-2")
    assert again["restartedFrom"] == arn
    after = described(world, again["executionArn"])
    assert (after["status"], loads(after["output"])) == ("SUCCEEDED", {"kept": 42, "round": 2, "n": 5})
    assert loads(after["input"]) == {"n": 21}
    assert described(world, arn)["status"] == "FAILED"


def test_its_history_begins_at_the_state() -> None:
    world = made()
    again = restart(world, started(world, {"n": 1}), "Fork")["executionArn"]
    events = world.call("stepfunctions", "GetExecutionHistory", {"executionArn": again})["events"]
    assert [event["type"] for event in events[:3]] == [
        "ExecutionStarted",
        "ParallelStateEntered",
        "ParallelStateStarted",
    ]
    assert events[1]["stateEnteredEventDetails"] == {
        "name": "Fork",
        "input": '{"n":1}',
        "inputDetails": {"truncated": False},
    }


def test_a_state_that_was_entered_twice_is_the_last_one_unless_an_event_says_which() -> None:
    world = made()
    arn = started(world, {"n": 1, "good": True})
    events = world.call("stepfunctions", "GetExecutionHistory", {"executionArn": arn})["events"]
    first = next(one["id"] for one in events if one.get("stateEnteredEventDetails", {}).get("name") == "Enough")
    last = restart(world, arn, "Enough", name="last")
    early = restart(world, arn, "Enough", name="early", event=first)
    assert early["event"] == first < last["event"]
    inspected = [
        world.call("interstate-states", "InspectExecution", {"execution": one["executionArn"]}) for one in (last, early)
    ]
    rounds = [[visit["state"] for visit in one["visits"]].count("Again") for one in inspected]
    assert rounds == [0, 1], "with the variables of then, it goes round once more"
    assert inspected[0]["restartedFrom"] == {"execution": arn, "state": "Enough", "event": last["event"]}


def test_a_restarted_execution_can_be_restarted() -> None:
    world = made()
    second = restart(world, started(world, {"n": 4}), "Fork")["executionArn"]
    third = restart(world, second, "Check", input=dumps({"good": True, "n": 0}))["executionArn"]
    assert third.endswith(":m:e-2-2")
    assert loads(described(world, third)["output"]) == {"kept": 8, "round": 2, "n": 0}
    with pytest.raises(ServiceError, match="restart it again"):
        world.call("stepfunctions", "RedriveExecution", {"executionArn": second})


def test_the_current_definition_runs_unless_the_original_is_asked_for() -> None:
    world = made()
    arn = started(world, {"n": 1})
    mended = {**STATES, "Check": {"Type": "Pass", "Output": {"n": 9}, "Next": "Done"}}
    del mended["Broken"]
    text = dumps({"QueryLanguage": "JSONata", "StartAt": "Begin", "States": mended})
    world.call("stepfunctions", "UpdateStateMachine", {"stateMachineArn": MACHINE, "definition": text})
    current = restart(world, arn, "Check", name="current")["executionArn"]
    original = restart(world, arn, "Check", name="original", definition="original")["executionArn"]
    assert [described(world, one)["status"] for one in (current, original)] == ["SUCCEEDED", "FAILED"]


def test_a_state_that_was_never_entered_needs_an_input() -> None:
    world = made()
    arn = started(world, {"n": 3})
    with pytest.raises(ServiceError, match="never entered 'Done': give the input"):
        restart(world, arn, "Done")
    again = restart(world, arn, "Done", input='{"n": 1}')
    assert again["event"] == 0
    assert loads(described(world, again["executionArn"])["output"]) == {"kept": 6, "round": 2, "n": 1}


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        ("In", {}, "stands inside of 'Fork', whose other branches would be missing; restart from 'Fork'"),
        ("None", {}, "has no state 'None'; it has 'Begin', 'Again'"),
        ("Check", {"event": 1}, "was not entered with event 1, but with: "),
        ("Check", {"input": "{"}, "The input is not JSON"),
        ("Check", {"input": '"' + "x" * 262_143 + '"'}, "longer than 262144 bytes"),
        ("Check", {"name": "e"}, "Execution Already Exists"),
        ("Check", {"name": "no good"}, "Invalid Name"),
        ("Check", {"definition": "newest"}, "is current or original"),
    ],
)
def test_refusals_say_why(state: str, more: dict[str, Any], words: str) -> None:
    world = made()
    arn = started(world, {"n": 1})
    with pytest.raises(ServiceError, match=words.replace("(", r"\(")):
        restart(world, arn, state, **more)


def test_one_that_runs_is_refused_and_one_that_was_stopped_is_not() -> None:
    world = made({"Rest": {"Type": "Wait", "Seconds": 60, "Next": "End"}, "End": {"Type": "Succeed"}})
    arn = started(world, {})
    with pytest.raises(ServiceError, match="still runs"):
        restart(world, arn, "End")
    world.call("stepfunctions", "StopExecution", {"executionArn": arn})
    assert described(world, restart(world, arn, "End", input="1")["executionArn"])["output"] == "1"


def test_the_time_limit_of_the_whole_execution_begins_again() -> None:
    world = made({"Rest": {"Type": "Wait", "Seconds": 500, "End": True}}, TimeoutSeconds=60)
    arn = started(world, {})
    world.run_until_idle()
    assert described(world, arn)["status"] == "TIMED_OUT"
    again = restart(world, arn, "Rest")["executionArn"]
    world.run_until_idle()
    after = described(world, again)
    assert (after["status"], (after["stopDate"] - after["startDate"]).total_seconds()) == ("TIMED_OUT", 60)


def test_a_crash_before_the_commit_of_a_restart_leaves_nothing(tmp_path: Any) -> None:
    world = World(directory=tmp_path)
    create(world, STATES)
    arn = started(world, {"n": 1})
    world.crash_before_commit = world.commits + 1
    wanted = {"input": '{"good": true, "n": 1}', "name": "again"}
    with pytest.raises(Crash):
        restart(world, arn, "Check", **wanted)
    world = world.restart()
    world.run_due()
    with pytest.raises(ServiceError, match="Execution Does Not Exist"):
        described(world, f"{arn[:-1]}again")
    restart(world, arn, "Check", **wanted)
    assert described(world, f"{arn[:-1]}again")["status"] == "SUCCEEDED"
