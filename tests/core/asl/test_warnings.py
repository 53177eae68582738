"""Warnings about definitions. Source: API Reference, ValidateStateMachineDefinitionDiagnostic (list of warning codes)."""

from typing import Any

import pytest

from interstate.core.asl.warnings import warnings_of

WARNED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"Type": "Pass", "Parameters": {"a.$": "$.a", "b": 1}}, []),
    (
        {"Type": "Pass", "Parameters": {"a": "$.a", "l": [{"b": "States.UUID()"}]}},
        [("NO_DOLLAR", "/Parameters/a"), ("NO_DOLLAR", "/Parameters/l[0]/b")],
    ),
    ({"Type": "Pass", "Result": {"a": ["$.b"]}}, [("PASS_RESULT_IS_STATIC", "/Result/a[0]")]),
    ({"Type": "Fail", "Cause": "$.cause"}, [("NO_PATH", "/Cause")]),
    ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": "$.a"}, []),
]


@pytest.mark.parametrize(("state", "expected"), WARNED)
def test_warnings(state: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = list(warnings_of({"StartAt": "X", "States": {"X": state}}))
    assert [(fault.code, fault.place) for fault in found] == [(code, f"/States/X{place}") for code, place in expected]
    assert all(fault.severity == "WARNING" for fault in found)


def test_inner_machines_are_looked_at_too() -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Fail", "Error": "$.e"}}}
    states = {
        "M": {"Type": "Map", "ItemProcessor": inner},
        "P": {"Type": "Parallel", "Branches": [inner]},
    }
    places = [fault.place for fault in warnings_of({"StartAt": "M", "States": states})]
    assert places == ["/States/M/ItemProcessor/States/I/Error", "/States/P/Branches[0]/States/I/Error"]
