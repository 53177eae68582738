"""Two templates of one stack are compared as they resolve; what is written alike is not even resolved."""

from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.core.templates.plan import plan
from interstate.services.cloudformation.prepare import Prepared, _checked, compared, pseudo_parameters
from interstate.services.cloudformation.resources.table import replaced_by


def prepared(properties: dict[str, Any], given: dict[str, str] | None = None, **sections: Any) -> Prepared:
    document = {
        "Parameters": {"Delay": {"Type": "String", "Default": "1"}},
        "Conditions": {"Slow": {"Fn::Equals": [{"Ref": "Delay"}, "9"]}},
        "Resources": {
            "A": {"Type": "AWS::SQS::Queue", "Properties": properties},
            "Same": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": {"Ref": "Delay"}}},
            "Always": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "x-${A.QueueName}"}}},
        },
    } | sections
    caller = Caller()
    return _checked(document, given or {}, pseudo_parameters("s", "arn", caller.account, caller.region))


BEFORE: dict[str, Any] = {"QueueName": {"Fn::Join": ["", ["q", 1]]}}
CASES: list[tuple[dict[str, Any], dict[str, str], list[str]]] = [
    (BEFORE, {}, []),
    ({"QueueName": "q1"}, {}, []),
    ({"QueueName": {"Fn::Sub": "q${Delay}"}}, {}, []),
    ({"QueueName": {"Fn::Join": ["", ["q", True]]}}, {}, ["A", "Always"]),
    ({"QueueName": {"Fn::Join": ["", ["q", 1.0]]}}, {}, ["A", "Always"]),
    ({"QueueName": {"Fn::If": ["Slow", "other", {"Fn::Sub": "q1"}]}}, {}, []),
    (BEFORE, {"Delay": "1"}, []),
    (BEFORE, {"Delay": "2"}, ["Same"]),
    ({"QueueName": {"Fn::If": ["Slow", "other", "q1"]}}, {"Delay": "9"}, ["A", "Same", "Always"]),
]


@pytest.mark.parametrize(("after", "given", "changed"), CASES)
def test_what_differs_is_what_resolves_differently(
    after: dict[str, Any], given: dict[str, str], changed: list[str]
) -> None:
    """True, 1 and 1.0 are equal to Python, and three texts inside of Fn::Join."""
    found = plan(*compared(prepared(BEFORE), prepared(after, given)), replaced_by)
    assert sorted(change.logical_id for change in found) == sorted(changed)


def test_mappings_that_differ_are_seen_by_what_reads_them() -> None:
    wanted = {"QueueName": {"Fn::FindInMap": ["Names", "a", "b"]}}
    before = prepared(wanted, Mappings={"Names": {"a": {"b": "one"}}})
    after = prepared(wanted, Mappings={"Names": {"a": {"b": "two"}}})
    assert [change.logical_id for change in plan(*compared(before, after), replaced_by)] == ["A", "Always"]
    assert plan(*compared(after, after), replaced_by) == []


def test_only_what_is_written_differently_is_resolved() -> None:
    """What is alike stays as it is written, functions and all."""
    first, second = compared(prepared(BEFORE), prepared({"QueueName": "other"}))
    assert first["Same"].properties == second["Same"].properties == {"DelaySeconds": {"Ref": "Delay"}}
    assert (first["A"].properties, second["A"].properties) == ({"QueueName": "q1"}, {"QueueName": "other"})


def test_what_a_template_needs_is_what_its_resources_name() -> None:
    assert prepared(BEFORE).needs == {"A": frozenset(), "Same": frozenset(), "Always": frozenset({"A"})}
