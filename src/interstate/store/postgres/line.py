"""One connection's transaction, with as few round trips as can be.

Theory of operation
-------------------
What asks for no answer is not sent at once. BEGIN waits for the first question, writes wait for the next question or for
COMMIT; then everything goes in one pipeline. So a batch costs one round trip for what it knows beforehand, one for each
read that depends on another, and one for its writes, its fence and its COMMIT together.

In a pipeline nothing after a failed statement is carried out, COMMIT included; the statements that must find what they
want end the transaction themselves (``migrations/0003_checks.sql``).

Numbers are drawn from the database's clock, which is read *after* the last lock was taken: what waited for another node's
commit gets a higher number than that commit gave, so the records of one item, group or execution are numbered in the order
of their commits. Across rows that share no lock the order of numbers is not the order of commits: who follows a log reads
below the *horizon*, the begin of the oldest transaction that is still open.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import psycopg

from interstate.store.ports import Slow, StoreUnavailable
from interstate.store.postgres.pipe import SILENCE_S_MAX, NotYet, PipedConnection, Question
from interstate.store.postgres.plans import AGAIN, Plans

_BEGIN: Question = ("BEGIN", ())
_COMMIT: Question = ("COMMIT", ())
_ROLLBACK: Question = ("ROLLBACK", ())
_PROLONGED_TIMES = 4
_CLOCK: Question = ("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", ())
# What is known of other sessions is kept until the transaction ends, unless it is forgotten first.
_FORGET: Question = ("SELECT pg_stat_clear_snapshot()", ())
# The statement's own begin, not the present instant: a transaction may begin between the look at the others and the clock.
_HORIZON: Question = (
    """
    SELECT (extract(epoch FROM least(min(xact_start), statement_timestamp())) * 1000000)::bigint
    FROM pg_stat_get_activity(NULL) WHERE application_name = 'interstate' AND pid <> pg_backend_pid()
    AND datid = (SELECT oid FROM pg_database WHERE datname = current_database())
    """,
    (),
)
_PATIENCE_MS = int(SILENCE_S_MAX * 1000)
_AWAY_STATES = frozenset(
    {
        "57P01",  # The server is being shut down, or somebody ended this connection.
        "57P02",
        "57P03",
        "25P03",  # This transaction idled for too long.
        "25P04",
        "25006",  # It only reads: a standby, or one that was left behind by a failover.
        "53100",  # Its disk is full.
        "53200",
        "53300",  # It has too many connections.
        "53400",
    }
)


def _nobody() -> None:
    """Nobody is told."""


class Fenced(StoreUnavailable):
    """This node was declared dead by another one; what it was about to write is dropped."""


class Overtaken(Exception):
    """Another node changed what this batch had read; the batch is run again."""

    def __init__(self, table: str) -> None:
        super().__init__(f"a row of {table} was changed by another node meanwhile")


class Aside:
    """``store.ports.Aside`` of a line."""

    def __init__(self, line: "Line") -> None:
        self.socket = line.pipe.fileno
        self.has_come = line.answer_has_come
        self.drop = line.drop_aside


class Line:
    """A connection. ``writes``: its transactions read the database's clock and see each other's commits as they go on.

    ``patient``: the transaction waits for its answers, where another one would be put aside after ``patience_ms``. One that comes
    after a transaction that was put aside waits twice as long as that, so that a slow database is not asked the same for ever.
    One that only reads sees one snapshot from its first question to its end. ``ends_after_ms`` is after what time the database
    ends a transaction (0: it does not); while it is under way and asks, it begins anew: a process that lives may take its time,
    one that is frozen may not.
    """

    def __init__(self, connection: PipedConnection, plans: Plans, *, writes: bool, ends_after_ms: int = 0) -> None:
        self.connection = connection
        self.plans = plans
        self._edition = plans.edition
        self.wrote = False
        self.broken = False
        self.round_trips = 0
        self.pipe = connection.pipe
        self._writes = writes
        self._clock = 0
        self._open = False
        self._clocked = False
        self._commit_sent = False
        self._first = 0  # Of the answers that are on their way, this one is the first question's.
        self._ends_after_ms = ends_after_ms
        self._prolongs_at = 0.0
        self.prolonged: Callable[[], None] = (
            _nobody  # Told while a long transaction is under way, at the same distances.
        )
        self._waiting: list[Question] = []
        self.patience_ms = (
            _PATIENCE_MS  # After that a question is put aside, when it is shorter than what ends a connection.
        )
        self.aside = False  # The answer to a question that was put aside has not been looked at.
        self.patient = False
        self._times_patient = 1

    @property
    def usable(self) -> bool:
        """Whether the next transaction may be tried here."""
        return not self.broken and not self.connection.closed

    def open(self) -> None:
        """Send BEGIN now, when nobody had a question yet."""
        if not self._open:
            self.ask(())

    def clock(self) -> int:
        """Microseconds since the epoch, by the database's clock, after every lock that this transaction holds."""
        self.open()
        return self._clock

    def tell(self, statement: str, values: Sequence[Any]) -> None:
        """A write; it goes with the next question or with COMMIT."""
        self.wrote = True
        self._waiting.append((statement, values))

    def ask_below_horizon(self, question: Question) -> tuple[int, list[Any]]:
        """The horizon (microseconds), and then the rows that a question finds.

        No transaction of a node that is open now, or begins later, draws a number below the horizon: what such a number has
        is among the rows. The horizon is read first and the rows are read in a snapshot that was taken after it.
        """
        if self._writes:
            _, ((horizon,),), rows = self.ask((_FORGET, _HORIZON, question))
            self._clock = max(self._clock, horizon)  # It does not count itself: what it draws now must lie above.
            return horizon, rows
        self.commit(None)
        try:
            self.round_trips += 1
            (((horizon,),),) = self._asked((_HORIZON,), 0)
        except psycopg.Error as error:
            raise self._read(error) from error
        (rows,) = self.ask((question,))
        return horizon, rows

    def ask(self, questions: Sequence[Question], *, locks: bool = False) -> list[list[Any]]:
        """The rows that each question finds, after everything told before; ``locks`` when they lock them.

        Raises:
            Slow: the database has not answered yet; this transaction must be dropped when it has.
            StoreUnavailable: the database is away.
            psycopg.Error: it refuses; the transaction must be rolled back.
        """
        self.round_trips += 1
        if self._ends_after_ms:
            self._prolong()
        try:
            return self._exchange(questions, locks=locks)
        except psycopg.Error as error:
            raise self._read(error) from error

    def _prolong(self) -> None:
        """Have the database count the time of a long transaction anew, some times before it would end it."""
        now = monotonic()
        if self._open and now >= self._prolongs_at:
            self._waiting += (
                ("SET LOCAL transaction_timeout = 0", ()),
                (f"SET LOCAL transaction_timeout = {self._ends_after_ms}", ()),
            )
            self.prolonged()
        if not self._open or now >= self._prolongs_at:
            self._prolongs_at = now + self._ends_after_ms / _PROLONGED_TIMES / 1000

    def _exchange(self, questions: Sequence[Question], *, locks: bool = False) -> list[list[Any]]:
        sent = self._next_unit(questions, locks=locks)
        return self._told(self._asked(sent, self._first))

    def _asked(self, sent: Sequence[Question], first: int) -> list[list[Any]]:
        try:
            return self.pipe.ask(sent, first, self._waits_ms)
        except NotYet:
            self.aside = True
            raise Slow(Aside(self)) from None

    @property
    def _waits_ms(self) -> int:
        """How long a transaction's answer is awaited before it is put aside; with the whole patience it is not."""
        return _PATIENCE_MS if self.patient else min(_PATIENCE_MS, self.patience_ms * self._times_patient)

    def _next_unit(self, questions: Sequence[Question], *, locks: bool) -> list[Question]:
        """What waits, and questions."""
        # Who takes locks draws numbers soon: the clock goes with them.
        self._clocked = self._writes and (locks or not self._open)
        told = self._waiting
        sent = [*([] if self._open else self._begin()), *told, *questions, *([_CLOCK] if self._clocked else [])]
        self._open = True
        self._waiting = []
        self._first = len(sent) - len(questions) - self._clocked
        return sent

    def _begin(self) -> list[Question]:
        """What a transaction begins with."""
        if self._edition == self.plans.edition:
            return [_BEGIN]
        self._edition = self.plans.edition
        return [_BEGIN, AGAIN]

    def _told(self, rows: list[list[Any]]) -> list[list[Any]]:
        if self._clocked:
            ((self._clock,),) = rows.pop()
        return rows

    def ask_ahead(self, questions: Sequence[Question], *, locks: bool) -> int:
        """Ask without a wait, and nothing else until ``answer_ahead``; the socket where the answer comes.

        Raises:
            StoreUnavailable: the database is away.
        """
        self.round_trips += 1
        if self._ends_after_ms:
            self._prolong()
        try:
            self.pipe.send(self._next_unit(questions, locks=locks))
        except psycopg.Error as error:
            raise self._read(error) from error
        return self.pipe.fileno

    def answer_ahead(self) -> list[list[Any]]:
        """The rows that each question has found; raises what ``ask`` does."""
        try:
            self._skip()
            return self._told(self.pipe.receive(self._first))
        except psycopg.Error as error:
            raise self._read(error) from error

    def _skip(self) -> None:
        """Answers before the last one are those of transactions that have ended."""
        for _ in range(self.pipe.units - 1):
            with suppress(psycopg.Error):  # A lost connection is found again by who asks for the last one.
                self.pipe.receive()

    def settle(self) -> None:
        """Send what waits, so that a refusal shows now."""
        if self._waiting:
            self.ask(())

    def commit(self, fence: Question | None) -> None:
        """End the transaction; a ``fence`` goes before it when something was written. One that only read is not waited for.

        Raises:
            Fenced: this node was declared dead.
            Overtaken: another node was faster.
            StoreUnavailable: the connection was lost; whether the commit was made is not known, nobody was told so.
        """
        if not self._open and not self._waiting:
            return
        self._times_patient = 1
        if not self.wrote and not self._waiting:
            self.let_go()
            self._ended()
            return
        try:
            if self._commit_sent:
                self._skip()
                self.pipe.receive()
            else:
                self._last(fence)
                self.patient = True  # What became of it must be known.
                self._exchange(())
        except psycopg.Error as error:
            raise self._read(error) from error
        self._ended()

    def _last(self, fence: Question | None) -> None:
        self.round_trips += 1
        if fence is not None and self.wrote:
            self._waiting.append(fence)
        self._waiting.append(_COMMIT)

    def send_commit(self, fence: Question | None) -> int | None:
        """Send what ``commit`` would. The socket where its answer comes; ``commit`` then reads it. None: there is nothing to end.

        Raises:
            StoreUnavailable: the connection was lost.
        """
        if not self._open and not self._waiting:
            return None
        self._last(fence)
        told, self._waiting = [*([] if self._open else self._begin()), *self._waiting], []
        self._open = self.wrote = self._commit_sent = True
        try:
            self.pipe.send(told)
        except psycopg.Error as error:
            raise self._read(error) from error
        return self.pipe.fileno

    # Without a wait, for lines that only read ------------------------------------------------------------------

    def send(self, questions: Sequence[Question]) -> int:
        """Send questions, and BEGIN before the first; the socket where the answer comes.

        Raises:
            StoreUnavailable: the connection was lost.
        """
        self.round_trips += 1
        begin = [] if self._open else self._begin()
        self._open = True
        try:
            self.pipe.send([*begin, *questions])
        except psycopg.Error as error:
            raise self._read(error) from error
        self._first = len(begin)
        return self.pipe.fileno

    def answer_has_come(self) -> bool:
        """Whether the answer to what was sent last is there, or there will be none."""
        try:
            while self.pipe.arrived():
                if self.pipe.units == 1:
                    return True
                with suppress(psycopg.Error):
                    self.pipe.receive()  # The end of the transaction before.
        except psycopg.Error:
            return True  # Who reads the answer meets it again.
        return False

    def receive(self) -> list[list[Any]]:
        """The rows that each question has found.

        Raises:
            StoreUnavailable: the connection was lost.
            psycopg.Error: the database refuses a question.
        """
        try:
            self._skip()
            return self.pipe.receive(self._first)
        except psycopg.Error as error:
            raise self._read(error) from error

    def let_go(self) -> None:
        """End a transaction that only read; nobody waits for the answer."""
        if self._open:
            self._open = False
            try:
                self.pipe.send((_COMMIT,))
            except psycopg.Error:
                self.broken = True

    def rollback(self) -> None:
        """Drop the transaction. An answer that does not come soon is not awaited: who asks next reads it."""
        begun = self._open
        self._ended()
        if not begun or not self.usable:
            return
        try:
            self.pipe.ask((_ROLLBACK,), 0, self.patience_ms)
        except NotYet:
            pass
        except psycopg.Error:
            self.broken = True

    def drop_aside(self) -> None:
        """Drop the transaction that was put aside. The database lives: the next one waits for it for longer."""
        self.rollback()
        self.aside = False
        self._times_patient *= 2

    def _ended(self) -> None:
        self._waiting = []
        self._open = self.wrote = self._commit_sent = self.patient = False

    def _read(self, error: psycopg.Error) -> Exception:
        """What an error of the driver means."""
        state = error.sqlstate
        if state == "IS001":
            return Overtaken(error.diag.message_primary or "")
        if state == "IS002":
            return Fenced("another node declared this one dead")
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and state is None
        if lost or self.connection.closed or state in _AWAY_STATES or (state or "").startswith("08"):
            self.broken = True
            if state == "53100":
                return StoreUnavailable(f"the disk of the database is full, free some space there: {error}")
            return StoreUnavailable(f"the connection to the database was lost: {error}")
        return error
