from typing import Any

import pytest

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSON
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.parameters import is_secret, resolve_parameters

RESOLVED: list[tuple[dict[str, Any], str | None, JSON]] = [
    ({"Type": "String", "Default": "a"}, None, "a"),
    ({"Type": "String", "Default": "a"}, "b", "b"),
    ({"Type": "String", "Default": True}, None, "true"),
    ({"Type": "Number", "Default": 30}, None, "30"),
    ({"Type": "Number", "MinValue": 1, "MaxValue": 9}, "9", "9"),
    ({"Type": "CommaDelimitedList"}, "a, b", ["a", "b"]),
    ({"Type": "CommaDelimitedList", "Default": ""}, None, []),
    ({"Type": "List<Number>"}, "1,2", ["1", "2"]),
    ({"Type": "String", "AllowedPattern": "[a-z]+"}, "abc", "abc"),
    ({"Type": "String", "AllowedValues": [True, 3, "x"]}, "true", "true"),
    ({"Type": "String", "Default": None}, None, ""),
]


@pytest.mark.parametrize(("declaration", "given", "expected"), RESOLVED)
def test_a_parameter_takes_what_was_given_or_its_default(
    declaration: dict[str, Any], given: str | None, expected: JSON
) -> None:
    assert resolve_parameters({"P": declaration}, {} if given is None else {"P": given}) == {"P": expected}


REFUSED: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({"Type": "String"}, {}, "Parameters: [P] must have values"),
    ({"Type": "String"}, {"P": "a", "X": "b", "Y": "c"}, "Parameters: [X, Y] do not exist in the template"),
    ({"Type": "String", "AllowedValues": ["a"]}, {"P": "b"}, "Parameter 'P' must be one of AllowedValues"),
    ({"Type": "String", "AllowedPattern": "[a-z]+"}, {"P": "ab1"}, "Parameter 'P' must match pattern [a-z]+"),
    ({"Type": "String", "MinLength": "3"}, {"P": "ab"}, "Parameter 'P' must contain at least 3 characters"),
    ({"Type": "String", "MaxLength": 1}, {"P": "ab"}, "Parameter 'P' must contain at most 1 characters"),
    ({"Type": "Number"}, {"P": "ab"}, "Parameter 'P' must be a number"),
    ({"Type": "Number", "MinValue": 2}, {"P": "1"}, "Parameter 'P' must be a number not less than 2"),
    ({"Type": "List<Number>", "MaxValue": 2}, {"P": "1,3"}, "Parameter 'P' must be a number not greater than 2"),
    (
        {"Type": "String", "MinLength": 3, "ConstraintDescription": "be longer"},
        {"P": "ab"},
        "Parameter P failed to satisfy constraint: be longer",
    ),
    ({"Type": "Strange"}, {"P": "a"}, "Template format error: Unrecognized parameter type: Strange"),
    ({}, {"P": "a"}, "Template format error: [/Parameters/P] Every Parameters object must contain a Type member."),
    ({"Type": "String", "Defualt": "a"}, {}, "Template format error: Invalid template parameter property 'Defualt'"),
    (
        {"Type": "String", "AllowedPattern": "["},
        {"P": "a"},
        "Template format error: Invalid AllowedPattern [: unterminated character set at position 0",
    ),
]


@pytest.mark.parametrize(("declaration", "given", "message"), REFUSED)
def test_a_wrong_parameter_is_refused(declaration: dict[str, Any], given: dict[str, str], message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        resolve_parameters({"P": declaration}, given)
    assert refused.value.message == message


@pytest.mark.parametrize("type_", ["AWS::SSM::Parameter::Value<String>", "List<AWS::EC2::Subnet::Id>"])
def test_types_that_read_from_elsewhere_are_refused_by_name(type_: str) -> None:
    with pytest.raises(NotImplementedHere, match="the parameter type"):
        resolve_parameters({"P": {"Type": type_}}, {"P": "a"})


@pytest.mark.parametrize(("declared", "secret"), [({}, False), ({"NoEcho": True}, True), ({"NoEcho": "True"}, True)])
def test_no_echo_is_seen_in_each_form(declared: dict[str, Any], secret: bool) -> None:
    assert is_secret(declared) is secret
