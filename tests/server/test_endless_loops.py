"""Endless loops beside calls: calls are answered, the loop can be stopped, and ends where AWS ends it.

Source: Step Functions quotas: 25,000 events in a Standard execution's history, five minutes for an Express execution.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

SWEEPS = 4  # They wait for the day when executions, messages, logs and metrics have been kept long enough.
ROLE = "arn:aws:iam::000000000000:role/r"
CHOICE = {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": True, "Next": "End"}], "Default": "Pass"}
LOOP = {
    "StartAt": "Pass",
    "States": {"Pass": {"Type": "Pass", "Next": "Choice"}, "Choice": CHOICE, "End": {"Type": "Succeed"}},
}
WAITING_LOOP = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "Seconds": 86_400, "Next": "Choice"},
        "Choice": {**CHOICE, "Default": "Wait"},
        "End": {"Type": "Succeed"},
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("loops") / "data")
    process.start()
    yield process
    process.kill()


@pytest.fixture(autouse=True)
def unharmed(server: ServerProcess) -> Iterator[None]:
    """Every test finds a real clock, and leaves nothing that is still going on, nor a bug in the log."""
    yield
    server.control("POST", "clock", {"mode": "real"})
    work = server.control("GET", "status")["work"]
    assert (work["effectsWaiting"], work["effectsInFlight"]) == (0, 0)
    assert "Traceback" not in server.output()


def states(server: ServerProcess) -> Any:
    """A client that calls synchronous executions at the same address as everything else."""
    return boto3.client(
        "stepfunctions",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="interstate",
        config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )


def steps(server: ServerProcess) -> int:
    """The steps that are due or wait for their time."""
    count: int = server.control("GET", "status")["work"]["stepsDueOrWaiting"]
    return count


def machine(server: ServerProcess, name: str, definition: Any, kind: str = "STANDARD") -> str:
    request = {"name": name, "definition": json.dumps(definition), "roleArn": ROLE, "type": kind}
    arn: str = states(server).create_state_machine(**request)["stateMachineArn"]
    return arn


def test_a_standard_loop_ends_at_its_25000th_event(server: ServerProcess) -> None:
    client, sqs = states(server), server.client("sqs")
    url = sqs.create_queue(QueueName="beside")["QueueUrl"]
    loops = [
        client.start_execution(stateMachineArn=machine(server, f"standard{number}", LOOP))["executionArn"]
        for number in range(4)
    ]
    answered = 0
    while "RUNNING" in {client.describe_execution(executionArn=loop)["status"] for loop in loops}:
        answered += len(sqs.send_message(QueueUrl=url, MessageBody="beside")["MessageId"]) == 36
    assert answered > 0
    for loop in loops:
        ended = client.describe_execution(executionArn=loop)
        assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
        assert ended["cause"] == "The execution reached the maximum number of history events (25000)."
        (last,) = client.get_execution_history(executionArn=loop, reverseOrder=True, maxResults=1)["events"]
        assert (last["id"], last["type"]) == (25_000, "ExecutionFailed")


def test_a_standard_loop_can_be_stopped(server: ServerProcess) -> None:
    """It waits a day in each round, on a clock that skips all of them until it is stopped."""
    client = states(server)
    arn = machine(server, "stopped", WAITING_LOOP)
    loop = client.start_execution(stateMachineArn=arn)["executionArn"]
    server.control("POST", "clock", {"mode": "skip"})
    while client.get_execution_history(executionArn=loop, reverseOrder=True, maxResults=1)["events"][0]["id"] < 20:
        pass
    client.stop_execution(executionArn=loop, error="Enough", cause="It never ends.")
    ended = client.describe_execution(executionArn=loop)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Enough", "It never ends.")
    events = client.get_execution_history(executionArn=loop, reverseOrder=True)["events"]
    assert events[0]["type"] == "ExecutionAborted"
    (again,) = client.get_execution_history(executionArn=loop, reverseOrder=True, maxResults=1)["events"]
    assert again == events[0]


def test_express_loops_end_after_five_minutes(server: ServerProcess) -> None:
    """One that somebody waits for, and one that nobody does; beside them calls are answered, and the clock can be moved."""
    client, sqs = states(server), server.client("sqs")
    url = sqs.create_queue(QueueName="beside")["QueueUrl"]
    arn = machine(server, "express", LOOP, "EXPRESS")
    server.control("POST", "clock", {"mode": "frozen"})
    with ThreadPoolExecutor(1) as threads:
        before = steps(server)
        awaited = threads.submit(client.start_sync_execution, stateMachineArn=arn)
        while steps(server) <= before:  # It began before the clock goes on.
            assert not awaited.done()
        client.start_execution(stateMachineArn=arn)
        for number in range(100):
            assert sqs.send_message(QueueUrl=url, MessageBody=str(number))["MessageId"]
        assert not awaited.done()
        assert steps(server) > SWEEPS
        server.control("POST", "clock", {"advance": "301s"})
        ended = awaited.result(120)
    assert (ended["status"], ended.get("error")) == ("TIMED_OUT", None)
    assert (ended["stopDate"] - ended["startDate"]).total_seconds() == 300
    assert steps(server) <= SWEEPS


def test_an_express_loop_goes_on_after_a_crash_and_still_ends(server: ServerProcess) -> None:
    client = states(server)
    arn = machine(server, "crashed", LOOP, "EXPRESS")
    server.control("POST", "clock", {"mode": "frozen"})
    client.start_execution(stateMachineArn=arn)
    server.kill()
    server.start()
    assert steps(server) > SWEEPS
    server.control("POST", "clock", {"advance": "301s"})
    assert steps(server) <= SWEEPS


def test_a_machine_can_be_deleted_while_it_loops(server: ServerProcess) -> None:
    client = states(server)
    arn = machine(server, "deleted", WAITING_LOOP)
    loop = client.start_execution(stateMachineArn=arn)["executionArn"]
    client.delete_state_machine(stateMachineArn=arn)
    assert client.describe_state_machine(stateMachineArn=arn)["status"] == "DELETING"
    client.stop_execution(executionArn=loop)
    with pytest.raises(client.exceptions.StateMachineDoesNotExist):
        client.describe_state_machine(stateMachineArn=arn)
