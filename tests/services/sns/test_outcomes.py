"""How deliveries end: policies that are asked, metrics, logs, pace, expiry.

Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.runtime.testing import START, World
from interstate.services import logs, sns, sqs
from interstate.store.records.metrics import POINTS, Metric, series_id
from interstate.store.records.sns import HttpDelivery, HttpResult

TOPIC = "arn:aws:sns:us-east-1:000000000000:orders"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
STRANGER = Caller("111111111111", "us-east-1")


class Site:
    def __init__(self) -> None:
        self.posts: list[tuple[datetime, HttpDelivery]] = []
        self.world = World(
            (sns.SERVICE, sns.INTERSTATE, sqs.SERVICE, logs.SERVICE), performers={"sns.http": self._post}
        )
        self.sns("CreateTopic", Name="orders")

    def _post(self, _key: str, body: HttpDelivery) -> HttpResult:
        self.posts.append((self.world.now, body))
        return HttpResult(200)

    def sns(self, operation: str, *, caller: Caller | None = None, **members: Any) -> Any:
        return self.world.call("sns", operation, members, caller=caller)

    def set(self, name: str, value: str) -> None:
        self.sns("SetTopicAttributes", TopicArn=TOPIC, AttributeName=name, AttributeValue=value)

    def queue(self, *, is_open: bool = True) -> None:
        statement = {
            "Effect": "Allow" if is_open else "Deny",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": QUEUE,
            "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.world.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": policy}})
        self.sns("Subscribe", TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)

    def depth(self) -> str:
        request = {"QueueUrl": "http://localhost/000000000000/q", "AttributeNames": ["ApproximateNumberOfMessages"]}
        self.world.run_due()
        found: str = self.world.call("sqs", "GetQueueAttributes", request)["Attributes"]["ApproximateNumberOfMessages"]
        return found

    def lines(self, group: str) -> list[dict[str, Any]]:
        self.world.run_due()
        events = self.world.call("logs", "FilterLogEvents", {"logGroupName": group})["events"]
        return [json.loads(event["message"]) for event in events]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.world.close()


@pytest.mark.parametrize("is_open", [True, False])
def test_the_queues_policy_is_asked(site: Site, *, is_open: bool) -> None:
    site.queue(is_open=is_open)
    site.sns("Publish", TopicArn=TOPIC, Message="m")
    assert site.depth() == ("1" if is_open else "0")


def test_other_accounts_need_the_topics_permission(site: Site) -> None:
    with pytest.raises(ServiceError) as refused:
        site.sns("Publish", TopicArn=TOPIC, Message="m", caller=STRANGER)
    assert refused.value.code == "AuthorizationErrorException"
    assert refused.value.message.startswith(
        "User: arn:aws:iam::111111111111:root is not authorized to perform: SNS:Publish on resource: " + TOPIC
    )
    members: dict[str, Any] = {"Label": "l", "AWSAccountId": ["111111111111"], "ActionName": ["Publish"]}
    site.sns("AddPermission", TopicArn=TOPIC, **members)
    site.sns("Publish", TopicArn=TOPIC, Message="m", caller=STRANGER)
    with pytest.raises(ServiceError, match="SNS:GetTopicAttributes"):
        site.sns("GetTopicAttributes", TopicArn=TOPIC, caller=STRANGER)


def test_a_service_needs_the_topics_permission(site: Site) -> None:
    service = Caller().on_behalf_of("events.amazonaws.com", "arn:aws:events:us-east-1:000000000000:rule/r")
    with pytest.raises(ServiceError, match=r"User: events\.amazonaws\.com is not authorized"):
        site.sns("Publish", TopicArn=TOPIC, Message="m", caller=service)


def test_how_deliveries_end_is_logged_where_the_topic_says_so(site: Site) -> None:
    role = "arn:aws:iam::000000000000:role/logs"
    for name, value in (
        ("SuccessFeedbackRoleArn", role),
        ("SuccessFeedbackSampleRate", "100"),
        ("FailureFeedbackRoleArn", role),
    ):
        site.set(f"SQS{name}", value)
    site.queue()
    message_id = site.sns("Publish", TopicArn=TOPIC, Message="m")["MessageId"]
    (line,) = site.lines("sns/us-east-1/000000000000/orders")
    assert (line["status"], line["notification"]["messageId"]) == ("SUCCESS", message_id)
    assert (line["delivery"]["destination"], line["delivery"]["statusCode"]) == (QUEUE, 200)
    site.world.call("sqs", "DeleteQueue", {"QueueUrl": "http://localhost/000000000000/q"})
    site.sns("Publish", TopicArn=TOPIC, Message="m")
    (line,) = site.lines("sns/us-east-1/000000000000/orders/Failure")
    assert (line["status"], line["delivery"]["statusCode"]) == ("FAILURE", 400)


def test_a_sample_rate_of_none_logs_no_success(site: Site) -> None:
    site.set("SQSSuccessFeedbackRoleArn", "arn:aws:iam::000000000000:role/logs")
    site.queue()
    site.sns("Publish", TopicArn=TOPIC, Message="m")
    with pytest.raises(ServiceError):
        site.lines("sns/us-east-1/000000000000/orders")


def http(site: Site, policy: str) -> None:
    request: dict[str, Any] = {"TopicArn": TOPIC, "Protocol": "http", "Endpoint": "http://example.test/"}
    site.sns("Subscribe", **request, Attributes={"DeliveryPolicy": policy} if policy else {})
    site.world.run_due()
    site.sns("ConfirmSubscription", TopicArn=TOPIC, Token=json.loads(site.posts.pop()[1].content)["Token"])


def test_a_throttled_endpoint_is_told_at_its_pace(site: Site) -> None:
    http(site, '{"throttlePolicy": {"maxReceivesPerSecond": 2}}')
    for number in range(5):
        site.sns("Publish", TopicArn=TOPIC, Message=str(number))
    site.world.advance(timedelta(seconds=10))
    assert [(at - START).total_seconds() for at, _ in site.posts] == [0, 0.5, 1, 1.5, 2]


def test_a_policy_names_the_content_type(site: Site) -> None:
    http(site, '{"requestPolicy": {"headerContentType": "application/json"}}')
    site.sns("Publish", TopicArn=TOPIC, Message="m")
    site.world.run_due()
    assert site.posts[0][1].headers["content-type"] == "application/json"


def test_a_topic_can_forbid_other_policies(site: Site) -> None:
    of_topic = (
        '{"http": {"disableSubscriptionOverrides": true, "defaultRequestPolicy": {"headerContentType": "text/css"}}}'
    )
    site.set("DeliveryPolicy", of_topic)
    http(site, '{"requestPolicy": {"headerContentType": "application/json"}}')
    site.sns("Publish", TopicArn=TOPIC, Message="m")
    site.world.run_due()
    assert site.posts[0][1].headers["content-type"] == "text/css"


def test_who_does_not_confirm_in_two_days_is_forgotten(site: Site) -> None:
    site.sns("Subscribe", TopicArn=TOPIC, Protocol="http", Endpoint="http://example.test/")
    site.world.run_due()
    site.world.now += timedelta(days=2)
    site.world.run_due()
    assert site.sns("ListSubscriptions") == {"Subscriptions": []}
    with pytest.raises(ServiceError, match="Invalid parameter: Token"):
        site.sns("ConfirmSubscription", TopicArn=TOPIC, Token=json.loads(site.posts[0][1].content)["Token"])


def test_data_protection_is_refused_loudly(site: Site) -> None:
    assert site.sns("GetDataProtectionPolicy", ResourceArn=TOPIC) == {"DataProtectionPolicy": ""}
    with pytest.raises(NotImplementedHere):
        site.sns("PutDataProtectionPolicy", ResourceArn=TOPIC, DataProtectionPolicy="{}")
    with pytest.raises(NotImplementedHere):
        site.sns("CreateTopic", Name="other", DataProtectionPolicy="{}")


def test_a_topic_has_at_most_fifty_tags(site: Site) -> None:
    tags = [{"Key": str(number), "Value": ""} for number in range(51)]
    with pytest.raises(ServiceError, match="tag quota of per resource exceeded"):
        site.sns("TagResource", ResourceArn=TOPIC, Tags=tags)


def counted(site: Site, name: str, unit: str = "Count") -> float:
    series = series_id(Metric("000000000000", "us-east-1", "AWS/SNS", name, (("TopicName", "orders"),), unit))
    point = site.world.run(lambda work: work.get(POINTS, series, START, work.node))
    return 0.0 if point is None else float(point.total)


def test_deliveries_are_counted(site: Site) -> None:
    site.queue()
    for name, policy in (("gone", "{}"), ("filtered", '{"a": ["b"]}')):
        attributes = {"FilterPolicy": policy}
        site.sns("Subscribe", TopicArn=TOPIC, Protocol="sqs", Endpoint=f"{QUEUE}-{name}", Attributes=attributes)
    site.sns("Publish", TopicArn=TOPIC, Message="four")
    site.world.run_due()
    names = ("MessagesPublished", "NotificationsDelivered", "NotificationsFailed", "NotificationsFilteredOut")
    assert [counted(site, f"NumberOf{name}") for name in names] == [1, 1, 1, 1]
    assert counted(site, "NumberOfNotificationsFilteredOut-NoMessageAttributes") == 1
    assert counted(site, "PublishSize", "Bytes") == 4
