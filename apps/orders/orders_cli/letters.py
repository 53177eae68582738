"""``orders letters``: dead letters that DlqProcessor parked, for a person to see and to send on their way again."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orders_cli.endpoint import System

# While a letter is looked at nobody else sees it; then it is put down again.
HELD_S = 30
BATCH_MAX = 10  # ReceiveMessage, SQS API Reference


@dataclass(frozen=True, slots=True)
class Parked:
    message_id: str
    receipt: str
    body: dict[str, Any]

    @property
    def letter(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body.get("letter", {})
        return found

    def told(self) -> dict[str, str]:
        """What a person wants to know of it."""
        facts = {name: str(self.body.get(name, "")) for name in ("errorClass", "kind", "orderId", "parkedAt")}
        letter = {name: str(self.letter.get(name, "")) for name in ("form", "origin", "code", "message")}
        return {"id": self.message_id, **facts, **letter}


def received(sqs: Any, url: str) -> Iterator[Parked]:
    """Every letter in the queue, once; it stays there, out of sight for a moment."""
    seen: set[str] = set()
    while True:
        page = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=BATCH_MAX, VisibilityTimeout=HELD_S)
        fresh = [each for each in page.get("Messages", []) if each["MessageId"] not in seen]
        if not fresh:
            return
        for each in fresh:
            seen.add(each["MessageId"])
            yield Parked(each["MessageId"], each["ReceiptHandle"], json.loads(each["Body"]))


def put_down(sqs: Any, url: str, letter: Parked) -> None:
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)


def parked(system: System) -> list[dict[str, str]]:
    sqs, url = system.client("sqs"), system.outputs["ParkedLettersQueueUrl"]
    found = list(received(sqs, url))
    for letter in found:
        put_down(sqs, url, letter)
    return [letter.told() for letter in found]


def redrive(system: System, *, wanted: set[str], error_class: str | None) -> tuple[int, list[dict[str, str]]]:
    """Send letters again (all, those with these ids, or of a class); how many, and those that cannot be sent by themselves."""
    sqs, url = system.client("sqs"), system.outputs["ParkedLettersQueueUrl"]
    sent, left = 0, []
    for letter in list(received(sqs, url)):
        chosen = (not wanted or letter.message_id in wanted) and error_class in {None, letter.body.get("errorClass")}
        if chosen and can_be_sent(letter):
            body = json.dumps({"letter": letter.letter}, ensure_ascii=False)
            sqs.send_message(QueueUrl=system.outputs["RetriesQueueUrl"], MessageBody=body)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=letter.receipt)
            sent += 1
            continue
        put_down(sqs, url, letter)
        if chosen:
            left.append(letter.told())
    return sent, left


def can_be_sent(letter: Parked) -> bool:
    """A stream's letter names records, and one without an origin does not say where to."""
    return bool(letter.letter.get("origin")) and letter.letter.get("form") != "stream"
