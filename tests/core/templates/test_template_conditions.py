import pytest

from interstate.base.json import JSON
from interstate.core.templates.conditions import resolve_conditions
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.intrinsics import Scope

SCOPE = Scope(
    parameters={"Env": "prod", "Count": "3"},
    mappings={"M": {"prod": {"big": "true"}}},
    references={"Queue": "q"},
    attributes={"Queue": {"Arn": "a"}},
)
PROD: JSON = {"Fn::Equals": [{"Ref": "Env"}, "prod"]}
DEV: JSON = {"Fn::Equals": [{"Ref": "Env"}, "dev"]}

HOLDS: list[tuple[JSON, bool]] = [
    (PROD, True),
    (DEV, False),
    ({"Fn::Equals": [{"Ref": "Count"}, 3]}, True),
    ({"Fn::Equals": [{"Fn::FindInMap": ["M", {"Ref": "Env"}, "big"]}, True]}, True),
    ({"Fn::Equals": [["a"], ["a"]]}, True),
    ({"Fn::Equals": [["a"], "a"]}, False),
    ({"Fn::Not": [DEV]}, True),
    ({"Fn::And": [PROD, {"Fn::Not": [DEV]}]}, True),
    ({"Fn::And": [PROD, DEV]}, False),
    ({"Fn::Or": [DEV, PROD]}, True),
    ({"Fn::Or": [DEV, DEV]}, False),
    ({"Condition": "Prod"}, True),
    ({"Fn::And": [{"Condition": "Prod"}, {"Condition": "Later"}]}, False),
]


@pytest.mark.parametrize(("expression", "holds"), HOLDS)
def test_conditions_are_decided_from_parameters(expression: JSON, holds: bool) -> None:
    declared: dict[str, JSON] = {"C": expression, "Prod": PROD, "Later": {"Condition": "Dev"}, "Dev": DEV}
    assert resolve_conditions(declared, SCOPE)["C"] is holds


REFUSED: list[tuple[JSON, str]] = [
    (
        {"Fn::Equals": [{"Ref": "Queue"}, "q"]},
        "Template format error: Unresolved dependencies [Queue]. Cannot reference resources in the Conditions block of the template",
    ),
    ({"Fn::Equals": ["a"]}, "Template error: every Fn::Equals object requires a list of 2 string parameters."),
    ({"Fn::Not": []}, "Template error: every Fn::Not object requires one boolean parameter."),
    (
        {"Fn::And": [PROD]},
        "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters.",
    ),
    (
        {"Fn::Or": [PROD] * 11},
        "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters.",
    ),
    (
        {"Condition": "Gone"},
        "Template format error: Unresolved condition dependency Gone in the Conditions block of the template",
    ),
    ({"Condition": ["C"]}, "Template format error: every Condition object must have a single String value."),
    ({"Condition": "D"}, "Template format error: Circular dependency between conditions: [C, D]"),
    (
        {"Fn::Unknown": []},
        "Template format error: Conditions can only be boolean operations on parameters and other conditions",
    ),
    (
        "true",
        "Template format error: Conditions can only be boolean operations on parameters and other conditions",
    ),
]


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_conditions_that_cannot_be_decided_are_refused(expression: JSON, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        resolve_conditions({"C": expression, "D": {"Condition": "C"}}, SCOPE)
    assert refused.value.message == message
