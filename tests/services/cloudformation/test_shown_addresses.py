"""What a stack's addresses look like from outside: the port by which whoever asks came; what is stored has none but the standard one.

On AWS a queue's URL and an API's endpoint are fixed names. Here a server may listen at another port after its next start.
"""

from typing import Any

import pytest
from tests.server_process import ServerProcess

from interstate.base.arn import Caller
from interstate.runtime.testing import World

TEMPLATE = """
Resources:
  Orders: {Type: AWS::SQS::Queue, Properties: {QueueName: orders}}
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: a, ProtocolType: HTTP}}
Outputs:
  Url: {Value: !Ref Orders, Export: {Name: orders-url}}
  Name: {Value: !GetAtt Orders.QueueName}
  Endpoint: {Value: !GetAtt Api.ApiEndpoint}
"""
QUEUE = "http://sqs.us-east-1.localhost:{}/000000000000/orders"


def shown(world: World, host: str) -> dict[str, str]:
    (stack,) = world.call("cloudformation", "DescribeStacks", {"StackName": "s"}, caller=Caller(host=host))["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@pytest.fixture
def world() -> World:
    """A stack that somebody made at one port."""
    built = World()
    request = {"StackName": "s", "TemplateBody": TEMPLATE}
    built.call("cloudformation", "CreateStack", request, caller=Caller(host="127.0.0.1:4577"))
    built.run_due()
    return built


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1:4577", 4577), ("localhost:4999", 4999), ("", 4566)])
def test_outputs_have_the_port_of_whoever_asks_not_that_of_the_deploy(world: World, host: str, port: int) -> None:
    outputs = shown(world, host)
    assert outputs["Url"] == QUEUE.format(port)
    assert outputs["Endpoint"].endswith(f".execute-api.us-east-1.localhost:{port}")
    assert outputs["Name"] == "orders"


def test_resources_events_and_exports_have_it_too(world: World) -> None:
    here = Caller(host="127.0.0.1:4577")
    url = QUEUE.format(4577)
    named = {"StackName": "s"}

    def ids(operation: str, member: str) -> set[str]:
        return {
            one["PhysicalResourceId"] for one in world.call("cloudformation", operation, named, caller=here)[member]
        }

    assert url in ids("DescribeStackResources", "StackResources")
    assert url in ids("ListStackResources", "StackResourceSummaries")
    assert url in ids("DescribeStackEvents", "StackEvents")
    (export,) = world.call("cloudformation", "ListExports", {}, caller=here)["Exports"]
    assert export["Value"] == url


@pytest.mark.parametrize("port", [4566, 4577])
def test_a_stack_is_found_by_an_address_that_was_shown(world: World, port: int) -> None:
    request = {"PhysicalResourceId": QUEUE.format(port)}
    found = world.call("cloudformation", "DescribeStackResources", request)["StackResources"]
    assert {one["LogicalResourceId"] for one in found} == {"Orders", "Api"}


@pytest.mark.parametrize("host", ["localhost:4577", ""])
def test_an_apis_endpoint_has_the_port_of_whoever_asks(world: World, host: str) -> None:
    (api,) = world.call("apigatewayv2", "GetApis", {}, caller=Caller(host=host))["Items"]
    assert api["ApiEndpoint"].endswith(":4577" if host else ":4566")


@pytest.mark.server
def test_a_server_at_another_port_shows_that_port(server: ServerProcess) -> None:
    client: Any = server.client("cloudformation")
    client.create_stack(StackName="s", TemplateBody=TEMPLATE)
    client.get_waiter("stack_create_complete").wait(StackName="s")
    (stack,) = client.describe_stacks(StackName="s")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs["Url"] == QUEUE.format(server.port)
    sqs: Any = server.client("sqs")
    assert sqs.send_message(QueueUrl=outputs["Url"], MessageBody="x")["MessageId"]
    assert sqs.get_queue_url(QueueName="orders")["QueueUrl"].endswith(f":{server.port}/000000000000/orders")
