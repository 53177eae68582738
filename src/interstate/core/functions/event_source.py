"""Batches of an event source mapping: what a function gets, and what its answer means.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (batch item failures),
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
"""

from base64 import b64decode
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from interstate.base.json import BrokenJSON, loads
from interstate.core.patterns.match import matches
from interstate.core.patterns.parse import parse_pattern
from interstate.core.patterns.pattern import Pattern
from interstate.core.queues.message import Message, md5_of_attributes

PAYLOAD_BYTES_MAX = 6 * 1024 * 1024
_ENVELOPE_BYTES = 1024  # Of a record beside its body and attributes; generous.


def sqs_record(message: Message, system: Mapping[str, str], queue: str, region: str) -> dict[str, Any]:
    """One message as a function sees it; ``system`` are its system attributes as text."""
    record: dict[str, Any] = {
        "messageId": message.message_id,
        "receiptHandle": message.handle(),
        "body": message.body,
        "attributes": dict(system),
        "messageAttributes": {name: _attribute(value) for name, value in (message.attributes or {}).items()},
        "md5OfMessageAttributes": _attributes_md5(message.attributes),
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue,
        "awsRegion": region,
    }
    return record


def _attributes_md5(attributes: Mapping[str, Mapping[str, Any]] | None) -> str | None:
    """The digest over all attributes, whose binary values are kept in base64."""
    if not attributes:
        return None
    plain = {}
    for name, value in attributes.items():
        binary = value.get("BinaryValue")
        plain[name] = {**value, "BinaryValue": b64decode(binary)} if isinstance(binary, str) else value
    return md5_of_attributes(plain)


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        shown["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        shown["binaryValue"] = value["BinaryValue"]
    return shown


def size_bytes(message: Message) -> int:
    """About what a message adds to a batch's payload; texts grow by their escapes."""
    attributes = sum(len(name) + len(str(value)) for name, value in (message.attributes or {}).items())
    return len(message.body.encode()) + message.body.count('"') + attributes + _ENVELOPE_BYTES


def fitting(messages: Sequence[Message]) -> int:
    """How many messages, from the first on, fit into one payload; at least one."""
    total = 0
    for count, message in enumerate(messages):
        total += size_bytes(message)
        if total > PAYLOAD_BYTES_MAX:
            return max(count, 1)
    return len(messages)


def goes_out(count: int, fits: int, batch_size: int, gathering_until: datetime | None, now: datetime) -> bool:
    """Whether a batch is ready: full by number or size, or gathered for as long as its window is."""
    return count >= batch_size or fits < count or (gathering_until is not None and gathering_until <= now)


@lru_cache(maxsize=256)
def _pattern(text: str) -> Pattern:
    return parse_pattern(text)


def wanted(filters: Sequence[str], record: Mapping[str, Any]) -> bool:
    """Whether a message passes the mapping's filters, of which one is enough.

    A pattern for ``body`` that is an object sees the body as JSON; one that is a list of texts sees it as text.
    """
    return not filters or any(_passes(text, record) for text in filters)


def _passes(text: str, record: Mapping[str, Any]) -> bool:
    source = loads(text)
    seen = dict(record)
    if isinstance(source, dict) and isinstance(source.get("body"), dict):
        try:
            seen["body"] = loads(record["body"])
        except BrokenJSON:
            return False
    return matches(_pattern(text), seen)


class BrokenReport(ValueError):
    """The answer of a function that reports batch item failures is no report: the whole batch has failed."""


def failed_items(answer: str, batch: Collection[str]) -> set[str]:
    """The message ids that a function reports as failed.

    Raises:
        BrokenReport: the answer is no report, or names a message that is not in the batch.
    """
    try:
        document = loads(answer)
    except BrokenJSON as error:
        raise BrokenReport(answer) from error
    if document is None or document == {}:
        return set()
    items = document.get("batchItemFailures") if isinstance(document, dict) else None
    if items is None and isinstance(document, dict) and "batchItemFailures" in document:
        return set()
    if not isinstance(items, list):
        raise BrokenReport(answer)
    failed: set[str] = set()
    for item in items:
        identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
        if not isinstance(identifier, str) or identifier not in batch:
            raise BrokenReport(answer)
        failed.add(identifier)
    return failed
