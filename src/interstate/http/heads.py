"""Whole requests of the commonest form, read without the parser.

Theory of operation
-------------------
Nearly every call of AWS's JSON and query services is ``POST / HTTP/1.1`` with a handful of headers that are the same call after
call, and its body comes in the same piece of data. The parser calls back for each header; here a line that was seen before is a
look into a dictionary, and a new one must have the strictest form that HTTP knows: a token, a colon, visible ASCII. Whatever is
otherwise (another method or path, a header that belongs to the connection, one that comes twice, a body that is longer or shorter
than announced) is left to the parser, so this may accept too little, but never anything that the parser would read otherwise.
"""

import re

Headers = list[tuple[bytes, bytes]]
Whole = tuple[Headers, dict[bytes, bytes], bytes]
"""The headers in order, by name, and the body."""

_START = b"POST / HTTP/1.1"
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_VISIBLE = bytes(range(0x20, 0x7F))
_LENGTH = re.compile(rb"[0-9]{1,9}").fullmatch
_LINES_MAX = 4096
_LINE_BYTES_MAX = 256

_OF_CONNECTIONS = frozenset(
    {b"expect", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_VARIES = frozenset(
    {b"amz-sdk-invocation-id", b"authorization", b"x-amz-content-sha256", b"x-amz-date", b"x-amzn-trace-id"}
)
"""Different in each request: not worth remembering."""


class Heads:
    """Remembers the lines that it has read."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, bytes]] = {}
        self._names: dict[bytes, bytes] = {}

    def read(self, data: bytes) -> Whole | None:
        """The request that is all of ``data``; None where the parser must look."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or not data.startswith(_START):
            return None
        lines = data[:end].split(b"\r\n")
        if lines[0] != _START:
            return None
        known = self._known
        headers: Headers = []
        del lines[0]
        for line in lines:
            pair = known.get(line) or self._new(line)
            if pair is None:
                return None
            headers.append(pair)
        by_name = dict(headers)
        length = by_name.get(b"content-length", b"0")
        if len(by_name) != len(headers) or not _LENGTH(length) or int(length) != len(data) - end - 4:
            return None
        return headers, by_name, data[end + 4 :]

    def _new(self, line: bytes) -> tuple[bytes, bytes] | None:
        given, colon, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        name = self._names.get(given) or self._name(given)
        if name is None or not colon or not value or value != value.strip() or value.translate(None, _VISIBLE):
            return None
        if name == b"connection" and value.lower() != b"keep-alive":
            return None
        pair = (name, value)
        if name not in _VARIES and len(line) <= _LINE_BYTES_MAX:
            if len(self._known) >= _LINES_MAX:
                self._known.clear()
            self._known[line] = pair
        return pair

    def _name(self, given: bytes) -> bytes | None:
        name = given.lower()
        if name in _OF_CONNECTIONS or _TOKEN(given) is None:
            return None
        if len(given) <= _LINE_BYTES_MAX:
            if len(self._names) >= _LINES_MAX:
                self._names.clear()
            self._names[given] = name
        return name
