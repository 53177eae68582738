"""What subscribers are told, byte by byte.

AWS writes these documents with a space before each colon and a member a line, and some consumers look at the text, so
that is how they are written here.

Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html (HTTP, SQS, email-json),
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html (what is signed),
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html (Lambda)
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.json import dumps
from interstate.base.time import to_iso
from interstate.core.topics.message import Attribute, Notification


class Stamp(msgspec.Struct, frozen=True):
    """Who vouches for a document: the signature, and where the certificate and this server are."""

    signature: str
    certificate: str  # The name of its file.
    address: str  # http://host:port
    version: str = "1"

    @property
    def certificate_url(self) -> str:
        """Where a reader finds the certificate."""
        return f"{self.address}/{self.certificate}"


def signed_text(notification: Notification, protocol: str) -> str:
    """What the signature of a notification covers: names and values, a line each."""
    subject = "" if notification.subject is None else f"Subject\n{notification.subject}\n"
    return (
        f"Message\n{notification.text(protocol)}\nMessageId\n{notification.message_id}\n{subject}"
        f"Timestamp\n{to_iso(notification.at)}\nTopicArn\n{notification.topic}\nType\nNotification\n"
    )


def signed_text_of(document: Mapping[str, Any]) -> str:
    """The same of a notification's document, read."""
    subject = f"Subject\n{document['Subject']}\n" if "Subject" in document else ""
    return (
        f"Message\n{document['Message']}\nMessageId\n{document['MessageId']}\n{subject}"
        f"Timestamp\n{document['Timestamp']}\nTopicArn\n{document['TopicArn']}\nType\nNotification\n"
    )


class Envelope(msgspec.Struct, frozen=True):
    """The document of a notification around the subscription that it names: made once for all subscribers of a protocol."""

    before: str
    after: str

    def text(self, subscription: str) -> str:
        """The document for one subscriber. An ARN holds nothing that JSON escapes."""
        return f"{self.before}{subscription}{self.after}"


def envelope(notification: Notification, protocol: str, stamp: Stamp, *, replayed: bool = False) -> Envelope:
    """The JSON document for SQS, HTTP and email-json.

    Ids, ARNs and addresses hold nothing that JSON escapes; only what publishers wrote goes through the encoder.
    """
    subject = "" if notification.subject is None else f'  "Subject" : {dumps(notification.subject)},\n'
    sequence = f'  "SequenceNumber" : "{notification.sequence}",\n' if notification.sequence else ""
    again = '  "Replayed" : true,\n' if replayed else ""
    attributes = ""
    if notification.attributes:
        lines = ",\n".join(
            f"    {dumps(name)} : {dumps(_typed(attribute))}" for name, attribute in notification.attributes.items()
        )
        attributes = f',\n  "MessageAttributes" : {{\n{lines}\n  }}'
    before = (
        f'{{\n  "Type" : "Notification",\n  "MessageId" : "{notification.message_id}",\n'
        f'{sequence}  "TopicArn" : "{notification.topic}",\n'
        f'{subject}  "Message" : {dumps(notification.text(protocol))},\n'
        f'  "Timestamp" : "{_iso(notification.at)}",\n{again}{_vouched(stamp)}'
    )
    return Envelope(before, f'"{attributes}\n}}')


@lru_cache(maxsize=256)
def _vouched(stamp: Stamp) -> str:
    """The end of a document, which many have."""
    return (
        f'  "SignatureVersion" : "{stamp.version}",\n'
        f'  "Signature" : "{stamp.signature}",\n'
        f'  "SigningCertURL" : "{stamp.certificate_url}",\n'
        f'  "UnsubscribeURL" : "{unsubscribe_url(stamp.address, "")}'
    )


_iso = lru_cache(maxsize=64)(to_iso)  # What is published in one batch has one instant.


def notification_text(
    notification: Notification, protocol: str, subscription: str, stamp: Stamp, *, replayed: bool = False
) -> str:
    """The document for one subscriber."""
    return envelope(notification, protocol, stamp, replayed=replayed).text(subscription)


class Confirmation(msgspec.Struct, frozen=True):
    """What an HTTP endpoint is told when its subscription begins or has ended."""

    type: str  # SubscriptionConfirmation, UnsubscribeConfirmation
    message_id: str
    topic: str
    token: str
    url: str
    at: str
    subscription: str = ""  # The one that has ended.

    @property
    def message(self) -> str:
        """In words.

        Source: https://docs.aws.amazon.com/sns/latest/dg/http-unsubscribe-confirmation-json.html
        """
        if self.type == "SubscriptionConfirmation":
            return (
                f"You have chosen to subscribe to the topic {self.topic}.\n"
                "To confirm the subscription, visit the SubscribeURL included in this message."
            )
        return (
            f"You have chosen to deactivate subscription {self.subscription}.\n"
            "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
        )

    def signed_text(self) -> str:
        """What its signature covers."""
        return (
            f"Message\n{self.message}\nMessageId\n{self.message_id}\nSubscribeURL\n{self.url}\n"
            f"Timestamp\n{self.at}\nToken\n{self.token}\nTopicArn\n{self.topic}\nType\n{self.type}\n"
        )

    def text(self, stamp: Stamp) -> str:
        """The JSON document."""
        members = {
            "Type": self.type,
            "MessageId": self.message_id,
            "Token": self.token,
            "TopicArn": self.topic,
            "Message": self.message,
            "SubscribeURL": self.url,
            "Timestamp": self.at,
            "SignatureVersion": stamp.version,
            "Signature": stamp.signature,
            "SigningCertURL": stamp.certificate_url,
        }
        return "{\n" + ",\n".join(f"  {dumps(name)} : {dumps(value)}" for name, value in members.items()) + "\n}"


def lambda_event(notification: Notification, subscription: str, stamp: Stamp) -> dict[str, Any]:
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
                    "SignatureVersion": stamp.version,
                    "Signature": stamp.signature,
                    "SigningCertUrl": stamp.certificate_url,
                    "UnsubscribeUrl": unsubscribe_url(stamp.address, subscription),
                    "MessageAttributes": {
                        name: _typed(attribute) for name, attribute in notification.attributes.items()
                    },
                },
            }
        ]
    }


def unsubscribe_url(address: str, subscription: str) -> str:
    """An address that ends the subscription when it is opened."""
    return f"{address}/?Action=Unsubscribe&SubscriptionArn={subscription}"


def subscribe_url(address: str, topic: str, token: str) -> str:
    """An address that confirms a subscription when it is opened."""
    return f"{address}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"


@lru_cache(maxsize=4096)
def address_of(own: str, arn: str) -> str:
    """This server, as SNS of the resource's region: below ``localhost`` the region stands in the host, as on AWS."""
    scheme, _, host = own.partition("://")
    name, colon, port = host.partition(":")
    if name != "localhost":
        return own
    return f"{scheme}://sns.{caller_of(arn).region}.localhost{colon}{port}"


def _typed(attribute: Attribute) -> dict[str, str]:
    if attribute.binary_value is not None:
        return {"Type": attribute.data_type, "Value": b64encode(attribute.binary_value).decode()}
    return {"Type": attribute.data_type, "Value": attribute.string_value or ""}
