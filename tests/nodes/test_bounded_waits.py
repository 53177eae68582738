"""A database that falls silent in the middle: no wait on the loop is longer than the patience of a node that serves, or grows by steps."""

import select
from collections.abc import Iterator
from typing import Any

import pytest
from tests.nodes.postgres_proxy import Proxy
from tests.postgres_server import fresh_database

from interstate.store.ports import Slow
from interstate.store.postgres.engine import PATIENCE_S, PostgresStore
from interstate.store.postgres.line import Line
from interstate.store.postgres.pipe import _SILENCE_MS

PATIENCE_MS = int(PATIENCE_S * 1000)


class Waits:
    """A socket's waits, and how long each might have been; none is waited for in full."""

    def __init__(self, poll: Any) -> None:
        self._poll, self.modify = poll, poll.modify
        self.longest_ms = 0

    def poll(self, timeout_ms: int) -> Any:
        self.longest_ms = max(self.longest_ms, timeout_ms)
        return self._poll.poll(min(timeout_ms, 20) if self.silent else timeout_ms)

    silent = False


class Played:
    """A store behind a proxy, and what its first line that writes waits for."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.store = PostgresStore(f"{proxy.url}?sslmode=disable")
        self.store.does_not_wait()
        self.waits = Waits(self.line.pipe._poll)
        vars(self.line.pipe)["_poll"] = self.waits

    @property
    def line(self) -> Line:
        return self.store.line

    def fall_silent(self) -> None:
        self.waits.silent, self.waits.longest_ms = True, 0
        self.proxy.fall_silent()

    def speak(self) -> None:
        self.waits.silent = False
        self.proxy.speak()

    def put_aside(self) -> int:
        """Ask while nobody answers, then drop what was asked when the answer is there; the longest wait."""
        self.fall_silent()
        self.store.begin()
        with pytest.raises(Slow) as slow:
            self.line.open()
        longest = self.waits.longest_ms
        self.speak()
        while not slow.value.aside.has_come():
            select.select([slow.value.aside.socket], [], [])
        slow.value.aside.drop()
        return longest


@pytest.fixture
def played() -> Iterator[Played]:
    with Proxy(fresh_database()) as proxy:
        made = Played(proxy)
        yield made
        made.speak()
        made.store.close()


def test_a_rollback_that_is_not_answered_does_not_hold_the_loop(played: Played) -> None:
    played.store.begin()
    played.line.open()
    played.fall_silent()
    played.store.rollback()
    assert played.waits.longest_ms == PATIENCE_MS
    assert played.line.usable
    played.speak()
    played.store.begin()  # Whoever comes next reads the answer that was late, and his own.
    assert played.line.ask((("SELECT 7", ()),)) == [[(7,)]]
    played.store.commit()


def test_what_was_put_aside_waits_for_longer_step_by_step_and_what_follows_a_commit_as_ever(played: Played) -> None:
    """Waiting to the end at once would hold the loop for seconds; never waiting longer would ask a slow database the same for ever."""
    assert [played.put_aside() for _ in range(4)] == [PATIENCE_MS * times for times in (1, 2, 4, 8)]
    played.store.begin()
    played.line.open()
    played.store.commit()
    assert played.put_aside() == PATIENCE_MS


def test_the_last_of_the_steps_is_the_silence_that_ends_a_connection(played: Played) -> None:
    played.line._times_patient = 1024
    assert played.line._waits_ms == _SILENCE_MS
