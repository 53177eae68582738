"""A stack goes from one status to the next in slices: everybody is served between them, and a crash or a refusal leaves nothing half."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import Crash, World
from interstate.services.cloudformation import SERVICES
from interstate.services.cloudformation.carry_out import LOOKED_MAX
from interstate.services.cloudformation.prepare import _worked_out
from interstate.services.cloudformation.progress import ROOM
from interstate.services.operation import Parked
from interstate.services.sqs import SERVICE as SQS

MANY = 3 * ROOM + 2
REFUSED = 901  # Seconds of delay that no queue may have.


def template(count: int = MANY, delay: int = 1, *, refused: int | None = None, **more: Any) -> str:
    """Queues that are made one after the other; one of them may be refused."""
    resources: dict[str, Any] = {}
    for number in range(count):
        seconds = REFUSED if number == refused else delay
        properties = {"QueueName": f"q{number:03}", "DelaySeconds": seconds}
        before = {"DependsOn": f"Q{number - 1:03}"} if number else {}
        resources[f"Q{number:03}"] = {"Type": "AWS::SQS::Queue", "Properties": properties, **before}
    return dumps({"Resources": {**resources, **more}})


def resources_of(text: str) -> Any:
    document: Any = loads(text)
    return document["Resources"]


@pytest.fixture
def world() -> Iterator[World]:
    world = World([*SERVICES, SQS])
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("cloudformation", operation, request)


def begin(world: World, operation: str, service: str = "cloudformation", **request: Any) -> Any:
    """The call as the server takes it, which waits: its first slice is committed."""
    row = world.catalog.operation(service, operation)
    typed = world.catalog.request(service, operation, request, checked=False)
    return world.run(lambda work: row.handle(typed, work))


def status(world: World, name: str = "s") -> str:
    found: str = call(world, "DescribeStacks", StackName=name)["Stacks"][0]["StackStatus"]
    return found


def queues(world: World) -> dict[str, str]:
    """The delay of each queue, by its name."""
    found = {}
    for url in world.call("sqs", "ListQueues", {"MaxResults": 1000}).get("QueueUrls", []):
        request = {"QueueUrl": url, "AttributeNames": ["DelaySeconds"]}
        found[url.rsplit("/", 1)[-1]] = world.call("sqs", "GetQueueAttributes", request)["Attributes"]["DelaySeconds"]
    return found


def statuses(world: World, name: str = "s") -> list[str]:
    """What happened to the stack itself, in order."""
    events, token = [], None
    while True:
        page = call(world, "DescribeStackEvents", StackName=name, **({"NextToken": token} if token else {}))
        events += page["StackEvents"]
        token = page.get("NextToken")
        if token is None:
            break
    return [one["ResourceStatus"] for one in reversed(events) if one["ResourceType"] == "AWS::CloudFormation::Stack"]


def slices(world: World) -> int:
    """Carry on until nothing is left; tells in how many slices."""
    count = 0
    while world._due_rows(effects=False):
        for row in world._due_rows(effects=False):
            count += row.kind == "cloudformation.slice"
            world._do(row)
    return count


def test_a_large_stack_is_in_progress_for_everybody_between_its_slices(world: World) -> None:
    assert isinstance(begin(world, "CreateStack", StackName="s", TemplateBody=template()), Parked)
    assert status(world) == "CREATE_IN_PROGRESS"
    assert len(queues(world)) == ROOM
    found = call(world, "ListStackResources", StackName="s")["StackResourceSummaries"]
    assert {one["ResourceStatus"] for one in found} == {"CREATE_COMPLETE"}
    assert len(found) == ROOM
    assert slices(world) == 3
    assert status(world) == "CREATE_COMPLETE"
    assert len(queues(world)) == MANY


def test_who_asked_is_answered_with_the_last_status(world: World) -> None:
    outcome = begin(world, "CreateStack", StackName="s", TemplateBody=template())
    assert isinstance(outcome, Parked)
    assert isinstance(world.run(lambda work: outcome.again(work, False)), Parked)
    slices(world)
    assert (outcome.key, False) in world.wakes
    answer = world.run(lambda work: outcome.again(work, False))
    assert answer == {"StackId": call(world, "DescribeStacks", StackName="s")["Stacks"][0]["StackId"]}


def test_who_waited_for_too_long_is_answered_all_the_same(world: World) -> None:
    outcome = begin(world, "CreateStack", StackName="s", TemplateBody=template())
    assert "StackId" in world.run(lambda work: outcome.again(work, True))
    assert status(world) == "CREATE_IN_PROGRESS"


def test_a_small_stack_is_one_transaction(world: World) -> None:
    answer = begin(world, "CreateStack", StackName="s", TemplateBody=template(ROOM))
    assert "StackId" in answer
    assert status(world) == "CREATE_COMPLETE"


def test_a_call_that_others_make_is_served_between_two_slices(world: World) -> None:
    """A slice that is left yields: it does not run on in the transaction that left it."""
    commits = world.commits
    begin(world, "CreateStack", StackName="s", TemplateBody=template())
    assert world.commits == commits + 1
    world.call("sqs", "CreateQueue", {"QueueName": "mine"})
    assert status(world) == "CREATE_IN_PROGRESS"
    assert "mine" in queues(world)


@pytest.mark.parametrize("refused", [0, ROOM - 1, ROOM, MANY - 1])
def test_a_refusal_in_any_slice_leaves_nothing_but_the_reason(world: World, refused: int) -> None:
    call(world, "CreateStack", StackName="s", TemplateBody=template(refused=refused))
    assert status(world) == "ROLLBACK_COMPLETE"
    assert queues(world) == {}
    assert call(world, "ListStackResources", StackName="s")["StackResourceSummaries"] == []
    assert statuses(world) == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
    call(world, "DeleteStack", StackName="s")
    call(world, "CreateStack", StackName="s", TemplateBody=template())  # The names are free at once.
    assert status(world) == "CREATE_COMPLETE"


def test_a_stack_is_rolled_back_for_everybody_to_see(world: World) -> None:
    begin(world, "CreateStack", StackName="s", TemplateBody=template(refused=MANY - 1))
    for _ in range(3):
        (row,) = [row for row in world._due_rows(effects=False) if row.kind == "cloudformation.slice"]
        world._do(row)
    assert status(world) == "ROLLBACK_IN_PROGRESS"
    for operation in ("UpdateStack", "DeleteStack"):
        more = {"TemplateBody": template()} if operation == "UpdateStack" else {}
        words = "can not be updated" if more else "cannot be deleted while in status ROLLBACK_IN_PROGRESS"
        with pytest.raises(ServiceError, match=words):
            call(world, operation, StackName="s", **more)
    slices(world)
    assert status(world) == "ROLLBACK_COMPLETE"


def test_what_was_to_be_deleted_on_failure_is(world: World) -> None:
    arn = call(world, "CreateStack", StackName="s", TemplateBody=template(refused=MANY - 1), OnFailure="DELETE")[
        "StackId"
    ]
    assert status(world, arn) == "DELETE_COMPLETE"
    assert queues(world) == {}


@pytest.mark.parametrize("refused", [ROOM - 1, ROOM, MANY - 1])
def test_an_update_that_is_refused_in_any_slice_puts_everything_back(world: World, refused: int) -> None:
    call(world, "CreateStack", StackName="s", TemplateBody=template(delay=1))
    before = call(world, "ListStackResources", StackName="s")
    changed = template(delay=2, refused=refused, New={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "new"}})
    call(world, "UpdateStack", StackName="s", TemplateBody=changed)
    assert status(world) == "UPDATE_ROLLBACK_COMPLETE"
    assert queues(world) == {f"q{number:03}": "1" for number in range(MANY)}
    assert [one["LogicalResourceId"] for one in before["StackResourceSummaries"]] == [
        one["LogicalResourceId"] for one in call(world, "ListStackResources", StackName="s")["StackResourceSummaries"]
    ]
    assert call(world, "GetTemplate", StackName="s")["TemplateBody"] == template(delay=1)
    assert statuses(world)[-3:] == ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    call(world, "UpdateStack", StackName="s", TemplateBody=template(delay=3))
    assert set(queues(world).values()) == {"3"}


def test_what_was_replaced_before_a_refusal_stands_as_it_did(world: World) -> None:
    """The new one is taken back, the old one was never touched: replaced resources go last."""
    call(world, "CreateStack", StackName="s", TemplateBody=template())
    renamed = template(refused=MANY - 1).replace('"QueueName":"q000"', '"QueueName":"other"')
    call(world, "UpdateStack", StackName="s", TemplateBody=renamed)
    assert status(world) == "UPDATE_ROLLBACK_COMPLETE"
    assert sorted(queues(world)) == [f"q{number:03}" for number in range(MANY)]


def test_what_an_update_leaves_over_goes_in_slices_when_nothing_can_be_refused_any_more(world: World) -> None:
    call(world, "CreateStack", StackName="s", TemplateBody=template())
    begin(world, "UpdateStack", StackName="s", TemplateBody=template(1))
    assert status(world) == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    with pytest.raises(ServiceError, match="cannot be deleted while in status UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
        call(world, "DeleteStack", StackName="s")
    slices(world)
    assert status(world) == "UPDATE_COMPLETE"
    assert list(queues(world)) == ["q000"]
    assert statuses(world)[-3:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_a_stack_is_deleted_in_slices(world: World) -> None:
    arn = call(world, "CreateStack", StackName="s", TemplateBody=template())["StackId"]
    assert isinstance(begin(world, "DeleteStack", StackName="s"), Parked)
    assert status(world) == "DELETE_IN_PROGRESS"
    assert len(queues(world)) == MANY - ROOM
    with pytest.raises(ServiceError, match="DELETE_IN_PROGRESS state and can not be updated"):
        call(world, "UpdateStack", StackName="s", TemplateBody=template(1))
    begin(world, "DeleteStack", StackName="s")  # Asked twice, deleted once.
    slices(world)
    assert status(world, arn) == "DELETE_COMPLETE"
    assert statuses(world, arn).count("DELETE_IN_PROGRESS") == 1
    assert queues(world) == {}


def test_a_stack_that_is_being_created_can_be_deleted_and_not_updated(world: World) -> None:
    """What was made so far goes, and nothing more is made."""
    begin(world, "CreateStack", StackName="s", TemplateBody=template())
    arn = call(world, "DescribeStacks", StackName="s")["Stacks"][0]["StackId"]
    with pytest.raises(ServiceError, match="is in CREATE_IN_PROGRESS state and can not be updated"):
        begin(world, "UpdateStack", StackName="s", TemplateBody=template(1))
    with pytest.raises(ServiceError, match="already exists"):
        begin(world, "CreateStack", StackName="s", TemplateBody=template(1))
    begin(world, "DeleteStack", StackName="s")
    slices(world)
    assert status(world, arn) == "DELETE_COMPLETE"
    assert queues(world) == {}


def test_a_stack_that_is_being_updated_is_not_deleted(world: World) -> None:
    call(world, "CreateStack", StackName="s", TemplateBody=template())
    begin(world, "UpdateStack", StackName="s", TemplateBody=template(delay=2))
    arn = call(world, "DescribeStacks", StackName="s")["Stacks"][0]["StackId"]
    with pytest.raises(ServiceError) as refused:
        begin(world, "DeleteStack", StackName="s")
    assert refused.value.message == f"Stack [{arn}] cannot be deleted while in status UPDATE_IN_PROGRESS"
    slices(world)
    assert status(world) == "UPDATE_COMPLETE"


def test_a_deploy_waits_for_what_is_under_way(world: World) -> None:
    begin(world, "CreateStack", StackName="s", TemplateBody=template())
    request = {"StackName": "s", "Original": "", "Template": {"Resources": {"K": {"Type": "AWS::KMS::Key"}}}}
    waits = begin(world, "Deploy", "interstate.stacks", **request)
    assert isinstance(waits, Parked)
    slices(world)
    follows = world.run(lambda work: waits.again(work, False))
    assert isinstance(follows, Parked)
    slices(world)
    answer = world.run(lambda work: follows.again(work, False))
    assert (answer["Stack"]["StackStatus"], answer["Changed"]) == ("UPDATE_COMPLETE", True)
    assert queues(world) == {}


def test_who_deploys_and_is_refused_in_a_later_slice_is_told_why(world: World) -> None:
    request = {"StackName": "s", "Original": "", "Template": loads(template(refused=MANY - 1))}
    answer = world.call("interstate.stacks", "Deploy", request)
    assert answer["Stack"]["StackStatus"] == "ROLLBACK_COMPLETE"
    assert [one["LogicalResourceId"] for one in answer["Failures"]] == [f"Q{MANY - 1:03}"]
    again = world.call("interstate.stacks", "Deploy", {**request, "Template": loads(template())})
    assert (again["Stack"]["StackStatus"], again["Failures"]) == ("CREATE_COMPLETE", [])


def few_changed() -> str:
    """One of the first is replaced, the one after it is changed by that, one goes, one comes; the others stand."""
    resources = resources_of(template(delay=2))
    resources["Q002"]["Properties"]["QueueName"] = "other"
    resources["Q003"]["Properties"]["DelaySeconds"] = 5
    resources["Q003"]["Properties"]["Tags"] = [{"Key": "of", "Value": {"Fn::GetAtt": ["Q002", "QueueName"]}}]
    del resources[f"Q{MANY - 1:03}"]
    resources["New"] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "new", "DelaySeconds": 6}}
    return dumps({"Resources": resources})


def story(world: World) -> None:
    """Create, change, be refused, delete; whoever was in the middle of it goes on."""
    steps = [
        ("CreateStack", {"TemplateBody": template()}, "CREATE_COMPLETE"),
        ("UpdateStack", {"TemplateBody": template(delay=2)}, "UPDATE_COMPLETE"),
        ("UpdateStack", {"TemplateBody": template(delay=3, refused=MANY - 1)}, "UPDATE_ROLLBACK_COMPLETE"),
        ("UpdateStack", {"TemplateBody": few_changed()}, "UPDATE_COMPLETE"),
        ("UpdateStack", {"TemplateBody": template(2, delay=4)}, "UPDATE_COMPLETE"),
    ]
    world.run_due()
    done = statuses(world) if known(world) else []
    ends = [one for one in done if one in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}]
    for operation, request, last in steps[len(ends) :]:
        call(world, operation, StackName="s", **request)
        assert status(world) == last


def known(world: World) -> bool:
    return bool(call(world, "DescribeStacks")["Stacks"])


def picture(world: World) -> Any:
    """What stands, without instants and drawn names."""
    made = call(world, "DescribeStacks", StackName="s")["Stacks"][0]
    resources = call(world, "DescribeStackResources", StackName="s")["StackResources"]
    return (
        made["StackStatus"],
        [(one["LogicalResourceId"], one["PhysicalResourceId"], one["ResourceStatus"]) for one in resources],
        queues(world),
        statuses(world),
    )


@pytest.mark.parametrize("changed", [[0], [MANY - 1], [0, ROOM, MANY - 1], list(range(0, MANY, 4))])
def test_an_update_of_few_resources_is_one_transaction_wherever_they_stand(world: World, changed: list[int]) -> None:
    """What stands as it is wanted takes no room."""
    call(world, "CreateStack", StackName="s", TemplateBody=template())
    resources = resources_of(template())
    for number in changed:
        resources[f"Q{number:03}"]["Properties"]["DelaySeconds"] = 7
    assert "StackId" in begin(world, "UpdateStack", StackName="s", TemplateBody=dumps({"Resources": resources}))
    assert status(world) == "UPDATE_COMPLETE"
    assert {name for name, delay in queues(world).items() if delay == "7"} == {f"q{number:03}" for number in changed}


def test_a_slice_looks_at_so_many_resources_and_no_more(world: World) -> None:
    count = LOOKED_MAX + ROOM
    resources = resources_of(template(count))
    call(world, "CreateStack", StackName="s", TemplateBody=dumps({"Resources": resources}))
    resources[f"Q{count - 1:03}"]["Properties"]["DelaySeconds"] = 7
    assert isinstance(begin(world, "UpdateStack", StackName="s", TemplateBody=dumps({"Resources": resources})), Parked)
    assert slices(world) == 1
    assert status(world) == "UPDATE_COMPLETE"
    events = call(world, "DescribeStackEvents", StackName="s")["StackEvents"]
    last = f"Q{count - 1:03}"
    assert [one["LogicalResourceId"] for one in events[:5]] == ["s", "s", last, last, "s"]


def test_updates_one_after_the_other_work_out_one_template_each(world: World) -> None:
    """What one made is what the next is compared with, and all slices of both use it."""
    call(world, "CreateStack", StackName="s", TemplateBody=template())
    for delay in (2, 3, 4):
        before = _worked_out.cache_info().misses
        call(world, "UpdateStack", StackName="s", TemplateBody=template(delay=delay))
        assert _worked_out.cache_info().misses == before + 1
        assert set(queues(world).values()) == {str(delay)}


def test_who_remembers_nothing_makes_the_same_of_it(world: World) -> None:
    """Another node, or the same one after a crash, goes on with what is stored alone."""
    call(world, "CreateStack", StackName="s", TemplateBody=template())
    begin(world, "UpdateStack", StackName="s", TemplateBody=template(delay=2))
    while rows := [row for row in world._due_rows(effects=False) if row.kind == "cloudformation.slice"]:
        _worked_out.cache_clear()
        world._do(rows[0])
    assert set(queues(world).values()) == {"2"}
    assert status(world) == "UPDATE_COMPLETE"


def test_a_crash_before_any_commit_gives_the_same_stack(tmp_path: Path) -> None:
    calm = World([*SERVICES, SQS], directory=tmp_path / "calm")
    story(calm)
    wanted, commits = picture(calm), calm.commits
    calm.close()
    assert commits > 12
    for commit in range(1, commits + 1):
        world = World([*SERVICES, SQS], directory=tmp_path / str(commit))
        world.crash_before_commit = commit
        try:
            story(world)
        except Crash:
            world = world.restart()
            story(world)
        assert picture(world) == wanted, commit
        world.close()
