"""Names, attributes, tags and permissions of queues. Source: SQS API Reference; recorded answers of AWS."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.services.sqs.conftest import Queues

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.services.sqs.locate import arn_of_url, queue_url

OTHER = Caller("111111111111")
ARN = "arn:aws:sqs:us-east-1:000000000000:"


def create(queues: Queues, name: str, attributes: dict[str, str] | None = None) -> Any:
    return queues.world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes or {}})


def refused(act: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        act()
    return caught.value.code, caught.value.message


NAMES = [
    ("a b", {}, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"),
    ("a" * 81, {}, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"),
    ("a/b", {}, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"),
    ("a.fifo", {}, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"),
    ("a", {"FifoQueue": "true"}, "must end with .fifo suffix and be 1 to 80 in length."),
    (".fifo", {"FifoQueue": "true"}, "must end with .fifo suffix and be 1 to 80 in length."),
    ("a" * 76 + ".fifo", {"FifoQueue": "true"}, "must end with .fifo suffix and be 1 to 80 in length."),
]


@pytest.mark.parametrize(("name", "attributes", "text"), NAMES)
def test_a_name_says_the_type(queues: Queues, name: str, attributes: dict[str, str], text: str) -> None:
    code, message = refused(lambda: create(queues, name, attributes))
    assert code == "InvalidParameterValue"
    assert message.endswith(text)


REFUSED = [
    ({"FifoQueue": "false"}, "InvalidAttributeName", "Unknown Attribute FifoQueue."),
    ({"ContentBasedDeduplication": "false"}, "InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."),
    ({"DeduplicationScope": "queue"}, "InvalidAttributeName", "You can specify the DeduplicationScope only when FifoQueue is set to true."),
    ({"FifoThroughputLimit": "perQueue"}, "InvalidAttributeName", "You can specify the FifoThroughputLimit only when FifoQueue is set to true."),
    ({"QueueArn": "x"}, "InvalidAttributeName", "Unknown Attribute QueueArn."),
    ({"Nothing": "x"}, "InvalidAttributeName", "Unknown Attribute Nothing."),
    ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."),
    ({"DelaySeconds": "x"}, "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."),
    ({"SqsManagedSseEnabled": "x"}, "InvalidAttributeValue", "Invalid value for the parameter SqsManagedSseEnabled."),
    ({"Policy": "x"}, "InvalidAttributeValue", "Invalid value for the parameter Policy. Reason: Amazon SQS can't parse the value as JSON."),
    ({"Policy": '{"Statement":[{"Effect":"Perhaps"}]}'}, "InvalidAttributeValue", "Invalid value for the parameter Policy."),
    ({"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"}, "InvalidAttributeName", "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "code", "message"), REFUSED)
def test_bad_attributes_are_refused_by_create_and_set(
    queues: Queues, attributes: dict[str, str], code: str, message: str
) -> None:
    assert refused(lambda: create(queues, "q", attributes)) == (code, message)
    queues.create()
    assert refused(lambda: queues.call("SetQueueAttributes", Attributes=attributes)) == (code, message)


def test_a_type_stays(queues: Queues) -> None:
    queues.create("q.fifo")
    queues.call("SetQueueAttributes", "q.fifo", Attributes={"FifoQueue": "true"})
    assert refused(lambda: queues.call("SetQueueAttributes", "q.fifo", Attributes={"FifoQueue": "false"})) == (
        "InvalidAttributeValue",
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    )
    high = {"FifoThroughputLimit": "perMessageGroupId"}
    assert refused(lambda: queues.call("SetQueueAttributes", "q.fifo", Attributes=high))[0] == "InvalidAttributeValue"
    queues.call("SetQueueAttributes", "q.fifo", Attributes={**high, "DeduplicationScope": "messageGroup"})


def test_a_fifo_queue_shows_its_defaults(queues: Queues) -> None:
    create(queues, "q.fifo", {"FifoQueue": "True", "ContentBasedDeduplication": "False"})
    shown = queues.attributes("q.fifo")
    wanted = {"FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue",
              "FifoThroughputLimit": "perQueue", "SqsManagedSseEnabled": "true"}  # fmt: skip
    assert {name: shown[name] for name in wanted} == wanted


def test_encryption_is_of_one_kind(queues: Queues) -> None:
    queues.create()
    kms = ("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled")

    def shown(**changed: str) -> list[str | None]:
        queues.call("SetQueueAttributes", Attributes=changed)
        attributes = queues.attributes()
        return [attributes.get(name) for name in kms]

    assert shown(KmsMasterKeyId="key") == ["key", "300", "false"]
    assert shown(KmsDataKeyReusePeriodSeconds="6000") == ["key", "6000", "false"]
    assert shown(KmsMasterKeyId="", KmsDataKeyReusePeriodSeconds="300") == [None, None, "false"]
    assert shown(SqsManagedSseEnabled="true") == [None, None, "true"]


def test_create_again_answers_the_same_unless_an_attribute_differs(queues: Queues) -> None:
    first = create(queues, "q", {"DelaySeconds": "1"})
    for same in ({}, {"DelaySeconds": "1"}, {"DelaySeconds": "1", "VisibilityTimeout": "30"}):
        assert create(queues, "q", same) == first
    assert refused(lambda: create(queues, "q", {"DelaySeconds": "2"})) == (
        "QueueNameExists",
        "A queue already exists with the same name and a different value for attribute DelaySeconds",
    )
    create(queues, "f.fifo", {"FifoQueue": "true"})
    changed = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    assert refused(lambda: create(queues, "f.fifo", changed))[1].endswith("for attribute ContentBasedDeduplication")


def test_a_deleted_name_rests_for_a_minute(queues: Queues) -> None:
    queues.create()
    queues.send("old")
    queues.call("DeleteQueue")
    queues.world.advance(timedelta(seconds=59))
    assert refused(queues.create) == (
        "QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    )
    queues.world.advance(timedelta(seconds=1))
    queues.create()
    assert queues.receive() == []
    assert queues.counts() == [0, 0, 0]


# Permissions -------------------------------------------------------------------------------------------------------


def permit(queues: Queues, label: str, *accounts: str, actions: tuple[str, ...] = ("ReceiveMessage",)) -> None:
    queues.call("AddPermission", Label=label, AWSAccountIds=list(accounts), Actions=list(actions))


def test_permissions_are_statements_of_the_policy(queues: Queues) -> None:
    arn = queues.create()
    permit(queues, "one", "111111111111", "222222222222")
    permit(queues, "two", "111111111111", actions=("SendMessage", "GetQueueUrl"))
    policy = json.loads(queues.attributes()["Policy"])
    assert (policy["Version"], policy["Id"]) == ("2008-10-17", f"{arn}/SQSDefaultPolicy")
    first, second = policy["Statement"]
    assert first == {
        "Sid": "one", "Effect": "Allow", "Action": "SQS:ReceiveMessage", "Resource": arn,
        "Principal": {"AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"]},
    }  # fmt: skip
    assert second["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert second["Action"] == ["SQS:SendMessage", "SQS:GetQueueUrl"]
    assert (
        refused(lambda: permit(queues, "one", "1"))[1]
        == "Value one for parameter Label is invalid. Reason: Already exists."
    )
    for label in ("one", "two"):
        queues.call("RemovePermission", Label=label)
    assert "Policy" not in queues.attributes()
    assert refused(lambda: queues.call("RemovePermission", Label="one"))[1] == (
        "Value one for parameter Label is invalid. Reason: can't find label."
    )


@pytest.mark.parametrize(
    ("account", "action", "message"),
    [
        ("123", "SendMessage", "Value [123] for parameter PrincipalId is invalid. Reason: Unable to verify."),
        (
            "111111111111",
            "CreateQueue",
            (
                "Value SQS:CreateQueue for parameter ActionName is invalid. "
                "Reason: Only the queue owner is allowed to invoke this action."
            ),
        ),
    ],
)
def test_a_permission_names_accounts_and_what_can_be_shared(
    queues: Queues, account: str, action: str, message: str
) -> None:
    queues.create()
    assert refused(lambda: permit(queues, "one", account, actions=(action,))) == ("InvalidParameterValue", message)
    assert "Policy" not in queues.attributes()


def test_another_account_needs_the_policy(queues: Queues) -> None:
    arn = queues.create()

    def send() -> Any:
        return queues.call("SendMessage", caller=OTHER, MessageBody="x")

    assert refused(send) == (
        "AccessDenied",
        (
            f"User: arn:aws:iam::111111111111:root is not authorized to perform: sqs:sendmessage on resource: {arn} "
            "because no resource-based policy allows the sqs:sendmessage action"
        ),
    )
    owner = {"QueueName": "q", "QueueOwnerAWSAccountId": "000000000000"}
    with pytest.raises(ServiceError, match="does not exist"):
        queues.world.call("sqs", "GetQueueUrl", owner, caller=OTHER)
    permit(queues, "l", "111111111111", actions=("SendMessage", "GetQueueUrl"))
    send()
    assert queues.world.call("sqs", "GetQueueUrl", owner, caller=OTHER)["QueueUrl"].endswith("/000000000000/q")
    (message,) = queues.receive(AttributeNames=["SenderId"])
    assert message["Attributes"] == {"SenderId": "111111111111"}


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("DeleteQueue", {}), ("SetQueueAttributes", {"Attributes": {}}), ("ListQueueTags", {}),
        ("TagQueue", {"Tags": {"a": "b"}}), ("UntagQueue", {"TagKeys": ["a"]}), ("RemovePermission", {"Label": "l"}),
        ("AddPermission", {"Label": "m", "AWSAccountIds": ["1"], "Actions": ["*"]}),
    ],
)  # fmt: skip
def test_some_actions_no_policy_shares(queues: Queues, operation: str, request_: dict[str, Any]) -> None:
    queues.create()
    permit(queues, "l", "111111111111", actions=("*",))
    assert refused(lambda: queues.call(operation, caller=OTHER, **request_))[0] == "AccessDenied"


def test_a_denied_owner_can_still_mend_the_policy(queues: Queues) -> None:
    arn = queues.create()
    statement = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": arn}
    queues.call("SetQueueAttributes", Attributes={"Policy": json.dumps({"Statement": [statement]})})
    assert "explicit deny" in refused(lambda: queues.send("x"))[1]
    queues.call("SetQueueAttributes", Attributes={"Policy": ""})
    queues.send("x")


def test_a_service_needs_the_policy_for_its_resource(queues: Queues) -> None:
    arn = queues.create()
    rule = "arn:aws:events:us-east-1:000000000000:rule/r"
    service = Caller().on_behalf_of("events.amazonaws.com", rule)
    assert refused(lambda: queues.call("SendMessage", caller=service, MessageBody="x"))[0] == "AccessDenied"
    statement = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }  # fmt: skip
    queues.call("SetQueueAttributes", Attributes={"Policy": json.dumps({"Statement": [statement]})})
    queues.call("SendMessage", caller=service, MessageBody="x")
    assert queues.bodies() == ["x"]


# Addresses ---------------------------------------------------------------------------------------------------------

EU = Caller(region="eu-west-1")
ADDRESSES = [
    ("http://sqs.eu-west-1.localhost:4566/111111111111/n", Caller(), "eu-west-1"),
    ("https://sqs.us-east-1.amazonaws.com/111111111111/n", EU, "us-east-1"),
    ("http://eu-west-1.queue.localhost:1/111111111111/n", Caller(), "eu-west-1"),
    ("http://queue.localhost/111111111111/n", EU, "us-east-1"),
    ("http://localhost:4566/queue/eu-west-1/111111111111/n", Caller(), "eu-west-1"),
    ("http://127.0.0.1:4566/111111111111/n", EU, "eu-west-1"),
    ("http://queue:4566/111111111111/n", EU, "eu-west-1"),
    ("http://interstate/111111111111/n", Caller(), "us-east-1"),
]


@pytest.mark.parametrize(("url", "caller", "region"), ADDRESSES)
def test_an_address_tells_account_name_and_often_the_region(url: str, caller: Caller, region: str) -> None:
    assert arn_of_url(url, caller) == f"arn:aws:sqs:{region}:111111111111:n"


SHOWN = [
    ("", "http://sqs.eu-west-1.localhost:4566/000000000000/n"),
    ("localhost:7", "http://sqs.eu-west-1.localhost:7/000000000000/n"),
    ("sqs.us-east-1.localhost:7", "http://sqs.eu-west-1.localhost:7/000000000000/n"),
    ("127.0.0.1:7", "http://127.0.0.1:7/queue/eu-west-1/000000000000/n"),
    ("interstate", "http://interstate/queue/eu-west-1/000000000000/n"),
]


@pytest.mark.parametrize(("host", "url"), SHOWN)
def test_a_url_shows_the_host_by_which_the_caller_came_and_leads_back(host: str, url: str) -> None:
    caller = Caller(region="eu-west-1", host=host)
    assert queue_url(caller, "n") == url
    assert arn_of_url(url, Caller()) == "arn:aws:sqs:eu-west-1:000000000000:n"


def test_an_address_without_a_queue_is_refused(queues: Queues) -> None:
    assert refused(lambda: queues.world.call("sqs", "ListQueueTags", {"QueueUrl": "http://localhost/"})) == (
        "InvalidAddress",
        "The address http://localhost/ is not valid for this endpoint.",
    )


# Dead letters, lists, tags -----------------------------------------------------------------------------------------


def redrive_to(name: str, count: int = 1) -> str:
    return json.dumps({"deadLetterTargetArn": ARN + name, "maxReceiveCount": count})


def test_dead_letters_go_to_a_queue_of_the_same_type_that_allows_it(queues: Queues) -> None:
    queues.create("dead.fifo")
    code, message = refused(lambda: create(queues, "q", {"RedrivePolicy": redrive_to("dead.fifo")}))
    assert message.endswith("Reason: Dead letter queue must be same type of queue as the source.")
    queues.create("dead", RedriveAllowPolicy=json.dumps({"redrivePermission": "denyAll"}))
    code, message = refused(lambda: create(queues, "q", {"RedrivePolicy": redrive_to("dead")}))
    assert (code, "does not allow" in message) == ("InvalidParameterValue", True)
    by_queue = {"redrivePermission": "byQueue", "sourceQueueArns": [ARN + "q"]}
    queues.call("SetQueueAttributes", "dead", Attributes={"RedriveAllowPolicy": json.dumps(by_queue)})
    create(queues, "q", {"RedrivePolicy": redrive_to("dead")})
    assert refused(lambda: create(queues, "r", {"RedrivePolicy": redrive_to("dead")}))[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    "policy",
    [
        {"redrivePermission": "some"}, {"redrivePermission": "byQueue"}, {}, {"redrivePermission": "byQueue", "sourceQueueArns": []},
        {"redrivePermission": "byQueue", "sourceQueueArns": [ARN + str(n) for n in range(11)]},
        {"redrivePermission": "denyAll", "sourceQueueArns": [ARN]}, {"redrivePermission": "byQueue", "sourceQueueArns": ["x"]},
    ],
)  # fmt: skip
def test_an_allow_policy_is_one(queues: Queues, policy: dict[str, Any]) -> None:
    code, message = refused(lambda: create(queues, "q", {"RedriveAllowPolicy": json.dumps(policy)}))
    assert (code, "for parameter RedriveAllowPolicy is invalid" in message) == ("InvalidParameterValue", True)


def test_queues_are_listed_a_page_at_a_time(queues: Queues) -> None:
    for number in range(5):
        queues.create(f"a-{number}")
    queues.create("b")
    listed: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = queues.world.call("sqs", "ListQueues", {"QueueNamePrefix": "a-", "MaxResults": 2, **token})
        listed += page["QueueUrls"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert [url.rsplit("/", 1)[1] for url in listed] == [f"a-{number}" for number in range(5)]
    assert refused(lambda: queues.world.call("sqs", "ListQueues", {"NextToken": "%%"}))[0] == "InvalidParameterValue"


def test_tags_have_bounds(queues: Queues) -> None:
    queues.create()
    queues.call("TagQueue", Tags={"a": "1", "b": ""})
    queues.call("UntagQueue", TagKeys=["a", "none"])
    assert queues.call("ListQueueTags") == {"Tags": {"b": ""}}
    for tags in ({str(n): "" for n in range(51)}, {"k" * 129: ""}, {"k": "v" * 257}):
        assert refused(lambda tags=tags: queues.call("TagQueue", Tags=tags))[0] == "InvalidParameterValue"


def test_a_receive_count_given_as_a_text_is_kept_as_a_number(queues: Queues) -> None:
    """Source: AWS CLI Command Reference, sqs set-queue-attributes (sets "1000"), get-queue-attributes (shows 1000)."""
    dead = queues.create("dead")
    given = f'{{"deadLetterTargetArn": "{dead}", "maxReceiveCount": "1000"}}'
    create(queues, "q", {"RedrivePolicy": given})
    kept = f'{{"deadLetterTargetArn":"{dead}","maxReceiveCount":1000}}'
    assert queues.attributes()["RedrivePolicy"] == kept
    create(queues, "q", {"RedrivePolicy": given})  # It is the same queue.
    wrong = given.replace(":dead", ":gone")
    code, message = refused(lambda: queues.call("SetQueueAttributes", Attributes={"RedrivePolicy": wrong}))
    assert (code, message) == (
        "InvalidParameterValue",
        f"Value {wrong} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.",
    )


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"Actions": []}, "MissingParameter"),
        ({"AWSAccountIds": []}, "MissingParameter"),
        ({"Label": "a b"}, "InvalidParameterValue"),
        ({"Label": "a" * 81}, "InvalidParameterValue"),
    ],
)
def test_a_permission_has_a_label_accounts_and_actions(queues: Queues, request_: dict[str, Any], code: str) -> None:
    """Source: SQS API Reference, AddPermission (Label: alphanumeric, hyphens, underscores, at most 80 characters)."""
    queues.create()
    request = {"Label": "a", "AWSAccountIds": ["111111111111"], "Actions": ["SendMessage"], **request_}
    assert refused(lambda: queues.call("AddPermission", **request))[0] == code
    assert "Policy" not in queues.attributes()


@pytest.mark.parametrize("name", ["FifoQueue", "ContentBasedDeduplication"])
def test_a_standard_queue_is_not_asked_for_what_only_fifo_queues_have(queues: Queues, name: str) -> None:
    """Source: https://github.com/aws/aws-sdk-ruby/issues/1350."""
    queues.create()
    queues.create("q.fifo")
    assert refused(lambda: queues.call("GetQueueAttributes", AttributeNames=[name])) == (
        "InvalidAttributeName",
        f"Unknown Attribute {name}.",
    )
    assert name in queues.call("GetQueueAttributes", "q.fifo", AttributeNames=[name])["Attributes"]
