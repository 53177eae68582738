"""Nodes as processes: wakes, takeover after kill -9, a node that freezes, roles and faults."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import pytest
from botocore.config import Config
from tests.postgres_server import fresh_database
from tests.server_process import free_port

pytestmark = pytest.mark.server
READY_S_MAX = 120.0
LIMIT_S = 90.0


class Node:
    """``interstate serve --database`` in a process of its own."""

    def __init__(self, database: str, log: Path, *arguments: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "interstate", "serve", "--port", str(self.port), "--database", database]
        with log.open("ab") as output:
            self.process = subprocess.Popen([*command, *arguments], stdout=output, stderr=output)
        until(lambda: self.control("GET", "health").get("node"), READY_S_MAX)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_interstate/{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)
        except OSError:
            return {}

    def client(self, service: str, retries: int = 0) -> Any:
        config = Config(retries={"total_max_attempts": retries + 1}, read_timeout=25)
        make: Any = boto3.client  # The service is named by a parameter here.
        return make(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="k",
            aws_secret_access_key="s",
            config=config,
        )

    def end(self, number: int) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
            if number != signal.SIGSTOP:
                self.process.wait(120)


def until(holds: Callable[[], Any], limit_s: float) -> float:
    """How long it took until something held."""
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() - begin < limit_s, "it never held"
        time.sleep(0.02)
    return time.monotonic() - begin


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    database = fresh_database()
    nodes: list[Node] = []

    def started(*arguments: str) -> Node:
        nodes.append(Node(database, tmp_path / f"node{len(nodes)}.log", *arguments))
        return nodes[-1]

    yield started
    for node in nodes:
        if node.process.poll() is None:
            node.process.send_signal(signal.SIGCONT)
            node.end(signal.SIGKILL)


def test_a_long_poll_on_one_node_wakes_by_a_send_on_another_and_faults_hold_on_both(
    start: Callable[..., Node],
) -> None:
    here, there = start(), start()
    url = here.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    until(lambda: len(here.control("GET", "health")["node"]["nodes"]) == 2, LIMIT_S)
    with ThreadPoolExecutor(1) as thread:
        poll = thread.submit(there.client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=20)
        time.sleep(1.0)  # It is parked then.
        begin = time.monotonic()
        here.client("sqs").send_message(QueueUrl=url, MessageBody="x")
        assert poll.result(60)["Messages"]
        assert time.monotonic() - begin < 15  # By itself it would look again when its 20 seconds are over.
    here.control("POST", "faults", {"target": "sqs:SendMessage", "error": "Throttle"})
    until(lambda: there.control("GET", "faults").get("faults"), LIMIT_S)


def test_the_work_of_a_dead_node_and_of_a_frozen_one_goes_on_elsewhere(start: Callable[..., Node]) -> None:
    """A Wait that was begun on a node which is killed, and on one that hangs, ends on the third."""
    survivor, killed, frozen = start(), start(), start()
    definition = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "End": True}}}
    states = survivor.client("stepfunctions")
    machine = states.create_state_machine(
        name="m", definition=json.dumps(definition), roleArn="arn:aws:iam::000000000000:role/r"
    )["stateMachineArn"]
    begun = [
        node.client("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"]
        for node in (killed, frozen)
    ]
    killed.end(signal.SIGKILL)
    frozen.end(signal.SIGSTOP)

    def ended() -> bool:
        return all(states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED" for arn in begun)

    until(ended, LIMIT_S)
    frozen.process.send_signal(signal.SIGCONT)
    # It was declared dead, and comes back as another node.
    until(lambda: len(survivor.control("GET", "health")["node"]["nodes"]) == 2, LIMIT_S)
    until(lambda: frozen.client("sqs", retries=3).list_queues(), LIMIT_S)


def test_a_node_that_only_answers_leaves_the_work_to_the_others(start: Callable[..., Node]) -> None:
    worker, api = start("--role", "work"), start("--role", "api")
    states = api.client("stepfunctions")
    definition = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}}
    machine = states.create_state_machine(
        name="m", definition=json.dumps(definition), roleArn="arn:aws:iam::000000000000:role/r"
    )["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    until(lambda: states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED", LIMIT_S)
    assert [node["role"] for node in worker.control("GET", "health")["node"]["nodes"]] == ["work", "api"]
    shown = api.control("GET", "nodes")
    assert shown["role"] == "api"
    assert {node["number"]: (node["role"], node["address"], node["alive"]) for node in shown["nodes"]} == {
        1: ("work", f"127.0.0.1:{worker.port}", True),
        2: ("api", f"127.0.0.1:{api.port}", True),
    }
    worker.end(signal.SIGTERM)
    assert worker.process.returncode == 0
    until(lambda: len(api.control("GET", "health")["node"]["nodes"]) == 1, LIMIT_S)
    assert [node["number"] for node in api.control("GET", "nodes")["nodes"]] == [2]


def test_each_node_has_workers_of_its_own_for_a_function(start: Callable[..., Node]) -> None:
    """Called through two nodes, a function runs beside each of them."""
    here, there = start(), start()
    code = BytesIO()
    with ZipFile(code, "w") as file:
        file.writestr("app.py", "import os\ndef handler(event, context): return [os.getpid(), os.getppid()]\n")
    request = {"Runtime": "python3.11", "Handler": "app.handler", "Role": "arn:aws:iam::000000000000:role/r"}
    here.client("lambda").create_function(FunctionName="f", Code={"ZipFile": code.getvalue()}, **request)

    def called(node: Node) -> list[int]:
        answer = node.client("lambda", retries=3).invoke(FunctionName="f")
        assert "FunctionError" not in answer, answer["Payload"].read()
        found: list[int] = json.load(answer["Payload"])
        return found

    first, second = called(here), called(there)
    assert first[0] != second[0]
    assert first[1] != second[1]  # Who started it is the node's own supervisor.
    assert (called(here)[1], called(there)[1]) == (first[1], second[1])
