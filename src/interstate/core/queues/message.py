"""A message's life as a value: sent, hidden, received again, moved to the dead letters.

Theory of operation
-------------------
A message is one row. ``visible_at`` says when it may be received: the future while it is delayed or in flight. A receive
hides it, counts, and gives it a new receipt; only the latest receipt deletes it or changes its visibility. When a
message has been received ``maxReceiveCount`` times and would be received again, it moves to the dead-letter queue
instead, keeping its id, its body and the time when it was sent.

The messages of a group of a FIFO queue are received in the order of sending: the first ones that are visible, up to
the first that is not (in flight or delayed), which blocks what comes after it.

Source: SQS Developer Guide, "Visibility timeout", "Using dead-letter queues".
"""

import re
import struct
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from interstate.base.ids import Entropy
from interstate.core.events.numbers import event_id, place_of
from interstate.core.queues.errors import InvalidMessageContents, ReceiptHandleIsInvalid

try:  # Of texts as short as messages, OpenSSL's takes twice as long: most of it is looking for the algorithm.
    from _md5 import md5  # type: ignore[import-not-found]  # CPython's own; stubs leave it out
except ImportError:  # Some builds have OpenSSL's alone.
    from hashlib import md5

AttributeValue = dict[str, Any]  # {"DataType": "String", "StringValue": "..."} or BinaryValue as base64 text.


RELEASED = "-"
_SEQUENCE = 18_850_000_000_000_000_000  # Source: the sequence numbers in the SQS API Reference have twenty digits.


class Message(msgspec.Struct, frozen=True):
    """One message of one queue; ``id`` rises in the order of sending."""

    id: int
    queue_id: int
    visible_at: datetime
    sent_at: datetime
    message_id: str
    body: str
    body_md5: str
    attributes: dict[str, AttributeValue] | None
    system_attributes: dict[str, str] | None  # SenderId, AWSTraceHeader, DeadLetterQueueSourceArn.
    receive_count: int = 0
    first_received_at: datetime | None = None
    receipt: str = ""  # The latest; with a mark before it when its holder let the message go.
    group_id: str = ""
    deduplication_id: str = ""
    received_at: datetime | None = None
    seal: str = ""  # With what the body is signed when it is read for the first time; see ``services/sqs/seals.py``.

    @property
    def sequence_number(self) -> str:
        """Twenty digits that rise in the order of sending."""
        return sequence_number(self.id)

    def is_held_by(self, receipt: str) -> bool:
        """Whether this is the receipt of the latest receive."""
        return self.receipt.removeprefix(RELEASED) == receipt

    def received(self, until: datetime, now: datetime, receipt: str) -> "Message":
        """In flight until then, under a new receipt."""
        return msgspec.structs.replace(
            self,
            visible_at=until,
            receive_count=self.receive_count + 1,
            first_received_at=self.first_received_at or now,
            received_at=now,
            receipt=receipt,
        )

    def hidden_for(self, timeout: timedelta, *, now: datetime) -> "Message":
        """Visible again when the timeout, counted from now, is over; what was left of the old one is forgotten."""
        receipt = self.receipt if timeout else RELEASED + self.receipt.removeprefix(RELEASED)
        return msgspec.structs.replace(self, visible_at=now + timeout, receipt=receipt)

    def handle(self) -> str:
        """The receipt handle that a consumer gets."""
        return b2a_base64(f"{self.queue_id}/{self.id}/{self.receipt}".encode(), newline=False).decode()


def sequence_number(row: int) -> str:
    """The sequence number of the message in this row."""
    return str(_SEQUENCE + row)


def new_message_id(row: int, entropy: Entropy) -> str:
    """An id for the message of this row. Like an event's, it leads to its row, so that a message is found by its id."""
    return event_id(row, 0, entropy)


def row_of(message_id: str) -> int | None:
    """The row in which a message with this id was sent; None when it is no id. Dead letters have another row by then."""
    place = place_of(message_id)
    return None if place is None else place[0]


def read_handle(receipt_handle: str, queue_id: int) -> tuple[int, str]:
    """The message's row and the receipt that a handle of this queue names.

    Raises:
        ReceiptHandleIsInvalid: the queue never gave it out.
    """
    queue, row, receipt = _parts(receipt_handle)
    if queue != queue_id or row is None:
        raise ReceiptHandleIsInvalid(receipt_handle, of_another_queue=row is not None)
    return row, receipt


_HANDLE = re.compile(r"(\d{1,18})/(\d{1,18})/([^/]*)", re.ASCII)


@lru_cache(maxsize=1024)
def _parts(receipt_handle: str) -> tuple[int | None, int | None, str]:
    """Queue, row and receipt; a call asks twice: for the rows that it needs, and for itself."""
    try:
        found = _HANDLE.fullmatch(a2b_base64(receipt_handle, strict_mode=True).decode())
    except (ValueError, Base64Error):
        return None, None, ""
    return (None, None, "") if found is None else (int(found[1]), int(found[2]), found[3])


def row_of_handle(receipt_handle: str) -> int | None:
    """The row that a handle names, whosever it is; None when it is no handle."""
    return _parts(receipt_handle)[1]


def is_used_up(receive_count: int, receive_count_max: int | None) -> bool:
    """Whether the next receive moves the message to the dead letters instead."""
    return receive_count_max is not None and receive_count >= receive_count_max


FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32)])
_FFFE, _FFFF = "\ufffe".encode(), "\uffff".encode()


def check_body(body: bytes) -> None:
    """A body may hold what XML 1.0 may hold.

    Raises:
        InvalidMessageContents: it holds more.
    """
    if len(body.translate(None, _CONTROLS)) != len(body):
        raise InvalidMessageContents
    if not body.isascii() and (body.find(_FFFE) >= 0 or body.find(_FFFF) >= 0):
        raise InvalidMessageContents


def are_ascii(bodies: Sequence[bytes]) -> bool:
    """Whether ``check_body`` takes each of some for being plain ASCII."""
    together = b"".join(bodies)
    return together.isascii() and len(together.translate(None, _CONTROLS)) == len(together)


def md5_of_body(body: bytes) -> str:
    """The hexadecimal digest that clients check."""
    digest: str = md5(body, usedforsecurity=False).hexdigest()
    return digest


def md5_of_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """Names sorted; name, type and value each with a 4-byte length, a byte for the value's kind between.

    ``BinaryValue`` is bytes here.

    Source: SQS Developer Guide, "Calculating the MD5 message digest for message attributes".
    """
    digest = md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        for part in (name, attribute["DataType"]):
            encoded = part.encode()
            digest.update(struct.pack("!I", len(encoded)) + encoded)
        binary = attribute.get("BinaryValue")
        value = binary if binary is not None else attribute["StringValue"].encode()
        digest.update((b"\x01" if binary is None else b"\x02") + struct.pack("!I", len(value)) + value)
    hexadecimal: str = digest.hexdigest()
    return hexadecimal


def size_bytes(body: bytes, attributes: Mapping[str, Mapping[str, Any]] | None) -> int:
    """Body, and names, types and values of attributes, as the limit counts them."""
    size = len(body)
    for name, attribute in (attributes or {}).items():
        binary = attribute.get("BinaryValue")
        value = binary if binary is not None else (attribute.get("StringValue") or "").encode()
        size += len(name.encode()) + len(attribute.get("DataType", "").encode()) + len(value)
    return size
