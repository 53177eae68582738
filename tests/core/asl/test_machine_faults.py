"""What goes wrong in the middle: in a Map's items, in a Catch, in branches of branches, at the history's end."""

from typing import Any

import msgspec
import pytest
from tests.core.asl.driving import NOW, Run

from interstate.base.ids import Entropy
from interstate.base.json import dumps
from interstate.core.asl.definition import Retrier
from interstate.core.asl.machine import advance, first_frame
from interstate.core.asl.parse import parse
from interstate.core.asl.retry import delay
from interstate.core.asl.vocabulary import Datum, Started, TaskFailed, TaskSucceeded

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
CALLBACK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
END = {"Type": "Pass", "End": True}
AT = "An error occurred while executing the state '{}' (entered at the event id #2)."


def machine(states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def mapped(**fields: Any) -> dict[str, Any]:
    return {"M": {"Type": "Map", "ItemProcessor": machine({"P": END}), "End": True, **fields}}


@pytest.mark.parametrize("concurrency", [1, 0])
def test_an_item_whose_input_cannot_be_made_fails_the_map_alone(concurrency: int) -> None:
    selector = {"v.$": "States.ArrayGetItem($$.Map.Item.Value, 0)"}
    catch = [{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "Z"}]
    states = mapped(ItemSelector=selector, MaxConcurrency=concurrency, Catch=catch) | {
        "Z": {"Type": "Pass", "Result": "caught", "End": True}
    }
    run = Run(states, given=[["a"], [], ["c"]]).start()
    assert run.output == "caught"
    assert set(run.frames) == {0}
    assert "MapStateFailed" in run.types


MAP_FAULTS: list[tuple[dict[str, Any], Any, str]] = [
    ({}, {"no": "array"}, 'Reference path "$" must point to array.'),
    ({"ItemsPath": "$.x"}, {"x": 1}, 'Reference path "$.x" must point to array.'),
    ({"ItemsPath": "$$.Execution"}, {}, 'Reference path "$.Execution" must point to array.'),
    ({"ItemsPath": "$.y"}, {"x": 1}, "Invalid path '$.y' : No results for path: $['y']"),
    (
        {"ItemsPath": "$.x", "MaxConcurrencyPath": "$.c"},
        {"x": [], "c": "NoNumber"},
        'The MaxConcurrencyPath field refers to value "NoNumber" which is not a valid integer: $.c',
    ),
    (
        {"ItemsPath": "$.x", "MaxConcurrencyPath": "$.c"},
        {"x": [1], "c": -1},
        "MaxConcurrency cannot be negative.",
    ),
    (
        {"ItemsPath": "$.x", "MaxConcurrencyPath": "$.c"},
        {"x": [], "c": {}},
        'The MaxConcurrencyPath field refers to value "{}" which is not a valid integer: $.c',
    ),
]


@pytest.mark.parametrize(("fields", "given", "cause"), MAP_FAULTS)
def test_a_map_that_cannot_begin(fields: dict[str, Any], given: Any, cause: str) -> None:
    run = Run(mapped(**fields), given=given).start()
    assert run.failure == ("States.Runtime", f"{AT.format('M')} {cause}")
    assert run.story[-1] == "3 <- 2 ExecutionFailed"


def test_concurrency_can_come_from_the_input() -> None:
    inner = machine({"W": {"Type": "Wait", "Seconds": 1, "End": True}})
    run = Run(
        mapped(ItemProcessor=inner, ItemsPath="$.x", MaxConcurrencyPath="$.c"), given={"x": [1, 2, 3], "c": 2}
    ).start()
    assert len(run.timers) == 2


def test_items_can_come_from_the_context() -> None:
    inner = machine({"P": {"Type": "Pass", "Parameters": {"v.$": "$$.Map.Item.Value"}, "End": True}})
    states = {
        "A": {"Type": "Pass", "Result": {}, "Next": "M"},
        **mapped(ItemProcessor=inner, ItemsPath="$$.Execution.Input.x"),
    }
    run = Run(states, given={"x": ["a"]}).start()
    assert run.output == [{"v": "a"}]


def test_a_branch_inside_an_iteration_sees_the_item_of_the_map_around_it() -> None:
    deep = machine(
        {"Q": {"Type": "Pass", "Parameters": {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"}, "End": True}}
    )
    inner = machine({"F": {"Type": "Parallel", "Branches": [deep], "End": True}})
    run = Run(mapped(ItemProcessor=inner), given=["a", "b"]).start()
    assert run.output == [[{"v": "a", "i": 0}], [{"v": "b", "i": 1}]]


@pytest.mark.parametrize("kind", ["Parallel", "Map"])
def test_outputs_that_are_too_long_together_fail_the_state(kind: str) -> None:
    inner = machine({"P": END})
    fields: dict[str, Any] = (
        {"Branches": [inner, machine({"Q": END})]} if kind == "Parallel" else {"ItemProcessor": inner}
    )
    part: dict[str, Any] = {"Parameters": "x" * 140_000} if kind == "Parallel" else {"ItemSelector": "x" * 140_000}
    run = Run({"S": {"Type": kind, **fields, **part, "End": True}}, given=[1, 2]).start()
    error, cause = run.failure
    assert error == "States.DataLimitExceeded"
    assert (
        cause == "The state/task 'S' returned a result with a size exceeding the maximum number of bytes service limit."
    )
    assert run.types[-3:] == [f"{kind}StateSucceeded", f"{kind}StateFailed", "ExecutionFailed"]


def test_a_catch_whose_place_the_input_lacks_fails_the_execution() -> None:
    task = {"Type": "Task", "Resource": FUNCTION, "End": True}
    task["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.a.b", "Next": "Z"}]
    run = Run({"T": task, "Z": END}, given={"a": 1}).start()
    run.send(TaskFailed(1, "E"))
    assert run.failure[0] == "States.ResultPathMatchFailure"


def test_a_failed_branch_of_a_branch_stops_what_has_begun_and_what_has_not() -> None:
    waiting = machine({"W": {"Type": "Wait", "Seconds": 9, "End": True}})
    fails = machine({"F": {"Type": "Fail", "Error": "E"}})
    done = machine({"D": END})
    late = machine({"L": END})
    nested = machine({"N": {"Type": "Parallel", "Branches": [waiting], "End": True}})
    run = Run({"P": {"Type": "Parallel", "Branches": [done, nested, fails, late], "End": True}}).start()
    assert [kind for kind in run.types if "Aborted" in kind] == ["ParallelStateAborted"]
    assert run.failure == ("E", None)
    assert not run.timers


def test_a_map_inside_a_branch_that_fails_fails_the_branch() -> None:
    inner = machine(
        {"M": {"Type": "Map", "ItemProcessor": machine({"F": {"Type": "Fail", "Error": "E"}}), "End": True}}
    )
    run = Run({"P": {"Type": "Parallel", "Branches": [inner], "End": True}}, given=[1]).start()
    assert run.types[-5:] == [
        "FailStateEntered",
        "MapIterationFailed",
        "MapStateFailed",
        "ParallelStateFailed",
        "ExecutionFailed",
    ]


def test_the_history_can_end_inside_a_branch() -> None:
    loop = machine(
        {
            "L": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "L"}],
                "Default": "S",
            },
            "S": {"Type": "Succeed"},
        }
    )
    run = Run({"P": {"Type": "Parallel", "Branches": [loop], "End": True}}, given={"go": True}).start()
    assert run.history[-1].id == 25_000
    assert run.history[-1].type == "ExecutionFailed"


