"""EventBridge through the real SDK and a real server, killed without warning on the way."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server
QUEUE = "arn:aws:sqs:us-east-1:000000000000:"
LETS_IN = json.dumps(
    {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": "*",
            }
        ]
    }
)


def messages(server: ServerProcess, name: str, wait_s: int = 20) -> list[Any]:
    sqs = server.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = sqs.receive_message(
        QueueUrl=url, WaitTimeSeconds=wait_s, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    taken: list[Any] = found.get("Messages", [])
    for message in taken:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return taken


def test_an_event_finds_its_way_and_an_archive_sends_it_again(server: ServerProcess) -> None:
    events = server.client("events")
    server.client("sqs").create_queue(QueueName="q", Attributes={"Policy": LETS_IN})
    bus = events.create_event_bus(Name="orders")["EventBusArn"]
    rule = events.put_rule(Name="r", EventBusName="orders", EventPattern='{"source":["shop"]}')["RuleArn"]
    events.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "t", "Arn": QUEUE + "q", "InputPath": "$.detail"}])
    archive = events.create_archive(ArchiveName="a", EventSourceArn=bus)
    entry = {"Source": "shop", "DetailType": "x", "Detail": '{"n": 1}', "EventBusName": "orders"}
    answer = events.put_events(Entries=[entry, {"Source": "shop"}])
    assert (answer["FailedEntryCount"], answer["Entries"][1]["ErrorCode"]) == (1, "InvalidArgument")
    assert [message["Body"] for message in messages(server, "q")] == ['{"n":1}']
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 1

    server.kill()
    server.start()
    began = archive["CreationTime"].replace(microsecond=0)
    events.start_replay(
        ReplayName="again",
        EventSourceArn=archive["ArchiveArn"],
        EventStartTime=began,
        EventEndTime=began.replace(year=began.year + 1),
        Destination={"Arn": bus, "FilterArns": [rule]},
    )
    assert [message["Body"] for message in messages(server, "q")] == ['{"n":1}']
    ends = time.monotonic() + 60
    while (replay := events.describe_replay(ReplayName="again"))["State"] != "COMPLETED":
        assert time.monotonic() < ends, replay
        time.sleep(0.05)


def test_a_dead_letter_is_written_once_whenever_the_server_dies(server: ServerProcess) -> None:
    events, sqs = server.client("events"), server.client("sqs")
    sqs.create_queue(QueueName="dead", Attributes={"Policy": LETS_IN})
    events.put_rule(Name="r", EventPattern='{"source":["shop"]}')
    target = {"Id": "t", "Arn": QUEUE + "gone", "DeadLetterConfig": {"Arn": QUEUE + "dead"}}
    events.put_targets(Rule="r", Targets=[target])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "x", "Detail": "{}"}])
    server.kill()
    server.start()
    [letter] = messages(server, "dead")
    assert json.loads(letter["Body"])["source"] == "shop"
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"
    assert messages(server, "dead", wait_s=1) == []


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("put_rule", {"Name": "r", "EventPattern": '{"a": 1}'}, "InvalidEventPatternException", "Event pattern is not valid."),
    ("put_rule", {"Name": "r r", "EventPattern": "{}"}, "ValidationException", "1 validation error detected"),
    ("describe_rule", {"Name": "x"}, "ResourceNotFoundException", "Rule x does not exist on EventBus default."),
    ("create_api_destination", {"Name": "x", "ConnectionArn": "arn:aws:events:us-east-1:000000000000:connection/x/11111111-1111-1111-1111-111111111111", "InvocationEndpoint": "https://x", "HttpMethod": "GET"}, "ResourceNotFoundException", "Connection"),
]  # fmt: skip


def test_refusals_are_awss_own(server: ServerProcess) -> None:
    events = server.client("events")
    for operation, request, code, words in REFUSED:
        with pytest.raises(ClientError) as refusal:
            getattr(events, operation)(**request)
        assert refusal.value.response["Error"]["Code"] == code, operation
        assert words in refusal.value.response["Error"]["Message"]
