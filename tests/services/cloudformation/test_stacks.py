from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.runtime.testing import World
from interstate.services.cloudformation import SERVICES
from interstate.services.sqs import SERVICE as SQS

TEMPLATE = """
Parameters:
  Delay: {Type: Number, Default: 3}
  Secret: {Type: String, Default: hush, NoEcho: true}
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      DelaySeconds: !Ref Delay
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: dead}}
Outputs:
  Url: {Value: !Ref Orders, Description: where orders go, Export: {Name: !Sub '${AWS::StackName}-url'}}
"""
TWO_QUEUES = "{Resources: {A: {Type: AWS::SQS::Queue}, B: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: %s}}}}"


@pytest.fixture
def world() -> Iterator[World]:
    world = World([*SERVICES, SQS])
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("cloudformation", operation, request)


def stack(world: World, name: str = "shop") -> Any:
    return call(world, "DescribeStacks", StackName=name)["Stacks"][0]


def queues(world: World) -> list[str]:
    return [url.rsplit("/", 1)[-1] for url in world.call("sqs", "ListQueues").get("QueueUrls", [])]


def events(world: World, name: str = "shop") -> list[tuple[str, str]]:
    found = call(world, "DescribeStackEvents", StackName=name)["StackEvents"]
    return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(found)]


