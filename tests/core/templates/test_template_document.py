from typing import Any

import pytest

from interstate.base.errors import NotImplementedHere
from interstate.core.templates.document import Output, Resource, parse_template, transforms_of
from interstate.core.templates.errors import TemplateError

QUEUE = {"Type": "AWS::SQS::Queue"}


def resources(**bodies: Any) -> dict[str, Any]:
    return {"Resources": bodies}


def test_sections_become_values() -> None:
    template = parse_template(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "d",
            "Conditions": {"C": {"Fn::Equals": [1, 1]}},
            "Resources": {
                "A": QUEUE,
                "B": {
                    "Type": "AWS::SNS::Topic",
                    "DependsOn": "A",
                    "Condition": "C",
                    "DeletionPolicy": "Retain",
                    "Properties": {"TopicName": "b"},
                },
            },
            "Outputs": {"O": {"Value": {"Ref": "A"}, "Export": {"Name": "n"}, "Description": "what"}},
        }
    )
    assert template.resources["A"] == Resource("A", "AWS::SQS::Queue")
    assert template.resources["B"] == Resource(
        "B", "AWS::SNS::Topic", {"TopicName": "b"}, condition="C", depends_on=("A",), deletion_policy="Retain"
    )
    assert template.outputs == {"O": Output("O", {"Ref": "A"}, "n", None, "what")}
    assert (template.description, template.transforms) == ("d", ())


REFUSED = [
    ({}, "Template format error: At least one Resources member must be defined."),
    ({"Foo": {}, "Resources": {"A": QUEUE}}, "Invalid template property or properties [Foo]"),
    ({"Globals": {}, "Resources": {"A": QUEUE}}, "Invalid template property or properties [Globals]"),
    (
        {"AWSTemplateFormatVersion": "2011-01-01", "Resources": {"A": QUEUE}},
        "Template format error: [/AWSTemplateFormatVersion] '2011-01-01' is not one of the supported versions [2010-09-09].",
    ),
    ({"Resources": []}, "Template format error: [/Resources] Resources must be an object."),
    (resources(A=1), "Template format error: [/Resources/A] Every Resources member must be an object."),
    (resources(A={}), "Template format error: [/Resources/A] Every Resources object must contain a Type member."),
    ({"Resources": {"A-b": QUEUE}}, "Template format error: Resource name A-b is non alphanumeric."),
    (resources(A={**QUEUE, "Foo": 1}), "Invalid template resource property 'Foo'"),
    (
        resources(A={**QUEUE, "Properties": []} | {"Properties": [1]}),
        "Template format error: [/Resources/A/Properties] Properties must be an object.",
    ),
    (
        resources(A={**QUEUE, "DependsOn": {"Ref": "B"}}),
        "Template format error: [/Resources/A/DependsOn] DependsOn must be a string or a list of strings.",
    ),
    (
        resources(A={**QUEUE, "DeletionPolicy": "Keep"}),
        "Template format error: [/Resources/A/DeletionPolicy] Unrecognized DeletionPolicy Keep",
    ),
    (resources(A={**QUEUE, "Condition": 1}), "Template format error: [/Resources/A/Condition] must be a string."),
    (
        resources(A={**QUEUE, "Condition": "C"}),
        "Template format error: Unresolved condition [C] of A in the Resources block of the template",
    ),
    (
        {**resources(A=QUEUE), "Outputs": {"O": {"Value": 1, "Condition": "C"}}},
        "Template format error: Unresolved condition [C] of O in the Outputs block of the template",
    ),
    (resources(A={**QUEUE, "Metadata": [1]}), "Template format error: [/Resources/A/Metadata] must be an object."),
    (
        {**resources(A=QUEUE), "Outputs": {"O": {}}},
        "Template format error: [/Outputs/O] Every Outputs member must contain a Value object",
    ),
    (
        {**resources(A=QUEUE), "Outputs": {"O": {"Value": 1, "Export": "n"}}},
        "Template format error: [/Outputs/O/Export] Export must be an object with the member Name.",
    ),
    (
        resources(A={**QUEUE, "Properties": {"Tags": [{"Key": None}]}}),
        "Template format error: [/Resources/A/Properties/Tags/0/Key] 'null' values are not allowed in templates",
    ),
    (
        {"Resources": {f"Q{number}": QUEUE for number in range(501)}},
        "Template format error: Number of resources, 501, is greater than maximum allowed, 500",
    ),
]


@pytest.mark.parametrize(("document", "message"), REFUSED)
def test_faults_are_worded_as_cloudformation_words_them(document: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        parse_template(document)
    assert refused.value.message == message


NOT_HERE = [
    ({"Rules": {}, **resources(A=QUEUE)}, "the template section Rules"),
    (resources(A={**QUEUE, "CreationPolicy": {}}), "the resource attribute CreationPolicy"),
    (resources(A={**QUEUE, "DeletionPolicy": "Snapshot"}), "DeletionPolicy: Snapshot"),
    ({"Transform": "AWS::LanguageExtensions", **resources(A=QUEUE)}, "the transform AWS::LanguageExtensions"),
    ({"Transform": [{"Name": "X"}], **resources(A=QUEUE)}, "the transform given as an object"),
]


@pytest.mark.parametrize(("document", "what"), NOT_HERE)
def test_what_is_not_here_is_refused_by_name(document: dict[str, Any], what: str) -> None:
    with pytest.raises(NotImplementedHere, match=what):
        parse_template(document)


def test_a_sam_template_keeps_what_the_transform_understands() -> None:
    document = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Globals": {"Function": {"Timeout": 3}},
        **resources(F={"Type": "AWS::Serverless::Function", "IgnoreGlobals": "*", "Properties": {"Role": None}}),
    }
    assert parse_template(document).transforms == transforms_of(document) == ("AWS::Serverless-2016-10-31",)
