"""SNS against real endpoints: an HTTP subscriber that verifies what it gets, and a mail server.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import importlib
import json
import threading
import time
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from tests.server_process import ServerProcess, free_port
from typer.testing import CliRunner

from interstate.cli.app import app

pytestmark = pytest.mark.server

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class Subscriber:
    """An HTTP endpoint that keeps what it is told."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        posts, statuses = self.posts, self.statuses

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posts.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(statuses.pop(0) if statuses else 200)
                self.end_headers()

            def log_message(self, *_of: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def wait(self, count: int) -> dict[str, Any]:
        until(lambda: len(self.posts) >= count)
        return self.posts[count - 1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends, "it did not come"
        time.sleep(0.02)


def opened(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        content: bytes = response.read()
        return content


def verify(message: dict[str, Any]) -> None:
    key = x509.load_pem_x509_certificate(opened(message["SigningCertURL"])).public_key()
    assert isinstance(key, RSAPublicKey)
    names = _NOTIFICATION if message["Type"] == "Notification" else _CONFIRMATION
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    algorithm = hashes.SHA1() if message["SignatureVersion"] == "1" else hashes.SHA256()
    key.verify(b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    subscriber = Subscriber()
    yield subscriber
    subscriber.close()


def test_an_endpoint_confirms_verifies_and_leaves(tmp_path: Path, subscriber: Subscriber) -> None:
    server = ServerProcess(tmp_path / "data")
    server.start()
    try:
        sns = server.client("sns")
        topic = sns.create_topic(Name="orders", Attributes={"SignatureVersion": "2"})["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
        asked = subscriber.wait(1)
        verify(asked)
        assert topic.encode() in opened(asked["SubscribeURL"])
        sns.publish(TopicArn=topic, Message="주문 1", Subject="Orders")
        told = subscriber.wait(2)
        verify(told)
        assert (told["Message"], told["SignatureVersion"]) == ("주문 1", "2")
        opened(told["UnsubscribeURL"])
        verify(subscriber.wait(3))
        assert sns.list_subscriptions()["Subscriptions"] == []
    finally:
        server.stop()


@pytest.mark.parametrize("subject", ["Orders", None])
def test_a_known_library_verifies_what_an_endpoint_gets(
    tmp_path: Path, subscriber: Subscriber, subject: str | None
) -> None:
    """Its users name the addresses of certificates that they trust; AWS's are its default."""
    library = importlib.import_module("sns_message_validator")
    server = ServerProcess(tmp_path / "data")
    server.start()
    validator = library.SNSMessageValidator(cert_url_regex=f"^http://[a-z0-9.]+:{server.port}/")
    try:
        sns = server.client("sns")
        topic = sns.create_topic(Name="orders")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url)
        opened(subscriber.wait(1)["SubscribeURL"])
        sns.publish(TopicArn=topic, Message="주문 1", **({"Subject": subject} if subject else {}))
        opened(subscriber.wait(2)["UnsubscribeURL"])
        subscriber.wait(3)
        for post in subscriber.posts:
            validator.validate_message(post)
            with pytest.raises(library.exceptions.SignatureVerificationFailureException):
                validator.validate_message({**post, "Message": "forged"})
        assert len({post["Type"] for post in subscriber.posts}) == 3
    finally:
        server.stop()


def test_a_notification_survives_kill_9(tmp_path: Path, subscriber: Subscriber) -> None:
    policy = {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 20}}
    server = ServerProcess(tmp_path / "data")
    server.start()
    try:
        sns = server.client("sns")
        topic = sns.create_topic(Name="orders")["TopicArn"]
        attributes = {"DeliveryPolicy": json.dumps(policy)}
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=subscriber.url, Attributes=attributes)
        opened(subscriber.wait(1)["SubscribeURL"])
        subscriber.statuses.append(500)
        published = sns.publish(TopicArn=topic, Message="kept")["MessageId"]
        subscriber.wait(2)
        server.kill()
        server.start()
        told = subscriber.wait(3)
        assert [post["MessageId"] for post in subscriber.posts[1:]] == [published] * (len(subscriber.posts) - 1)
        assert told["Message"] == "kept"
    finally:
        server.stop()


class Mailbox(Message):
    """Keeps what a mail server takes."""

    def __init__(self) -> None:
        super().__init__(EmailMessage)
        self.mails: list[EmailMessage] = []

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)


def test_mails_leave_through_the_configured_server(tmp_path: Path) -> None:
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    server = ServerProcess(tmp_path / "data", "--smtp", f"127.0.0.1:{port}")
    server.start()
    try:
        sns = server.client("sns")
        topic = sns.create_topic(Name="orders")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.com")
        until(lambda: len(mailbox.mails) == 1)
        text = mailbox.mails[0].get_payload(decode=True).decode()  # type: ignore[union-attr]  # a text, not parts
        opened(next(line for line in text.splitlines() if "Action=ConfirmSubscription" in line))
        message_id = sns.publish(TopicArn=topic, Message="hi", Subject="News")["MessageId"]
        until(lambda: len(mailbox.mails) == 2)
        assert (mailbox.mails[1]["Subject"], mailbox.mails[1]["To"]) == ("News", "ann@example.com")
        assert message_id in mailbox.mails[1]["Message-ID"]
    finally:
        server.stop()
        controller.stop()


def test_the_mailbox_is_read_in_the_terminal(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    server.start()
    try:
        server.client("sns").publish(PhoneNumber="+821012345678", Message="hello")
        listed = CliRunner().invoke(app, ["mail", "list", "--endpoint-url", server.url])
        assert "+821012345678" in listed.output
        number = listed.output.split()[0]
        shown = CliRunner().invoke(app, ["mail", "show", number, "--endpoint-url", server.url])
        assert shown.output.endswith("\nhello\n")
        none = CliRunner().invoke(app, ["mail", "show", "1", "--endpoint-url", server.url])
        assert (none.exit_code, "there is no letter 1" in none.output) == (1, True)
    finally:
        server.stop()
