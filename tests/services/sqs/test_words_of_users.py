"""Refusals in the words that users of AWS have published; each names where.

Recorded suites are kept apart; these are issues, questions and logs of users of the service itself.
"""

import json
from typing import Any

import pytest
from tests.services.sqs.conftest import Queues

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError

POLICY = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}


def refused(act: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        act()
    return caught.value.code, caught.value.message


def test_no_attributes_are_a_missing_name(queues: Queues) -> None:
    """Source: https://github.com/pulumi/pulumi-aws/issues/5959, https://github.com/pulumi/pulumi-aws/issues/5677."""
    queues.create()
    assert refused(lambda: queues.call("SetQueueAttributes", Attributes={})) == (
        "MissingParameter",
        "The request must contain the parameter Attribute.Name.",
    )


def test_an_empty_handle_is_a_missing_one(queues: Queues) -> None:
    """Source: https://github.com/aws/aws-sdk-js-v3/issues/5478, https://github.com/aws/aws-sdk-js-v3/issues/6092."""
    queues.create()
    wanted = ("MissingParameter", "The request must contain the parameter MessageHandle.")
    assert refused(lambda: queues.call("DeleteMessage", ReceiptHandle="")) == wanted


def test_another_queues_handle_is_not_valid_for_this_one(queues: Queues) -> None:
    """Source: https://github.com/aws/aws-sdk-java-v2/issues/3101."""
    queues.create()
    queues.create("other")
    queues.send("a")
    handle = queues.receive()[0]["ReceiptHandle"]
    wanted = f'The receipt handle "{handle}" is not valid for this queue.'
    assert refused(lambda: queues.call("DeleteMessage", "other", ReceiptHandle=handle)) == (
        "ReceiptHandleIsInvalid",
        wanted,
    )
    entries = [{"Id": "1", "ReceiptHandle": handle}]
    assert queues.call("DeleteMessageBatch", "other", Entries=entries) == {
        "Failed": [{"Id": "1", "SenderFault": True, "Code": "ReceiptHandleIsInvalid", "Message": wanted}]
    }


def test_a_url_that_another_account_does_not_tell(queues: Queues) -> None:
    """Source: https://github.com/fluent/fluent-plugin-s3/issues/342."""
    queues.create()
    words = "The specified queue does not exist or you do not have access to it."
    asked = {"QueueName": "q", "QueueOwnerAWSAccountId": "000000000000"}
    other = Caller("111111111111", "us-east-1")
    assert refused(lambda: queues.world.call("sqs", "GetQueueUrl", asked, caller=other)) == ("QueueDoesNotExist", words)
    asked["QueueName"] = "none"
    assert refused(lambda: queues.world.call("sqs", "GetQueueUrl", asked, caller=other)) == ("QueueDoesNotExist", words)
    assert refused(lambda: queues.world.call("sqs", "GetQueueUrl", asked))[1] == "The specified queue does not exist."


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        # Source: https://github.com/aws/aws-sdk-php/issues/694
        (
            {"": {"DataType": "String", "StringValue": "x"}},
            "The request must contain non-empty message attribute name.",
        ),
        # Source: https://github.com/aws/aws-sdk-java/issues/1692
        ({"a": {"DataType": "", "StringValue": "x"}}, "The message attribute 'a' must contain non-empty message attribute type."),
        # Source: SQS Developer Guide, "Amazon SQS message metadata" (A-Z, a-z, 0-9, ...)
        (
            {"\u00e9": {"DataType": "String", "StringValue": "x"}},
            (
                "The message attribute name '\u00e9' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), "
                "hyphen (-), and period (.) characters."
            ),
        ),
    ],
)  # fmt: skip
def test_an_attribute_has_a_name_and_a_type(queues: Queues, attributes: dict[str, Any], message: str) -> None:
    queues.create()
    assert refused(lambda: queues.send("b", MessageAttributes=attributes)) == ("InvalidParameterValue", message)


def test_what_is_not_for_the_type_of_queue_fails_an_entry_alone(queues: Queues) -> None:
    """Source: https://github.com/aws/aws-sdk-js/issues/3187, https://github.com/ethberry/nestjs-sqs/issues/83."""
    queues.create()
    queues.create("q.fifo", ContentBasedDeduplication="true")
    failed = {
        "Id": "a",
        "SenderFault": True,
        "Code": "InvalidParameterValue",
        "Message": "The request include parameter that is not valid for this queue type",
    }
    entries = [{"Id": "a", "MessageBody": "a", "MessageDeduplicationId": "d"}, {"Id": "b", "MessageBody": "b"}]
    told = queues.call("SendMessageBatch", Entries=entries)
    assert ([one["Id"] for one in told["Successful"]], told["Failed"]) == (["b"], [failed])
    assert queues.call("SendMessageBatch", Entries=entries[:1]) == {"Failed": [failed]}
    assert queues.bodies() == ["b"]
    delayed = [{"Id": "a", "MessageBody": "a", "MessageGroupId": "g", "DelaySeconds": 1}]
    assert queues.call("SendMessageBatch", "q.fifo", Entries=delayed) == {"Failed": [failed]}


@pytest.mark.parametrize(
    "statements",
    [[], {}, [{**POLICY, "Principal": None}], [{**POLICY, "Resource": None}], [{**POLICY, "Action": None}], ["x"]],
)
def test_a_policy_has_complete_statements(queues: Queues, statements: Any) -> None:
    """Source: https://github.com/cloud-custodian/cloud-custodian/issues/1816, https://github.com/aws/aws-cdk/issues/1675."""
    queues.create()
    if isinstance(statements, list):
        statements = [
            {name: value for name, value in one.items() if value} if isinstance(one, dict) else one
            for one in statements
        ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    wanted = ("InvalidAttributeValue", "Invalid value for the parameter Policy.")
    assert refused(lambda: queues.call("SetQueueAttributes", Attributes={"Policy": policy})) == wanted


def test_a_policy_names_actions_that_there_are(queues: Queues) -> None:
    """Source: https://github.com/cloudtools/awacs/issues/34, https://github.com/aws/aws-cdk/issues/2381."""
    queues.create()
    words = (
        "for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid actions."
    )
    policy = {"Statement": {**POLICY, "Action": ["sqs:SendMessage", "sqs:ChangeMessageVisibilityBatch"]}}
    attributes = {"Policy": json.dumps(policy)}
    assert refused(lambda: queues.call("SetQueueAttributes", Attributes=attributes)) == (
        "InvalidParameterValue",
        f"Value sqs:ChangeMessageVisibilityBatch {words}",
    )
    shared: dict[str, Any] = {"Label": "a", "AWSAccountIds": ["111111111111"], "Actions": ["Foo"]}
    assert refused(lambda: queues.call("AddPermission", **shared)) == (
        "InvalidParameterValue",
        f"Value SQS:Foo {words}",
    )
    for action in ("sqs:*", "SQS:ReceiveMessage", "sqs:Send*", "*"):
        policy = {"Statement": {**POLICY, "Action": action}}
        queues.call("SetQueueAttributes", Attributes={"Policy": json.dumps(policy)})
