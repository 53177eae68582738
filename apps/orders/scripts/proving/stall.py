"""How long nothing went on although something was due: standstills, told apart from waits. Both are read from the store itself.

Theory of operation
-------------------
Every wait, retry, delivery and effect is a row of ``due`` until it is done. A *standstill* is time without a step of any execution while
there is such a row whose time has come, or that is in hand: work that nobody does, or nobody ends. What was put off by a bug counts,
whatever its time. While the store cannot be read nothing goes on either, so that counts, too.

A *wait* is time without a step while nothing is due: the last order's message comes back when its visibility timeout is over, say.
It is told with what it waited for, and only what came at its time explains a wait. One that somebody outside ended, or a net (a Task's
timeout or heartbeat, an execution's time, an invoice that is looked after because nobody told of its money), may have been for work that
was forgotten: it is a standstill.

Read with a connection of the meter's own, past any proxy.
"""

import json
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_EVERY_S = 0.1
FOLLOWS_S = 15.0  # A step that comes later after what was waited for was not for that.
_LOOK_AFTER_S = 0.5  # Without a step for so long, what is due is looked at.
_LAST = """
SELECT (SELECT coalesce(max(id), 0) FROM states_history) + (SELECT coalesce(max(id), 0) FROM states_executions)
"""  # Both only grow. Express executions leave no history.
_OLDEST = """
SELECT CASE WHEN tries > 0 THEN 0 ELSE due_at END AS since, kind, body FROM due WHERE kind NOT IN {} ORDER BY since LIMIT 1
""".format("('cloudwatch.sweep', 'dynamodb.trim', 'events.log_sweep', 'events.sweep', 'sqs.sweep', 'states.sweep')")
_COMES_BACK = """
SELECT lambda_mappings.function, messages.receive_count, messages.body FROM lambda_mappings
JOIN queues ON queues.arn = lambda_mappings.source JOIN messages ON messages.queue_id = queues.id
WHERE lambda_mappings.uuid = {} ORDER BY messages.visible_at LIMIT 1
"""
_NETS = ("timeout", "heartbeat", "execution")


@dataclass(frozen=True)
class Oldest:
    """The piece of due work that comes first: since (or from) when it is due, in seconds of the wall clock, and what it is.

    ``net``: it only does something where other work was forgotten.
    """

    at: float
    what: str
    net: bool = False


class Reader(ABC):
    """Looks into a store. None: it cannot be read now."""

    @abstractmethod
    def step(self) -> int | None:
        """A number that another step, or another execution, changes."""

    @abstractmethod
    def oldest(self) -> Oldest | None:
        """What is due first. Where nothing will ever be due: at infinity."""


class StallMeter:
    """Looks every tenth of a second until it is closed, while ``wanted``: there is work that has not ended."""

    def __init__(self, reader: Reader, wanted: Callable[[], bool]) -> None:
        self._judge = Judge(reader)
        self._wanted = wanted
        self._fault: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        try:
            while not self._stop.wait(_EVERY_S) and self._wanted():
                self._judge.look(time.monotonic(), time.time())  # noqa: TID251  # what is due is due by the clock of the machine
        except Exception as fault:  # noqa: BLE001  # the thread's border: ``close`` raises it again
            self._fault = fault

    def so_far(self) -> str:
        """For people who wait."""
        return f"longest standstill so far {self._judge.stall['seconds']:.1f} s"

    def longest(self) -> dict[str, float]:
        """The longest standstill, and when it began after the meter."""
        return self._judge.stall

    def waited(self) -> dict[str, Any]:
        """The longest wait while nothing was due, when it began after the meter, and what for."""
        return self._judge.wait

    def close(self) -> None:
        """Look no more.

        Raises:
            AssertionError: it had stopped to look by itself, so it does not know.
        """
        self._stop.set()
        self._thread.join(30)
        if self._fault is None:
            self._judge.look(time.monotonic(), time.time())  # noqa: TID251  # as above: the last step ended the last wait
        if self._fault is not None:
            raise AssertionError(f"the meter of standstills failed: {self._fault!r}") from self._fault


