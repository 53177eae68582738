"""Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, .../lambda/latest/dg/with-sns.html"""

import json
from datetime import UTC, datetime

from interstate.core.topics.envelope import confirmation_text, lambda_event, notification_text
from interstate.core.topics.message import Attribute, Notification

TOPIC = "arn:aws:sns:us-west-2:123456789012:MyTopic"
SUBSCRIPTION = f"{TOPIC}:c9135db0-26c4-47ec-8998-413945fb5a96"
NOTIFICATION = Notification(
    "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    TOPIC,
    datetime(2012, 5, 2, 0, 54, 6, 655_999, UTC),
    'Hello "world"!',
    {"lambda": "Hello function"},
    "My First Message",
    {"price": Attribute("Number", "7"), "raw": Attribute("Binary", None, b"\x00")},
)


def test_a_queue_is_told_in_the_documents_form() -> None:
    assert notification_text(NOTIFICATION, "sqs", SUBSCRIPTION) == (
        "{\n"
        '  "Type" : "Notification",\n'
        '  "MessageId" : "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",\n'
        f'  "TopicArn" : "{TOPIC}",\n'
        '  "Subject" : "My First Message",\n'
        '  "Message" : "Hello \\"world\\"!",\n'
        '  "Timestamp" : "2012-05-02T00:54:06.655Z",\n'
        '  "SignatureVersion" : "1",\n'
        '  "Signature" : "unsigned",\n'
        '  "SigningCertURL" : "http://sns.us-west-2.localhost:4566/SimpleNotificationService-unsigned.pem",\n'
        f'  "UnsubscribeURL" : "http://sns.us-west-2.localhost:4566/?Action=Unsubscribe&SubscriptionArn={SUBSCRIPTION}",\n'
        '  "MessageAttributes" : {\n'
        '    "price" : {"Type":"Number","Value":"7"},\n'
        '    "raw" : {"Type":"Binary","Value":"AA=="}\n'
        "  }\n"
        "}"
    )


def test_without_subject_and_attributes_their_members_are_absent() -> None:
    plain = Notification("m", TOPIC, NOTIFICATION.at, "text")
    told = json.loads(notification_text(plain, "sqs", SUBSCRIPTION))
    assert not {"Subject", "MessageAttributes"} & told.keys()


def test_a_function_gets_one_record() -> None:
    (record,) = lambda_event(NOTIFICATION, SUBSCRIPTION)["Records"]
    assert (record["EventSource"], record["EventVersion"], record["EventSubscriptionArn"]) == (
        "aws:sns",
        "1.0",
        SUBSCRIPTION,
    )
    sns = record["Sns"]
    assert sns["Message"] == "Hello function"
    assert sns["Subject"] == "My First Message"
    assert sns["MessageAttributes"]["price"] == {"Type": "Number", "Value": "7"}
    assert {"SigningCertUrl", "UnsubscribeUrl"} <= sns.keys()


def test_a_confirmation_carries_token_and_address() -> None:
    told = json.loads(confirmation_text(TOPIC, "http://confirm", "token", "m", "2012-04-26T20:45:04.751Z"))
    assert (told["Type"], told["Token"], told["SubscribeURL"]) == (
        "SubscriptionConfirmation",
        "token",
        "http://confirm",
    )
    assert told["Message"].startswith(f"You have chosen to subscribe to the topic {TOPIC}.\n")
