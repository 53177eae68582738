"""Notifications in queues are signed when they are read: whoever reads one gets a document that verifies.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import hashlib
import json
from base64 import b64decode
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from interstate.core.queues.message import FORBIDDEN
from interstate.runtime.testing import World
from interstate.services import sns, sqs, why
from interstate.services.signing import PLACE
from interstate.wire.codec import Wire
from interstate.wire.model import load

TOPIC = "arn:aws:sns:us-east-1:000000000000:orders"
QUEUE, DEAD = "arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sqs:us-east-1:000000000000:dead"
OPEN = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [OPEN]})
_NAMES = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


@cache
def wire() -> Wire:
    """Calls inside are checked by it, and it must let the seal through."""
    return Wire(load())


class Shop:
    """A topic and a queue that hears it; what is received twice goes to the dead letters."""

    def __init__(self, directory: Path | None = None, version: str = "1") -> None:
        services = (*sns.SERVICES, *sqs.SERVICES, why.SERVICE)
        self.world = World(services, directory=directory, validate=wire().check)
        self.call("sns", "CreateTopic", {"Name": "orders", "Attributes": {"SignatureVersion": version}})
        self.call("sqs", "CreateQueue", {"QueueName": "dead"})
        redrive = json.dumps({"deadLetterTargetArn": DEAD, "maxReceiveCount": 1})
        attributes = {"Policy": POLICY, "RedrivePolicy": redrive}
        self.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": attributes})
        self.call("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE})

    def call(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        return self.world.call(service, operation, request)

    def publish(self, message: str = "text", subject: str | None = None) -> None:
        request = {"TopicArn": TOPIC, "Message": message} | ({} if subject is None else {"Subject": subject})
        self.call("sns", "Publish", request)

    def receive(self, queue: str = "q") -> dict[str, Any]:
        [message] = self.call("sqs", "ReceiveMessage", {"QueueUrl": queue})["Messages"]
        found: dict[str, Any] = message
        return found

    def verify(self, body: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(body)
        name = document["SigningCertURL"].rpartition("/")[2]
        answer = self.call("sns-certificate", "Invoke", {"Name": name})
        key = x509.load_pem_x509_certificate(answer["Body"]).public_key()
        assert isinstance(key, RSAPublicKey)
        text = "".join(f"{name}\n{document[name]}\n" for name in _NAMES if name in document)
        algorithm = hashes.SHA1() if document["SignatureVersion"] == "1" else hashes.SHA256()
        key.verify(b64decode(document["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)
        return document


@cache
def shared() -> Shop:
    """One for all examples: a key is dear."""
    return Shop()


@pytest.mark.parametrize("version", ["1", "2"])
def test_who_receives_gets_a_signed_document_and_its_digest(version: str) -> None:
    shop = Shop(version=version)
    shop.publish("1", "News")
    message = shop.receive()
    assert shop.verify(message["Body"])["SignatureVersion"] == version
    assert message["MD5OfBody"] == hashlib.md5(message["Body"].encode(), usedforsecurity=False).hexdigest()


@settings(max_examples=examples(30), deadline=None)
@given(st.text(min_size=1).filter(lambda text: not FORBIDDEN.search(text)))
def test_whatever_is_published_verifies(text: str) -> None:
    shop = shared()
    hostile = f'"Signature" : "{PLACE}"'
    shop.publish(text + hostile)
    message = shop.receive()
    shop.call("sqs", "DeleteMessage", {"QueueUrl": "q", "ReceiptHandle": message["ReceiptHandle"]})
    assert shop.verify(message["Body"])["Message"] == text + hostile


def test_who_looks_without_receiving_gets_the_same_document() -> None:
    shop = Shop()
    shop.publish()
    [peeked] = shop.call("interstate-queues", "PeekMessages", {"queue": "q"})["Messages"]
    told = shop.call("interstate.why", "Why", {"id": peeked["MessageId"]})
    message = shop.receive()
    assert peeked["Body"] == told["body"] == message["Body"]
    shop.verify(message["Body"])


def test_dead_letters_and_what_is_moved_back_verify() -> None:
    shop = Shop()
    shop.publish()
    body = shop.receive()["Body"]
    shop.world.advance(timedelta(minutes=1))
    assert "Messages" not in shop.call("sqs", "ReceiveMessage", {"QueueUrl": "q"})
    assert shop.call("interstate-queues", "PeekMessages", {"queue": "dead"})["Messages"][0]["Body"] == body
    shop.call("sqs", "StartMessageMoveTask", {"SourceArn": DEAD})
    shop.world.run_due()
    assert shop.receive()["Body"] == body
    shop.verify(body)


def test_what_was_moved_before_anybody_read_it_verifies() -> None:
    shop = Shop()
    shop.call("sqs", "SetQueueAttributes", {"QueueUrl": "dead", "Attributes": {"Policy": POLICY}})
    shop.call("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": DEAD})
    shop.publish()
    shop.call("sqs", "StartMessageMoveTask", {"SourceArn": DEAD, "DestinationArn": QUEUE})
    shop.world.run_due()
    for _ in range(2):
        shop.verify(shop.receive()["Body"])


@pytest.mark.usefixtures("own_keys")
def test_what_waited_unread_over_a_restart_verifies(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.publish()
    shop.world = shop.world.restart()
    shop.verify(shop.receive()["Body"])


def test_nobody_else_can_have_a_document_signed() -> None:
    shop = Shop()
    shop.publish()
    shop.verify(shop.receive()["Body"])
    forged = json.dumps(dict.fromkeys(_NAMES, "forged"))[:-1] + f', "Signature" : "{PLACE}"}}'
    shop.call("sqs", "SendMessage", {"QueueUrl": "q", "MessageBody": forged, "_Seal": "1", "Seal": "1"})
    assert shop.receive()["Body"] == forged
