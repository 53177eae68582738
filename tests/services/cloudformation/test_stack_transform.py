from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.runtime.testing import World
from interstate.services.cloudformation import SERVICES
from interstate.services.cloudformation.wanted import Transform, Transformed

# The transform itself is tested with the child process; here a stand-in shows what is done with its answer.
SAM = "Transform: AWS::Serverless-2016-10-31\nResources: {T: {Type: AWS::Serverless::SimpleTable}}\n"
PLAIN = {"Resources": {"K": {"Type": "AWS::KMS::Key"}}}
EXPAND = ["CAPABILITY_AUTO_EXPAND"]


def perform(_key: str, body: Transform) -> Transformed:
    if "Broken" in body.wanted.original:
        return Transformed(error="Invalid Serverless Application Specification document.")
    return Transformed(template=PLAIN)


@pytest.fixture
def world() -> Iterator[World]:
    world = World(SERVICES, performers={"cloudformation.transform": perform})
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("cloudformation", operation, request)


def test_a_template_is_transformed_before_anything_is_made(world: World) -> None:
    arn = call(world, "CreateStack", StackName="s", TemplateBody=SAM, Capabilities=EXPAND)["StackId"]
    stack = call(world, "DescribeStacks", StackName="s")["Stacks"][0]
    assert (stack["StackId"], stack["StackStatus"]) == (arn, "CREATE_COMPLETE")
    assert call(world, "GetTemplate", StackName="s")["TemplateBody"] == SAM
    resources = call(world, "ListStackResources", StackName="s")["StackResourceSummaries"]
    assert [resource["LogicalResourceId"] for resource in resources] == ["K"]


def test_a_transform_needs_the_callers_word(world: World) -> None:
    with pytest.raises(ServiceError, match="CAPABILITY_AUTO_EXPAND"):
        call(world, "CreateStack", StackName="s", TemplateBody=SAM)


def test_a_refused_transform_changes_nothing(world: World) -> None:
    body = SAM.replace("{T:", "{Broken:")
    with pytest.raises(ServiceError) as refused:
        call(world, "CreateStack", StackName="s", TemplateBody=body, Capabilities=EXPAND)
    assert refused.value.message == (
        "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document."
    )
    with pytest.raises(ServiceError, match="does not exist"):
        call(world, "DescribeStacks", StackName="s")


def test_a_change_set_keeps_the_transformed_template(world: World) -> None:
    call(world, "CreateChangeSet", StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=SAM)
    found = call(world, "DescribeChangeSet", StackName="s", ChangeSetName="c")
    assert [change["ResourceChange"]["LogicalResourceId"] for change in found["Changes"]] == ["K"]
    call(world, "ExecuteChangeSet", StackName="s", ChangeSetName="c")
    with pytest.raises(ServiceError, match="No updates are to be performed"):
        call(world, "UpdateStack", StackName="s", UsePreviousTemplate=True, Capabilities=EXPAND)


def test_deploying_again_changes_nothing_and_a_failed_stack_is_made_anew(world: World) -> None:
    request = {
        "StackName": "s",
        "Original": "x",
        "Template": {
            "Resources": {
                "B": {
                    "Type": "AWS::KMS::Alias",
                    "Properties": {"AliasName": {"Fn::ImportValue": "gone"}, "TargetKeyId": "k"},
                }
            }
        },
    }
    failed = world.call("interstate.stacks", "Deploy", request)
    assert failed["Stack"]["StackStatus"] == "ROLLBACK_COMPLETE"
    assert failed["Failures"] == [{"LogicalResourceId": "B", "Reason": "No export named gone found."}]
    made = world.call("interstate.stacks", "Deploy", {**request, "Template": PLAIN})
    assert (made["Stack"]["StackStatus"], made["Changed"], made["Failures"]) == ("CREATE_COMPLETE", True, [])
    again = world.call("interstate.stacks", "Deploy", {**request, "Template": PLAIN})
    assert (again["Stack"]["StackStatus"], again["Changed"]) == ("CREATE_COMPLETE", False)


@pytest.mark.parametrize("operation", ["CreateStack", "CreateChangeSet"])
def test_of_two_at_once_one_gets_the_name(operation: str) -> None:
    """The other one comes while the first one's template is being transformed."""

    def late(_key: str, _body: Transform) -> Transformed:
        call(here, "CreateStack", StackName="s", TemplateBody=dumps(PLAIN))
        return Transformed(template=PLAIN)

    here = World(SERVICES, performers={"cloudformation.transform": late})
    more = {} if operation == "CreateStack" else {"ChangeSetName": "c", "ChangeSetType": "CREATE"}
    with pytest.raises(ServiceError) as refused:
        call(here, operation, StackName="s", TemplateBody=SAM, Capabilities=EXPAND, **more)
    assert (refused.value.code, refused.value.message) == ("AlreadyExistsException", "Stack [s] already exists")
    (stack,) = call(here, "DescribeStacks")["Stacks"]
    assert (stack["StackName"], stack["StackStatus"]) == ("s", "CREATE_COMPLETE")
    here.close()
