import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interstate.core.templates.reader import read_template
from interstate.runtime.testing import World
from interstate.services.cloudformation.resources.table import TYPES
from interstate.wire.codec import Wire
from interstate.wire.model import load

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EVERYTHING = (HERE / "everything.yaml").read_text()
RESOURCES = ROOT / "src/interstate/services/cloudformation/resources"
IAM = ["CAPABILITY_IAM"]

LISTS = [
    ("apigateway", "GetRestApis", "items"),
    ("apigatewayv2", "GetApis", "Items"),
    ("cloudwatch", "DescribeAlarms", "MetricAlarms"),
    ("dynamodb", "ListTables", "TableNames"),
    ("events", "ListArchives", "Archives"),
    ("iam", "ListRoles", "Roles"),
    ("lambda", "ListEventSourceMappings", "EventSourceMappings"),
    ("lambda", "ListFunctions", "Functions"),
    ("lambda", "ListLayers", "Layers"),
    ("logs", "DescribeLogGroups", "logGroups"),
    ("sns", "ListSubscriptions", "Subscriptions"),
    ("sns", "ListTopics", "Topics"),
    ("sqs", "ListQueues", "QueueUrls"),
    ("stepfunctions", "ListStateMachines", "stateMachines"),
]


@pytest.fixture
def world() -> Iterator[World]:
    world = World(validate=Wire(load()).check)
    yield world
    world.close()


def deploy(world: World, operation: str, step: int, layer: Path) -> None:
    parameters = [
        {"ParameterKey": "Step", "ParameterValue": str(step)},
        {"ParameterKey": "Layer", "ParameterValue": str(layer)},
    ]
    request = {"StackName": "all", "TemplateBody": EVERYTHING, "Capabilities": IAM, "Parameters": parameters}
    world.call("cloudformation", operation, request)
    world.run_due()


def failures(world: World, name: str = "all") -> list[tuple[str, str]]:
    events = world.call("cloudformation", "DescribeStackEvents", {"StackName": name})["StackEvents"]
    return [
        (event["LogicalResourceId"], event.get("ResourceStatusReason", ""))
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    ]


def status(world: World, name: str = "all") -> Any:
    return world.call("cloudformation", "DescribeStacks", {"StackName": name})["Stacks"][0]["StackStatus"]


def physical(world: World) -> dict[str, str]:
    found = world.call("cloudformation", "DescribeStackResources", {"StackName": "all"})["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}


def test_every_type_is_made_changed_and_deleted(world: World, tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text("")
    deploy(world, "CreateStack", 1, tmp_path)
    assert (status(world), failures(world)) == ("CREATE_COMPLETE", [])
    first = physical(world)
    deploy(world, "UpdateStack", 2, tmp_path)
    assert (status(world), failures(world)) == ("UPDATE_COMPLETE", [])
    replaced = {name for name, identifier in physical(world).items() if first[name] != identifier}
    # What has an id of its own and no update in place; everything else stayed what it was.
    assert replaced == {"LayerPermission", "Layered", "MachineVersion", "ManagedPolicy", "RestDeployment"}
    deploy(world, "UpdateStack", 1, tmp_path)
    assert (status(world), failures(world)) == ("UPDATE_COMPLETE", [])
    arn = world.call("cloudformation", "DescribeStacks", {"StackName": "all"})["Stacks"][0]["StackId"]
    world.call("cloudformation", "DeleteStack", {"StackName": "all"})
    world.run_due()
    assert (status(world, arn), failures(world, arn)) == ("DELETE_COMPLETE", [])
    left = {operation: world.call(service, operation).get(member, []) for service, operation, member in LISTS}
    assert left == {operation: [] for _, operation, _ in LISTS}


def test_the_changes_reach_the_services(world: World, tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text("")
    deploy(world, "CreateStack", 1, tmp_path)
    deploy(world, "UpdateStack", 2, tmp_path)
    made = physical(world)
    attributes = {"QueueUrl": made["Queue"], "AttributeNames": ["All"]}
    queue = world.call("sqs", "GetQueueAttributes", attributes)["Attributes"]
    assert (queue["DelaySeconds"], '"s2"' in queue["Policy"]) == ("2", True)
    assert world.call("sqs", "ListQueueTags", {"QueueUrl": made["Queue"]})["Tags"] == {"step": "2"}
    function = world.call("lambda", "GetFunctionConfiguration", {"FunctionName": made["Function"]})
    assert (function["Timeout"], function["MemorySize"], function["Environment"]["Variables"]) == (
        2,
        256,
        {"STEP": "2"},
    )
    mapping = world.call("lambda", "GetEventSourceMapping", {"UUID": made["Mapping"]})
    assert mapping["BatchSize"] == 2
    targets = world.call(
        "events", "ListTargetsByRule", {"Rule": made["Rule"].split("|")[1], "EventBusName": made["Bus"]}
    )
    assert [target["Id"] for target in targets["Targets"]] == ["q2"]
    machine = world.call("stepfunctions", "DescribeStateMachine", {"stateMachineArn": made["Machine"]})
    assert '"step 2"' in machine["definition"]
    table = world.call("dynamodb", "DescribeTable", {"TableName": made["Table"]})["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by2"]
    policies = world.call("iam", "ListRolePolicies", {"RoleName": made["Role"]})["PolicyNames"]
    assert sorted(policies) == ["extra", "p2"]
    routes = world.call("apigatewayv2", "GetRoutes", {"ApiId": made["HttpApi"]})["Items"]
    assert [route["RouteKey"] for route in routes] == ["GET /step2"]
    subscription = {"SubscriptionArn": made["Subscription"]}
    assert world.call("sns", "GetSubscriptionAttributes", subscription)["Attributes"]["RawMessageDelivery"] == "true"


def test_every_type_is_in_the_template() -> None:
    used = {resource["Type"] for resource in read_template(EVERYTHING)["Resources"].values()}
    assert used == set(TYPES)


def test_rows_speak_of_their_own_properties() -> None:
    for row in TYPES.values():
        names = set(row.properties.members)
        assert row.replaced_by <= names, row.name
        assert row.properties.required <= names, row.name
        assert row.named_by is None or row.named_by in names, row.name


def calls() -> Iterator[tuple[str, str, str]]:
    for path in RESOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="call"),
                    args=[ast.Constant(value=str() as service), ast.Constant(value=str() as operation), *_],
                ):
                    yield path.name, service, operation
                case _:
                    pass


def test_rows_call_only_what_is_implemented(world: World) -> None:
    found = list(calls())
    assert len(found) > 80
    assert [call for call in found if not world.catalog.implements(call[1], call[2])] == []


def test_the_reference_page_has_every_type_with_its_properties() -> None:
    page = (ROOT / "docs/reference/templates.md").read_text()
    for row in TYPES.values():
        line = next((line for line in page.splitlines() if line.startswith(f"| `{row.name}` |")), None)
        assert line is not None, row.name
        missing = [name for name in (*row.properties.members, *row.attributes) if f"`{name}`" not in line]
        assert not missing, (row.name, missing)
