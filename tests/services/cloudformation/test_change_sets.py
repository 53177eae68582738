from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.services.cloudformation import SERVICES
from interstate.services.sqs import SERVICE as SQS

TEMPLATE = (
    "{Resources: {A: {Type: AWS::SQS::Queue, Properties: {QueueName: %s, DelaySeconds: %s}}, K: {Type: AWS::KMS::Key}}}"
)


@pytest.fixture
def world() -> Iterator[World]:
    world = World([*SERVICES, SQS])
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("cloudformation", operation, request)


def review(world: World, template: str, kind: str = "UPDATE", name: str = "c") -> Any:
    call(world, "CreateChangeSet", StackName="shop", ChangeSetName=name, ChangeSetType=kind, TemplateBody=template)
    return call(world, "DescribeChangeSet", StackName="shop", ChangeSetName=name)


def test_a_new_stack_goes_through_review(world: World) -> None:
    found = review(world, TEMPLATE % ("a", 1), "CREATE")
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    actions = [
        (change["ResourceChange"]["Action"], change["ResourceChange"]["LogicalResourceId"])
        for change in found["Changes"]
    ]
    assert actions == [("Add", "A"), ("Add", "K")]
    assert call(world, "DescribeStacks", StackName="shop")["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert world.call("sqs", "ListQueues") == {}
    call(world, "ExecuteChangeSet", StackName="shop", ChangeSetName="c")
    stack = call(world, "DescribeStacks", StackName="shop")["Stacks"][0]
    assert (stack["StackStatus"], stack["ChangeSetId"]) == ("CREATE_COMPLETE", found["ChangeSetId"])


def test_changes_tell_what_is_replaced(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE % ("a", 1))
    (change,) = review(world, TEMPLATE % ("b", 2))["Changes"]
    shown = change["ResourceChange"]
    assert (shown["Action"], shown["Replacement"]) == ("Modify", "True")
    assert [(detail["Target"]["Name"], detail["Target"]["RequiresRecreation"]) for detail in shown["Details"]] == [
        ("DelaySeconds", "Never"),
        ("QueueName", "Always"),
    ]
    (change,) = review(world, "{Resources: {K: {Type: AWS::KMS::Key}}}", name="d")["Changes"]
    assert change["ResourceChange"]["Action"] == "Remove"


def test_no_changes_is_a_failed_change_set_in_the_words_that_clients_look_for(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE % ("a", 1))
    found = review(world, TEMPLATE % ("a", 1))
    assert found["Status"] == "FAILED"
    assert "The submitted information didn't contain changes." in found["StatusReason"]
    with pytest.raises(ServiceError, match="cannot be executed in its current status"):
        call(world, "ExecuteChangeSet", StackName="shop", ChangeSetName="c")


def test_executing_one_forgets_the_others(world: World) -> None:
    call(world, "CreateStack", StackName="shop", TemplateBody=TEMPLATE % ("a", 1))
    review(world, TEMPLATE % ("a", 2), name="one")
    review(world, TEMPLATE % ("a", 3), name="two")
    call(world, "ExecuteChangeSet", StackName="shop", ChangeSetName="two")
    with pytest.raises(ServiceError, match=r"ChangeSet \[one\] does not exist"):
        call(world, "ExecuteChangeSet", StackName="shop", ChangeSetName="one")
    listed = call(world, "ListChangeSets", StackName="shop")["Summaries"]
    assert [(entry["ChangeSetName"], entry["ExecutionStatus"]) for entry in listed] == [("two", "EXECUTE_COMPLETE")]


def test_a_change_set_can_be_deleted(world: World) -> None:
    review(world, TEMPLATE % ("a", 1), "CREATE")
    call(world, "DeleteChangeSet", StackName="shop", ChangeSetName="c")
    call(world, "DeleteChangeSet", StackName="shop", ChangeSetName="c")
    with pytest.raises(ServiceError) as refused:
        call(world, "DescribeChangeSet", StackName="shop", ChangeSetName="c")
    assert refused.value.code == "ChangeSetNotFound"


def test_a_template_that_cannot_be_carried_out_makes_a_failed_change_set(world: World) -> None:
    found = review(world, "{Resources: {A: {Type: AWS::EC2::VPC}}}", "CREATE")
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "AWS::EC2::VPC" in found["StatusReason"]


def test_an_update_needs_a_stack(world: World) -> None:
    with pytest.raises(ServiceError, match=r"Stack \[shop\] does not exist"):
        review(world, TEMPLATE % ("a", 1))


def test_names_of_change_sets_are_unique(world: World) -> None:
    review(world, TEMPLATE % ("a", 1), "CREATE")
    with pytest.raises(ServiceError) as refused:
        review(world, TEMPLATE % ("a", 1), "CREATE")
    assert refused.value.code == "AlreadyExistsException"
