"""What becomes of a Task when it is started."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec


class Answered(msgspec.Struct, frozen=True):
    """The Task is done; ``output`` is JSON text."""

    output: str


class Failed(msgspec.Struct, frozen=True):
    """The Task failed; Retry and Catch may see ``error``. ``state_fault``: the state itself is at fault, nothing was asked."""

    error: str
    cause: str | None = None
    state_fault: bool = False


class Submitted(msgspec.Struct, frozen=True):
    """The request was accepted with ``output`` (JSON text); the Task waits for its token, or for the child that it started.

    ``end`` is there when that child has ended already.
    """

    output: str
    end: Answered | Failed | None = None


class Waiting(msgspec.Struct, frozen=True):
    """A function call is under way; its answer comes as the due step "states.task_answer"."""


def _unseen(_result: Any) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Outside:
    """The Task needs the outside: the effect ``kind`` with ``body``, of whose result ``take`` makes the Task's answer.

    ``exchange`` shows request and response as TestState does at the level TRACE.
    """

    kind: str
    body: msgspec.Struct
    take: Callable[[Any], Answered | Failed]
    exchange: Callable[[Any], Mapping[str, Any]] = _unseen


Outcome = Answered | Failed | Submitted | Waiting
