"""Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, .../lambda/latest/dg/with-sns.html"""

import json
from datetime import UTC, datetime

from interstate.core.topics.envelope import Confirmation, Stamp, lambda_event, notification_text, signed_text
from interstate.core.topics.message import Attribute, Notification

TOPIC = "arn:aws:sns:us-west-2:123456789012:MyTopic"
SUBSCRIPTION = f"{TOPIC}:c9135db0-26c4-47ec-8998-413945fb5a96"
STAMP = Stamp("EXAMPLE=", "cert.pem", "http://localhost:4566")
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
    assert notification_text(NOTIFICATION, "sqs", SUBSCRIPTION, STAMP) == (
        "{\n"
        '  "Type" : "Notification",\n'
        '  "MessageId" : "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",\n'
        f'  "TopicArn" : "{TOPIC}",\n'
        '  "Subject" : "My First Message",\n'
        '  "Message" : "Hello \\"world\\"!",\n'
        '  "Timestamp" : "2012-05-02T00:54:06.655Z",\n'
        '  "SignatureVersion" : "1",\n'
        '  "Signature" : "EXAMPLE=",\n'
        '  "SigningCertURL" : "http://localhost:4566/cert.pem",\n'
        f'  "UnsubscribeURL" : "http://localhost:4566/?Action=Unsubscribe&SubscriptionArn={SUBSCRIPTION}",\n'
        '  "MessageAttributes" : {\n'
        '    "price" : {"Type":"Number","Value":"7"},\n'
        '    "raw" : {"Type":"Binary","Value":"AA=="}\n'
        "  }\n"
        "}"
    )


def test_without_subject_and_attributes_their_members_are_absent() -> None:
    plain = Notification("m", TOPIC, NOTIFICATION.at, "text")
    told = json.loads(notification_text(plain, "sqs", SUBSCRIPTION, STAMP))
    assert not {"Subject", "MessageAttributes"} & told.keys()


def test_a_function_gets_one_record() -> None:
    (record,) = lambda_event(NOTIFICATION, SUBSCRIPTION, STAMP)["Records"]
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


def test_a_fifo_message_has_its_number_and_a_replayed_one_says_so() -> None:
    numbered = Notification("m", TOPIC, NOTIFICATION.at, "text", sequence="10000000000000001000")
    told = json.loads(notification_text(numbered, "sqs", SUBSCRIPTION, STAMP, replayed=True))
    assert list(told)[:3] == ["Type", "MessageId", "SequenceNumber"]
    assert told["Replayed"] is True


def test_what_is_signed_is_a_line_for_each_name_and_value() -> None:
    assert signed_text(NOTIFICATION, "sqs") == (
        'Message\nHello "world"!\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\nMy First Message\n'
        f"Timestamp\n2012-05-02T00:54:06.655Z\nTopicArn\n{TOPIC}\nType\nNotification\n"
    )


def test_a_confirmation_carries_token_and_address() -> None:
    told = Confirmation("SubscriptionConfirmation", "m", TOPIC, "token", "http://confirm", "2012-04-26T20:45:04.751Z")
    shown = json.loads(told.text(STAMP))
    assert (shown["Type"], shown["Token"], shown["SubscribeURL"]) == (
        "SubscriptionConfirmation",
        "token",
        "http://confirm",
    )
    assert shown["Message"].startswith(f"You have chosen to subscribe to the topic {TOPIC}.\n")
    assert told.signed_text().endswith(f"Token\ntoken\nTopicArn\n{TOPIC}\nType\nSubscriptionConfirmation\n")


def test_an_end_says_how_to_come_back() -> None:
    """Source: https://docs.aws.amazon.com/sns/latest/dg/http-unsubscribe-confirmation-json.html."""
    ended = f"{TOPIC}:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55"
    told = Confirmation("UnsubscribeConfirmation", "m", TOPIC, "t", "http://back", "2012-04-26T20:45:04.751Z", ended)
    assert told.message == (
        f"You have chosen to deactivate subscription {ended}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )
