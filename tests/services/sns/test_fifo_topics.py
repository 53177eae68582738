"""Source: https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html and the pages below it"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.runtime.testing import Crash, World
from interstate.services import sns, sqs
from interstate.store.records.sns import DEDUPLICATIONS_OF_TOPIC

TOPIC = "arn:aws:sns:us-east-1:000000000000:orders.fifo"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:"


class Site:
    def __init__(self, directory: Path | None = None, **attributes: str) -> None:
        self.world = World((sns.SERVICE, sns.INTERSTATE, sqs.SERVICE), directory=directory)
        self.sns("CreateTopic", Name="orders.fifo", Attributes={"FifoTopic": "true", **attributes})

    def sns(self, operation: str, **members: Any) -> Any:
        return self.world.call("sns", operation, members)

    def subscribed(self, name: str, **attributes: str) -> str:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:*",
            "Resource": "*",
        }
        queue = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
        if name.endswith(".fifo"):
            queue["FifoQueue"] = "true"
        self.world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": queue})
        request = {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE + name, "Attributes": attributes}
        arn: str = self.sns("Subscribe", **request)["SubscriptionArn"]
        return arn

    def publish(self, message: str, group: str = "g", **members: Any) -> dict[str, str]:
        answer: dict[str, str] = self.sns("Publish", TopicArn=TOPIC, Message=message, MessageGroupId=group, **members)
        return answer

    def received(self, name: str) -> list[dict[str, Any]]:
        """All that a queue has; each message is deleted."""
        self.world.run_due()
        url, found = f"http://localhost/000000000000/{name}", list[dict[str, Any]]()
        request = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"]}
        while page := self.world.call("sqs", "ReceiveMessage", request).get("Messages"):
            for message in page:
                self.world.call("sqs", "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})
            found += page
        return found


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site(ContentBasedDeduplication="true")
    yield site
    site.world.close()


def test_messages_keep_their_order_group_and_number(site: Site) -> None:
    site.subscribed("q.fifo")
    answers = [site.publish(str(number)) for number in range(5)]
    found = site.received("q.fifo")
    bodies = [json.loads(message["Body"]) for message in found]
    assert [body["Message"] for body in bodies] == ["0", "1", "2", "3", "4"]
    assert [body["SequenceNumber"] for body in bodies] == [answer["SequenceNumber"] for answer in answers]
    assert {len(body["SequenceNumber"]) for body in bodies} == {20}
    assert {message["Attributes"]["MessageGroupId"] for message in found} == {"g"}


def test_standard_queues_are_told_too(site: Site) -> None:
    site.subscribed("q", RawMessageDelivery="true")
    site.publish("hi")
    assert [message["Body"] for message in site.received("q")] == ["hi"]


def test_a_repeated_message_is_told_once_in_five_minutes(site: Site) -> None:
    site.subscribed("q")
    first = site.publish("hi", MessageDeduplicationId="d")
    site.world.advance(timedelta(minutes=4, seconds=59))
    assert site.publish("other", MessageDeduplicationId="d") == first
    site.world.advance(timedelta(seconds=1))
    again = site.publish("hi", MessageDeduplicationId="d")
    assert again["MessageId"] != first["MessageId"]
    assert again["SequenceNumber"] > first["SequenceNumber"]
    assert len(site.received("q")) == 2


def test_content_is_the_id_where_the_topic_says_so(site: Site) -> None:
    assert site.publish("same") == site.publish("same")
    assert site.publish("same")["MessageId"] != site.publish("different")["MessageId"]


def test_ids_count_for_the_topic_or_for_each_group() -> None:
    for scope, alike in (("Topic", True), ("MessageGroup", False)):
        site = Site(FifoThroughputScope=scope)
        first, second = (site.publish("m", group, MessageDeduplicationId="d") for group in ("a", "b"))
        assert (first == second) is alike
        site.world.close()


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({}, "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"),
        ({"MessageGroupId": "g"}, "should either have ContentBasedDeduplication enabled or MessageDeduplicationId"),
        ({"MessageGroupId": "a b", "MessageDeduplicationId": "d"}, "Invalid parameter: MessageGroupId"),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "x" * 129}, "Invalid parameter: MessageDeduplicationId"),
    ],
)
def test_what_a_fifo_topic_does_not_take(members: dict[str, str], fault: str) -> None:
    site = Site()
    with pytest.raises(ServiceError, match=fault):
        site.sns("Publish", TopicArn=TOPIC, Message="m", **members)
    entry = {"Id": "a", "Message": "m", **members}
    answer = site.sns("PublishBatch", TopicArn=TOPIC, PublishBatchRequestEntries=[entry])
    assert (answer["Successful"], answer["Failed"][0]["Code"]) == ([], "InvalidParameter")
    site.world.close()


def test_old_ids_are_forgotten_without_pulling_the_clock(site: Site) -> None:
    site.publish("a")
    assert site.world.next_due() is None
    site.world.now += timedelta(minutes=6)
    site.world.run_due()
    count = site.world.run(lambda work: len(work.select(DEDUPLICATIONS_OF_TOPIC, limit=9, topic=TOPIC)))
    assert count == 0


def test_a_crash_keeps_numbers_and_deduplication(tmp_path: Path) -> None:
    site = Site(tmp_path, ContentBasedDeduplication="true")
    site.subscribed("q.fifo")
    kept = site.publish("kept")
    site.world.crash_before_commit = site.world.commits + 1
    with pytest.raises(Crash):
        site.publish("lost")
    site.world = site.world.restart()
    assert site.publish("kept") == kept
    assert site.publish("next")["SequenceNumber"] > kept["SequenceNumber"]
    assert [json.loads(message["Body"])["Message"] for message in site.received("q.fifo")] == ["kept", "next"]
    site.world.close()


# Archive and replay: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-archiving-replay.html


def replay(since: str = "2026-01-01T00:00:00.000Z", **more: str) -> str:
    return json.dumps({"PointType": "Timestamp", "StartingPoint": since, **more})


@pytest.fixture
def archive() -> Iterator[Site]:
    site = Site(ContentBasedDeduplication="true", ArchivePolicy='{"MessageRetentionPeriod": "2"}')
    yield site
    site.world.close()


def test_a_replay_tells_the_archive_again_in_order(archive: Site) -> None:
    for number in range(70):
        archive.publish(str(number))
    arn = archive.subscribed("late", ReplayPolicy=replay())
    archive.world.run_due()
    bodies = [json.loads(message["Body"]) for message in archive.received("late")]
    assert [body["Message"] for body in bodies] == [str(number) for number in range(70)]
    assert all(body["Replayed"] for body in bodies)
    shown = archive.sns("GetSubscriptionAttributes", SubscriptionArn=arn)["Attributes"]
    assert shown["ReplayStatus"] == "Completed"


def test_a_replay_has_an_end_and_a_filter(archive: Site) -> None:
    archive.publish('{"kind": "a"}')
    archive.publish('{"kind": "b"}')
    archive.world.advance(timedelta(hours=2))
    archive.publish('{"kind": "a", "late": 1}')
    policy = replay(EndingPoint="2026-01-01T01:00:00.000Z")
    filters = {"FilterPolicy": '{"kind": ["a"]}', "FilterPolicyScope": "MessageBody"}
    archive.subscribed("q", RawMessageDelivery="true", ReplayPolicy=policy, **filters)
    assert [message["Body"] for message in archive.received("q")] == ['{"kind": "a"}']


def test_the_archive_forgets_after_its_retention(archive: Site) -> None:
    archive.publish("old")
    archive.world.now += timedelta(days=3)
    archive.world.run_due()
    archive.publish("new")
    archive.subscribed("q", RawMessageDelivery="true", ReplayPolicy=replay())
    assert [message["Body"] for message in archive.received("q")] == ["new"]


def test_a_topic_with_an_archive_is_not_deleted(archive: Site) -> None:
    shown = archive.sns("GetTopicAttributes", TopicArn=TOPIC)["Attributes"]
    assert shown["BeginningArchiveTime"] == "2026-01-01T00:00:00.000Z"
    with pytest.raises(ServiceError) as refused:
        archive.sns("DeleteTopic", TopicArn=TOPIC)
    assert refused.value.code == "InvalidStateException"
    archive.sns("SetTopicAttributes", TopicArn=TOPIC, AttributeName="ArchivePolicy", AttributeValue="{}")
    archive.sns("DeleteTopic", TopicArn=TOPIC)
    assert archive.sns("ListTopics") == {"Topics": []}


def test_without_an_archive_there_is_no_replay(site: Site) -> None:
    with pytest.raises(ServiceError, match="the topic has no ArchivePolicy"):
        site.subscribed("q", ReplayPolicy=replay())
