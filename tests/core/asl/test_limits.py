"""Limits at the exact byte. Source: Step Functions quotas, "Maximum input or output size for a task, state, or execution"."""

from typing import Any

import pytest
from tests.core.asl.driving import Run
from tests.core.asl.test_parse import END, FUNCTION

from interstate.core.asl.vocabulary import DATA_SIZE_MAX

TOLD = "The state/task 'X' returned a result with a size exceeding the maximum number of bytes service limit."
INNER = {"StartAt": "B", "States": {"B": END}}

# The state's fields, how many bytes its data have around the text of the input, bytes of one character.
STATES: list[tuple[dict[str, Any], int]] = [
    ({"Type": "Pass", "Parameters": {"t.$": "$"}}, len('{"t":""}')),
    ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"t": "{% $states.input %}"}}, len('{"t":""}')),
    ({"Type": "Task", "Resource": FUNCTION, "Parameters": {"t.$": "$"}}, len('{"t":""}')),
    ({"Type": "Parallel", "Parameters": {"t.$": "$"}, "Branches": [INNER], "ResultPath": None}, len('[{"t":""}]')),
    ({"Type": "Parallel", "Branches": [INNER]}, len('[""]')),
    ({"Type": "Map", "InputPath": "$$.Execution.Input", "ItemsPath": "$.l", "ItemProcessor": INNER}, len('[""]')),
]


@pytest.mark.parametrize("character", ["x", "é", "界"])
@pytest.mark.parametrize(("fields", "around"), STATES)
def test_data_may_have_256_kib(fields: dict[str, Any], around: int, character: str) -> None:
    width = len(character.encode())
    room, rest = divmod(DATA_SIZE_MAX - around, width)
    text = character * room + "." * rest

    def run(text: str) -> Run:
        given: Any = {"l": [text]} if fields["Type"] == "Map" else text
        return Run({"X": {"End": True, **fields}}, given=given).start()

    fits = run(text)
    assert fits.end is None or fits.end.status == "SUCCEEDED"
    assert run(text + ".").failure == ("States.DataLimitExceeded", TOLD)
