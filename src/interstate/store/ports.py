"""What services may ask of the store: one unit of work over a batch of calls.

Theory of operation
-------------------
A batch of calls, steps and deliveries is decided in one transaction (design, law 6). Each runs in an overlay: what it
put is seen by itself at once, by later calls of the batch when it succeeded, by nobody when it was refused. Writes are
collected and flushed as one statement a table, before a range read that could see them and before the commit.
A batch that the database refuses is run again in halves, with the same ``now`` and the same seeds.

Lock order: tables in the order in which the schema creates them (``store/sqlite/migrations``), rows by key.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import msgspec

from interstate.base.arn import Caller
from interstate.base.ids import Entropy
from interstate.store.records.metrics import CountAndSize, MetricKey
from interstate.store.tables import Scalar, Select, Table

V = TypeVar("V", bound=msgspec.Struct)


class Work(Protocol):
    """The state of everything, as one call sees it inside a unit of work."""

    @property
    def now(self) -> datetime:
        """Business time, the same for the whole batch."""
        ...

    @property
    def caller(self) -> Caller:
        """Whose account and region the running call sees."""
        ...

    @property
    def entropy(self) -> Entropy:
        """The running call's own; a batch that is run again gets the same."""
        ...

    @property
    def node(self) -> int:
        """Who writes this batch: a node's number plus 256 times the number of its connection; 0 where one process owns the store.

        Rows that are somebody's own have it in their key: no two transactions that are open at once have the same.
        """
        ...

    @property
    def texts(self) -> bool:
        """Whether the answer goes out as JSON at once: then what is stored as JSON may stand in it as ``orjson.Fragment``."""
        ...

    @property
    def is_late(self) -> bool:
        """Whether the batch has used its time: work that can be cut into slices ends its slice now."""
        ...

    # Records ---------------------------------------------------------------------------------------------------

    def get(self, table: Table[V], *key: Any) -> V | None:
        """The record under ``key`` (the columns of the table's key, in order), or None."""
        ...

    def get_all(self, table: Table[V], keys: Sequence[tuple[Any, ...]]) -> list[V | None]:
        """What ``get`` tells for each of some keys."""
        ...

    def fetch(self, wanted: dict[Table[Any], set[tuple[Any, ...]]]) -> None:
        """Have the rows under these keys at hand for ``get``: one read for all of a call, locked table by table, by key."""
        ...

    def put(self, table: Table[V], record: V) -> None:
        """Insert the record, or replace the one with the same key."""
        ...

    def put_new(self, table: Table[V], record: V) -> None:
        """Insert a record under a key that no row has, without a look; a row that is there after all refuses the batch."""
        ...

    def put_all(self, table: Table[V], records: Sequence[V]) -> None:
        """Put some records of one table: what ``put`` does, cheaper than one by one."""
        ...

    def put_if_free(self, table: Table[V], records: Sequence[V]) -> bool:
        """Put records (one at least, of different keys) if there is none under any of their keys; tells whether they were put.

        Cheaper than a look and a put where the database is beside us: then nothing need be fetched before.
        Each record must differ from any that was ever stored under its key, by a number that was just drawn for instance: what is
        found there and is equal would be taken for what this call has written, and go with it.
        """
        ...

    def delete(self, table: Table[V], *key: Any) -> None:
        """Delete the record under ``key``; nothing happens when there is none."""
        ...

    def select(self, select: Select[V], *, limit: int, **parameters: Any) -> list[V]:
        """At most ``limit`` records, in the select's order, with what this batch wrote before."""
        ...

    def scalar(self, scalar: Scalar, **parameters: Any) -> int:
        """One number; NULL is 0."""
        ...

    def demand(self, name: str, count: int) -> int:
        """How many rows of a range are wanted from now on: ``count`` by this call, and what later ones have told (``Demand``)."""
        ...

    def pool(self, name: str) -> list[Any]:
        """What calls of this batch leave for those after them; forgotten with the batch. It may be out of date."""
        ...

    def erase(self, select: Select[V], *, limit: int, **parameters: Any) -> int:
        """Delete at most ``limit`` records of a range in one statement; tells how many."""
        ...

    def sweep(self, table: Table[Any], *, before: datetime, limit: int) -> int:
        """Forget rows of a table that ``ages`` and are older than an instant, the oldest numbers first; do not read it after that.

        Answers ``limit`` when there may be more. With several nodes whole parts of the table may go at once; a part that is not
        written to any more is kept until its newest row is due.
        """
        ...

    def next_id(self, table: Table[Any]) -> int:
        """A number for the table's single integer key, higher than any before; in order of creation, with gaps."""
        ...

    def next_ids(self, table: Table[Any], count: int) -> range:
        """So many numbers (one at least), one after the other."""
        ...

    def horizon(self) -> int:
        """A number below which no row can come any more: what is read below it is complete, whatever other nodes do now."""
        ...

    @property
    def withheld(self) -> bool:
        """Whether a read of this batch that ``follows`` a log left rows out: they are shown when it comes again."""
        ...

    # Work that follows ------------------------------------------------------------------------------------------

    def later(self, kind: str, body: msgspec.Struct, *, at: datetime | None = None, yields: bool = False) -> int:
        """Leave a due row: the step or effect ``kind`` runs with ``body`` at ``at`` (default now), surviving a crash.

        ``kind`` is declared in a service's table (``Step`` or ``Effect``). Rows due at once often run in this same
        transaction; one that ``yields`` (the next slice of something long) lets everybody else go first. Returns the
        row's id, for ``cancel``.
        """
        ...

    def cancel(self, due_id: int) -> None:
        """Take a due row back; nothing happens when it has run."""
        ...

    def wake(self, key: str, *, one: bool = False) -> None:
        """After the commit, run again the calls that are parked on ``key``: all, or the one that waits longest."""
        ...

    def measure(
        self,
        namespace: str,
        name: str,
        dimensions: tuple[tuple[str, str], ...] = (),
        value: float = 1.0,
        unit: str = "Count",
        *,
        caller: Caller | None = None,
    ) -> None:
        """Add a value to a CloudWatch metric, in this commit; ``caller`` says whose (steps have none of their own).

        What a refused call measured is counted as well. Many values of one series are one write a batch.
        """
        ...

    def measure_all(
        self,
        namespace: str,
        name: str,
        dimensions: tuple[tuple[str, str], ...],
        values: Sequence[float],
        unit: str = "Count",
        *,
        caller: Caller | None = None,
    ) -> None:
        """Add some values (at least one) at once."""
        ...

    def tally(self, metrics: Sequence[MetricKey], value: float, count: int = 1) -> None:
        """Add one value, ``count`` times, to each of some metrics: what ``measure`` does, for keys that were made before."""
        ...

    def tally_sized(self, metrics: CountAndSize, size: float) -> None:
        """Count one thing in the first of two series, and its size in the second."""
        ...

    # Calls inside the call ---------------------------------------------------------------------------------------

    def call(self, service: str, operation: str, request: Mapping[str, Any], *, caller: Caller | None = None) -> Any:
        """Run another service's operation inside this transaction, in an overlay of its own.

        ``service`` and ``operation`` are botocore's names ("sqs", "SendMessage"); ``request`` has the API's member
        names and is validated like a request from outside; the answer has the API's member names too.

        Raises:
            ServiceError: the operation refused; nothing of it remains.
        """
        ...

    def disturb(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        """Let the rules for faults hit a call inside that does not come through ``call``, which asks them itself.

        Raises:
            ServiceError: a rule refuses it.
        """
        ...

    @property
    def disturbed(self) -> bool:
        """Whether there are rules for faults: otherwise ``disturb`` does nothing."""
        ...

    def overlay(self) -> AbstractContextManager[None]:
        """Writes inside are kept when the block ends, dropped when it raises (the exception goes on)."""
        ...


FOLLOW_AGAIN = timedelta(milliseconds=20)
"""After so long a reader of a log looks again, when another node has rows of it in hand."""


def comes_again(work: Work) -> datetime | None:
    """When a reader that followed a log should look again by itself; None when whoever writes next wakes it."""
    return work.now + FOLLOW_AGAIN if work.withheld else None


class Rows(Protocol):
    """What a dialect offers to the unit of work above it: reads and writes inside one open transaction."""

    def fetch(self, table: Table[Any], keys: Iterable[tuple[Any, ...]]) -> list[msgspec.Struct | None]:
        """The records under the keys, in their order."""
        ...

    def fetch_all(
        self, wanted: Sequence[tuple[Table[Any], list[tuple[Any, ...]]]]
    ) -> list[list[msgspec.Struct | None]]:
        """The same of several tables at once, locked in the order given."""
        ...

    def select(self, select: Select[Any], limit: int, parameters: dict[str, Any]) -> list[msgspec.Struct]:
        """At most ``limit`` records of a range, in its order."""
        ...

    def read_all(self, wanted: "Wanted", looks: Sequence["Look"]) -> list[list[msgspec.Struct | None]]:
        """What ``fetch_all`` tells, and behind it the records of some ranges (none of which ``follows``), with one wait for all."""
        ...

    def scalar(self, scalar: Scalar, parameters: dict[str, Any]) -> int:
        """One number; NULL and no row are 0."""
        ...

    @property
    def withheld(self) -> bool:
        """Whether a select that ``follows`` left rows out, since somebody set it to False."""
        ...

    @withheld.setter
    def withheld(self, value: bool) -> None: ...

    def horizon(self) -> int:
        """A number below which every row is there to be seen, or is gone."""
        ...

    def highest_id(self, table: Table[Any]) -> int:
        """The highest integer key in use, 0 when the table is empty."""
        ...

    def sweep(self, table: Table[Any], before: datetime, kept: timedelta, limit: int) -> int:
        """Forget old rows of a table that ages; ``kept`` is how long they are kept. Answers ``limit`` when there may be more."""
        ...

    def write(self, table: Table[Any], changes: Sequence["Change"]) -> None:
        """Write what changed, as one statement a kind of change; a refusal may show as late as at the commit."""
        ...

    tries: bool
    """Whether a statement costs no way to the database and back, so that ``insert_absent`` is worth a try."""

    def insert_absent(self, table: Table[Any], records: Sequence[msgspec.Struct]) -> int:
        """Insert those of some records whose keys are free; tells how many they were. Only where ``tries``."""
        ...

    def renew(self, table: Table[Any], changed: tuple[int, ...], records: Sequence[msgspec.Struct]) -> None:
        """Write some columns (by their places; none of them becomes empty) of rows that are there and that nobody else writes."""
        ...


# Key, the record as the database has it, the record as it should be (None: no row).
Change = tuple[tuple[Any, ...], msgspec.Struct | None, msgspec.Struct | None]


@dataclass(frozen=True, slots=True)
class Look:
    """One thing to read: the rows of a table under the keys ``asked``, or a range or a number with the parameters ``asked``."""

    what: Table[Any] | Select[Any] | Scalar
    asked: Any
    limit: int = 0


class Snapshot(Protocol):
    """What is committed at one instant, asked without a wait. Whoever took it ends it, or drops it."""

    @property
    def rows(self) -> Rows:
        """The same snapshot, asked with a wait; not while an answer is on its way."""
        ...

    def send(self, looks: Sequence[Look]) -> int:
        """Ask; the socket that becomes readable when there is an answer."""
        ...

    def has_come(self) -> bool:
        """Whether ``receive`` would not wait; asked whenever the socket is readable."""
        ...

    def receive(self) -> list[Any]:
        """What each look has found: records (None where there is no row under a key), or a number."""
        ...

    def end(self) -> None:
        """Let go of it."""
        ...

    def roll_back(self) -> None:
        """Forget it, whatever state it is in; what is asked next begins another one."""
        ...

    def drop(self) -> None:
        """The same, and let go of it."""
        ...


class StoreUnavailable(Exception):
    """The store cannot be reached now. Nothing that was acknowledged is lost; try again."""


class Aside(Protocol):
    """A transaction whose last question the database has not answered yet; its answer comes by a socket."""

    @property
    def socket(self) -> int:
        """What becomes readable when there is an answer."""
        ...

    @property
    def has_come(self) -> Callable[[], bool]:
        """Whether the answer is there, or will never be; asked whenever the socket is readable."""
        ...

    @property
    def drop(self) -> Callable[[], None]:
        """Roll it back: what it was to do begins anew, and may take its time."""
        ...


class Slow(StoreUnavailable):
    """The store does not answer at once. Whoever works for others meanwhile goes on when it does."""

    def __init__(self, aside: Aside) -> None:
        super().__init__("the database does not answer")
        self.aside = aside


class Commit(Protocol):
    """A commit that is on its way; its answer comes by a socket."""

    @property
    def socket(self) -> int:
        """What becomes readable when there is an answer."""
        ...

    def has_come(self) -> bool:
        """Whether ``end`` would not wait; asked whenever the socket is readable."""
        ...

    def end(self) -> None:
        """Read the answer. Raises one of the store's ``refusals``: then nothing of it happened."""
        ...

    def drop(self) -> None:
        """Forget what was refused."""
        ...


Wanted = list[tuple[Table[Any], list[tuple[Any, ...]]]]
"""Rows by key, of several tables in the order in which they are locked."""


class Ahead(Protocol):
    """A transaction that has begun and asked for its first rows; its answer comes by a socket."""

    @property
    def socket(self) -> int:
        """What becomes readable when there is an answer."""
        ...

    @property
    def wanted(self) -> Wanted:
        """What was asked for."""
        ...

    @property
    def looks(self) -> "Sequence[Look]":
        """The ranges that were asked for besides."""
        ...

    def has_come(self) -> bool:
        """Whether ``take`` would not wait; asked whenever the socket is readable."""
        ...

    def take(self) -> list[list[msgspec.Struct | None]]:
        """Go on with this transaction: it is the one that is open now. The records under the keys, and then those of the ranges.

        Raises one of the store's ``refusals``, or ``StoreUnavailable``; then it is rolled back as any other.
        """
        ...

    def drop(self) -> None:
        """Roll it back."""
        ...


class Store(Protocol):
    """A place where records survive. Owned by ``runtime``; services see only ``Work``."""

    @property
    def lane_base(self) -> int:
        """Where this node's lanes of due work begin: 0 where there is one process, else 4 times the node's number."""
        ...

    @property
    def node(self) -> int:
        """Who writes the batch that is open, as ``Work.node``."""
        ...

    @property
    def works(self) -> bool:
        """Whether this node does due work; otherwise it leaves it to others, in the lanes of nobody."""
        ...

    @property
    def retries(self) -> tuple[type[Exception], ...]:
        """Those refusals that say: others were faster; run the batch again."""
        ...

    @property
    def durable(self) -> bool:
        """Whether a commit waits for a disk (or another machine)."""
        ...

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """The errors by which this dialect refuses a transaction (constraint, deadlock, serialization, full disk)."""
        ...

    def unavailable(self, error: Exception) -> StoreUnavailable | None:
        """What an error of the database's means when nobody can use it now (it is away, its disk is full); None for any other."""
        ...

    @property
    def rows(self) -> Rows:
        """The writing connection; use it between ``begin`` and ``commit`` only."""
        ...

    @property
    def reader(self) -> Rows | None:
        """A second connection that sees what is committed; None when there is none (in memory)."""
        ...

    @property
    def takes_turns(self) -> bool:
        """Whether reads share snapshots that ``snapshot`` gives, and there is no ``reader``."""
        ...

    def snapshot(self) -> Snapshot | None:
        """A snapshot to ask; None while all that there may be are in use. Raises ``StoreUnavailable``."""
        ...

    def begin_read(self) -> None:
        """Open a snapshot on ``reader``."""
        ...

    def end_read(self) -> None:
        """Let go of it."""
        ...

    def begin(self) -> None:
        """Open the transaction of a batch."""
        ...

    @property
    def asks_ahead(self) -> bool:
        """Whether ``ask_ahead`` saves a wait."""
        ...

    def ask_ahead(self, wanted: Wanted, looks: Sequence[Look] = ()) -> Ahead:
        """Begin, and ask for rows (at least one). Until it is taken or dropped no other batch may begin.

        Raises:
            StoreUnavailable: the database is away.
        """
        ...

    def settle(self) -> None:
        """Have the database take what was written, so that what it refuses shows here and not at the commit."""
        ...

    def commit(self) -> None:
        """Make it durable. May run in a helper thread. Raises one of ``refusals``: then nothing of it happened."""
        ...

    def send_commit(self) -> Commit | None:
        """Begin to make it durable. None: there is nothing to wait for by a socket, ``commit`` does it all.

        What was sent ends by itself, whatever this process does; ``begin`` may follow when ``has_room`` says so.
        """
        ...

    def has_room(self) -> bool:
        """Whether a batch may begin while the commits of others are on their way."""
        ...

    def rollback(self) -> None:
        """Drop it."""
        ...

    def wal_bytes(self) -> int:
        """How much log waits to be folded in; 0 where that is not ours to do."""
        ...

    def shorten_wal(self, *, truncate: bool) -> None:
        """Fold the log in; between batches only."""
        ...

    def wipe(self) -> None:
        """Forget every record, in a transaction of its own; between batches only."""
        ...

    def close(self) -> None:
        """Release files and locks."""
        ...