def test_a_stack_is_made_in_the_order_of_its_references(world: World) -> None:
    arn = call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)["StackId"]
    made = stack(world)
    assert (made["StackId"], made["StackStatus"]) == (arn, "CREATE_COMPLETE")
    assert events(world) == [
        ("shop", "CREATE_IN_PROGRESS"),
        ("Dead", "CREATE_IN_PROGRESS"),
        ("Dead", "CREATE_COMPLETE"),
        ("Orders", "CREATE_IN_PROGRESS"),
        ("Orders", "CREATE_COMPLETE"),
        ("shop", "CREATE_COMPLETE"),
    ]
    url = made["Outputs"][0]["OutputValue"]
    attributes = world.call("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})["Attributes"]
    assert attributes["DelaySeconds"] == "3"
    assert attributes["RedrivePolicy"].startswith('{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"')


def test_names_are_stack_logical_id_and_twelve_characters(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    named = [name for name in queues(world) if name != "dead"]
    assert len(named) == 1
    assert named[0].startswith("shop-Orders-")
    assert len(named[0]) == len("shop-Orders-") + 12


def test_a_description_masks_secrets_and_shows_outputs(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE, Tags=[{"Key": "team", "Value": "a"}])
    made = stack(world)
    assert made["Parameters"] == [
        {"ParameterKey": "Delay", "ParameterValue": "3"},
        {"ParameterKey": "Secret", "ParameterValue": "****"},
    ]
    assert made["Tags"] == [{"Key": "team", "Value": "a"}]
    assert made["Outputs"][0] | {"OutputValue": ""} == {
        "OutputKey": "Url",
        "OutputValue": "",
        "Description": "where orders go",
        "ExportName": "shop-url",
    }


BEFORE_ANYTHING = [
    (
        "{Resources: {A: {Type: AWS::SQS::Queue}, V: {Type: AWS::EC2::VPC}}}",
        (
            "Template format error: Unrecognized resource types: [AWS::EC2::VPC]. "
            "Interstate does not implement them; see docs/reference/templates.md for what it has."
        ),
    ),
    (
        "{Resources: {F: {Type: AWS::Serverless::Function}}}",
        (
            "Template format error: Unrecognized resource types: [AWS::Serverless::Function]. "
            "Does the template lack its Transform: AWS::Serverless-2016-10-31?"
        ),
    ),
    (
        "{Resources: {A: {Type: AWS::SQS::Queue, DependsOn: B}, B: {Type: AWS::SQS::Queue, DependsOn: A}}}",
        "Circular dependency between resources: [A, B]",
    ),
    (
        "{Resources: {A: {Type: AWS::SQS::Queue, Properties: {Delay: 3}}}}",
        (
            "Properties validation failed for resource A with message:\n"
            "#: extraneous key [Delay] is not permitted (or not implemented by Interstate)"
        ),
    ),
    (
        "{Resources: {A: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Gone}}}}",
        "Template format error: Unresolved resource dependencies [Gone] in the Resources block of the template",
    ),
    (
        "{Resources: {A: {Type: AWS::SQS::Queue}}, Outputs: {O: {Value: !Sub '${A.Size}'}}}",
        "Template error: resource A does not support attribute type Size in Fn::GetAtt",
    ),
    ("Resources: [", "Template format error: YAML not well-formed. (line 2, column 1)"),
]


@pytest.mark.parametrize(("template", "message"), BEFORE_ANYTHING)
def test_what_cannot_be_carried_out_is_refused_before_anything_changes(
    world: World, template: str, message: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        call(world, "CreateStack", StackName="shop", TemplateBody=template)
    assert (refused.value.code, refused.value.message) == ("ValidationError", message)
    assert queues(world) == []
    with pytest.raises(ServiceError, match="Stack with id shop does not exist"):
        stack(world)


def test_a_resource_whose_condition_does_not_hold_is_not_looked_at(world: World) -> None:
    template = """
Parameters: {OnAws: {Type: String, Default: 'false'}}
Conditions: {Aws: !Equals [!Ref OnAws, 'true']}
Resources:
  V: {Type: AWS::EC2::VPC, Condition: Aws, Properties: {CidrBlock: 10.0.0.0/16}}
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !If [Aws, !Ref V, here]}}
"""
    call(world, "CreateStack", StackName="shop", TemplateBody=template)
    assert queues(world) == ["here"]


def test_a_refused_resource_leaves_nothing_but_the_reason(world: World) -> None:
    template = "{Resources: {A: {Type: AWS::SQS::Queue}, B: {Type: AWS::SQS::Queue, DependsOn: A, Properties: {DelaySeconds: 901}}}}"
    call(world, "CreateStack", StackName="shop", TemplateBody=template)
    failed = stack(world)
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE"
    assert failed["StackStatusReason"] == (
        "The following resource(s) failed to create: [B]. Rollback requested by user."
    )
    assert queues(world) == []
    assert call(world, "ListStackResources", StackName="shop")["StackResourceSummaries"] == []
    assert events(world)[-5:] == [
        ("B", "CREATE_IN_PROGRESS"),
        ("B", "CREATE_FAILED"),
        ("shop", "ROLLBACK_IN_PROGRESS"),
        ("A", "DELETE_COMPLETE"),
        ("shop", "ROLLBACK_COMPLETE"),
    ]
    found = call(world, "DescribeStackEvents", StackName="shop")["StackEvents"]
    reasons = [event["ResourceStatusReason"] for event in found if event["ResourceStatus"] == "CREATE_FAILED"]
    assert reasons == ["Invalid value for the parameter DelaySeconds. (InvalidAttributeValue)"]


def test_a_stack_that_failed_can_only_be_deleted(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TWO_QUEUES % 901)
    with pytest.raises(ServiceError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        call(world, "UpdateStack", StackName="shop", TemplateBody=TWO_QUEUES % 1)
    with pytest.raises(ServiceError, match=r"Stack \[shop\] already exists"):
        call(world, "CreateStack", StackName="shop", TemplateBody=TWO_QUEUES % 1)
    call(world, "DeleteStack", StackName="shop")
    call(world, "CreateStack", StackName="shop", TemplateBody=TWO_QUEUES % 1)
    assert stack(world)["StackStatus"] == "CREATE_COMPLETE"


def test_on_failure_delete_leaves_a_deleted_stack(world: World) -> None:
    arn = call(world, "CreateStack", StackName="shop", TemplateBody=TWO_QUEUES % 901, OnFailure="DELETE")["StackId"]
    assert stack(world, arn)["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ServiceError, match="does not exist"):
        stack(world)


def test_an_update_changes_in_place_what_can_change(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TWO_QUEUES % 1)
    before = queues(world)
    call(world, "UpdateStack", StackName="shop", TemplateBody=TWO_QUEUES % 2)
    assert queues(world) == before
    assert stack(world)["StackStatus"] == "UPDATE_COMPLETE"
    assert events(world)[-5:] == [
        ("shop", "UPDATE_IN_PROGRESS"),
        ("B", "UPDATE_IN_PROGRESS"),
        ("B", "UPDATE_COMPLETE"),
        ("shop", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("shop", "UPDATE_COMPLETE"),
    ]


def test_a_replaced_queue_is_made_first_and_the_old_one_deleted_last(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    call(world, "UpdateStack", StackName="shop", TemplateBody=TEMPLATE.replace("QueueName: dead", "QueueName: grave"))
    assert "dead" not in queues(world)
    url = stack(world)["Outputs"][0]["OutputValue"]
    found = world.call("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["RedrivePolicy"]})
    assert ":grave" in found["Attributes"]["RedrivePolicy"]
    assert events(world)[-8:] == [
        ("Dead", "UPDATE_IN_PROGRESS"),
        ("Dead", "UPDATE_COMPLETE"),
        ("Orders", "UPDATE_IN_PROGRESS"),
        ("Orders", "UPDATE_COMPLETE"),
        ("shop", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Dead", "DELETE_IN_PROGRESS"),
        ("Dead", "DELETE_COMPLETE"),
        ("shop", "UPDATE_COMPLETE"),
    ]


def test_what_is_left_over_is_deleted(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    call(
        world,
        "UpdateStack",
        StackName="shop",
        TemplateBody="{Resources: {New: {Type: AWS::SQS::Queue, Properties: {QueueName: new}}}}",
    )
    assert queues(world) == ["new"]
    assert call(world, "ListExports")["Exports"] == []


def test_a_custom_name_cannot_be_replaced(world: World) -> None:
    template = "{Resources: {A: {Type: AWS::SQS::Queue, Properties: {QueueName: a%s}}}}"
    call(world, "CreateStack", StackName="shop", TemplateBody=template % "")
    call(world, "UpdateStack", StackName="shop", TemplateBody=template % ", FifoQueue: false")
    assert stack(world)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    found = call(world, "DescribeStackEvents", StackName="shop")["StackEvents"]
    reasons = [event["ResourceStatusReason"] for event in found if event["ResourceStatus"] == "UPDATE_FAILED"]
    assert reasons == [
        (
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            "Rename a and update the stack again."
        )
    ]


def test_a_failed_update_leaves_everything_as_it_was(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    before = (queues(world), stack(world)["Outputs"], call(world, "ListExports"))
    broken = TEMPLATE.replace("QueueName: dead", "QueueName: grave").replace("maxReceiveCount: 3", "maxReceiveCount: x")
    call(world, "UpdateStack", StackName="shop", TemplateBody=broken)
    assert stack(world)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert (queues(world), stack(world)["Outputs"], call(world, "ListExports")) == before
    call(world, "UpdateStack", StackName="shop", TemplateBody=TEMPLATE.replace("Default: 3", "Default: 4"))
    assert stack(world)["StackStatus"] == "UPDATE_COMPLETE"


def test_an_update_without_difference_is_refused(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    with pytest.raises(ServiceError, match="No updates are to be performed"):
        call(world, "UpdateStack", StackName="shop", UsePreviousTemplate=True)
    changed = [{"ParameterKey": "Delay", "ParameterValue": "9"}]
    call(world, "UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=changed)
    kept = [{"ParameterKey": "Delay", "UsePreviousValue": True}]
    with pytest.raises(ServiceError, match="No updates are to be performed"):
        call(world, "UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=kept)


def test_deleting_keeps_what_its_policy_keeps(world: World) -> None:
    template = (
        "{Resources: {A: {Type: AWS::SQS::Queue, DeletionPolicy: Retain, Properties: {QueueName: kept}}, "
        "B: {Type: AWS::SQS::Queue, Properties: {QueueName: gone}}}}"
    )
    arn = call(world, "CreateStack", StackName="shop", TemplateBody=template)["StackId"]
    call(world, "DeleteStack", StackName="shop")
    assert queues(world) == ["kept"]
    assert stack(world, arn)["StackStatus"] == "DELETE_COMPLETE"
    assert ("A", "DELETE_SKIPPED") in events(world, arn)
    call(world, "DeleteStack", StackName="shop")  # Gone already.


def test_a_resource_that_was_deleted_by_hand_does_not_stop_a_delete(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    world.call("sqs", "DeleteQueue", {"QueueUrl": "http://localhost/000000000000/dead"})
    arn = stack(world)["StackId"]
    call(world, "DeleteStack", StackName="shop")
    assert stack(world, arn)["StackStatus"] == "DELETE_COMPLETE"


def test_a_protected_stack_is_not_deleted(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE, EnableTerminationProtection=True)
    with pytest.raises(ServiceError, match="cannot be deleted while TerminationProtection is enabled"):
        call(world, "DeleteStack", StackName="shop")
    call(world, "UpdateTerminationProtection", StackName="shop", EnableTerminationProtection=False)
    call(world, "DeleteStack", StackName="shop")
    assert queues(world) == []


def test_an_export_that_is_imported_stays(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    template = "{Resources: {K: {Type: AWS::KMS::Key, Properties: {Description: !ImportValue shop-url}}}}"
    call(world, "CreateStack", StackName="user", TemplateBody=template)
    assert call(world, "ListImports", ExportName="shop-url") == {"Imports": ["user"]}
    with pytest.raises(ServiceError) as refused:
        call(world, "DeleteStack", StackName="shop")
    assert refused.value.message == "Export shop-url cannot be deleted as it is in use by user"
    call(world, "DeleteStack", StackName="user")
    call(world, "DeleteStack", StackName="shop")
    assert call(world, "ListExports")["Exports"] == []


def test_an_import_of_nothing_fails_the_resource(world: World) -> None:
    template = "{Resources: {K: {Type: AWS::KMS::Key, Properties: {Description: !ImportValue gone}}}}"
    call(world, "CreateStack", StackName="user", TemplateBody=template)
    assert stack(world, "user")["StackStatus"] == "ROLLBACK_COMPLETE"


def test_an_export_that_came_meanwhile_is_seen_by_the_same_template(world: World) -> None:
    before = "{Resources: {K: {Type: AWS::KMS::Key, Properties: {Description: none}}}}"
    after = "{Resources: {K: {Type: AWS::KMS::Key, Properties: {Description: !ImportValue shop-url}}}}"
    call(world, "CreateStack", StackName="user", TemplateBody=before)
    call(world, "UpdateStack", StackName="user", TemplateBody=after)
    assert stack(world, "user")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    call(world, "UpdateStack", StackName="user", TemplateBody=after)
    assert stack(world, "user")["StackStatus"] == "UPDATE_COMPLETE"


def test_two_stacks_cannot_export_one_name(world: World) -> None:
    template = "{Resources: {K: {Type: AWS::KMS::Key}}, Outputs: {O: {Value: !Ref K, Export: {Name: n}}}}"
    call(world, "CreateStack", StackName="one", TemplateBody=template)
    call(world, "CreateStack", StackName="two", TemplateBody=template)
    assert stack(world, "two")["StackStatusReason"] == "Export with name n is already exported by stack one."


NOT_HERE: list[dict[str, Any]] = [
    {"TemplateURL": "https://bucket/template.yaml"},
    {"TemplateBody": TEMPLATE, "NotificationARNs": ["arn:aws:sns:us-east-1:000000000000:t"]},
    {"TemplateBody": TEMPLATE, "DisableRollback": True},
    {"TemplateBody": TEMPLATE, "StackPolicyBody": "{}"},
    {"TemplateBody": TEMPLATE, "RollbackConfiguration": {"RollbackTriggers": [{"Arn": "a", "Type": "b"}]}},
]


@pytest.mark.parametrize("request_", NOT_HERE)
def test_members_without_meaning_are_refused_not_dropped(world: World, request_: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedHere):
        call(world, "CreateStack", StackName="shop", **request_)


def test_roles_need_the_callers_word(world: World) -> None:
    role = "{Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}%s}}}}"
    with pytest.raises(ServiceError) as refused:
        call(world, "CreateStack", StackName="shop", TemplateBody=role % "")
    assert (refused.value.code, refused.value.message) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    )
    with pytest.raises(ServiceError, match="CAPABILITY_NAMED_IAM"):
        call(
            world,
            "CreateStack",
            StackName="shop",
            TemplateBody=role % ", RoleName: r",
            Capabilities=["CAPABILITY_IAM"],
        )


def test_stacks_survive_a_crash(tmp_path: Any) -> None:
    world = World([*SERVICES, SQS], directory=tmp_path)
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    before = (stack(world), call(world, "ListStackResources", StackName="shop"), events(world))
    world = world.restart()
    assert (stack(world), call(world, "ListStackResources", StackName="shop"), events(world)) == before
    world.close()


def test_resources_are_found_by_their_physical_id(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE)
    url = "http://sqs.us-east-1.localhost:4566/000000000000/dead"
    found = call(world, "DescribeStackResources", PhysicalResourceId=url)["StackResources"]
    assert {resource["LogicalResourceId"] for resource in found} == {"Dead", "Orders"}
    detail = call(world, "DescribeStackResource", StackName="shop", LogicalResourceId="Dead")["StackResourceDetail"]
    assert (detail["PhysicalResourceId"], detail["ResourceType"]) == (url, "AWS::SQS::Queue")
    with pytest.raises(ServiceError, match="Resource Gone does not exist for stack shop"):
        call(world, "DescribeStackResource", StackName="shop", LogicalResourceId="Gone")


def test_stacks_are_listed_the_newest_first(world: World) -> None:
    for name in ("a", "b"):
        call(world, "CreateStack", StackName=name, TemplateBody="{Resources: {K: {Type: AWS::KMS::Key}}}")
    call(world, "DeleteStack", StackName="a")
    listed = call(world, "ListStacks")["StackSummaries"]
    assert sorted((entry["StackName"], entry["StackStatus"]) for entry in listed) == [
        ("a", "DELETE_COMPLETE"),
        ("b", "CREATE_COMPLETE"),
    ]
    active = call(world, "ListStacks", StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
    assert [entry["StackName"] for entry in active] == ["b"]
    assert [entry["StackName"] for entry in call(world, "DescribeStacks")["Stacks"]] == ["b"]
