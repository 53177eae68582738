"""Step Functions through the real SDK and a real server, killed without warning on the way."""

import json
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server
ROLE = "arn:aws:iam::000000000000:role/r"


def create(server: ServerProcess, state: Any, kind: str = "STANDARD") -> str:
    definition = json.dumps({"StartAt": "S", "States": {"S": {**state, "End": True}}})
    arn: str = server.client("stepfunctions").create_state_machine(
        name=f"m-{kind}", definition=definition, roleArn=ROLE, type=kind
    )["stateMachineArn"]
    return arn


def ended(server: ServerProcess, arn: str) -> dict[str, Any]:
    states = server.client("stepfunctions")
    ends = time.monotonic() + 60
    while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < ends, described
        time.sleep(0.05)
    found: dict[str, Any] = described
    return found


def test_a_wait_goes_on_after_a_crash(server: ServerProcess) -> None:
    machine = create(server, {"Type": "Wait", "Seconds": 1})
    arn = server.client("stepfunctions").start_execution(stateMachineArn=machine, input='{"x": 1}')["executionArn"]
    server.kill()
    server.start()
    described = ended(server, arn)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", {"x": 1})
    history = server.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    assert [event["id"] for event in history] == [1, 2, 3, 4]


def test_a_token_is_good_after_a_crash(server: ServerProcess) -> None:
    url = server.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    machine = create(
        server,
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": url, "MessageBody.$": "$$.Task.Token"},
        },
    )
    arn = server.client("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"]
    (message,) = server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    server.kill()
    server.start()
    server.client("stepfunctions").send_task_success(taskToken=message["Body"], output='{"done": true}')
    assert json.loads(ended(server, arn)["output"]) == {"done": True}


def test_a_synchronous_execution_answers_on_its_connection(server: ServerProcess) -> None:
    machine = create(server, {"Type": "Wait", "Seconds": 1}, "EXPRESS")
    # The SDK puts "sync-" before the host of this operation; "sync-127.0.0.1" is no name that resolves.
    without_prefix = Config(inject_host_prefix=False)
    states = boto3.client(
        "stepfunctions",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="interstate",
        config=without_prefix,
    )
    answer = states.start_sync_execution(stateMachineArn=machine, input='{"x": 1}')
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"x": 1})
    assert answer["stopDate"] > answer["startDate"]


def test_the_service_names_its_errors(server: ServerProcess) -> None:
    states = server.client("stepfunctions")
    with pytest.raises(
        states.exceptions.InvalidDefinition, match=r"These fields are required: \[States, StartAt\] at /"
    ):
        states.create_state_machine(name="x", definition="{}", roleArn=ROLE)
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.start_execution(stateMachineArn="arn:aws:states:us-east-1:000000000000:stateMachine:no")
    with pytest.raises(ClientError, match="1 validation error detected: Value 'x' at 'statusFilter' failed to satisfy"):
        states.list_executions(
            stateMachineArn="arn:aws:states:us-east-1:000000000000:stateMachine:no", statusFilter="x"
        )
