"""``interstate queues`` against a server. Source: docs/reference/sqs.md."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server_process import ServerProcess
from typer.testing import CliRunner

from interstate.cli.app import app

pytestmark = pytest.mark.server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data")
    server.start()
    yield server
    server.stop()


def said(server: ServerProcess, *words: str) -> str:
    result = CliRunner().invoke(app, ["queues", *words, "--endpoint-url", server.url])
    assert result.exit_code == 0, result.output
    return result.output


def test_queues_are_listed_looked_into_redriven_and_purged(server: ServerProcess) -> None:
    sqs = server.client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="first")
    for _ in range(2):
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    sqs.send_message(QueueUrl=url, MessageBody="x" * 200)
    assert [line.split() for line in said(server, "list").splitlines()[1:]] == [
        ["1", "0", "0", "dead"],
        ["1", "0", "0", "jobs"],
    ]
    for _ in range(2):  # A look changes nothing.
        assert "received 1x" in said(server, "peek", "dead")
    assert "x" * 100 + "..." in said(server, "peek", "jobs")
    assert "x" * 200 in said(server, "peek", "jobs", "--full")
    assert "messages moved" in said(server, "redrive", "dead")
    assert said(server, "purge", "jobs", "--yes") == "jobs is empty.\n"
    result = CliRunner().invoke(app, ["queues", "peek", "no&limit=x", "--endpoint-url", server.url])
    assert (result.exit_code, "queue no&limit=x: The specified queue does not exist" in result.output) == (1, True)
    result = CliRunner().invoke(app, ["queues", "purge", "none", "--endpoint-url", server.url])
    assert (result.exit_code, "queue none: The specified queue does not exist" in result.output) == (1, True)
    result = CliRunner().invoke(app, ["queues", "redrive", "dead", "--to", "nowhere", "--endpoint-url", server.url])
    assert (result.exit_code, "queue nowhere: The specified queue does not exist" in result.output) == (1, True)
