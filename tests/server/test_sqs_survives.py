"""SQS through boto3, on a server that is killed without warning (design, law 1)."""

import contextlib
import threading
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server


def test_what_was_acknowledged_is_there_after_kill(server: ServerProcess) -> None:
    """Senders run while the server is killed; each message whose send was answered is received, under its id."""
    url = server.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    acknowledged: dict[str, str] = {}

    def send(sender: int) -> None:
        sqs = server.client("sqs")
        with contextlib.suppress(BotoCoreError, ClientError):
            for number in range(10_000):
                body = f"{sender}-{number}"
                acknowledged[sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]] = body

    senders = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for sender in senders:
        sender.start()
    while len(acknowledged) < 300:
        assert any(sender.is_alive() for sender in senders)
    server.kill()
    for sender in senders:
        sender.join()
    server.start()
    received: dict[str, str] = {}
    sqs = server.client("sqs")
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
        for message in messages:
            assert message["MessageId"] not in received
            received[message["MessageId"]] = message["Body"]
    assert acknowledged.items() <= received.items()
    assert len(received) - len(acknowledged) <= 4  # At most what each sender had in the air.


def test_a_long_poll_wakes_when_a_message_comes(server: ServerProcess) -> None:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    got: list[Any] = []
    poll = threading.Thread(
        target=lambda: got.append(server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20))
    )
    poll.start()
    sqs.send_message(QueueUrl=url, MessageBody="now")
    poll.join(60)
    assert got[0]["Messages"][0]["Body"] == "now"


def test_accounts_and_regions_see_only_their_own(server: ServerProcess) -> None:
    server.client("sqs", account="111111111111").create_queue(QueueName="mine")
    assert "QueueUrls" not in server.client("sqs", account="222222222222").list_queues()
    assert "QueueUrls" not in server.client("sqs", account="111111111111", region="ap-northeast-2").list_queues()
    assert server.client("sqs", account="111111111111").list_queues()["QueueUrls"]


def test_a_second_server_on_the_data_is_refused(server: ServerProcess) -> None:
    if ServerProcess.database_for is not None:
        pytest.skip("On PostgreSQL it is one more node.")
    second = ServerProcess(server.data)
    with pytest.raises(AssertionError, match=f"pid {server.pid}"):
        second.start()


def test_it_stops_cleanly_and_starts_again(server: ServerProcess) -> None:
    server.client("sqs").create_queue(QueueName="kept")
    assert server.stop() == 0
    server.start()
    assert server.client("sqs").list_queues()["QueueUrls"][0].endswith("/kept")


def test_fourteen_days_of_retention_pass_on_the_virtual_clock(server: ServerProcess) -> None:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="old", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="old")
    server.control("POST", "clock", {"mode": "frozen"})
    server.control("POST", "clock", {"advance": "14d"})
    server.control("POST", "clock", {"advance": "1s"})
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_the_clock_goes_on_where_it_stood_after_a_kill(server: ServerProcess) -> None:
    server.control("POST", "clock", {"mode": "frozen"})
    shown = server.control("POST", "clock", {"advance": "365d"})
    server.kill()
    server.start()
    assert server.control("GET", "clock") == shown
