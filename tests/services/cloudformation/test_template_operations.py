from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.services.cloudformation import SERVICES

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Description: keys
Parameters:
  Size: {Type: Number, Default: 3, Description: how many, AllowedValues: [3, 4]}
Resources:
  K: {Type: AWS::KMS::Key}
  R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
"""


@pytest.fixture
def world() -> Iterator[World]:
    world = World(SERVICES)
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("cloudformation", operation, request)


def test_validation_tells_parameters_and_capabilities(world: World) -> None:
    assert call(world, "ValidateTemplate", TemplateBody=TEMPLATE) == {
        "Parameters": [{"ParameterKey": "Size", "NoEcho": False, "DefaultValue": "3", "Description": "how many"}],
        "Description": "keys",
        "DeclaredTransforms": [],
        "Capabilities": ["CAPABILITY_IAM"],
        "CapabilitiesReason": "The following resource(s) require capabilities: [R]",
    }


def test_a_broken_template_is_refused(world: World) -> None:
    with pytest.raises(ServiceError, match="At least one Resources member must be defined"):
        call(world, "ValidateTemplate", TemplateBody="Description: x")


def test_a_summary_names_the_types(world: World) -> None:
    summary = call(world, "GetTemplateSummary", TemplateBody=TEMPLATE)
    assert summary["ResourceTypes"] == ["AWS::IAM::Role", "AWS::KMS::Key"]
    assert summary["Version"] == "2010-09-09"
    assert summary["Parameters"][0]["ParameterConstraints"] == {"AllowedValues": ["3", "4"]}


def test_a_stack_shows_the_template_that_it_was_given(world: World) -> None:
    body = "# with a comment\nResources: {K: {Type: AWS::KMS::Key}}"
    call(world, "CreateStack", StackName="s", TemplateBody=body)
    assert call(world, "GetTemplate", StackName="s")["TemplateBody"] == body
    processed = call(world, "GetTemplate", StackName="s", TemplateStage="Processed")["TemplateBody"]
    assert processed == '{"Resources":{"K":{"Type":"AWS::KMS::Key"}}}'
