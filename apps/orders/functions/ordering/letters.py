"""Dead letters: what one is, where it came from, what broke, and whether it may be tried again. Pure.

Four services lay messages aside, each in its own form:

* a rule's target: the event, with the attributes RULE_ARN, TARGET_ARN, ERROR_CODE, ERROR_MESSAGE
* a function called asynchronously: the request with RequestID, ErrorCode, ErrorMessage as attributes (dead-letter queue), or a
  record of request and answer (destination on failure); a stream's mapping tells which records it gave up, without them
* a topic's subscription: the notification's envelope
* a queue's redrive policy: the message as it was, with the queue that it came from

Sources: EventBridge User Guide, "Using dead-letter queues"; Lambda Developer Guide, "Adding a dead-letter queue", "Capturing records of
asynchronous invocations"; SNS Developer Guide, "Dead-letter queues"; SQS API Reference, ReceiveMessage (DeadLetterQueueSourceArn).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ordering.envelope import KINDS, data_of
from ordering.schema import EventInvalid

Form = Literal["rule", "function", "stream", "topic", "queue"]
Kind = Literal["RETRYABLE", "PERMANENT", "UNKNOWN"]
TEXT_CHARS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Letter:
    """``origin`` is the ARN of who laid it aside as far as it is known, ``content`` what is to be sent again."""

    form: Form
    origin: str
    code: str
    message: str
    content: str
    attributes: dict[str, str]


def letter_of(record: Mapping[str, Any]) -> Letter:
    """The letter in one record of a dead-letter queue, as Lambda hands it over."""
    attributes = {name: each.get("stringValue", "") for name, each in (record.get("messageAttributes") or {}).items()}
    text, body = record["body"], parsed(record["body"])
    if "ERROR_CODE" in attributes or "RULE_ARN" in attributes:
        origin = attributes.get("RULE_ARN", attributes.get("BUS", ""))
        return made("rule", origin, attributes.get("ERROR_CODE", ""), attributes.get("ERROR_MESSAGE", ""), text)
    if "ErrorCode" in attributes and "RequestID" in attributes:
        return made("function", "", attributes["ErrorCode"], attributes.get("ErrorMessage", ""), text)
    if isinstance(body, dict) and isinstance(body.get("requestContext"), dict):
        return of_destination(body)
    if isinstance(body, dict) and body.get("Type") == "Notification" and "TopicArn" in body:
        return made("topic", body["TopicArn"], "", "", text)
    source = record.get("attributes", {}).get("DeadLetterQueueSourceArn", "")
    return made("queue", source, "", "", text, attributes=attributes)


def made(
    form: Form, origin: str, code: str, message: str, content: str, *, attributes: dict[str, str] | None = None
) -> Letter:
    return Letter(form, origin, code, message[:TEXT_CHARS_MAX], content, attributes or {})


def of_destination(body: Mapping[str, Any]) -> Letter:
    context, answer = body["requestContext"], body.get("responsePayload")
    told = answer if isinstance(answer, Mapping) else {}
    code = str(told.get("errorType") or context.get("condition", ""))
    if "DDBStreamBatchInfo" in body:
        return made("stream", context.get("functionArn", ""), code, str(told.get("errorMessage", "")), json.dumps(body))
    content = json.dumps(body.get("requestPayload"), ensure_ascii=False)
    return made("function", context.get("functionArn", ""), code, str(told.get("errorMessage", "")), content)


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


# The first row that matches tells the class; the text is form, origin, code and message.
CLASSES: tuple[tuple[str, Kind, re.Pattern[str]], ...] = (
    ("CustomerNotFound", "PERMANENT", re.compile(r"CustomerNotFound|[Cc]ustomer \S* ?(is )?(not found|unknown)")),
    (
        "InvalidOrderData",
        "PERMANENT",
        re.compile(r"InvalidOrderData|OrderInvalid|EventInvalid|INVALID_JSON|JSONDecodeError"),
    ),
    (
        "PaymentTimeout",
        "RETRYABLE",
        re.compile(
            r"PaymentTimeout|PaymentProcessingQueue|PaymentReversalQueue|/(charges|refunds)\b|Payment\S* .*([Tt]imed out|[Tt]imeout)"
        ),
    ),
    (
        "InventoryServiceDown",
        "RETRYABLE",
        re.compile(
            r"InventoryServiceDown|InventoryCheckQueue|PartialInventoryQueue|TooManyRaces|TransactionConflict"
            r"|ThrottlingException|ProvisionedThroughputExceeded|InternalServerError|ServiceUnavailable"
        ),
    ),
)


def class_of(letter: Letter) -> tuple[str, Kind]:
    """The class and kind of what broke. What cannot be read, or is no such event, is the data's own fault."""
    body = parsed(letter.content)
    if body is None or not is_sound(body):
        return "InvalidOrderData", "PERMANENT"
    text = f"{letter.form} {letter.origin} {letter.code} {letter.message}"
    return next(((name, kind) for name, kind, pattern in CLASSES if pattern.search(text)), ("UNKNOWN", "UNKNOWN"))


def is_sound(body: Any) -> bool:
    """Whether an event of ours keeps its schema; anything else is not judged here."""
    if not (isinstance(body, dict) and body.get("detail-type") in KINDS and isinstance(body.get("detail"), dict)):
        return True
    try:
        data_of(body)
    except (EventInvalid, KeyError, TypeError, AttributeError):
        return False
    return True


def order_id_of(letter: Letter) -> str | None:
    """The order that the letter is about, as far as it tells."""
    body = parsed(letter.content)
    if letter.form == "topic" and isinstance(body, dict):
        body = parsed(str(body.get("Message", "")))
    places = (("detail", "data", "orderId"), ("data", "orderId"), ("orderId",), ("order", "orderId"))
    for place in places:
        found = body
        for name in place:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, str):
            return found
    return None


def fingerprint(letter: Letter) -> str:
    """The same for the same letter when it dies again: an event goes by its own id, since the bus gives it another each time."""
    body = parsed(letter.content)
    detail = body.get("detail") if isinstance(body, dict) else None
    metadata = detail.get("metadata") if isinstance(detail, dict) else None
    told = metadata.get("eventId") if isinstance(metadata, dict) else None
    return hashlib.sha256(f"{letter.form}/{letter.origin}/{told or letter.content}".encode()).hexdigest()


def to_text(letter: Letter, **more: Any) -> str:
    return json.dumps({"letter": asdict(letter), **more}, ensure_ascii=False)


def from_text(text: str) -> Letter:
    return Letter(**json.loads(text)["letter"])
