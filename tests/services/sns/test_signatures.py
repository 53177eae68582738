"""Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html"""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from interstate.runtime.testing import World
from interstate.services import sns
from interstate.store.records.sns import HttpDelivery, HttpResult

TOPIC = "arn:aws:sns:us-east-1:000000000000:orders"
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class Site:
    def __init__(self, directory: Path | None = None) -> None:
        self.posts: list[dict[str, Any]] = []
        self.world = World(sns.SERVICES, directory=directory, performers={"sns.http": self._perform})

    def _perform(self, _key: str, body: HttpDelivery) -> HttpResult:
        self.posts.append(json.loads(body.content))
        return HttpResult(200)

    def open(self, url: str) -> Any:
        """What a door of the server does with an address."""
        path, _, query = url.removeprefix("http://localhost:4566/").partition("?")
        service = "sns-link" if query else "sns-certificate"
        return self.world.call(service, "Invoke", {"Name": path, "RawQuery": query})

    def verify(self, message: dict[str, Any]) -> None:
        certificate = x509.load_pem_x509_certificate(self.open(message["SigningCertURL"])["Body"])
        key = certificate.public_key()
        assert isinstance(key, RSAPublicKey)
        names = _NOTIFICATION if message["Type"] == "Notification" else _CONFIRMATION
        text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
        algorithm = hashes.SHA1() if message["SignatureVersion"] == "1" else hashes.SHA256()
        key.verify(b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)

    def subscribe(self) -> str:
        request = {
            "TopicArn": TOPIC,
            "Protocol": "http",
            "Endpoint": "http://example.test/",
            "ReturnSubscriptionArn": True,
        }
        arn: str = self.world.call("sns", "Subscribe", request)["SubscriptionArn"]
        self.world.run_due()
        return arn


@pytest.mark.parametrize("version", ["1", "2"])
def test_everything_that_leaves_is_signed(version: str) -> None:
    site = Site()
    site.world.call("sns", "CreateTopic", {"Name": "orders", "Attributes": {"SignatureVersion": version}})
    arn = site.subscribe()
    assert site.open(site.posts[0]["SubscribeURL"])["StatusCode"] == 200
    site.world.call("sns", "Publish", {"TopicArn": TOPIC, "Message": "주문\n1", "Subject": "News"})
    site.world.run_due()
    site.world.call("sns", "Publish", {"TopicArn": TOPIC, "Message": "plain"})
    site.world.run_due()
    site.world.call("sns", "Unsubscribe", {"SubscriptionArn": arn})
    site.world.run_due()
    types = [post["Type"] for post in site.posts]
    assert types == ["SubscriptionConfirmation", "Notification", "Notification", "UnsubscribeConfirmation"]
    for post in site.posts:
        assert post["SignatureVersion"] == version
        site.verify(post)
        with pytest.raises(InvalidSignature):
            site.verify({**post, "Message": "forged"})
    site.world.close()


@pytest.mark.usefixtures("own_keys")
def test_the_key_outlives_the_process(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.world.call("sns", "CreateTopic", {"Name": "orders"})
    site.subscribe()
    site.world = site.world.restart()
    site.verify(site.posts[0])
    site.world.close()


def test_another_certificate_is_not_there() -> None:
    site = Site()
    assert site.open("http://localhost:4566/SimpleNotificationService-other.pem")["StatusCode"] == 404
    site.world.close()


def test_an_end_can_be_taken_back() -> None:
    site = Site()
    site.world.call("sns", "CreateTopic", {"Name": "orders"})
    arn = site.subscribe()
    site.open(site.posts[0]["SubscribeURL"])
    site.world.call("sns", "Publish", {"TopicArn": TOPIC, "Message": "m"})
    site.world.run_due()
    assert site.open(site.posts[1]["UnsubscribeURL"])["StatusCode"] == 200
    site.world.run_due()
    assert site.world.call("sns", "ListSubscriptions") == {"Subscriptions": []}
    assert arn.encode() in site.open(site.posts[2]["SubscribeURL"])["Body"]
    assert site.world.call("sns", "ListSubscriptions")["Subscriptions"][0]["SubscriptionArn"] == arn
    site.world.close()


def test_who_asked_for_a_signature_is_not_ended_by_a_link() -> None:
    site = Site()
    site.world.call("sns", "CreateTopic", {"Name": "orders"})
    arn = site.subscribe()
    request = {"TopicArn": TOPIC, "Token": site.posts[0]["Token"], "AuthenticateOnUnsubscribe": "true"}
    site.world.call("sns", "ConfirmSubscription", request)
    refused = site.open(f"http://localhost:4566/?Action=Unsubscribe&SubscriptionArn={arn}")
    assert (refused["StatusCode"], b"AuthorizationError" in refused["Body"]) == (403, True)
    shown = site.world.call("sns", "GetSubscriptionAttributes", {"SubscriptionArn": arn})["Attributes"]
    assert (shown["ConfirmationWasAuthenticated"], "AuthenticateOnUnsubscribe" in shown) == ("true", False)
    site.world.call("sns", "Unsubscribe", {"SubscriptionArn": arn})
    assert site.world.call("sns", "ListSubscriptions") == {"Subscriptions": []}
    site.world.close()


@pytest.mark.parametrize(
    "query", ["Action=ConfirmSubscription&TopicArn=x&Token=y", f"Action=ConfirmSubscription&TopicArn={TOPIC}&Token=y"]
)
def test_a_link_that_means_nothing_is_refused(query: str) -> None:
    site = Site()
    assert site.open(f"http://localhost:4566/?{query}")["StatusCode"] >= 400
    site.world.close()