def test_a_timeout_that_the_input_does_not_have_fails_before_anything_is_scheduled() -> None:
    run = Run({"T": {"Type": "Task", "Resource": FUNCTION, "TimeoutSecondsPath": "$.No", "End": True}}).start()
    assert run.failure == ("States.Runtime", f"{AT.format('T')} Invalid path '$.No' : No results for path: $['No']")
    assert run.story[-1] == "3 <- 2 ExecutionFailed"


@pytest.mark.parametrize("seconds", [0, -1, 1.5, "x", True, None])
def test_a_timeout_is_a_positive_integer(seconds: Any) -> None:
    run = Run(
        {"T": {"Type": "Task", "Resource": FUNCTION, "TimeoutSecondsPath": "$.t", "End": True}}, given={"t": seconds}
    ).start()
    assert run.failure == (
        "States.Runtime",
        f"{AT.format('T')} The reference path $.t must refer to a positive integer.",
    )


def test_an_error_that_is_no_text_fails_the_fail() -> None:
    run = Run({"F": {"Type": "Fail", "ErrorPath": "$.e"}}, given={"e": 1}).start()
    assert run.failure[0] == "States.Runtime"


def test_a_token_is_there_for_the_result_too() -> None:
    task = {
        "Type": "Task",
        "Resource": CALLBACK,
        "Parameters": {"t.$": "$$.Task.Token"},
        "ResultSelector": {"t.$": "$$.Task.Token"},
        "End": True,
    }
    run = Run({"T": task}).start()
    token = run.tasks[0].token
    run.send(TaskSucceeded(1, "{}"))
    assert run.output == {"t": token}


