"""No stack takes over what it did not make, even where the service's own API would give it the resource.

Source: messages of failed stacks, as CloudFormation writes them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import JSONObject, dumps
from interstate.runtime.testing import World

ROLE = "arn:aws:iam::000000000000:role/r"
DEFINITION = '{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}'


class Named(NamedTuple):
    type: str
    properties: JSONObject
    other: JSONObject
    service: str
    create: str
    request: JSONObject
    identifier: str


NAMED = [
    Named("AWS::SQS::Queue", {"QueueName": "n"}, {"QueueName": "m"}, "sqs", "CreateQueue", {"QueueName": "n"}, "http://sqs.us-east-1.localhost:4566/000000000000/n"),
    Named("AWS::SNS::Topic", {"TopicName": "n"}, {"TopicName": "m"}, "sns", "CreateTopic", {"Name": "n"}, "arn:aws:sns:us-east-1:000000000000:n"),
    Named("AWS::Events::Rule", {"Name": "n", "ScheduleExpression": "rate(1 day)"}, {"Name": "m", "ScheduleExpression": "rate(1 day)"}, "events", "PutRule", {"Name": "n", "ScheduleExpression": "rate(1 day)"}, "n"),
    Named("AWS::StepFunctions::StateMachine", {"StateMachineName": "n", "DefinitionString": DEFINITION, "RoleArn": ROLE}, {"StateMachineName": "m", "DefinitionString": DEFINITION, "RoleArn": ROLE}, "stepfunctions", "CreateStateMachine", {"name": "n", "definition": DEFINITION, "roleArn": ROLE}, "arn:aws:states:us-east-1:000000000000:stateMachine:n"),
]  # fmt: skip
named = pytest.mark.parametrize("named", NAMED, ids=[row.type for row in NAMED])


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def create(world: World, name: str, **resources: Any) -> tuple[str, str]:
    request = {"StackName": name, "TemplateBody": dumps({"Resources": resources})}
    world.call("cloudformation", "CreateStack", request)
    return outcome(world, name)


def outcome(world: World, name: str) -> tuple[str, str]:
    """The stack's status, and the reason why its last resource failed."""
    status = world.call("cloudformation", "DescribeStacks", {"StackName": name})["Stacks"][0]["StackStatus"]
    log = world.call("cloudformation", "DescribeStackEvents", {"StackName": name})["StackEvents"]
    failed = [event["ResourceStatusReason"] for event in log if event["ResourceStatus"].endswith("_FAILED")]
    return status, failed[0] if failed else ""


@named
def test_what_was_made_by_hand_is_not_taken_over(world: World, named: Named) -> None:
    world.call(named.service, named.create, named.request)
    status, reason = create(world, "shop", A={"Type": named.type, "Properties": named.properties})
    assert status == "ROLLBACK_COMPLETE"
    assert (
        reason
        == f"Resource of type '{named.type}' with identifier '{named.identifier}' already exists. (AlreadyExists)"
    )
    world.call("cloudformation", "DeleteStack", {"StackName": "shop"})
    status, _ = create(world, "later", A={"Type": named.type, "Properties": named.properties})
    assert status == "ROLLBACK_COMPLETE"  # The one made by hand still stands.


@named
def test_two_resources_have_two_names(world: World, named: Named) -> None:
    resource = {"Type": named.type, "Properties": named.properties}
    status, reason = create(world, "shop", A=resource, B=resource)
    assert status == "ROLLBACK_COMPLETE"
    assert reason.startswith("n already exists in stack arn:aws:cloudformation:us-east-1:000000000000:stack/shop/")


@named
def test_what_another_stack_made_stays_its_own(world: World, named: Named) -> None:
    resource = {"Type": named.type, "Properties": named.properties}
    assert create(world, "first", A=resource)[0] == "CREATE_COMPLETE"
    status, reason = create(world, "second", A=resource)
    assert status == "ROLLBACK_COMPLETE"
    assert reason.startswith("n already exists in stack arn:aws:cloudformation:us-east-1:000000000000:stack/first/")


@named
def test_a_resource_is_not_renamed_into_another(world: World, named: Named) -> None:
    create(world, "first", A={"Type": named.type, "Properties": named.properties})
    create(world, "second", A={"Type": named.type, "Properties": named.other})
    renamed = {"Resources": {"A": {"Type": named.type, "Properties": named.properties}}}
    world.call("cloudformation", "UpdateStack", {"StackName": "second", "TemplateBody": dumps(renamed)})
    status, reason = outcome(world, "second")
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert reason.startswith("n already exists in stack")


@named
def test_a_stack_is_updated_and_deleted_and_made_again_under_its_names(world: World, named: Named) -> None:
    resource = {"Type": named.type, "Properties": named.properties}
    queue = {"Type": "AWS::SNS::Topic"}
    assert create(world, "shop", A=resource)[0] == "CREATE_COMPLETE"
    changed = dumps({"Resources": {"A": resource, "B": queue}})
    world.call("cloudformation", "UpdateStack", {"StackName": "shop", "TemplateBody": changed})
    assert outcome(world, "shop") == ("UPDATE_COMPLETE", "")
    world.call("cloudformation", "DeleteStack", {"StackName": "shop"})
    world.run_due()
    if named.service != "sqs":  # A queue's name is free again after a minute.
        assert create(world, "shop", A=resource) == ("CREATE_COMPLETE", "")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("a b", "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"),
        ("1a", "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"),
        ("a/../b", "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"),
        ("a" * 129, "have length less than or equal to 128"),
    ],
)
@pytest.mark.parametrize("operation", ["CreateStack", "CreateChangeSet"])
def test_a_stack_name_is_letters_digits_and_hyphens(world: World, name: str, rule: str, operation: str) -> None:
    more = {} if operation == "CreateStack" else {"ChangeSetName": "c", "ChangeSetType": "CREATE"}
    template = dumps({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}})
    with pytest.raises(ServiceError) as refused:
        world.call("cloudformation", operation, {"StackName": name, "TemplateBody": template, **more})
    assert refused.value.code == "ValidationError"
    assert refused.value.message == (
        f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must {rule}"
    )
