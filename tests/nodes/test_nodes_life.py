"""A node's life among others, rule by rule: wakes, leases, takeover, drain, clocks. No test waits for time to pass."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from tests.postgres_server import fresh_database, open_worlds_on

from interstate.base.time import to_micros
from interstate.runtime import nodes as runtime
from interstate.runtime.metrics import Metrics
from interstate.runtime.nodes import Nodes
from interstate.runtime.testing import START, World
from interstate.store.ports import StoreUnavailable
from interstate.store.postgres.engine import LEASE_S, ClockSequences, PostgresStore
from interstate.store.records.due import DUE, IN_FLIGHT, STEP, WAITING
from interstate.store.tables import Scalar

SWEEPS = Scalar("SELECT count(*) FROM due WHERE kind = 'cloudwatch.sweep'", (DUE,))
QUEUE_SWEEPS = Scalar("SELECT count(*) FROM due WHERE kind = 'sqs.sweep'", (DUE,))
ANSWER_S = 20.0
"""Only a test that fails waits so long."""
ROW = "INSERT INTO due (id, lane, due_at, pulls, kind, tries, body) VALUES (%s, %s, 0, 1, 'sqs.sweep', 0, '{}')"


class Life:
    """A node without a server: its store, its life, and what it was told."""

    def __init__(self, url: str) -> None:
        self.store = PostgresStore(url)
        self.woken: list[tuple[str, bool]] = []
        self.heard, self.listens = asyncio.Event(), asyncio.Event()
        self.looks = self.looked_again = self.in_flight = 0
        self.closed = False
        self.metrics = Metrics()
        self.now = START
        instance: Any = SimpleNamespace(
            due=self,
            clock=SimpleNamespace(skew=timedelta(), now=lambda: self.now),
            batches=SimpleNamespace(metrics=self.metrics),
            faults_elsewhere=lambda _saved: None,
            parking=self,
        )
        self.nodes = Nodes(instance, self.store, "here")
        self.instance = instance

    def look(self) -> None:
        """Due work."""
        self.looks += 1

    def came_back(self) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is begun any more."""
        self.closed = True

    def wake(self, key: str, *, one: bool) -> None:
        """A call that is parked here."""
        self.woken.append((key, one))
        self.heard.set()

    def look_again(self) -> None:
        """All that are parked here."""
        self.looked_again += 1
        self.listens.set()

    async def meet(self) -> None:
        """See who is there."""
        await self.nodes._renew()

    async def end(self) -> None:
        """Let everything go."""
        for task in self.nodes._tasks:
            task.cancel()
        await asyncio.gather(*self.nodes._tasks, return_exceptions=True)
        for connection in (self.nodes._connection, self.nodes._listener, self.nodes._teller):
            if connection is not None:
                await connection.close()
        self.store._let_go()


@pytest.fixture
def url() -> str:
    return fresh_database()


@pytest.fixture(autouse=True)
def _standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's clock stands."""
    monkeypatch.setattr(runtime, "wall_now", lambda: START)


def set_clock(url: str, seconds: float) -> None:
    """The database's clock, as leases see it, stands so long after the machine's."""
    with beside(url) as other:
        at = to_micros(START) + int(seconds * 1_000_000)
        other.execute(
            f"CREATE OR REPLACE FUNCTION micros_now() RETURNS BIGINT LANGUAGE sql RETURN {at}::bigint".encode()
        )


def living(url: str, count: int, test: Callable[..., Awaitable[None]]) -> None:
    """Play a test with some nodes that know each other; no clock goes on by itself."""
    set_clock(url, 0)

    async def play() -> None:
        lives = [Life(url) for _ in range(count)]
        try:
            for life in lives:
                await life.meet()
            await lives[0].meet()
            await test(*lives)
        finally:
            for life in lives:
                await life.end()

    asyncio.run(play())


