"""Templates that cannot be carried out: the refusal has CloudFormation's words, and nothing was changed.

Source: messages as CloudFormation answers them to such templates.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

SAM = "AWS::Serverless-2016-10-31"
CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
ROLE = "arn:aws:iam::000000000000:role/r"


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def function(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {"Handler": "a.b", "Runtime": "python3.11", "InlineCode": "x", **properties},
    }


REFUSED: list[tuple[str, Any, str]] = [
    ("cycle", {"A": queue(QueueName={"Ref": "B"}), "B": queue(QueueName={"Ref": "A"})}, "Circular dependency between resources: [A, B]"),
    ("self", {"A": queue(QueueName={"Ref": "A"})}, "Circular dependency between resources: [A]"),
    ("depends", {"A": {**queue(), "DependsOn": "B"}, "B": {**queue(), "DependsOn": ["A"]}}, "Circular dependency between resources: [A, B]"),
    ("ref", {"A": queue(QueueName={"Ref": "Nope"})}, "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template"),
    ("sub", {"A": queue(QueueName={"Fn::Sub": "${Nope}"})}, "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template"),
    ("attribute", {"A": queue(), "B": queue(QueueName={"Fn::GetAtt": ["A", "Nope"]})}, "Template error: resource A does not support attribute type Nope in Fn::GetAtt"),
    ("getatt", {"A": queue(QueueName={"Fn::GetAtt": ["B", "Arn"]})}, "Template error: instance of Fn::GetAtt references undefined resource B"),
    ("type", {"A": queue(), "B": {"Type": "AWS::EC2::Instance"}}, "Template format error: Unrecognized resource types: [AWS::EC2::Instance]"),
    ("no-type", {"A": {}}, "[/Resources/A] Every Resources object must contain a Type member."),
    ("name", {"A-b": queue()}, "Template format error: Resource name A-b is non alphanumeric."),
    ("property", {"A": queue(Nope=1)}, "#: extraneous key [Nope] is not permitted"),
    ("null", {"A": queue(QueueName=None)}, "'null' values are not allowed in templates"),
    ("condition", {"A": {**queue(), "Condition": "Nope"}}, "Unresolved condition [Nope]"),
    ("empty", {}, "Template format error: At least one Resources member must be defined."),
    ("many", {f"A{number}": queue() for number in range(501)}, "Template format error: Number of resources, 501, is greater than maximum allowed, 500"),
    ("sam-cycle", {"A": function(Environment={"Variables": {"A": {"Ref": "B"}}}), "B": function(Environment={"Variables": {"A": {"Ref": "A"}}})}, "Circular dependency between resources: [A, B]"),
    ("sam-property", {"A": function(Nope=1)}, "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document."),
]  # fmt: skip

BODIES = [
    ("broken-json", '{"Resources":', "Template format error: JSON not well-formed."),
    ("broken-yaml", "a: [b\nc: }", "Template format error: YAML not well-formed. (line 2, column 2)"),
    ("list", "[]", "Template format error: unsupported structure."),
    ("deep", '{"Resources":' + '{"a":' * 2000 + "1" + "}" * 2001, "Template format error: JSON not well-formed."),
    ("aliases", "a: &a [x]\nb: [*a, *a]\nResources: {}", "Template error: YAML aliases are not allowed in CloudFormation templates"),
    ("object", 'Resources: !!python/object/apply:os.system ["exit 1"]', "Template format error"),
    ("section", json.dumps({"Resources": {"A": queue()}, "Surprise": 1}), "Invalid template property or properties [Surprise]"),
    ("version", json.dumps({"AWSTemplateFormatVersion": "2020", "Resources": {"A": queue()}}), "AWSTemplateFormatVersion"),
    ("parameter", json.dumps({"Parameters": {"P": {"Type": "String"}}, "Resources": {"A": queue()}}), "Parameters: [P] must have values"),
]  # fmt: skip

ROLLED_BACK: list[tuple[str, Any, str]] = [
    ("late-value", {"A": queue(QueueName="a"), "F": {**queue(DelaySeconds=99_999), "DependsOn": "A"}, "Z": {**queue(QueueName="z"), "DependsOn": "F"}}, "Invalid value for the parameter DelaySeconds."),
    ("two-names", {"A": queue(QueueName="same"), "B": queue(QueueName="same")}, "same already exists in stack "),
    ("machine", {"A": queue(QueueName="a"), "M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": ROLE, "DefinitionString": "{"}}}, "Invalid State Machine Definition"),
    ("pattern", {"A": queue(QueueName="a"), "R": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": [{"nope": 1}]}}}}, "Event pattern is not valid."),
    ("source", {"A": queue(), "M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": "nobody", "EventSourceArn": {"Fn::GetAtt": ["A", "Arn"]}}}}, "Function does not exist"),
    ("import", {"A": queue(QueueName="a"), "B": queue(QueueName={"Fn::ImportValue": "nowhere"})}, "No export named nowhere found."),
    ("select", {"A": queue(QueueName={"Fn::Select": [9, ["a"]]})}, "Fn::Select cannot select nonexistent value at index 9"),
]  # fmt: skip


@cache
def client(server: ServerProcess, service: str) -> Any:
    """A client, made once: its model takes a while to read."""
    return server.client(service)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("templates") / "data")
    process.start()
    yield process
    process.kill()


@pytest.fixture(autouse=True)
def unharmed(server: ServerProcess) -> Iterator[None]:
    """Every test leaves no resources, and no bug in the log."""
    yield
    for stack in client(server, "cloudformation").list_stacks()["StackSummaries"]:
        if stack["StackStatus"] != "DELETE_COMPLETE":
            client(server, "cloudformation").delete_stack(StackName=stack["StackName"])
    assert standing(server) == []
    assert "Traceback" not in server.output()


def standing(server: ServerProcess) -> list[str]:
    """All queues, machines and rules by name."""
    queues = client(server, "sqs").list_queues().get("QueueUrls", [])
    machines = client(server, "stepfunctions").list_state_machines()["stateMachines"]
    rules = client(server, "events").list_rules()["Rules"]
    functions = client(server, "lambda").list_functions()["Functions"]
    return [
        *(url.rpartition("/")[2] for url in queues),
        *(machine["name"] for machine in machines),
        *(rule["Name"] for rule in rules),
        *(one["FunctionName"] for one in functions),
    ]


def create(server: ServerProcess, name: str, body: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    client(server, "cloudformation").create_stack(StackName=name, TemplateBody=text, Capabilities=CAPABILITIES)


def status(server: ServerProcess, name: str) -> str:
    found: str = client(server, "cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    return found


@pytest.mark.parametrize(("name", "resources", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_faulty_template_is_refused_before_anything_is_made(
    server: ServerProcess, name: str, resources: Any, message: str
) -> None:
    template = {"Resources": resources} | ({"Transform": SAM} if name.startswith("sam-") else {})
    with pytest.raises(ClientError) as refused:
        create(server, name, template)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert message in refused.value.response["Error"]["Message"]
    assert standing(server) == []
    with pytest.raises(ClientError, match=f"Stack with id {name} does not exist"):
        status(server, name)


@pytest.mark.parametrize(("name", "body", "message"), BODIES, ids=[row[0] for row in BODIES])
def test_a_broken_body_is_refused(server: ServerProcess, name: str, body: str, message: str) -> None:
    with pytest.raises(ClientError) as refused:
        create(server, name, body)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert message in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(("name", "resources", "reason"), ROLLED_BACK, ids=[row[0] for row in ROLLED_BACK])
def test_what_fails_in_the_middle_leaves_nothing(server: ServerProcess, name: str, resources: Any, reason: str) -> None:
    create(server, name, {"Resources": resources})
    assert status(server, name) == "ROLLBACK_COMPLETE"
    assert standing(server) == []
    log = client(server, "cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    (failed,) = [event["ResourceStatusReason"] for event in log if event["ResourceStatus"] == "CREATE_FAILED"]
    assert reason in failed


def test_an_update_that_fails_leaves_the_stack_as_it_was(server: ServerProcess) -> None:
    """It would take one queue away, change one, and add one."""
    stacks, sqs = client(server, "cloudformation"), client(server, "sqs")
    create(server, "shop", {"Resources": {"Keep": queue(QueueName="keep"), "Drop": queue(QueueName="drop")}})
    url = sqs.get_queue_url(QueueName="keep")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    wanted = {"Keep": queue(QueueName="keep", DelaySeconds=5), "New": queue(QueueName="new", DelaySeconds=99_999)}
    stacks.update_stack(StackName="shop", TemplateBody=json.dumps({"Resources": wanted}))
    assert status(server, "shop") == "UPDATE_ROLLBACK_COMPLETE"
    assert sorted(standing(server)) == ["drop", "keep"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["DelaySeconds"] == "0"
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "kept"


def test_what_left_the_template_is_deleted(server: ServerProcess) -> None:
    create(server, "shop", {"Resources": {"Keep": queue(QueueName="keep2"), "Drop": queue(QueueName="drop2")}})
    client(server, "cloudformation").update_stack(
        StackName="shop", TemplateBody=json.dumps({"Resources": {"Keep": queue(QueueName="keep2")}})
    )
    assert (status(server, "shop"), standing(server)) == ("UPDATE_COMPLETE", ["keep2"])


@pytest.mark.parametrize("transform", [False, True])
def test_of_two_stacks_of_one_name_at_once_one_is_made(server: ServerProcess, transform: bool) -> None:
    def make(number: int) -> str | None:
        resources = {f"Queue{number}": queue()}
        try:
            create(server, "same", {"Resources": resources} | ({"Transform": SAM} if transform else {}))
        except ClientError as refused:
            code: str = refused.response["Error"]["Code"]
            return code
        return None

    with ThreadPoolExecutor(3) as threads:
        outcomes = list(threads.map(make, range(3)))
    assert outcomes.count(None) == 1
    assert outcomes.count("AlreadyExistsException") == 2
    assert len(standing(server)) == 1


def test_a_name_is_taken_until_its_stack_is_gone(server: ServerProcess) -> None:
    create(server, "taken", {"Resources": {"A": queue()}})
    with pytest.raises(ClientError, match=r"Stack \[taken\] already exists"):
        create(server, "taken", {"Resources": {"B": queue()}})
    with pytest.raises(ClientError, match="No updates are to be performed"):
        client(server, "cloudformation").update_stack(
            StackName="taken", TemplateBody=json.dumps({"Resources": {"A": queue()}})
        )


def test_deploys_from_the_terminal_are_refused_in_words(server: ServerProcess, tmp_path: Path) -> None:
    """A cycle, a file that is none, a folder with code that is not there: exit status 1, a sentence, no traceback."""
    faulty = {
        "cycle": json.dumps({"Resources": {"A": queue(QueueName={"Ref": "A"})}}),
        "binary": "\0\1\2",
        "code": json.dumps({"Transform": SAM, "Resources": {"F": {**function(CodeUri="nowhere/")}}}),
    }
    for name, text in faulty.items():
        template = tmp_path / f"{name}.yaml"
        template.write_text(text)
        done = deploy(server, template)
        assert done.returncode == 1, (name, done.stdout, done.stderr)
        assert "Traceback" not in done.stdout + done.stderr, name
        assert done.stderr.strip(), name
    assert deploy(server, tmp_path / "nobody.yaml").returncode != 0
    assert standing(server) == []


def deploy(server: ServerProcess, template: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "interstate", "deploy", str(template), "--endpoint-url", server.url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
