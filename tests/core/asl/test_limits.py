"""Limits at the exact byte. Source: Step Functions quotas, "Maximum input or output size for a task, state, or execution"."""

from typing import Any

import pytest
from tests.core.asl.driving import Run
from tests.core.asl.test_parse import END, FUNCTION

from interstate.core.asl.turn import VARIABLES_SIZE_MAX
from interstate.core.asl.vocabulary import DATA_SIZE_MAX, TaskSucceeded

TOLD = "The state/task 'X' returned a result with a size exceeding the maximum number of bytes service limit."
TEXT = {"t": "{% $states.input %}"}
INNER = {"StartAt": "B", "States": {"B": END}}

# The state's fields, how many bytes its data have around the text of the input, bytes of one character.
STATES: list[tuple[dict[str, Any], int]] = [
    ({"Type": "Pass", "Parameters": {"t.$": "$"}}, len('{"t":""}')),
    ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"t": "{% $states.input %}"}}, len('{"t":""}')),
    ({"Type": "Task", "Resource": FUNCTION, "Parameters": {"t.$": "$"}}, len('{"t":""}')),
    ({"Type": "Parallel", "Parameters": {"t.$": "$"}, "Branches": [INNER], "ResultPath": None}, len('[{"t":""}]')),
    ({"Type": "Parallel", "Branches": [INNER]}, len('[""]')),
    ({"Type": "Map", "InputPath": "$$.Execution.Input", "ItemsPath": "$.l", "ItemProcessor": INNER}, len('[""]')),
    ({"Type": "Task", "QueryLanguage": "JSONata", "Resource": FUNCTION, "Arguments": TEXT}, len('{"t":""}')),
    ({"Type": "Wait", "QueryLanguage": "JSONata", "Seconds": 0, "Output": TEXT}, len('{"t":""}')),
    ({"Type": "Succeed", "QueryLanguage": "JSONata", "Output": TEXT}, len('{"t":""}')),
    (
        {"Type": "Parallel", "QueryLanguage": "JSONata", "Branches": [INNER], "Arguments": TEXT, "Output": 1},
        len('[{"t":""}]'),
    ),
    ({"Type": "Parallel", "QueryLanguage": "JSONata", "Branches": [INNER], "Output": TEXT}, len('{"t":""}')),
    (
        {"Type": "Map", "QueryLanguage": "JSONata", "Items": [1], "ItemSelector": TEXT, "ItemProcessor": INNER},
        len('[{"t":""}]'),
    ),
    (
        {
            "Type": "Map",
            "QueryLanguage": "JSONata",
            "Items": [1],
            "ItemSelector": 1,
            "ItemProcessor": INNER,
            "Output": TEXT,
        },
        len('{"t":""}'),
    ),
    (
        {"Type": "Map", "ItemsPath": "$.l", "ItemSelector": {"t.$": "$$.Map.Item.Value"}, "ItemProcessor": INNER},
        len('[{"t":""}]'),
    ),
]


@pytest.mark.parametrize("character", ["x", "é", "界"])
@pytest.mark.parametrize(("fields", "around"), STATES)
def test_data_may_have_256_kib(fields: dict[str, Any], around: int, character: str) -> None:
    width = len(character.encode())
    room, rest = divmod(DATA_SIZE_MAX - around, width)
    text = character * room + "." * rest

    def run(text: str) -> Run:
        given: Any = {"l": [text]} if "ItemsPath" in fields else text
        end = {} if fields["Type"] == "Succeed" else {"End": True}
        begun = Run({"X": {**end, **fields}}, given=given).start()
        if begun.timers:
            begun.fire()
        return begun

    fits = run(text)
    assert fits.end is None or fits.end.status == "SUCCEEDED"
    assert run(text + ".").failure == ("States.DataLimitExceeded", TOLD)


def test_a_tasks_result_may_have_256_kib() -> None:
    states = {"X": {"Type": "Task", "Resource": FUNCTION, "ResultSelector": {}, "End": True}}
    for over in (0, 1):
        run = Run(states).start()
        run.send(TaskSucceeded(run.tasks[0].visit, f'"{"x" * (DATA_SIZE_MAX - 2 + over)}"'))
        if over:
            assert run.failure == ("States.DataLimitExceeded", TOLD.replace("'X'", f"'{FUNCTION}'"))
        else:
            assert run.output == {}


@pytest.mark.parametrize("jsonata", [True, False])
def test_the_output_behind_a_result_path_may_have_256_kib(jsonata: bool) -> None:
    around = len('{"t":"","r":1}')
    joined: dict[str, Any] = {"ResultPath": "$.r", "Result": 1}
    if jsonata:
        joined = {"QueryLanguage": "JSONata", "Output": {"t": "{% $states.input.t %}", "r": 1}}
    for over in (0, 1):
        given = {"t": "x" * (DATA_SIZE_MAX - around + over)}
        run = Run({"X": {"Type": "Pass", "End": True, **joined}}, given=given).start()
        assert (run.failure == ("States.DataLimitExceeded", TOLD)) if over else (run.output == {**given, "r": 1})


@pytest.mark.parametrize("character", ["x", "é"])
@pytest.mark.parametrize("jsonata", [True, False])
def test_what_one_assign_keeps_may_have_256_kib(jsonata: bool, character: str) -> None:
    width = len(character.encode())
    keep: dict[str, Any] = {"Assign": {"v.$": "$.v"}, "OutputPath": None}
    if jsonata:
        keep = {"QueryLanguage": "JSONata", "Assign": {"v": "{% $states.input.v %}"}, "Output": 1}
    for over in (0, 1):
        given = {"v": character * ((DATA_SIZE_MAX - 2) // width) + "." * over}
        run = Run({"X": {"Type": "Pass", "End": True, **keep}}, given=given).start()
        assert (run.end is not None and run.end.status == "SUCCEEDED") is (over == 0)
        if over:
            assert run.failure[0] == "States.DataLimitExceeded"


@pytest.mark.parametrize("over", [0, 1])
def test_all_variables_together_may_have_10_mib(over: int) -> None:
    """Source: Developer Guide, workflow variables: the maximum size of all stored variables is 10 MiB."""
    each = DATA_SIZE_MAX - len('{"v":""}') + len('""')
    full, rest = divmod(VARIABLES_SIZE_MAX, each)
    states: dict[str, Any] = {
        f"S{number}": {"Type": "Pass", "Assign": {f"v{number}.$": "$.v"}, "Next": f"S{number + 1}"}
        for number in range(full)
    }
    last = {"last": "x" * (rest - len('""') + over)}
    states[f"S{full}"] = {"Type": "Pass", "Assign": last, "OutputPath": None, "End": True}
    run = Run(states, given={"v": "x" * (each - len('""'))}, budget=1000).start()
    assert run.end is not None
    assert run.end.status == ("FAILED" if over else "SUCCEEDED")
    if over:
        assert run.failure[0] == "States.DataLimitExceeded"
