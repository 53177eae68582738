"""Answers that are streams of events: the framing of ``application/vnd.amazon.eventstream``.

A frame: 4 bytes total length, 4 bytes headers' length, 4 bytes CRC of these, the headers, the payload, 4 bytes CRC of all before.
Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from binascii import crc32
from collections.abc import Mapping, Sequence
from typing import Any

from interstate.wire.writing import json_bytes

CONTENT_TYPE = b"application/vnd.amazon.eventstream"
_TEXT = 7  # The type of a header's value.
_OVERHEAD_BYTES = 16


def event_stream(events: Sequence[Mapping[str, Any]]) -> bytes:
    """Events in their frames; each is ``{"PayloadChunk": {"Payload": b"..."}}``, a name with its members."""
    return b"".join(_event(name, members) for event in events for name, members in event.items())


def _event(name: str, members: Mapping[str, Any]) -> bytes:
    blob = next((value for value in members.values() if isinstance(value, bytes)), None)
    kind, payload = ("application/json", json_bytes(members)) if blob is None else ("application/octet-stream", blob)
    return frame({":message-type": "event", ":event-type": name, ":content-type": kind}, payload)


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = (_OVERHEAD_BYTES + len(encoded) + len(payload)).to_bytes(4, "big") + len(encoded).to_bytes(4, "big")
    head = prelude + crc32(prelude).to_bytes(4, "big")
    message = head + encoded + payload
    return message + crc32(message).to_bytes(4, "big")


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return bytes([len(name)]) + name.encode() + bytes([_TEXT]) + len(text).to_bytes(2, "big") + text
