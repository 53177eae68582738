import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.testing import Crash, World
from interstate.services import sns, sqs
from interstate.services.operation import Operation, Service
from interstate.services.sns.fanning import FANOUT_PAGE
from interstate.store.ports import Work
from interstate.store.records.sns import HttpDelivery, HttpResult
from interstate.store.tables import Table
from interstate.wire.codec import Wire
from interstate.wire.model import Models

TOPIC = "arn:aws:sns:us-east-1:000000000000:orders"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


class Invoke(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    invocation_type: str
    payload: bytes


class Endpoint:
    """Stands where HTTP endpoints are; answers with the next status, keeps what was posted."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.posts: list[HttpDelivery] = []

    def perform(self, _key: str, body: HttpDelivery) -> HttpResult:
        self.posts.append(body)
        return HttpResult(self.statuses.pop(0) if self.statuses else 200)


class Site:
    """A world with topics, queues, one function and one HTTP endpoint."""

    def __init__(self, directory: Path | None = None) -> None:
        self.invocations: list[Invoke] = []
        self.traces: list[str] = []
        self.endpoint = Endpoint()
        functions = Service("lambda", (Operation("Invoke", Invoke, self._invoke),))
        self.world = World(
            (sns.SERVICE, sns.INTERSTATE, sqs.SERVICE, functions),
            directory=directory,
            performers={"sns.http": self.endpoint.perform},
        )

    def _invoke(self, request: Invoke, work: Work) -> dict[str, Any]:
        if not request.function_name.endswith(":f"):
            msg = "Function not found"
            raise ServiceError(msg, code="ResourceNotFoundException")
        self.invocations.append(request)
        self.traces.append(work.caller.trace)
        return {"StatusCode": 202}

    def sns(self, operation: str, **members: Any) -> Any:
        return self.world.call("sns", operation, members)

    def queue(self, name: str) -> str:
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        self.world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})
        return arn

    def received(self, name: str) -> list[dict[str, Any]]:
        self.world.run_due()
        found = []
        url = f"http://localhost/000000000000/{name}"
        while page := self.world.call(
            "sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        ).get("Messages"):
            found += page
        return found

    def texts(self, name: str) -> list[str]:
        return [json.loads(message["Body"])["Message"] for message in self.received(name)]

    def subscribe(self, protocol: str, endpoint: str, **attributes: str) -> str:
        answer = self.sns(
            "Subscribe",
            TopicArn=TOPIC,
            Protocol=protocol,
            Endpoint=endpoint,
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        self.world.run_due(effects=False)
        arn: str = answer["SubscriptionArn"]
        return arn

    def publish(self, message: str = "hi", **members: Any) -> str:
        message_id: str = self.sns("Publish", TopicArn=TOPIC, Message=message, **members)["MessageId"]
        return message_id

    def mails(self, **arguments: Any) -> list[dict[str, Any]]:
        self.world.run_due()
        found: list[dict[str, Any]] = self.world.call("interstate", "ListMail", arguments)["mails"]
        return found


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.sns("CreateTopic", Name="orders")
    yield site
    site.world.close()


# Deliveries ----------------------------------------------------------------------------------------------------------


def test_a_queue_gets_the_message_in_an_envelope(site: Site) -> None:
    subscription = site.subscribe("sqs", site.queue("q"))
    message_id = site.publish("hi", Subject="News", MessageAttributes={"n": {"DataType": "Number", "StringValue": "7"}})
    (message,) = site.received("q")
    body = json.loads(message["Body"])
    assert body["MessageId"] == message_id
    assert (body["TopicArn"], body["Subject"], body["Message"]) == (TOPIC, "News", "hi")
    assert body["MessageAttributes"] == {"n": {"Type": "Number", "Value": "7"}}
    assert body["UnsubscribeURL"].endswith(subscription)


def test_raw_delivery_hands_over_body_and_attributes(site: Site) -> None:
    site.subscribe("sqs", site.queue("q"), RawMessageDelivery="true")
    attributes = {
        "n": {"DataType": "Number", "StringValue": "7"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    site.publish("hi", MessageAttributes=attributes)
    (message,) = site.received("q")
    assert (message["Body"], message["MessageAttributes"]) == ("hi", attributes)


def test_a_function_gets_an_event(site: Site) -> None:
    site.subscribe("lambda", FUNCTION)
    site.publish("hi")
    site.world.run_due()
    (invocation,) = site.invocations
    assert (invocation.function_name, invocation.invocation_type) == (FUNCTION, "Event")
    assert json.loads(invocation.payload)["Records"][0]["Sns"]["Message"] == "hi"


def test_each_protocol_gets_its_own_text(site: Site) -> None:
    site.subscribe("sqs", site.queue("q"))
    site.subscribe("lambda", FUNCTION)
    site.publish('{"default": "d", "sqs": "for queues"}', MessageStructure="json")
    assert site.texts("q") == ["for queues"]
    assert json.loads(site.invocations[0].payload)["Records"][0]["Sns"]["Message"] == "d"


def test_mails_and_short_messages_lie_in_the_mailbox(site: Site) -> None:
    site.subscribe("email", "a@example.com")
    site.subscribe("email-json", "b@example.com")
    site.subscribe("sms", "+821012345678")
    site.publish("주문", Subject="News")
    told = {mail["recipient"]: mail for mail in site.mails() if mail["subject"] != CONFIRM}
    assert told["a@example.com"]["subject"] == "News"
    assert told["a@example.com"]["body"].startswith("주문\n")
    assert json.loads(told["b@example.com"]["body"])["Message"] == "주문"
    assert told["+821012345678"]["body"] == "주문"


CONFIRM = "AWS Notification - Subscription Confirmation"


def test_a_short_message_needs_no_topic(site: Site) -> None:
    site.sns("Publish", PhoneNumber="+821012345678", Message="hi")
    (mail,) = site.mails(recipient="+821012345678")
    assert (mail["protocol"], mail["body"]) == ("sms", "hi")


def test_the_mailbox_is_read_in_pages_by_account(site: Site) -> None:
    for number in range(5):
        site.sns("Publish", PhoneNumber="+821012345678", Message=str(number))
    page = site.world.call("interstate", "ListMail", {"limit": "2"})
    rest = site.world.call("interstate", "ListMail", {"after": page["next"]})
    assert [mail["body"] for mail in page["mails"] + rest["mails"]] == ["0", "1", "2", "3", "4"]
    assert "next" not in rest
    other = Caller("111111111111", "us-east-1")
    assert site.world.call("interstate", "ListMail", {}, caller=other) == {"mails": []}
    with pytest.raises(ServiceError, match="limit must be"):
        site.world.call("interstate", "ListMail", {"limit": "0"})


def test_deliveries_and_the_publish_are_one_commit(site: Site) -> None:
    site.subscribe("sqs", site.queue("q"))
    before = site.world.commits
    site.publish()
    assert site.world.commits == before + 1
    assert site.texts("q") == ["hi"]


def test_a_topic_with_many_subscriptions_is_served_page_by_page(site: Site) -> None:
    names = [f"q{number:03}" for number in range(FANOUT_PAGE + 50)]
    for name in names:
        site.subscribe("sqs", site.queue(name))
    site.publish()
    assert [len(site.received(name)) for name in names] == [1] * len(names)


# Filters -------------------------------------------------------------------------------------------------------------


class Filtered(NamedTuple):
    policy: str
    scope: str
    message: str
    kind: str | None
    wanted: bool


FILTERED = [
    Filtered('{"kind": ["a", "b"]}', "MessageAttributes", "m", "a", wanted=True),
    Filtered('{"kind": ["a", "b"]}', "MessageAttributes", "m", "c", wanted=False),
    Filtered('{"kind": ["a"]}', "MessageAttributes", "m", None, wanted=False),
    Filtered('{"kind": [{"exists": false}]}', "MessageAttributes", "m", None, wanted=True),
    Filtered('{"order": {"kind": [{"prefix": "a"}]}}', "MessageBody", '{"order": {"kind": "ab"}}', None, wanted=True),
    Filtered('{"order": {"kind": ["a"]}}', "MessageBody", '{"order": {"kind": "b"}}', None, wanted=False),
    Filtered('{"kind": ["a"]}', "MessageBody", "no json", None, wanted=False),
]


@pytest.mark.parametrize("case", FILTERED, ids=str)
def test_a_filter_lets_through_what_it_names(site: Site, case: Filtered) -> None:
    site.subscribe("sqs", site.queue("q"), FilterPolicy=case.policy, FilterPolicyScope=case.scope)
    attributes = {"kind": {"DataType": "String", "StringValue": case.kind}} if case.kind else {}
    site.publish(case.message, MessageAttributes=attributes)
    assert bool(site.received("q")) is case.wanted


# What fails ----------------------------------------------------------------------------------------------------------


def redrive(queue: str) -> str:
    return json.dumps({"deadLetterTargetArn": queue})


def test_what_a_queue_cannot_take_goes_to_the_dead_letters(site: Site) -> None:
    dead = site.queue("dead")
    site.subscribe("sqs", "arn:aws:sqs:us-east-1:000000000000:gone", RedrivePolicy=redrive(dead))
    site.subscribe("lambda", FUNCTION.replace("function:f", "function:gone"), RedrivePolicy=redrive(dead))
    site.subscribe("sqs", site.queue("q"))
    site.publish("hi")
    assert site.texts("dead") == ["hi", "hi"]
    assert site.texts("q") == ["hi"]


def test_a_raw_message_of_too_many_attributes_goes_to_the_dead_letters(site: Site) -> None:
    dead = site.queue("dead")
    site.subscribe("sqs", site.queue("q"), RedrivePolicy=redrive(dead), RawMessageDelivery="true")
    site.publish("hi", MessageAttributes={f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(11)})
    assert [message["Body"] for message in site.received("dead")] == ["hi"]
    assert site.received("q") == []


def test_without_dead_letters_a_failed_delivery_is_dropped(site: Site) -> None:
    site.subscribe("sqs", "arn:aws:sqs:us-east-1:000000000000:gone")
    site.subscribe(
        "sqs", "arn:aws:sqs:us-east-1:000000000000:lost", RedrivePolicy=redrive("arn:aws:sqs:us-east-1:0:gone")
    )
    site.publish("hi")
    site.world.run_due()
    assert site.world.next_due() is None or site.world.run_due() == 0


def test_a_delivery_that_crashed_before_its_commit_was_never_acknowledged(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.sns("CreateTopic", Name="orders")
    site.subscribe("sqs", site.queue("q"))
    site.world.crash_before_commit = site.world.commits + 1
    with pytest.raises(Crash):
        site.publish("lost")
    site.world = site.world.restart()
    site.publish("kept")
    assert site.texts("q") == ["kept"]
    site.world.close()


def test_an_http_endpoint_confirms_then_gets_notifications(site: Site) -> None:
    site.subscribe("http", "http://example.test/hook")
    site.publish("too early")
    site.world.run_due()
    (asked,) = site.endpoint.posts
    assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    token = json.loads(asked.content)["Token"]
    confirmed = site.sns("ConfirmSubscription", TopicArn=TOPIC, Token=token)["SubscriptionArn"]
    site.publish("hi")
    site.world.run_due()
    told = site.endpoint.posts[1]
    assert told.headers["x-amz-sns-subscription-arn"] == confirmed
    assert json.loads(told.content)["Message"] == "hi"


def http_subscription(site: Site, **attributes: str) -> None:
    site.subscribe("http", "http://example.test/hook", **attributes)
    site.world.run_due()
    token = json.loads(site.endpoint.posts.pop().content)["Token"]
    site.sns("ConfirmSubscription", TopicArn=TOPIC, Token=token)


def test_subscribers_go_on_with_the_trace_of_whoever_published(site: Site) -> None:
    # Source: https://docs.aws.amazon.com/sns/latest/dg/sns-active-tracing.html (PassThrough: the header is handed on)
    trace = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"
    site.subscribe("sqs", site.queue("q"))
    site.subscribe("lambda", FUNCTION)
    http_subscription(site)
    site.world.call("sns", "Publish", {"TopicArn": TOPIC, "Message": "hi"}, caller=Caller(trace=trace))
    url = "http://localhost/000000000000/q"
    site.world.run_due()
    asked = {"QueueUrl": url, "MessageSystemAttributeNames": ["AWSTraceHeader"]}
    assert site.world.call("sqs", "ReceiveMessage", asked)["Messages"][0]["Attributes"] == {"AWSTraceHeader": trace}
    assert site.traces == [trace]
    assert site.endpoint.posts[-1].headers["x-amzn-trace-id"] == trace


def test_a_failed_post_is_repeated_as_the_policy_says_and_then_a_dead_letter(site: Site) -> None:
    dead = site.queue("dead")
    http_subscription(site, RedrivePolicy=redrive(dead))
    site.endpoint.statuses = [500, 0, 429, 503]
    site.publish("hi")
    site.world.run_due()
    counts = []
    for _ in range(4):
        site.world.advance(timedelta(seconds=20))
        counts.append(len(site.endpoint.posts))
    assert counts == [2, 3, 4, 4]
    assert len({post.headers["x-amz-sns-message-id"] for post in site.endpoint.posts}) == 1
    assert site.texts("dead") == ["hi"]


def test_a_client_side_error_is_final(site: Site) -> None:
    dead = site.queue("dead")
    http_subscription(site, RedrivePolicy=redrive(dead), RawMessageDelivery="true")
    site.endpoint.statuses = [404]
    site.publish("hi")
    assert [message["Body"] for message in site.received("dead")] == ["hi"]
    assert [post.headers.get("x-amz-sns-rawdelivery") for post in site.endpoint.posts] == ["true"]


# Topics --------------------------------------------------------------------------------------------------------------


def test_creating_a_topic_again_answers_the_same(site: Site) -> None:
    assert site.sns("CreateTopic", Name="orders") == {"TopicArn": TOPIC}
    with pytest.raises(ServiceError, match="Topic already exists with different attributes"):
        site.sns("CreateTopic", Name="orders", Attributes={"DisplayName": "x"})
    with pytest.raises(ServiceError, match="Topic already exists with different tags"):
        site.sns("CreateTopic", Name="orders", Tags=[{"Key": "k", "Value": "v"}])


def test_attributes_are_set_shown_and_taken_back(site: Site) -> None:
    site.sns("SetTopicAttributes", TopicArn=TOPIC, AttributeName="DisplayName", AttributeValue="Orders")
    site.subscribe("sqs", site.queue("q"))
    shown = site.sns("GetTopicAttributes", TopicArn=TOPIC)["Attributes"]
    assert (shown["DisplayName"], shown["Owner"], shown["SubscriptionsConfirmed"]) == ("Orders", "000000000000", "1")
    assert json.loads(shown["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    assert json.loads(shown["Policy"])["Statement"][0]["Resource"] == TOPIC
    site.sns("SetTopicAttributes", TopicArn=TOPIC, AttributeName="DisplayName", AttributeValue="")
    assert site.sns("GetTopicAttributes", TopicArn=TOPIC)["Attributes"]["DisplayName"] == ""


def test_a_deleted_topic_takes_its_subscriptions_along(site: Site) -> None:
    site.subscribe("sqs", site.queue("q"))
    site.sns("DeleteTopic", TopicArn=TOPIC)
    site.sns("DeleteTopic", TopicArn=TOPIC)
    site.world.run_due()
    assert site.sns("ListSubscriptions") == {"Subscriptions": []}
    with pytest.raises(ServiceError, match="Topic does not exist"):
        site.publish()
    site.sns("CreateTopic", Name="orders")
    site.publish()
    assert site.received("q") == []


def test_lists_come_in_pages(site: Site) -> None:
    for number in range(120):
        site.sns("CreateTopic", Name=f"t{number:03}")
    page = site.sns("ListTopics")
    rest = site.sns("ListTopics", NextToken=page["NextToken"])
    assert (len(page["Topics"]), len(rest["Topics"]), "NextToken" in rest) == (100, 21, False)
    assert site.sns("ListTopics", NextToken="")["NextToken"] == page["NextToken"]


LISTS = [
    ("ListTopics", "NextToken", {}),
    ("ListSubscriptions", "NextToken", {}),
    ("ListSubscriptionsByTopic", "NextToken", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:orders"}),
    ("ListPlatformApplications", "NextToken", {}),
    ("ListPhoneNumbersOptedOut", "nextToken", {}),
    ("ListSMSSandboxPhoneNumbers", "NextToken", {}),
    ("ListOriginationNumbers", "NextToken", {}),
]


@pytest.mark.parametrize("token", ["bogus", "%", "orders", "c25zLw==", "arn:aws:sns:us-east-1:000000000000:orders"])
@pytest.mark.parametrize(("operation", "member", "request_"), LISTS, ids=[name for name, *_ in LISTS])
def test_a_token_that_nobody_was_given_is_refused(
    site: Site, operation: str, member: str, request_: dict[str, Any], token: str
) -> None:
    # Source: SNS API Reference, ListTopics, Errors: InvalidParameter.
    with pytest.raises(ServiceError, match="Invalid parameter: NextToken") as refused:
        site.sns(operation, **request_, **{member: token})
    assert refused.value.code == "InvalidParameterException"


def test_topics_of_other_accounts_and_regions_are_not_seen(site: Site) -> None:
    for caller in (Caller("111111111111", "us-east-1"), Caller("000000000000", "eu-west-1")):
        assert site.world.call("sns", "ListTopics", {}, caller=caller) == {"Topics": []}


def test_permissions_are_statements_of_the_policy(site: Site) -> None:
    site.sns("AddPermission", TopicArn=TOPIC, Label="l", AWSAccountId=["111111111111"], ActionName=["Publish"])
    policy = json.loads(site.sns("GetTopicAttributes", TopicArn=TOPIC)["Attributes"]["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["__default_statement_ID", "l"]
    with pytest.raises(ServiceError, match="Statement already exists"):
        site.sns("AddPermission", TopicArn=TOPIC, Label="l", AWSAccountId=["1" * 12], ActionName=["Publish"])
    with pytest.raises(ServiceError, match="Policy statement action out of service scope!"):
        site.sns("AddPermission", TopicArn=TOPIC, Label="m", AWSAccountId=["1" * 12], ActionName=["Fly"])
    site.sns("RemovePermission", TopicArn=TOPIC, Label="l")
    site.sns("RemovePermission", TopicArn=TOPIC, Label="l")
    policy = json.loads(site.sns("GetTopicAttributes", TopicArn=TOPIC)["Attributes"]["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["__default_statement_ID"]


def test_tags_are_kept(site: Site) -> None:
    site.sns("TagResource", ResourceArn=TOPIC, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    site.sns("UntagResource", ResourceArn=TOPIC, TagKeys=["a", "zzz"])
    assert site.sns("ListTagsForResource", ResourceArn=TOPIC) == {"Tags": [{"Key": "b", "Value": "2"}]}
    with pytest.raises(ServiceError, match="Duplicated keys"):
        site.sns("TagResource", ResourceArn=TOPIC, Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}])
    with pytest.raises(ServiceError, match="Resource does not exist"):
        site.sns("ListTagsForResource", ResourceArn=TOPIC + "x")


# Subscriptions -------------------------------------------------------------------------------------------------------


def test_subscribing_again_answers_the_same(site: Site) -> None:
    queue = site.queue("q")
    first = site.subscribe("sqs", queue)
    assert site.subscribe("sqs", queue) == first
    with pytest.raises(ServiceError, match="Subscription already exists with different attributes"):
        site.subscribe("sqs", queue, RawMessageDelivery="true")


def test_a_mail_address_is_pending_until_the_mailbox_opens_its_link(site: Site) -> None:
    answer = site.sns("Subscribe", TopicArn=TOPIC, Protocol="email", Endpoint="a@example.com")
    assert answer == {"SubscriptionArn": "pending confirmation"}
    (mail,) = site.mails(recipient="a@example.com")
    assert mail["subject"] == CONFIRM
    assert "Action=ConfirmSubscription" in mail["body"]
    (shown,) = site.sns("ListSubscriptionsByTopic", TopicArn=TOPIC)["Subscriptions"]
    assert shown["SubscriptionArn"].startswith(TOPIC)


def test_a_subscription_is_shown_with_what_was_set(site: Site) -> None:
    arn = site.subscribe("sqs", site.queue("q"), FilterPolicy='{"a": ["b"]}')
    site.sns(
        "SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    shown = site.sns("GetSubscriptionAttributes", SubscriptionArn=arn)["Attributes"]
    assert shown["FilterPolicy"] == '{"a": ["b"]}'
    assert shown["FilterPolicyScope"] == "MessageAttributes"
    assert (shown["RawMessageDelivery"], shown["PendingConfirmation"], shown["Protocol"]) == ("true", "false", "sqs")
    site.sns("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="{}")
    assert "FilterPolicy" not in site.sns("GetSubscriptionAttributes", SubscriptionArn=arn)["Attributes"]


def test_the_scope_of_a_filter_changes_only_where_the_filter_allows(site: Site) -> None:
    arn = site.subscribe("sqs", site.queue("q"), FilterPolicy='{"a": {"b": ["c"]}}', FilterPolicyScope="MessageBody")
    with pytest.raises(ServiceError, match="nested"):
        site.sns(
            "SetSubscriptionAttributes",
            SubscriptionArn=arn,
            AttributeName="FilterPolicyScope",
            AttributeValue="MessageAttributes",
        )


def test_an_ended_subscription_is_told_nothing_more(site: Site) -> None:
    arn = site.subscribe("sqs", site.queue("q"))
    site.sns("Unsubscribe", SubscriptionArn=arn)
    site.sns("Unsubscribe", SubscriptionArn=arn)
    site.publish()
    assert site.received("q") == []
    assert site.sns("GetTopicAttributes", TopicArn=TOPIC)["Attributes"]["SubscriptionsDeleted"] == "1"
    with pytest.raises(ServiceError, match="Subscription does not exist"):
        site.sns("GetSubscriptionAttributes", SubscriptionArn=arn)


def test_a_token_that_was_never_given_out_confirms_nothing(site: Site) -> None:
    site.subscribe("http", "http://example.test/")
    with pytest.raises(ServiceError, match="Invalid parameter: Token"):
        site.sns("ConfirmSubscription", TopicArn=TOPIC, Token="0" * 128)


# Publishing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"TopicArn": TOPIC, "Message": ""}, "Invalid parameter: Empty message"),
        ({"TopicArn": TOPIC, "Message": "x" * 262_145}, "Invalid parameter: Message too long"),
        ({"TopicArn": TOPIC, "Message": "m", "Subject": "a\nb"}, "Invalid parameter: Subject"),
        ({"TopicArn": TOPIC, "Message": "m", "MessageDeduplicationId": "d"}, "not valid for this topic type"),
        ({"TopicArn": TOPIC + "x", "Message": "m"}, "Topic does not exist"),
        ({"TopicArn": "nonsense", "Message": "m"}, "An ARN must have at least 6 elements, not 1"),
        ({"Message": "m"}, "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"),
        ({"PhoneNumber": "home", "Message": "m"}, "Invalid parameter: PhoneNumber Reason: home is not valid"),
        (
            {"TargetArn": TOPIC.replace("orders", "endpoint/GCM/a/b"), "Message": "m"},
            "No endpoint found for the target arn specified",
        ),
    ],
)
def test_what_cannot_be_published_is_refused(site: Site, members: dict[str, Any], fault: str) -> None:
    with pytest.raises(ServiceError, match=fault):
        site.sns("Publish", **members)


def test_a_larger_limit_is_the_topics_own(site: Site) -> None:
    site.sns("SetTopicAttributes", TopicArn=TOPIC, AttributeName="MaximumMessageSize", AttributeValue="1048576")
    site.subscribe("lambda", FUNCTION)
    site.publish("x" * 300_000)
    site.world.run_due()
    assert len(site.invocations) == 1


def test_a_batch_takes_each_message_for_itself(site: Site) -> None:
    site.subscribe("sqs", site.queue("q"))
    entries = [{"Id": "a", "Message": "1"}, {"Id": "b", "Message": ""}, {"Id": "c", "Message": "3"}]
    answer = site.sns("PublishBatch", TopicArn=TOPIC, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a", "c"]
    assert answer["Failed"] == [
        {"Id": "b", "Code": "InvalidParameter", "Message": "Invalid parameter: Empty message", "SenderFault": True}
    ]
    assert sorted(site.texts("q")) == ["1", "3"]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([{"Id": "", "Message": "m"}], "InvalidBatchEntryIdException"),
        ([], "EmptyBatchRequestException"),
        ([{"Id": str(n), "Message": "m"} for n in range(11)], "TooManyEntriesInBatchRequestException"),
        ([{"Id": "a", "Message": "m"}] * 2, "BatchEntryIdsNotDistinctException"),
        ([{"Id": "a b", "Message": "m"}], "InvalidBatchEntryIdException"),
        ([{"Id": "a", "Message": "m" * 200_000}, {"Id": "b", "Message": "m" * 70_000}], "BatchRequestTooLongException"),
    ],
)
def test_a_batch_that_is_none_is_refused(site: Site, entries: list[dict[str, str]], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        site.sns("PublishBatch", TopicArn=TOPIC, PublishBatchRequestEntries=entries)
    assert refused.value.code == code


# The tables themselves -----------------------------------------------------------------------------------------------


def test_every_operation_and_error_is_named_as_in_the_model(sns_models: Models) -> None:
    model = sns_models.service("sns")
    assert {operation.name for operation in sns.SERVICE.operations} == model.operations.keys()
    codec = Wire(sns_models).codec("sns", "AddPermission")
    members = {"TopicArn": TOPIC, "Label": "l", "AWSAccountId": ["1"], "ActionName": ["Publish"]}
    assert codec.check(members) == members


@pytest.fixture(scope="session")
def sns_models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    from interstate.wire.model import load  # noqa: PLC0415 - only this test needs models

    return load(tmp_path_factory.mktemp("models"))


def test_records_and_columns_have_the_same_names() -> None:
    from interstate.store.records import sns as records  # noqa: PLC0415 - looked at as a module

    tables = [value for value in vars(records).values() if isinstance(value, Table)]
    assert {"topics", "subscriptions", "mails", "topic_sequences"} <= {table.name for table in tables}
