"""Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-url.html"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from interstate.runtime.testing import World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def template(**url: Any) -> str:
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "Web",
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": "arn:aws:iam::000000000000:role/r",
            "Code": {"ZipFile": "def handler(event, context): return 1"},
        },
    }
    target = {"Fn::GetAtt": ["F", "Arn"]}
    address = {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": target, "AuthType": "NONE", **url}}
    permission = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunctionUrl",
            "FunctionName": target,
            "FunctionUrlAuthType": "NONE",
            "Principal": "*",
        },
    }
    calls = {"Action": "lambda:InvokeFunction", "FunctionName": target, "InvokedViaFunctionUrl": True, "Principal": "*"}
    invocation = {"Type": "AWS::Lambda::Permission", "DependsOn": "P", "Properties": calls}
    outputs = {"Url": {"Value": {"Fn::GetAtt": ["U", "FunctionUrl"]}}}
    return json.dumps(
        {
            "Resources": {"F": function, "U": address, "P": permission, "I": invocation},
            "Outputs": outputs,
        }
    )


def test_an_address_comes_changes_and_goes_with_its_stack(world: World) -> None:
    world.call("cloudformation", "CreateStack", {"StackName": "web", "TemplateBody": template()})
    world.run_until_idle()
    (stack,) = world.call("cloudformation", "DescribeStacks", {"StackName": "web"})["Stacks"]
    shown = world.call("lambda", "GetFunctionUrlConfig", {"FunctionName": "Web"})
    assert stack["Outputs"][0]["OutputValue"] == shown["FunctionUrl"]
    assert (shown["AuthType"], shown["InvokeMode"]) == ("NONE", "BUFFERED")
    policy = json.loads(world.call("lambda", "GetPolicy", {"FunctionName": "Web"})["Policy"])
    assert [statement["Condition"] for statement in policy["Statement"]] == [
        {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
    ]
    request = {"StackName": "web", "TemplateBody": template(Cors={"AllowOrigins": ["*"]}, InvokeMode="RESPONSE_STREAM")}
    world.call("cloudformation", "UpdateStack", request)
    world.run_until_idle()
    changed = world.call("lambda", "GetFunctionUrlConfig", {"FunctionName": "Web"})
    assert (changed["Cors"], changed["InvokeMode"]) == ({"AllowOrigins": ["*"]}, "RESPONSE_STREAM")
    assert changed["FunctionUrl"] == shown["FunctionUrl"]
    world.call("cloudformation", "DeleteStack", {"StackName": "web"})
    world.run_until_idle()
    assert world.call("lambda", "ListFunctions")["Functions"] == []
