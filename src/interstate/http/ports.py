"""What http asks of the rest of the process."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from interstate.base.arn import Caller

Done = Callable[[Mapping[str, Any] | None, BaseException | None], None]
"""Told an answer, or why there is none."""


class Engine(Protocol):
    """Runs operations, durably."""

    async def execute(
        self, service: str, operation: str, params: Mapping[str, Any], caller: Caller
    ) -> Mapping[str, Any] | None:
        """The answer's members under their API names.

        Raises:
            ServiceError: the operation refused.
            TransientError: nothing happened; the client may try again.
        """
        ...

    def begin(
        self, service: str, operation: str, params: Mapping[str, Any] | msgspec.Struct, caller: Caller, done: "Done"
    ) -> None:
        """The same without a task: ``done(answer, error)`` is called once, before this returns or later.

        ``params`` may be the operation's own struct, where ``typed`` told it.

        Raises:
            ServiceError: the operation refused at once; ``done`` is not called then.
        """
        ...

    def typed(self, service: str, operation: str) -> type[msgspec.Struct] | None:
        """The struct of an operation's requests; None while somebody looks at their parameters."""
        ...

    def implements(self, service: str, operation: str) -> bool:
        """Whether the operation is there; if not, it is refused by name before its body is read."""
        ...


class Control(Protocol):
    """Serves ``/_interstate/...``: health, clock, mailbox and the like."""

    async def handle(
        self, method: str, path: str, query: str, body: bytes
    ) -> tuple[int, Sequence[tuple[str, str]], bytes]:
        """Status, headers and body for a path that begins with ``/_interstate/``."""
        ...
