import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.json import dumps
from interstate.runtime.deploy import Deployed, DeployFailed, deploy, package, perform_transform
from interstate.runtime.packaging import digest
from interstate.runtime.testing import World
from interstate.services.cloudformation import SERVICES
from interstate.services.cloudformation.wanted import Transform, Wanted
from interstate.services.sqs import SERVICE as SQS

SAM = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.11, Timeout: 10}}
Parameters: {Alias: {Type: String, Default: live}}
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  Orders: {Type: AWS::SQS::Queue}
  Work:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: work
      Handler: app.handler
      AutoPublishAlias: !Ref Alias
      Policies: [AWSLambdaBasicExecutionRole, SQSPollerPolicy: {QueueName: !GetAtt Orders.QueueName}]
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: '/orders/{id}'}}
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn, BatchSize: 5}}
        Placed: {Type: EventBridgeRule, Properties: {Pattern: {source: [orders]}}}
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: flow.asl.json
      DefinitionSubstitutions: {WorkArn: !GetAtt Work.Arn}
"""
FLOW = '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${WorkArn}", "End": true}}}\n'


class WorldEngine:
    """A World behind the port that deploy needs."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def execute(
        self, service: str, operation: str, params: Mapping[str, Any], caller: Caller
    ) -> Mapping[str, Any] | None:
        answer: Mapping[str, Any] | None = self.world.call(service, operation, params, caller=caller)
        return answer


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "app.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "flow.asl.json").write_text(FLOW)
    path = tmp_path / "template.yaml"
    path.write_text(SAM)
    return path


def test_a_sam_template_becomes_plain_resources(app: Path) -> None:
    result = asyncio.run(package(app, {}, "eu-west-1"))
    assert result.original is not None
    assert result.template is not None
    resources = result.template["Resources"]
    types = {name: body["Type"] for name, body in resources.items()}
    assert types["Work"] == "AWS::Lambda::Function"
    assert types["WorkAliaslive"] == "AWS::Lambda::Alias"
    assert types["WorkQueue"] == "AWS::Lambda::EventSourceMapping"
    assert types["ApiApiGatewayDefaultStage"] == "AWS::ApiGatewayV2::Stage"
    folder = app.parent / "work"
    assert resources["Work"]["Properties"]["Code"] == {
        "S3Bucket": "__local__",
        "S3Key": str(folder),
        "S3ObjectVersion": digest(folder),
    }
    assert resources["Flow"]["Properties"]["DefinitionString"] == FLOW
    route = resources["Api"]["Properties"]["Body"]["paths"]["/orders/{id}"]["get"]
    assert route["x-amazon-apigateway-integration"]["payloadFormatVersion"] == "2.0"
    arns = resources["WorkRole"]["Properties"]["ManagedPolicyArns"]
    assert "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole" in arns


def test_changed_code_is_a_new_version(app: Path) -> None:
    def version() -> set[str]:
        template = asyncio.run(package(app, {}, "us-east-1")).template
        assert template is not None
        return {name for name, body in template["Resources"].items() if body["Type"] == "AWS::Lambda::Version"}

    first = version()
    assert version() == first
    (app.parent / "work" / "app.py").write_text("def handler(event, context): return 1\n")
    assert version().isdisjoint(first)


def test_caches_do_not_change_a_digest(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x")
    before = digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "app.pyc").write_text("y")
    assert digest(tmp_path) == before
    (tmp_path / "b.py").write_text("z")
    assert digest(tmp_path) != before
    assert digest(tmp_path / "app.py") != digest(tmp_path / "b.py")


QUEUES = """
Parameters: {Name: {Type: String}}
Resources:
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Name}}
Outputs:
  Url: {Value: !Ref A}
"""


def run(world: World, path: Path, lines: list[str] | None = None, **parameters: str) -> Deployed:
    progress = None if lines is None else lines.append
    return asyncio.run(deploy(WorldEngine(world), path, "shop", parameters, progress=progress))


def test_a_template_on_disk_becomes_a_stack(tmp_path: Path) -> None:
    world = World([*SERVICES, SQS])
    path = tmp_path / "template.yaml"
    path.write_text(QUEUES)
    lines: list[str] = []
    deployed = run(world, path, lines, Name="orders")
    assert (deployed.status, deployed.changed) == ("CREATE_COMPLETE", True)
    assert deployed.outputs == {"Url": "http://sqs.us-east-1.localhost:4566/000000000000/orders"}
    assert lines == [f"Packaging {path}", "Deploying shop: 1 resources", "shop: CREATE_COMPLETE"]
    assert not run(world, path, Name="orders").changed
    assert run(world, path, Name="other").status == "UPDATE_COMPLETE"
    world.close()


REFUSED = [
    (
        "Resources: {A: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 901}}}",
        "A: Invalid value for the parameter DelaySeconds.",
    ),
    ("Resources: {A: {Type: AWS::EC2::VPC}}", r"Unrecognized resource types: \[AWS::EC2::VPC\]"),
    ("Resources: [", "YAML not well-formed"),
    (
        "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Code: gone, Role: r}}}",
        "Parameter Code of resource F refers to a file or folder that does not exist: /.*/gone",
    ),
    (
        "Transform: AWS::Serverless-2016-10-31\nResources: {F: {Type: AWS::Serverless::Function, Properties: {Timeout: 1}}}",
        (
            r"Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document\. "
            r"Number of errors found: 1\. Resource with id \[F\] is invalid\."
        ),
    ),
    ("Transform: [Mine]\nResources: {A: {Type: AWS::SQS::Queue}}", "does not implement the transform Mine"),
]


@pytest.mark.parametrize(("template", "message"), REFUSED)
def test_a_template_that_cannot_be_deployed_changes_nothing(tmp_path: Path, template: str, message: str) -> None:
    world = World([*SERVICES, SQS])
    path = tmp_path / "template.yaml"
    path.write_text(template)
    with pytest.raises(DeployFailed, match=message):
        run(world, path)
    assert world.call("sqs", "ListQueues") == {}
    world.close()


def test_a_missing_template_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeployFailed, match="No such file or directory"):
        asyncio.run(package(tmp_path / "gone.yaml", {}, "us-east-1"))


def test_the_performer_transforms_what_came_over_the_api() -> None:
    document = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"T": {"Type": "AWS::Serverless::SimpleTable"}},
    }
    wanted = Wanted("s", "arn", dumps(document), document, {})
    done = asyncio.run(perform_transform("key", Transform(Caller(), "create", wanted)))
    assert done.error is None
    assert done.template is not None
    assert done.template["Resources"]["T"]["Type"] == "AWS::DynamoDB::Table"
    broken = {**document, "Resources": {"T": {"Type": "AWS::Serverless::Function"}}}
    wanted = Wanted("s", "arn", dumps(broken), broken, {})
    refused = asyncio.run(perform_transform("key", Transform(Caller(), "create", wanted)))
    assert refused.error is not None
    assert refused.error.startswith("Invalid Serverless Application Specification document.")
