"""The contract between services and whoever runs them.

Theory of operation
-------------------
A service is a table: its operations, and the kinds of due work that it left in the store. An operation is a function of
a typed request and a ``Work``; it either answers, or refuses with a ``ServiceError`` (then nothing of it remains), or
says what must happen first:

* ``Parked``: nothing to answer yet. The call is run again when its key is woken, or for the last time when its wait ends.
  A long poll, or a synchronous execution, holds no thread and no transaction.
* ``Perform``: an effect outside the store (a function call) must be carried out now, for a caller who waits for it and
  will repeat it himself if we die. Effects that must survive are due rows instead.

A due row is a *step* (inside the store: consumed and done in one commit, exactly once) or an *effect* (outside: performed
at least once under a key that stays the same, its answer taken once: ``finish`` and the row's end are one commit).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from interstate.base.arn import Caller
from interstate.store.ports import Look, Work
from interstate.store.tables import Demand, Key

R = TypeVar("R", bound=msgspec.Struct)
B = TypeVar("B", bound=msgspec.Struct)

# An answer's members under their API names; values as the model says (datetime for timestamps, bytes for blobs).
Answer = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Parked:
    """Run me again: ``again(work, last)`` when ``key`` is woken; with ``last=True`` when ``wait_s`` real seconds are over.

    ``wake_at`` also runs it again at that business time (e.g. when a delayed message becomes visible).
    What the call wrote so far is committed.
    """

    key: str
    wait_s: float
    again: Callable[[Work, bool], "Outcome"]
    wake_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Streaming:
    """How an answer is told that goes out while the effect is performed.

    ``begin(content_type, head)`` gives the answer that begins with these bytes, or None when more are needed to know it; ``chunk``
    and ``end`` give what follows, in the form that the answer's stream has.
    """

    begin: Callable[[str, bytes], Mapping[str, Any] | None]
    chunk: Callable[[bytes], Any]
    end: Callable[[Any], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Perform:
    """Carry out the effect ``kind`` with ``body`` now, then answer with ``answer(result)``.

    The effect's ``finish`` runs too, in a commit of its own, before the answer.
    """

    kind: str
    body: msgspec.Struct
    answer: Callable[[Any], Answer]
    streaming: Streaming | None = None  # Used when the effect streams; ``answer`` when it does not.


Outcome = Answer | Parked | Perform


@dataclass(frozen=True)
class Operation(Generic[R]):
    """One API operation.

    ``request`` is a frozen struct whose fields are renamed to the API's member names (``rename="pascal"``/``"camel"``);
    the request was validated against the service model before. ``keys`` tells the rows that the call will need.
    ``reads`` promises that the call writes nothing: it runs on committed state without waiting for a batch.
    """

    name: str
    request: type[R]
    handle: Callable[[R, Work], Outcome]
    keys: Callable[[R, Caller], Iterable[Key | Demand]] | None = None
    reads: bool = False


@dataclass(frozen=True)
class Step(Generic[B]):
    """Due work inside the store. ``handle`` must not refuse: it catches what it can meet and leaves a row for later.

    ``keys`` tells what it will read: rows, and ranges that nobody changes who has not locked one of these rows.
    """

    kind: str
    body: type[B]
    handle: Callable[[B, Work], None]
    keys: Callable[[B], Iterable[Key | Look]] | None = None
    pulls: bool = True  # False for sweeps and recurring schedules: they never pull a virtual clock.


@dataclass(frozen=True)
class Effect(Generic[B]):
    """Due work outside the store. ``runtime`` registers who performs ``kind``: ``async (key, body) -> result``.

    ``key`` is the same whenever the effect is repeated. The performer returns failures as values; it never raises.
    ``keys`` tells rows that ``finish`` will read, and what follows from it at once.
    """

    kind: str
    body: type[B]
    finish: Callable[[B, Any, Work], None]
    keys: Callable[[B], Iterable[Key]] | None = None


@dataclass(frozen=True)
class Service:
    """A service's table. ``name`` is botocore's. What the model has and the table lacks is refused by name."""

    name: str
    operations: tuple[Operation[Any], ...]
    steps: tuple[Step[Any], ...] = ()
    effects: tuple[Effect[Any], ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)  # operation -> remark for docs/reference/coverage.md