class Judge:
    """What the looks tell: pure but for its reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._began: float | None = None
        self._last: int | None = None
        self._stepped = self._free = 0.0  # When there was a step; until when nothing was due, or there was a step.
        self._next: Oldest | None = None  # What comes first, at the last look at which nothing was due.
        self._came: Oldest | None = None  # What came last, and left nothing due.
        self.stall: dict[str, float] = {"seconds": 0.0, "beganAt": 0.0}
        self.wait: dict[str, Any] = {"seconds": 0.0, "beganAt": 0.0, "for": ""}

    def look(self, now: float, wall: float) -> None:
        """One look, at an instant of both clocks."""
        if self._began is None:
            self._began = self._stepped = self._free = now
        found = self._reader.step()
        if found is not None and found != self._last:
            self._go_on(now, wall)
            self._last, self._stepped, self._free = found, now, now
            self._next = self._came = None
            return
        if found is not None and now - self._stepped >= _LOOK_AFTER_S:
            oldest = self._reader.oldest()
            if oldest is not None and oldest.at > wall:
                if self._next is not None and self._next.at <= wall:
                    self._came = self._next
                self._free, self._next = now, oldest
        self._keep(self.stall, now - self._free, self._free)

    def _go_on(self, now: float, wall: float) -> None:
        """A step ends a wait; whether it was for what came."""
        if self._free == self._stepped:  # Something was due all the time.
            return
        came = self._next
        if came is None or came.at > wall:
            came = None if self._came is None or wall - self._came.at > FOLLOWS_S else self._came
        if came is None or came.net:
            self._keep(self.stall, now - self._stepped, self._stepped)
        elif self._keep(self.wait, self._free - self._stepped, self._stepped):
            self.wait["for"] = came.what

    def _keep(self, longest: dict[str, Any], seconds: float, since: float) -> bool:
        if round(seconds, 2) <= longest["seconds"]:
            return False
        assert self._began is not None
        longest |= {"seconds": round(seconds, 2), "beganAt": round(since - self._began, 1)}
        return True


class _Sql(Reader):
    """The questions, for both dialects."""

    _parameter: str

    @abstractmethod
    def _rows(self, sql: str, *parameters: Any) -> Sequence[tuple[Any, ...]] | None: ...

    def step(self) -> int | None:
        rows = self._rows(_LAST)
        return rows[0][0] if rows else None

    def oldest(self) -> Oldest | None:
        rows = self._rows(_OLDEST)
        if rows is None:
            return None
        if not rows:
            return Oldest(float("inf"), "nothing")
        since, kind, body = rows[0]
        return self._told(since / 1_000_000, kind, json.loads(bytes(body)))

    def _told(self, at: float, kind: str, body: dict[str, Any]) -> Oldest:
        if kind == "lambda.poll":
            rows = self._rows(_COMES_BACK.format(self._parameter), body["mapping"])
            if rows:
                function, receives, text = rows[0]
                how = f"was received {receives} times and comes back" if receives else "was sent for later"
                looked_after = not receives and '"check"' in text
                return Oldest(at, f"a message for {function.rpartition(':')[2]} that {how}", looked_after)
        if kind != "states.event":
            return Oldest(at, kind)
        timers = [str(event.get("timer", event["type"])) for _, event in body["events"]]
        return Oldest(at, f"{kind} {', '.join(timers)}", set(timers) <= set(_NETS))


class OfPostgres(_Sql):
    """A database."""

    _parameter = "%s"

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def _rows(self, sql: str, *parameters: Any) -> Sequence[tuple[Any, ...]] | None:
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=2)
            return self._connection.execute(sql.encode(), parameters).fetchall()
        except psycopg.Error:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return None


class OfSqlite(_Sql):
    """A data directory."""

    _parameter = "?"

    def __init__(self, data: Path) -> None:
        self._file = data / "interstate.db"

    def _rows(self, sql: str, *parameters: Any) -> Sequence[tuple[Any, ...]] | None:
        try:
            connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=2)
        except sqlite3.Error:
            return None
        try:
            return connection.execute(sql, parameters).fetchall()
        except sqlite3.Error:
            return None
        finally:
            connection.close()
