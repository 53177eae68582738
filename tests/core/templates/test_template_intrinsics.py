import pytest

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSON
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.intrinsics import Scope, resolve

SCOPE = Scope(
    parameters={
        "AWS::Region": "eu-west-1",
        "AWS::AccountId": "123456789012",
        "Env": "dev",
        "Many": ["a", "b"],
        "Size": "3",
    },
    mappings={"Sizes": {"dev": {"Memory": 128, "Zones": ["x", "y"]}}},
    conditions={"Yes": True, "No": False},
    references={"Queue": "http://q"},
    attributes={"Queue": {"Arn": "arn:q", "QueueName": "q", "Outputs.Url": "u"}},
    imports={"shared-bus": "arn:bus"}.get,
)

RESOLVED: list[tuple[JSON, JSON]] = [
    ({"Ref": "Queue"}, "http://q"),
    ({"Ref": "Env"}, "dev"),
    ({"Ref": "Many"}, ["a", "b"]),
    ({"Ref": "AWS::NoValue"}, None),
    ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
    ([{"Ref": "AWS::NoValue"}, 1], [1]),
    ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:q"),
    ({"Fn::GetAtt": "Queue.Arn"}, "arn:q"),
    ({"Fn::GetAtt": ["Queue", "Outputs", "Url"]}, "u"),
    ({"Fn::GetAtt": ["Queue", {"Fn::Join": ["", ["Queue", "Name"]]}]}, "q"),
    ({"Fn::Sub": "${Env}-${Queue.Arn}-${Queue}-${AWS::Region}-${!Env}"}, "dev-arn:q-http://q-eu-west-1-${Env}"),
    ({"Fn::Sub": ["${A}/${B.C}/${Env}/${Size}", {"A": {"Ref": "Env"}, "B.C": 3}]}, "dev/3/dev/3"),
    ({"Fn::Sub": ["${A}", {"A": True}]}, "true"),
    ({"Fn::Join": ["-", ["a", {"Ref": "Env"}, 1]]}, "a-dev-1"),
    ({"Fn::Join": [",", {"Ref": "Many"}]}, "a,b"),
    ({"Fn::Join": [",", ["a", {"Fn::If": ["No", "b", {"Ref": "AWS::NoValue"}]}]]}, "a"),
    ({"Fn::Select": ["1", {"Fn::Split": [",", "x,y"]}]}, "y"),
    ({"Fn::Select": [{"Fn::Select": [0, ["1"]]}, ["p", "q"]]}, "q"),
    ({"Fn::Split": ["|", "a|b|"]}, ["a", "b", ""]),
    ({"Fn::If": ["Yes", {"Ref": "Env"}, {"Ref": "Gone"}]}, "dev"),
    ({"Fn::FindInMap": ["Sizes", {"Ref": "Env"}, "Memory"]}, 128),
    ({"Fn::FindInMap": ["Sizes", "dev", "Zones"]}, ["x", "y"]),
    ({"Fn::ImportValue": {"Fn::Sub": ["shared-${Bus}", {"Bus": "bus"}]}}, "arn:bus"),
    ({"Fn::ImportValue": "shared-bus"}, "arn:bus"),
    ({"Fn::Base64": "héllo"}, "aMOpbGxv"),
    ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
    ({"Fn::GetAZs": "us-east-1"}, ["us-east-1a", "us-east-1b", "us-east-1c"]),
    ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
    ({"Ref": "Env", "b": 1}, {"Ref": "Env", "b": 1}),
    ([1, 1.5, True, None, "x"], [1, 1.5, True, None, "x"]),
]


@pytest.mark.parametrize(("value", "expected"), RESOLVED)
def test_functions_resolve(value: JSON, expected: JSON) -> None:
    assert resolve(value, SCOPE) == expected


JOIN = (
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be "
    "joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
)
SELECT = (
    "Template error: every Fn::Select object requires two non-empty parameters, "
    "the first is an index and the second is a list of strings"
)
SPLIT = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split "
    "or a function that returns a string to be split."
)
REFUSED: list[tuple[JSON, str]] = [
    (
        {"Ref": "Gone"},
        "Template format error: Unresolved resource dependencies [Gone] in the Resources block of the template",
    ),
    ({"Ref": ["Gone"]}, "Template format error: [/Resources] every Ref object must have a single String value."),
    (
        {"Fn::Sub": "${Gone.Arn}"},
        "Template format error: Unresolved resource dependencies [Gone] in the Resources block of the template",
    ),
    ({"Fn::GetAtt": ["Gone", "Arn"]}, "Template error: instance of Fn::GetAtt references undefined resource Gone"),
    (
        {"Fn::GetAtt": ["Queue", "Size"]},
        "Template error: resource Queue does not support attribute type Size in Fn::GetAtt",
    ),
    (
        {"Fn::GetAtt": "Queue"},
        "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
    ),
    (
        {"Fn::Sub": "${a b}"},
        "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons",
    ),
    ({"Fn::Sub": "${Many}"}, "Template error: Fn::Sub expression does not resolve to a string for Many"),
    ({"Fn::Join": ["-", "a"]}, JOIN),
    ({"Fn::Join": ["-", [["a"]]]}, JOIN),
    ({"Fn::Join": "a"}, JOIN),
    ({"Fn::Select": [2, ["a", "b"]]}, "Template error: Fn::Select cannot select nonexistent value at index 2"),
    (
        {"Fn::Select": [-1, ["a"]]},
        "Template error: every Fn::Select object requires two non-empty parameters, the first is an index and the second is a list of strings",
    ),
    (
        {"Fn::Split": ["", "a"]},
        (
            "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split "
            "or a function that returns a string to be split."
        ),
    ),
    ({"Fn::Select": "a"}, SELECT),
    ({"Fn::Split": "a"}, SPLIT),
    ({"Fn::Split": [",", ["a"]]}, SPLIT),
    ({"Fn::If": ["Maybe", 1, 2]}, "Template error: Fn::If references undefined condition Maybe"),
    ({"Fn::If": ["Yes", 1]}, "Template error: Fn::If requires a list argument with three parameters"),
    ({"Fn::FindInMap": ["Sizes", "prod", "Memory"]}, "Template error: Unable to get mapping for Sizes::prod::Memory"),
    (
        {"Fn::FindInMap": ["Sizes", "dev"]},
        "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value",
    ),
    ({"Fn::ImportValue": "gone"}, "No export named gone found."),
    (
        {"Fn::ImportValue": ["a"]},
        "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs",
    ),
    ({"Fn::Base64": ["a"]}, "Template error: every Fn::Base64 object must have a String-typed value."),
]


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_functions_that_are_used_wrongly_are_refused(value: JSON, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        resolve(value, SCOPE)
    assert refused.value.message == message


def test_fn_sub_needs_a_text() -> None:
    with pytest.raises(TemplateError, match="don't specify expected arguments"):
        resolve({"Fn::Sub": {"a": "b"}}, SCOPE)


@pytest.mark.parametrize("value", [{"Fn::Cidr": []}, {"Fn::Transform": {}}, "{{resolve:ssm:name}}"])
def test_functions_that_are_not_here_are_refused_by_name(value: JSON) -> None:
    with pytest.raises(NotImplementedHere):
        resolve({"a": value}, SCOPE)


def test_an_export_is_found_only_where_there_is_one() -> None:
    with pytest.raises(TemplateError, match="No export named x found"):
        resolve({"Fn::ImportValue": "x"}, Scope(parameters={}))
