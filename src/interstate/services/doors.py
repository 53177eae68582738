"""Answers to requests that come through doors of their own, outside of AWS's protocols (``http.doors``)."""

from typing import Any

import msgspec


class Response(msgspec.Struct, frozen=True):
    """What goes back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def answer(self) -> dict[str, Any]:
        """The form in which the internal operation answers."""
        return {
            "StatusCode": self.status,
            "Headers": [[name, value] for name, value in self.headers],
            "Body": self.body,
        }
