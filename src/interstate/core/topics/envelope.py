"""What subscribers are told, byte by byte.

AWS writes these documents with a space before each colon and a member a line, and some consumers look at the text, so
that is how they are written here. They are not signed: the signature's place says so, and verifying it must fail.

Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html (HTTP, SQS, email-json),
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html (Lambda)
"""

from base64 import b64encode
from functools import lru_cache
from typing import Any

from interstate.base.arn import caller_of
from interstate.base.json import dumps
from interstate.base.time import to_iso
from interstate.core.topics.message import Attribute, Notification

UNSIGNED = "unsigned"
SIGNATURE_VERSION = "1"


def notification_text(notification: Notification, protocol: str, subscription: str) -> str:
    """The JSON document for SQS, HTTP and email-json.

    Ids, ARNs and addresses hold nothing that JSON escapes; only what publishers wrote goes through the encoder.
    """
    subject = "" if notification.subject is None else f'  "Subject" : {dumps(notification.subject)},\n'
    attributes = ""
    if notification.attributes:
        lines = ",\n".join(
            f"    {dumps(name)} : {dumps(_typed(attribute))}" for name, attribute in notification.attributes.items()
        )
        attributes = f',\n  "MessageAttributes" : {{\n{lines}\n  }}'
    return (
        '{\n  "Type" : "Notification",\n'
        f'  "MessageId" : "{notification.message_id}",\n'
        f'  "TopicArn" : "{notification.topic}",\n'
        f"{subject}"
        f'  "Message" : {dumps(notification.text(protocol))},\n'
        f'  "Timestamp" : "{to_iso(notification.at)}",\n'
        f'  "SignatureVersion" : "{SIGNATURE_VERSION}",\n'
        f'  "Signature" : "{UNSIGNED}",\n'
        f'  "SigningCertURL" : "{certificate_url(notification.topic)}",\n'
        f'  "UnsubscribeURL" : "{unsubscribe_url(subscription)}"'
        f"{attributes}\n}}"
    )


def confirmation_text(topic: str, subscribe_url: str, token: str, message_id: str, at: str) -> str:
    """The JSON document that asks an HTTP endpoint to confirm its subscription."""
    members = {
        "Type": "SubscriptionConfirmation",
        "MessageId": message_id,
        "Token": token,
        "TopicArn": topic,
        "Message": f"You have chosen to subscribe to the topic {topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message.",
        "SubscribeURL": subscribe_url,
        "Timestamp": at,
        "SignatureVersion": SIGNATURE_VERSION,
        "Signature": UNSIGNED,
        "SigningCertURL": certificate_url(topic),
    }
    return "{\n" + ",\n".join(f"  {dumps(name)} : {dumps(value)}" for name, value in members.items()) + "\n}"


def lambda_event(notification: Notification, subscription: str) -> dict[str, Any]:
    """The event that a function gets: one record."""
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription,
                "Sns": {
                    "Type": "Notification",
                    "MessageId": notification.message_id,
                    "TopicArn": notification.topic,
                    "Subject": notification.subject,
                    "Message": notification.text("lambda"),
                    "Timestamp": to_iso(notification.at),
                    "SignatureVersion": SIGNATURE_VERSION,
                    "Signature": UNSIGNED,
                    "SigningCertUrl": certificate_url(notification.topic),
                    "UnsubscribeUrl": unsubscribe_url(subscription),
                    "MessageAttributes": {
                        name: _typed(attribute) for name, attribute in notification.attributes.items()
                    },
                },
            }
        ]
    }


def certificate_url(topic: str) -> str:
    """Where a certificate would lie; there is none, since nothing is signed."""
    return f"{endpoint(topic)}/SimpleNotificationService-unsigned.pem"


def unsubscribe_url(subscription: str) -> str:
    """An address that ends the subscription when it is opened."""
    return f"{endpoint(subscription)}/?Action=Unsubscribe&SubscriptionArn={subscription}"


def subscribe_url(topic: str, token: str) -> str:
    """An address that confirms a subscription when it is opened."""
    return f"{endpoint(topic)}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"


@lru_cache(maxsize=4096)
def endpoint(arn: str) -> str:
    """This server, as SNS of the resource's region."""
    return f"http://sns.{caller_of(arn).region}.localhost:4566"


def _typed(attribute: Attribute) -> dict[str, str]:
    if attribute.binary_value is not None:
        return {"Type": attribute.data_type, "Value": b64encode(attribute.binary_value).decode()}
    return {"Type": attribute.data_type, "Value": attribute.string_value or ""}
