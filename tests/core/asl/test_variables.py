"""Variables: who assigns them, who sees them, when.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html; histories as recorded from Step Functions.
"""

from typing import Any

import pytest
from tests.core.asl.driving import Run
from tests.core.asl.test_parse import END, FUNCTION, faults, machine

from interstate.core.asl.history import shown
from interstate.core.asl.parse import parse
from interstate.core.asl.vocabulary import TaskFailed, TaskSucceeded


def passed(parameters: Any, **fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Parameters": parameters, "End": True, **fields}


def test_assign_sees_the_values_of_before() -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"x.$": "$y", "y.$": "$x"}, "Next": "C"},
        "C": passed({"x.$": "$x", "y.$": "$y"}),
    }
    done = Run(states).start()
    assert done.output == {"x": 2, "y": 1}
    exited = next(event for event in done.history if event.type == "PassStateExited" and event.name == "B")
    assert exited.more == {"assignedVariables": {"x": "2", "y": "1"}, "assignedVariablesDetails": {"truncated": False}}


def test_output_does_not_see_what_its_own_state_assigns() -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": "old"}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"x": "new"}, "Output": "{% $x %}", "End": True},
    }
    assert Run(states, top={"QueryLanguage": "JSONata"}).start().output == "old"


@pytest.mark.parametrize(
    ("state", "output"),
    [
        ({"Type": "Pass", "InputPath": "$v.a", "End": True}, [1, 2]),
        ({"Type": "Pass", "OutputPath": "$v.a[1]", "End": True}, 2),
        (passed({"t.$": "States.Format('{}-{}', $v.b, $v.a[0])"}), {"t": "x-1"}),
        (passed({"literal": "$v"}), {"literal": "$v"}),
        (
            {"Type": "Map", "ItemsPath": "$v.a", "ItemProcessor": {"StartAt": "I", "States": {"I": END}}, "End": True},
            [1, 2],
        ),
        (
            {
                "Type": "Choice",
                "Choices": [{"Variable": "$v.b", "StringEqualsPath": "$v.b", "Next": "Y"}],
                "Default": "N",
            },
            "yes",
        ),
    ],
)
def test_paths_look_into_variables(state: dict[str, Any], output: Any) -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"v": {"a": [1, 2], "b": "x"}}, "Next": "X"},
        "X": state,
        "Y": {"Type": "Pass", "Result": "yes", "End": True},
        "N": {"Type": "Pass", "Result": "no", "End": True},
    }
    reached = {name: kept for name, kept in states.items() if name in {"A", "X"} or state["Type"] == "Choice"}
    assert Run(reached).start().output == output


def test_inner_machines_read_outwards_and_assign_for_themselves() -> None:
    inner = {
        "StartAt": "I",
        "States": {
            "I": {"Type": "Pass", "Assign": {"mine.$": "$", "seen.$": "$x"}, "Next": "J"},
            "J": passed({"mine.$": "$mine", "seen.$": "$seen"}),
        },
    }
    states = {
        "A": {"Type": "Pass", "Result": [1, 2], "Assign": {"x": 42}, "Next": "M"},
        "M": {"Type": "Map", "ItemProcessor": inner, "Assign": {"all.$": "$"}, "Next": "Z"},
        "Z": passed({"x.$": "$x", "all.$": "$all"}),
    }
    done = Run(states).start()
    assert done.output == {"x": 42, "all": [{"mine": 1, "seen": 42}, {"mine": 2, "seen": 42}]}
    assert set(done.frames[0].variables) == {"x", "all"}


def test_a_variable_of_an_iteration_is_not_there_afterwards() -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Assign": {"mine": 1}, "End": True}}}
    states = {
        "M": {"Type": "Map", "ItemProcessor": inner, "Next": "Z"},
        "Z": passed({"mine.$": "$mine"}),
    }
    assert Run(states, given=[1]).start().failure[0] == "States.Runtime"


def test_what_a_task_assigns() -> None:
    """In JSONPath states ``$`` is the result behind ResultSelector; a Catcher's is the error."""
    states = {
        "T": {
            "Type": "Task",
            "Resource": FUNCTION,
            "ResultSelector": {"n.$": "$.Payload"},
            "ResultPath": "$.r",
            "Assign": {"n.$": "$.n"},
            "Catch": [{"ErrorEquals": ["E"], "ResultPath": None, "Assign": {"n.$": "$.Error"}, "Next": "Z"}],
            "Next": "Z",
        },
        "Z": passed({"n.$": "$n", "in.$": "$"}),
    }
    done = Run(states, given={"a": 1}).start()
    done.send(TaskSucceeded(1, '{"Payload":7}'))
    assert done.output == {"n": 7, "in": {"a": 1, "r": {"n": 7}}}
    failed = Run(states, given={"a": 1}).start()
    failed.send(TaskFailed(1, "E", "C"))
    assert failed.output == {"n": "E", "in": {"a": 1}}


def test_rules_of_a_choice_assign() -> None:
    states = {
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Assign": {"who": "rule"}, "Next": "Z"}],
            "Default": "Z",
            "Assign": {"who": "default"},
        },
        "Z": passed({"who.$": "$who"}),
    }
    assert Run(states, given={"n": 1}).start().output == {"who": "rule"}
    assert Run(states, given={"n": 2}).start().output == {"who": "default"}


def test_a_wait_assigns_when_it_is_over() -> None:
    run = Run(
        {"W": {"Type": "Wait", "Seconds": 1, "Assign": {"v": 1}, "Next": "Z"}, "Z": passed({"v.$": "$v"})}
    ).start()
    run.fire()
    assert run.output == {"v": 1}


@pytest.mark.parametrize(("length", "fits"), [(262_142, True), (262_143, False)])
def test_one_assign_holds_256_kib(length: int, fits: bool) -> None:
    states = {"A": {"Type": "Pass", "Assign": {"v.$": "$.v"}, "OutputPath": None, "End": True}}
    run = Run(states, given={"v": "x" * (length - 0)}).start()
    assert (run.end is not None and run.end.status == "SUCCEEDED") is fits
    if not fits:
        assert run.failure[0] == "States.DataLimitExceeded"


TAKEN = "SCHEMA_VALIDATION_FAILED: The variable 'x' belongs to an outer scope and cannot be assigned in an inner one at"


@pytest.mark.parametrize(
    ("inner", "config", "places"),
    [
        ({"Type": "Pass", "Assign": {"x.$": "$"}, "End": True}, {}, ["/States/M/ItemProcessor/States/I/Assign"]),
        ({"Type": "Pass", "Assign": {"y": 1}, "End": True}, {}, []),
        ({"Type": "Pass", "Assign": {"x": 1}, "End": True}, {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, []),
        (
            {
                "Type": "Parallel",
                "Branches": [{"StartAt": "J", "States": {"J": {"Type": "Pass", "Assign": {"x": 1}, "End": True}}}],
                "End": True,
            },
            {},
            ["/States/M/ItemProcessor/States/I/Branches[0]/States/J/Assign"],
        ),
        (
            {
                "Type": "Task",
                "Resource": FUNCTION,
                "Catch": [{"ErrorEquals": ["E"], "Assign": {"x": 1}, "Next": "K"}],
                "Next": "K",
            },
            {},
            ["/States/M/ItemProcessor/States/I/Catch[0]/Assign"],
        ),
    ],
)
def test_a_name_belongs_to_one_scope(inner: dict[str, Any], config: dict[str, str], places: list[str]) -> None:
    states = {"I": inner, **({"K": END} if "Next" in inner else {})}
    processor = {"StartAt": "I", "States": states, **({"ProcessorConfig": config} if config else {})}
    text = machine(
        {
            "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "M"},
            "M": {"Type": "Map", "ItemProcessor": processor, "End": True},
        }
    )
    if places:
        assert faults(text) == [f"{TAKEN} {place}" for place in places]
    else:
        parse(text)


@pytest.mark.parametrize("also", [False, True])
def test_what_only_a_state_itself_assigns_afterwards_its_branches_may_assign(also: bool) -> None:
    """Source: a machine that CreateStateMachine accepted, whose Catcher assigns what a branch assigns."""
    catch = {"ErrorEquals": ["States.ALL"], "Assign": {"x": 2}, "Next": "B"}
    branch = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Assign": {"x": 1}, "End": True}}}
    states = {
        "A": {"Type": "Parallel", "Branches": [branch], "Catch": [catch], "Assign": {"x": 3}, "Next": "B"},
        "B": {"Type": "Pass", "End": True, **({"Assign": {"x": 4}} if also else {})},
    }
    if also:
        assert faults(machine(states)) == [f"{TAKEN} /States/A/Branches[0]/States/I/Assign"]
    else:
        parse(machine(states))


def test_who_asks_for_no_data_sees_no_variables() -> None:
    run = Run({"A": {"Type": "Pass", "Assign": {"v": 1}, "End": True}}).start()
    exited = next(event for event in run.history if event.type == "PassStateExited")
    assert "assignedVariables" in shown(exited)["stateExitedEventDetails"]
    assert shown(exited, with_data=False)["stateExitedEventDetails"] == {"name": "A"}