def test_an_express_execution_shows_no_redrives() -> None:
    states = {"P": {"Type": "Pass", "Parameters": {"e.$": "$$.Execution"}, "End": True}}
    assert "RedriveCount" not in Run(states, express=True).start().output["e"]
    assert Run(states).start().output["e"]["RedriveCount"] == 0


def test_version_and_alias_are_told_at_the_start() -> None:
    run = Run({"P": END})
    named = msgspec.structs.replace(run.execution, version_arn="v", alias_arn="a")
    first = first_frame(run.definition, named)
    step = advance(run.definition, named, (first,), Started(), now=NOW, seed=b"s")
    assert dict(step.history[0].more or {}) == {
        "roleArn": named.role_arn,
        "stateMachineAliasArn": "a",
        "stateMachineVersionArn": "v",
    }


def test_a_delay_beyond_all_numbers_is_a_year() -> None:
    entropy = Entropy(b"s")
    assert delay(Retrier(("E",), 99_999_999, 9, 1e300), 9, entropy).days == 366
    assert delay(Retrier(("E",), 1, 9, 10.0), 400, entropy).days == 366


def test_a_datum_is_its_text() -> None:
    assert Datum('{"a":1}') == Datum(value={"a": 1})
    assert Datum("1") != "1"
    assert len({Datum("1"), Datum(value=1)}) == 1
    assert repr(Datum(value=[])) == "Datum('[]')"


def test_data_are_never_changed() -> None:
    given = {"a": {"b": [1, 2]}}
    text = dumps(given)
    states = {
        "A": {"Type": "Pass", "Result": 9, "ResultPath": "$.a.b[0]", "Next": "B"},
        "B": {"Type": "Pass", "Result": 8, "ResultPath": "$.a.c", "End": True},
    }
    definition = parse(dumps(machine(states)))
    run = Run(dumps(machine(states)), given=given).start()
    assert run.output == {"a": {"b": [9, 2], "c": 8}}
    assert run.execution.input.value == given
    assert dumps(given) == text
    assert definition.machine.states.keys() == {"A", "B"}


ENDS = {"SUCCEEDED", "FAILED"}  # How deep an interpreter can walk is its own; that it ends in order is ours.


@pytest.mark.parametrize(("depth", "ends"), [(250, {"SUCCEEDED"}), (600, {"SUCCEEDED"}), (1020, ENDS)])
def test_deep_data_are_carried_or_fail_the_state(depth: int, ends: set[str]) -> None:
    text = "[" * depth + "]" * depth
    states = {
        "A": {"Type": "Pass", "Parameters": {"x.$": "$", "y.$": "$[0]"}, "Next": "B"},
        "B": {"Type": "Parallel", "Branches": [machine({"C": END})], "OutputPath": "$[0].x", "End": True},
    }
    run = Run(states, text=text).start()
    assert run.end is not None
    assert run.end.status in ends
    if run.end.status == "SUCCEEDED":
        assert run.end.output == Datum(text)
    else:
        assert run.failure[0] == "States.Runtime"


def test_branches_can_nest_data_until_nobody_reads_them() -> None:
    states = {
        "P": {"Type": "Parallel", "Branches": [machine({"X": END})], "Next": "P2"},
        "P2": {"Type": "Parallel", "Branches": [machine({"Y": END})], "Next": "Q"},
        "Q": {"Type": "Pass", "InputPath": "$[0]", "End": True},
    }
    run = Run(states, text="[" * 1023 + "]" * 1023).start()
    assert run.failure == (
        "States.Runtime",
        "An error occurred while executing the state 'Q' (entered at the event id #14). The data is nested too deeply.",
    )


def test_an_iteration_that_nobody_can_catch_is_told_by_its_map() -> None:
    inner = machine({"P": {"Type": "Pass", "InputPath": "$.No", "End": True}})
    run = Run(mapped(ItemProcessor=inner, Retry=[{"ErrorEquals": ["States.ALL"]}]), given=[{}]).start()
    assert run.story[4:] == [
        "5 <- 4 PassStateEntered P",
        "6 <- 5 MapIterationFailed M 0",
        "7 <- 5 MapStateFailed",
        "8 <- 7 ExecutionFailed",
    ]
    assert run.failure[0] == "States.Runtime"
