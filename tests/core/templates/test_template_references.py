from typing import Any

import pytest

from interstate.base.json import JSON
from interstate.core.templates.document import Template, parse_template
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.references import active, taken, uses

USES: list[tuple[JSON, set[str]]] = [
    ({"Ref": "A"}, {"A"}),
    ({"Fn::GetAtt": ["A", "Arn"]}, {"A"}),
    ({"Fn::GetAtt": ["A", {"Ref": "P"}]}, {"A", "P"}),
    ({"Fn::Sub": "${A.Arn}/${B}/${!C}/${AWS::Region}"}, {"A", "B", "AWS::Region"}),
    ({"Fn::Sub": ["${A}/${X.Y}/${B}", {"A": {"Ref": "C"}, "X.Y": "z"}]}, {"B", "C"}),
    ({"Fn::Join": ["", [{"Ref": "A"}, {"b": [{"Ref": "B"}]}]]}, {"A", "B"}),
    (["a", 1, None, {}, []], set()),
]


@pytest.mark.parametrize(("value", "names"), USES)
def test_every_name_that_a_value_uses_is_found(value: JSON, names: set[str]) -> None:
    assert uses(value).names == names


def test_attributes_that_are_named_outright_are_found() -> None:
    value: JSON = [
        {"Fn::GetAtt": ["A", "Arn"]},
        {"Fn::GetAtt": ["A", {"Ref": "P"}]},
        {"a": {"Fn::Sub": ["${B.Url}/${C}/${X.Y}", {"X.Y": {"Fn::GetAtt": "D.Name"}}]}},
        {"Ref": "E"},
        "text",
    ]
    assert uses(value).attributes == {("A", "Arn"), ("B", "Url"), ("D", "Name")}


def test_the_owners_of_attributes_are_resources_that_must_be_there() -> None:
    assert uses(
        {"a": [{"Fn::GetAtt": "A.Arn"}, {"Fn::Sub": ["${B.Arn}${C}", {"C": {"Fn::GetAtt": ["D", "x"]}}]}]}
    ).owners == {
        "A",
        "D",
    }


def test_only_the_branch_that_holds_is_taken() -> None:
    value: JSON = {"a": [{"Fn::If": ["Yes", {"Fn::If": ["No", {"Ref": "A"}, {"Ref": "B"}]}, {"Ref": "C"}]}]}
    assert taken(value, {"Yes": True, "No": False}) == {"a": [{"Ref": "B"}]}


def template(resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> Template:
    return parse_template(
        {
            "Parameters": {"P": {"Type": "String"}},
            "Conditions": {"Yes": {}, "No": {}},
            "Resources": resources,
            "Outputs": outputs or {},
        }
    )


CONDITIONS = {"Yes": True, "No": False}


def test_what_does_not_hold_is_neither_there_nor_checked() -> None:
    found = active(
        template(
            {
                "D": {"Type": "T", "Properties": {"x": {"Fn::GetAtt": ["A", "Arn"]}}},
                "A": {"Type": "T", "Properties": {"x": {"Fn::If": ["No", {"Ref": "Gone"}, {"Ref": "P"}]}}},
                "B": {"Type": "AWS::EC2::VPC", "Condition": "No", "Properties": {"x": {"Ref": "Gone"}}},
                "C": {
                    "Type": "T",
                    "DependsOn": "B",
                    "Properties": {"y": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}},
                },
            },
            {"O": {"Value": {"Ref": "B"}, "Condition": "No"}, "Q": {"Value": {"Ref": "A"}, "Condition": "Yes"}},
        ),
        CONDITIONS,
    )
    assert list(found.resources) == ["D", "A", "C"]
    assert found.resources["A"].properties == {"x": {"Ref": "P"}}
    assert found.resources["C"].properties == {}
    assert list(found.outputs) == ["Q"]
    assert found.resources["C"].depends_on == ("B",)
    assert uses(found.resources["A"].properties).names == {"P"}


UNRESOLVED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {"A": {"Type": "T", "Properties": {"x": {"Ref": "Gone"}, "y": {"Fn::Sub": "${Away}"}}}},
        {},
        "Template format error: Unresolved resource dependencies [Away, Gone] in the Resources block of the template",
    ),
    (
        {"A": {"Type": "T", "DependsOn": ["Gone"]}},
        {},
        "Template format error: Unresolved resource dependencies [Gone] in the Resources block of the template",
    ),
    (
        {"A": {"Type": "T", "Properties": {"x": {"Ref": "B"}}}, "B": {"Type": "T", "Condition": "No"}},
        {},
        "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
    ),
    (
        {"A": {"Type": "T"}},
        {"O": {"Value": {"Ref": "Gone"}}},
        "Template format error: Unresolved resource dependencies [Gone] in the Outputs block of the template",
    ),
    (
        {"A": {"Type": "T", "Properties": {"x": [{"Fn::GetAtt": ["Gone", "Arn"]}]}}},
        {},
        "Template error: instance of Fn::GetAtt references undefined resource Gone",
    ),
    (  # Of many faults, an attribute of what is not there is told first, wherever it stands.
        {
            "A": {"Type": "T", "Properties": {"x": {"Ref": "Away"}, "y": {"Fn::Sub": "${A b}"}}},
            "B": {"Type": "T", "DependsOn": "Never", "Properties": {"x": {"Fn::GetAtt": ["Gone", "Arn"]}}},
        },
        {"O": {"Value": {"Ref": "Nowhere"}}},
        "Template error: instance of Fn::GetAtt references undefined resource Gone",
    ),
    (  # Then what resources depend on, then what they name, then outputs.
        {"A": {"Type": "T", "Properties": {"x": {"Ref": "Away"}}}, "B": {"Type": "T", "DependsOn": "Never"}},
        {"O": {"Value": {"Fn::Sub": "${A b}"}}},
        "Template format error: Unresolved resource dependencies [Never] in the Resources block of the template",
    ),
    (  # A parameter has no attributes.
        {"A": {"Type": "T", "Properties": {"x": {"Fn::GetAtt": "P.Arn"}}}},
        {},
        "Template error: instance of Fn::GetAtt references undefined resource P",
    ),
]


@pytest.mark.parametrize(("resources", "outputs", "message"), UNRESOLVED)
def test_names_that_are_not_there_are_refused(resources: dict[str, Any], outputs: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        active(template(resources, outputs), CONDITIONS)
    assert refused.value.message == message
