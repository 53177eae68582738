"""How long nothing went on: the longest time between two steps of executions, read from the store itself.

Read with a connection of the meter's own, past any proxy. While the database is away nothing goes on either, so that counts.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

_EVERY_S = 0.1
_LAST = "SELECT max(id) FROM states_history"


class StallMeter:
    """Looks every tenth of a second until it is closed. ``due``: whether there is work now."""

    def __init__(self, read: Callable[[], int | None], due: Callable[[], bool]) -> None:
        self._read = read
        self._due = due
        self._longest = 0.0
        self._at = 0.0
        self._stop = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        last, moved = None, time.monotonic()
        while not self._stop.wait(_EVERY_S) and self._due():
            found = self._read()
            now = time.monotonic()
            if found is not None and found != last:
                last, moved = found, now
            elif now - moved > self._longest:
                self._longest, self._at = now - moved, moved - self._began

    def so_far(self) -> str:
        """For people who wait."""
        return f"longest standstill so far {self._longest:.1f} s"

    def longest(self) -> dict[str, float]:
        """The longest standstill, and when it began after the meter."""
        return {"seconds": round(self._longest, 2), "beganAt": round(self._at, 1)}

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join(30)


def of_postgres(url: str) -> Callable[[], int | None]:
    """The newest step in a database; None while that is away."""
    kept: list[psycopg.Connection[tuple[int]]] = []

    def read() -> int | None:
        try:
            if not kept:
                kept.append(psycopg.connect(url, autocommit=True, connect_timeout=2))
            row = kept[0].execute(_LAST).fetchone()
        except psycopg.Error:
            for connection in kept:
                connection.close()
            kept.clear()
            return None
        return row and row[0]

    return read


def of_sqlite(data: Path) -> Callable[[], int | None]:
    """The newest step in a data directory."""

    def read() -> int | None:
        try:
            connection = sqlite3.connect(f"file:{data / 'interstate.db'}?mode=ro", uri=True, timeout=2)
        except sqlite3.Error:
            return None
        try:
            row = connection.execute(_LAST).fetchone()
        except sqlite3.Error:
            return None
        finally:
            connection.close()
        found: int | None = row[0]
        return found

    return read