@contextmanager
def beside(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def end_lease(url: str, life: Life) -> None:
    with beside(url) as other:
        other.execute("UPDATE nodes SET lease_until = 0 WHERE number = %s", (life.store.number,))


def lanes(url: str) -> dict[int, int]:
    """The lane of each row of due work that a test has put there."""
    with beside(url) as other:
        return dict(other.execute("SELECT id, lane FROM due WHERE id < 100").fetchall())


# Wakes -------------------------------------------------------------------------------------------------------------------


async def listening(life: Life) -> list[str]:
    """What a life says from now on on the connection that tells."""
    said: list[str] = []
    connection: Any = await life.nodes._telling()
    execute = connection.execute

    async def spoken(statement: str, *values: Any) -> Any:
        if "pg_notify" in statement:
            said.append(values[0][1])
        return await execute(statement, *values)

    connection.execute = spoken
    return said


def test_a_call_that_is_parked_on_another_node_is_woken_and_none_of_ours(url: str) -> None:
    async def test(here: Life, there: Life) -> None:
        for life in (here, there):
            life.nodes._tasks = [asyncio.create_task(life.nodes._listen()), asyncio.create_task(life.nodes._tell())]
            await life.listens.wait()
        here.nodes.tell([("sqs:q", True)])
        async with asyncio.timeout(ANSWER_S):
            await there.heard.wait()
        assert there.woken == [("sqs:q", True)]
        assert here.woken == []

    living(url, 2, test)


def test_wakes_are_told_on_a_connection_of_their_own(url: str) -> None:
    """NOTIFY makes commits take turns: it is never part of a batch."""

    async def test(here: Life, _there: Life) -> None:
        connection = here.nodes._connection
        assert connection is not None
        teller = await here.nodes._telling()
        pids = {one.info.backend_pid for one in (connection, teller, *here.store.connections)}
        assert len(pids) == 2 + len(here.store.connections)
        said = await listening(here)
        here.nodes.tell([("k", False)])
        await here.nodes._tell_now()
        assert len(said) == 1

    living(url, 2, test)


def test_wakes_that_come_together_are_told_once(url: str) -> None:
    async def test(here: Life, _there: Life) -> None:
        said = await listening(here)
        for _ in range(50):
            here.nodes.tell([("k", True), ("other", False)])
        await here.nodes._tell_now()
        assert said == [f'[{here.store.number},[["k",true],["other",false]]]']

    living(url, 2, test)


def test_as_many_keys_as_fit_are_one_notification(url: str) -> None:
    """PostgreSQL takes less than 8,000 bytes. Source: its documentation, NOTIFY."""

    async def test(here: Life, _there: Life) -> None:
        said = await listening(here)
        here.nodes.tell([(f"sqs:arn:aws:sqs:us-east-1:000000000000:{number:040}", True) for number in range(200)])
        await here.nodes._tell_now()
        assert 1 < len(said) < 20
        assert max(map(len, said)) < 8_000

    living(url, 2, test)


def test_nobody_is_told_while_nobody_else_is_there(url: str) -> None:
    async def test(here: Life) -> None:
        said = await listening(here)
        here.nodes.tell([("k", True)])
        await here.nodes._tell_now()
        assert said == []
        assert not here.nodes._told.is_set()

    living(url, 1, test)


def test_what_could_not_be_told_is_told_with_the_next_renewal(url: str) -> None:
    async def test(here: Life, _there: Life) -> None:
        await here.nodes._drop()
        here.nodes.tell([("k", True)])
        here.nodes._told.clear()
        await here.nodes._tell_now()
        await here.meet()
        assert here.nodes._told.is_set()
        said = await listening(here)
        await here.nodes._tell_now()
        assert len(said) == 1

    living(url, 2, test)


def test_every_renewal_is_a_look_at_the_store(url: str) -> None:
    """The net below NOTIFY: a lease is renewed every second."""

    async def test(here: Life) -> None:
        looks = here.looks
        await here.meet()
        assert here.looks == looks + 1

    living(url, 1, test)
    assert runtime.RENEW_S == 1.0


def test_parked_calls_look_once_more_when_a_node_is_gone(url: str) -> None:
    """It may have died between its commit and its word."""

    async def test(here: Life, there: Life, third: Life) -> None:
        await here.meet()
        await third.meet()
        before = (here.looked_again, third.looked_again)
        end_lease(url, there)
        await here.meet()
        await third.meet()
        assert (here.looked_again, third.looked_again) == (before[0] + 1, before[1] + 1)
        await here.meet()
        assert here.looked_again == before[0] + 1

    living(url, 3, test)


# Takeover ----------------------------------------------------------------------------------------------------------------


def test_a_takeover_ends_the_connections_of_the_dead_and_of_nobody_else(url: str) -> None:
    async def test(here: Life, there: Life) -> None:
        pids = [connection.info.backend_pid for connection in there.store.connections]
        end_lease(url, there)
        await here.meet()
        with beside(url) as other:
            left = next(
                n
                for n in range(1_000_000)
                if not other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", (pids,)).fetchall()
            )  # They were told to end.
            assert left >= 0
            kept = [connection.info.backend_pid for connection in here.store.connections]
            alive = other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", (kept,)).fetchall()
            assert len(alive) == len(kept)
        there.store.begin()
        with pytest.raises(StoreUnavailable):
            there.store.rows.line.open()

    living(url, 2, test)


def test_a_takeover_moves_what_the_dead_had_in_hand(url: str) -> None:
    """Steps and waiting effects go on; what was in flight waits again, under the same key."""

    async def test(here: Life, there: Life) -> None:
        with beside(url) as other:
            for lane in (STEP, WAITING, IN_FLIGHT):
                other.execute(ROW, (lane + 1, there.store.lane_base + lane))
        end_lease(url, there)
        await here.meet()
        base = here.store.lane_base
        assert lanes(url) == {1: base + STEP, 2: base + WAITING, 3: base + WAITING}

    living(url, 2, test)


def test_a_takeover_takes_a_share_and_leaves_the_others_theirs(url: str) -> None:
    """Of three nodes one dies: each of the two that live goes on with half of its work."""

    async def test(here: Life, there: Life, gone: Life) -> None:
        await there.meet()
        with beside(url) as other:
            for number in range(10):
                other.execute(ROW, (number + 1, gone.store.lane_base + STEP))
            for number in range(10, 14):
                other.execute(ROW, (number + 1, gone.store.lane_base + IN_FLIGHT))
        end_lease(url, gone)
        await here.meet()
        mine, theirs = here.store.lane_base, there.store.lane_base
        assert Counter(lanes(url).values()) == {mine + STEP: 5, mine + WAITING: 2, STEP: 5, WAITING: 2}
        await there.meet()
        assert Counter(lanes(url).values()) == {
            mine + STEP: 5,
            mine + WAITING: 2,
            theirs + STEP: 5,
            theirs + WAITING: 2,
        }

    living(url, 3, test)


def test_what_others_leave_of_a_dead_nodes_work_is_taken_up_with_the_next_renewal(url: str) -> None:
    """Whoever was to take it may hang: nothing waits for longer than a second more."""

    async def test(here: Life, _hangs: Life, gone: Life) -> None:
        with beside(url) as other:
            for number in range(10):
                other.execute(ROW, (number + 1, gone.store.lane_base + STEP))
        end_lease(url, gone)
        await here.meet()
        await here.meet()
        assert set(lanes(url).values()) == {here.store.lane_base + STEP}

    living(url, 3, test)


def test_a_node_that_only_answers_gets_no_share(url: str) -> None:
    async def test(here: Life, api: Life, gone: Life) -> None:
        with beside(url) as other:
            other.execute("UPDATE nodes SET role = 'api' WHERE number = %s", (api.store.number,))
            for number in range(10):
                other.execute(ROW, (number + 1, gone.store.lane_base + STEP))
        end_lease(url, gone)
        await here.meet()
        assert set(lanes(url).values()) == {here.store.lane_base + STEP}

    living(url, 3, test)


def test_a_lease_that_is_not_renewed_ends_and_its_work_goes_on_within_ten_seconds_of_guard_time(url: str) -> None:
    """The longest way: it died right after a renewal, and the others looked right before its lease ended."""
    assert LEASE_S + runtime.RENEW_S + runtime.RENEW_S < 10

    async def test(here: Life, there: Life) -> None:
        with beside(url) as other:
            other.execute(ROW, (1, there.store.lane_base))

            await there.meet()
            set_clock(url, LEASE_S - 0.001)
            await here.meet()
            assert lanes(url) == {1: there.store.lane_base}
            set_clock(url, LEASE_S + runtime.RENEW_S)
            await here.meet()
        assert lanes(url) == {1: here.store.lane_base}

    living(url, 2, test)


def test_of_two_that_find_a_dead_node_one_takes_it_over(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def test(here: Life, there: Life, third: Life) -> None:
        end_lease(url, there)
        await asyncio.gather(here.meet(), third.meet())

    with caplog.at_level(logging.WARNING, "interstate.nodes"):
        living(url, 3, test)
    assert sum("is gone" in record.message for record in caplog.records) == 1


# Drain -------------------------------------------------------------------------------------------------------------------


def test_who_is_asked_to_stop_hands_over_what_has_not_begun(url: str) -> None:
    """What runs may still end here; nothing new begins."""

    async def test(here: Life, there: Life) -> None:
        with beside(url) as other:
            for lane in (STEP, WAITING, IN_FLIGHT):
                other.execute(ROW, (lane + 1, there.store.lane_base + lane))
        await there.nodes.drain()
        assert there.closed
        assert lanes(url) == {1: STEP, 2: WAITING, 3: there.store.lane_base + IN_FLIGHT}
        await here.meet()
        base = here.store.lane_base
        assert lanes(url) == {1: base + STEP, 2: base + WAITING, 3: there.store.lane_base + IN_FLIGHT}

    living(url, 2, test)


def test_nothing_is_left_in_the_lanes_of_a_node_that_has_stopped(url: str) -> None:
    """What was in flight beyond the time that a drain gives is performed again elsewhere."""

    async def test(here: Life, there: Life) -> None:
        with beside(url) as other:
            for lane in (STEP, WAITING, IN_FLIGHT):
                other.execute(ROW, (lane + 1, there.store.lane_base + lane))
        await there.nodes.drain()
        await there.nodes.stop()
        there.store.close()
        await here.meet()
        base = here.store.lane_base
        assert lanes(url) == {1: base + STEP, 2: base + WAITING, 3: base + WAITING}

    living(url, 2, test)


def test_who_is_alone_hands_nothing_over(url: str) -> None:
    async def test(here: Life) -> None:
        with beside(url) as other:
            other.execute(ROW, (1, here.store.lane_base))
        await here.nodes.drain()
        assert not here.closed
        assert lanes(url) == {1: here.store.lane_base}

    living(url, 1, test)


# Once a cluster ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, World]]:
    open_worlds_on(url, monkeypatch)
    worlds = (World(), World())
    yield worlds
    for world in worlds:
        world.close()


def test_a_schedule_fires_once_however_many_nodes_look(pair: tuple[World, World]) -> None:
    here, there = pair
    everybody = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
    queue = here.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": everybody}})["QueueUrl"]
    here.call("events", "PutRule", {"Name": "tick", "ScheduleExpression": "rate(1 minute)"})
    target = {"Id": "t", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
    here.call("events", "PutTargets", {"Rule": "tick", "Targets": [target]})
    for _ in range(5):
        for node in (there, here, there):
            node.advance(timedelta(minutes=1) if node is here else timedelta(0))
        there.now = here.now
    counted = here.call("sqs", "GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": ["All"]})["Attributes"]
    assert counted["ApproximateNumberOfMessages"] == "5"


def test_a_sweep_is_planned_once_however_many_nodes_have_need_of_it(pair: tuple[World, World]) -> None:
    here, there = pair
    for node in pair:
        node.run(lambda work: work.measure("Any", f"of {work.node}"))
    rows = there.run(lambda work: work.scalar(SWEEPS))
    assert rows == 1
    here.call("sqs", "CreateQueue", {"QueueName": "q"})
    for node in pair:
        node.call("sqs", "SendMessage", {"QueueUrl": "http://localhost/000000000000/q", "MessageBody": "x"})
    assert there.run(lambda work: work.scalar(QUEUE_SWEEPS)) == 1


# Clocks ------------------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_far_from_the_databases_is_told_once_and_measured(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(here: Life, there: Life) -> None:
        set_clock(url, 5)
        for _ in range(3):
            await here.meet()
        assert here.instance.clock.skew == timedelta(seconds=5)
        assert there.nodes.others == 1  # Leases are the database's: nobody is dead by it.
        here.now += timedelta(minutes=1)
        await here.meet()
        (counts,) = [one for at, one in here.metrics._waiting.items() if at == here.now]
        values = {key[3]: sets[1] for key, sets in counts.sets.items()}
        assert values["ClockSkew"] == 5_000
        assert values.keys() >= {"ClockSkew", "OldestDueWorkAge", "EffectsInFlight"}

    with caplog.at_level(logging.WARNING, "interstate.nodes"):
        living(url, 2, test)
    assert sum("away from the database's" in record.message for record in caplog.records) == 1


def test_the_oldest_due_work_is_measured_by_the_databases_clock(url: str) -> None:
    async def test(here: Life) -> None:
        with beside(url) as other:
            other.execute(ROW, (1, here.store.lane_base))
            other.execute("UPDATE due SET due_at = micros_now() - 90000000 WHERE id = 1")
        here.now += timedelta(minutes=1)
        await here.meet()
        (counts,) = [one for at, one in here.metrics._waiting.items() if at == here.now]
        (age,) = [sets[1] for key, sets in counts.sets.items() if key[3] == "OldestDueWorkAge"]
        assert age == 90

    living(url, 1, test)


def test_a_database_clock_that_is_set_back_kills_nobody_and_is_told(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def test(here: Life, there: Life) -> None:
        set_clock(url, -3600)
        await here.meet()
        await there.meet()
        await here.meet()
        assert (here.nodes.others, there.nodes.others) == (1, 1)
        assert not here.store.fenced
        assert not there.store.fenced

    with caplog.at_level(logging.WARNING, "interstate.nodes"):
        living(url, 2, test)
    assert any("was set back by 3600.0 s" in record.message for record in caplog.records)
    assert not any("is gone" in record.message for record in caplog.records)


def test_who_died_before_the_clock_was_set_back_is_taken_over_as_soon_as_ever(url: str) -> None:
    """Its lease seems to last for an hour: who looks counts by a clock of its own."""

    async def test(here: Life, there: Life) -> None:
        with beside(url) as other:
            other.execute(ROW, (1, there.store.lane_base))
        at = 100.0
        here.nodes._monotonic = lambda: at
        set_clock(url, -3600)
        await here.meet()
        at += LEASE_S - 1
        await here.meet()
        assert lanes(url) == {1: there.store.lane_base}
        at += 1 + runtime.RENEW_S
        await here.meet()
        assert lanes(url) == {1: here.store.lane_base}

    living(url, 2, test)


def test_numbers_of_a_node_rise_when_the_databases_clock_is_set_back() -> None:
    at = 1_000_000
    store: Any = SimpleNamespace(number=3, rows=SimpleNamespace(line=SimpleNamespace(clock=lambda: at)))
    sequences = ClockSequences(store)
    drawn = [sequences.draw(DUE, store.rows)]
    at = 1_000
    drawn += [sequences.draw(DUE, store.rows) for _ in range(3)]
    drawn += [*sequences.draw_some(DUE, 3, store.rows), sequences.draw(DUE, store.rows)]
    assert len(drawn) == 8
    assert drawn == sorted(set(drawn))
    assert {number & 255 for number in drawn} == {3}
