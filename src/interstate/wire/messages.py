"""HTTP messages as values."""

from collections.abc import AsyncIterator, Mapping

import msgspec


class Request(msgspec.Struct, frozen=True):
    """A whole request. Paths and queries are as they came, still percent-encoded; header names are in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes

    def header(self, name: bytes) -> str:
        """A header's value; empty when there is none."""
        return self.headers.get(name, b"").decode("latin-1")


class Response(msgspec.Struct, frozen=True):
    """A response; whoever sends it adds the length. ``more`` follows the body where it is too long to be held whole.

    ``lines`` are the headers as they go out, where they are written already and hold nothing that a client gave.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    more: AsyncIterator[bytes] | None = None
    lines: bytes = b""
