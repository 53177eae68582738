"""variableReferences. Source: answers of DescribeStateMachine recorded from the service."""

from typing import Any

import pytest

from interstate.core.asl.references import variable_references


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"A": {"Type": "Pass", "Assign": {"x": 1}}}, {}),
        (
            {"A": {"Type": "Pass", "Parameters": {"b": [{"t.$": "States.Format('$no {}', $x, $y.z)"}]}}},
            {"A": ["x", "y"]},
        ),
        ({"A": {"Type": "Pass", "Parameters": {"literal": "$x", "in.$": "$.a", "c.$": "$$.State.Name"}}}, {}),
        ({"A": {"Type": "Wait", "SecondsPath": "$wait"}}, {"A": ["wait"]}),
        ({"A": {"Type": "Choice", "Choices": [{"Variable": "$g", "StringEqualsPath": "$h"}]}}, {"A": ["g", "h"]}),
        ({"A": {"Type": "Fail", "CausePath": "$c", "ErrorPath": "$e"}}, {"A": ["c", "e"]}),
        ({"A": {"Type": "Map", "ItemReader": {"ReaderConfig": {"MaxItemsPath": "$m"}}}}, {"A": ["m"]}),
        ({"A": {"Type": "Map", "ItemProcessor": {"States": {"B": {"Type": "Pass", "InputPath": "$v"}}}}}, {"B": ["v"]}),
        (
            {"A": {"Type": "Parallel", "Branches": [{"States": {"B": {"Type": "Pass", "InputPath": "$v"}}}]}},
            {"B": ["v"]},
        ),
        (
            {
                "A": {
                    "Type": "Pass",
                    "QueryLanguage": "JSONata",
                    "Output": ["{% $sum($l) + ($k := 1) + $k + $states.input %}", "$no"],
                }
            },
            {"A": ["l"]},
        ),
    ],
)
def test_references(states: dict[str, Any], expected: dict[str, list[str]]) -> None:
    assert variable_references({"StartAt": "A", "States": states}) == expected
