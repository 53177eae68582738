"""A whole instance on one loop: parked calls, effects, clocks; on SQLite in memory, nothing replaced."""

import asyncio
import gc
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError, ValidationException
from interstate.runtime.batch import ServiceUnavailable
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock, Mode
from interstate.runtime.clock_control import InvalidClock, parse_duration
from interstate.runtime.instance import Instance
from interstate.services.operation import Effect, Operation, Outcome, Parked, Perform, Service, Step
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore

START = datetime(2026, 1, 1, tzinfo=UTC)


class Text(msgspec.Struct, frozen=True):
    text: str
    after_s: float = 0


def note(body: Text, work: Work) -> None:
    """Append to a list, with the time."""
    before = work.get(SETTINGS, "notes")
    line = f"{body.text}@{(work.now - START).total_seconds():g}"
    work.put(SETTINGS, Setting("notes", line if before is None else f"{before.value} {line}"))
    work.wake("notes")


def leave(request: Text, work: Work) -> None:
    work.later("note", request, at=work.now + timedelta(seconds=request.after_s))


def leave_effect(request: Text, work: Work) -> None:
    work.later("outside", request)


def leave_effect_later(request: Text, work: Work) -> None:
    work.later("leave_effect", request, at=work.now + timedelta(seconds=request.after_s))


def wait(request: Text, work: Work) -> Outcome:
    def again(work: Work, last: bool) -> Outcome:
        found = work.get(SETTINGS, "notes")
        if found is None and not last:
            return wait(request, work)
        return {"Notes": "" if found is None else found.value}

    return Parked("notes", request.after_s, again)


def perform(request: Text, _work: Work) -> Outcome:
    return Perform("outside", request, lambda result: {"Result": result})


def refuse(_request: Text, _work: Work) -> None:
    raise ValidationException("no")


SERVICE = Service(
    "test",
    operations=(
        Operation("Leave", Text, leave),
        Operation("LeaveEffect", Text, leave_effect),
        Operation("Wait", Text, wait),
        Operation("Perform", Text, perform),
        Operation("Refuse", Text, refuse),
        Operation("LeaveEffectLater", Text, leave_effect_later),
    ),
    steps=(
        Step("note", Text, note),
        Step("sweep", Text, note, pulls=False),
        Step("leave_effect", Text, leave_effect),
    ),
    effects=(Effect("outside", Text, lambda body, result, work: note(Text(f"{body.text}={result}"), work)),),
)


class Outside:
    """Performs effects: each waits until it is let go."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, key: str, body: Text) -> str:
        self.keys.append(key)
        await self.gate.wait()
        return body.text.upper()


def scenario(mode: Mode, play: Callable[[Instance, Outside], Awaitable[None]]) -> None:
    async def run() -> None:
        clock = BusinessClock(mode, START)
        instance = Instance(SqliteStore(None), Catalog((SERVICE,)), clock, b"seed", Sequences())
        outside = Outside()
        instance.due.performers["outside"] = outside
        await instance.start()
        try:
            await asyncio.wait_for(play(instance, outside), 60)
        finally:
            await instance.stop()

    asyncio.run(run())


async def call(instance: Instance, operation: str, text: str = "x", after_s: float = 0) -> Any:
    return await instance.execute("test", operation, {"text": text, "after_s": after_s}, Caller())


async def notes(instance: Instance) -> str:
    found = await instance.run(lambda work: work.get(SETTINGS, "notes"))
    return "" if found is None else found.value


def test_a_frozen_clock_fires_what_is_due_in_order() -> None:
    async def play(instance: Instance, _outside: Outside) -> None:
        for text, after_s in [("b", 20), ("a", 10), ("c", 86_400)]:
            await call(instance, "Leave", text, after_s)
        await instance.clock_control.advance(timedelta(seconds=30))
        assert await notes(instance) == "a@10 b@20"
        assert instance.clock.now() == START + timedelta(seconds=30)

    scenario("frozen", play)


def test_a_skipping_clock_goes_to_the_end_by_itself() -> None:
    async def play(instance: Instance, _outside: Outside) -> None:
        await call(instance, "Leave", "year", 31_536_000)
        assert await call(instance, "Wait", after_s=20) == {"Notes": "year@3.1536e+07"}

    scenario("skip", play)


def test_sweeps_never_pull_a_skipping_clock() -> None:
    async def play(instance: Instance, _outside: Outside) -> None:
        await instance.run(lambda work: work.later("sweep", Text("s"), at=START + timedelta(hours=1)))
        await instance.activity.wait()
        assert instance.clock.now() == START

    scenario("skip", play)


def test_the_clock_stands_still_while_an_effect_is_in_flight() -> None:
    async def play(instance: Instance, outside: Outside) -> None:
        outside.gate.clear()
        await call(instance, "LeaveEffect", "f")
        await call(instance, "Leave", "later", 10)
        moving = asyncio.ensure_future(instance.clock_control.advance(timedelta(seconds=60)))
        for _ in range(50):
            await asyncio.sleep(0)
        assert instance.clock.now() == START
        outside.gate.set()
        await moving
        assert await notes(instance) == "f=F@0 later@10"

    scenario("frozen", play)


def test_a_real_clock_rings_when_something_is_due() -> None:
    async def play(instance: Instance, _outside: Outside) -> None:
        await call(instance, "Leave", "soon", 0.05)
        answer = await call(instance, "Wait", after_s=20)
        text, _, seconds = answer["Notes"].partition("@")
        assert (text, float(seconds) >= 0.05) == ("soon", True)

    scenario("real", play)


def test_a_parked_call_is_answered_when_its_time_is_over() -> None:
    async def play(instance: Instance, _outside: Outside) -> None:
        assert await call(instance, "Wait", after_s=0.01) == {"Notes": ""}

    scenario("frozen", play)


def test_a_parked_call_is_woken_by_a_commit() -> None:
    async def play(instance: Instance, _outside: Outside) -> None:
        waiting = [asyncio.ensure_future(call(instance, "Wait", after_s=20)) for _ in range(3)]
        await asyncio.sleep(0)
        await call(instance, "Leave", "now")
        assert await asyncio.gather(*waiting) == [{"Notes": "now@0"}] * 3

    scenario("frozen", play)


def test_a_performed_call_answers_with_the_result() -> None:
    async def play(instance: Instance, _outside: Outside) -> None:
        assert await call(instance, "Perform", "ask") == {"Result": "ASK"}
        assert await notes(instance) == "ask=ASK@0"

    scenario("frozen", play)


def test_a_call_leaves_nothing_for_the_search_for_garbage() -> None:
    """Memory that only the collector frees costs the busiest server some 8 % of its time."""

    async def play(instance: Instance, _outside: Outside) -> None:
        async def calls(count: int) -> None:
            for number in range(count):
                ended = asyncio.Event()
                instance.begin(
                    "test",
                    "Leave",
                    {"text": str(number), "after_s": 3600},
                    Caller(),
                    lambda *_, ended=ended: ended.set(),
                )
                await ended.wait()

        await calls(10)
        gc.collect()
        gc.disable()
        try:
            await calls(50)
            assert gc.collect() < 50, "each call leaves objects in circles"
        finally:
            gc.enable()

    scenario("frozen", play)


def test_more_effects_than_fit_wait_in_the_store_and_are_all_done() -> None:
    async def play(instance: Instance, outside: Outside) -> None:
        outside.gate.clear()
        await asyncio.gather(*(call(instance, "LeaveEffect", str(number)) for number in range(600)))
        assert instance.due.in_flight <= 256
        outside.gate.set()
        await instance.activity.wait()
        assert len((await notes(instance)).split()) == 600
        assert len(set(outside.keys)) == len(outside.keys) == 600

    scenario("real", play)


def test_an_effect_that_a_scan_s_step_left_is_performed_once() -> None:
    """The scan that runs the step sees the effect among what waits, and so does the end of its batch."""

    async def play(instance: Instance, outside: Outside) -> None:
        await call(instance, "LeaveEffectLater", "a", 10)
        await instance.clock_control.advance(timedelta(seconds=10))
        await instance.activity.wait()
        assert len(outside.keys) == 1
        assert await notes(instance) == "a=A@10"

    scenario("frozen", play)


def test_an_effect_whose_end_the_disk_refuses_twice_is_performed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second refusal is that of the commit by which it would have waited again."""
    monkeypatch.setattr("interstate.runtime.due._ASK_AGAIN_S", 0)

    async def play(instance: Instance, outside: Outside) -> None:
        outside.gate.clear()
        await call(instance, "LeaveEffect", "a")
        commit, refusals = instance.store.commit, 2

        def refuse() -> None:
            nonlocal refusals
            if refusals:
                refusals -= 1
                raise sqlite3.OperationalError("database or disk is full")
            commit()

        monkeypatch.setattr(instance.store, "commit", refuse)
        outside.gate.set()
        quiet = 0
        while refusals or quiet < 5:  # It is quiet for a turn before the disk is asked again.
            await asyncio.sleep(0.001)
            quiet = quiet + 1 if instance.activity.quiet else 0
        await instance.clock_control.advance(timedelta(seconds=10))
        assert len(set(outside.keys)) == 1
        assert await notes(instance) == "a=A@1"

    scenario("frozen", play)


def test_what_an_effect_answered_waits_for_a_full_disk_and_is_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("interstate.runtime.due._ASK_AGAIN_S", 0)

    async def play(instance: Instance, outside: Outside) -> None:
        outside.gate.clear()
        await call(instance, "LeaveEffect", "a")
        commit, refusals = instance.store.commit, 3

        def refuse() -> None:
            nonlocal refusals
            if refusals:
                refusals -= 1
                full = sqlite3.OperationalError("database or disk is full")
                full.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise full
            commit()

        monkeypatch.setattr(instance.store, "commit", refuse)
        with pytest.raises(ServiceUnavailable, match="is full: free some space"):
            await call(instance, "Leave", "refused")
        outside.gate.set()
        await instance.activity.wait()
        assert len(outside.keys) == 1
        assert await notes(instance) == "a=A@0"

    scenario("frozen", play)


def test_an_effect_that_needs_a_store_that_is_away_begins_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function is looked up before it is called."""
    monkeypatch.setattr("interstate.runtime.due._ASK_AGAIN_S", 0)

    async def play(instance: Instance, outside: Outside) -> None:
        asked = 0

        async def looks_up(key: str, body: Text) -> str:
            nonlocal asked
            asked += 1
            if asked < 3:
                raise ServiceUnavailable("away")
            return await outside(key, body)

        instance.due.performers["outside"] = looks_up
        await call(instance, "LeaveEffect", "a")
        await instance.activity.wait()
        assert (asked, len(outside.keys), await notes(instance)) == (3, 1, "a=A@0")

    scenario("frozen", play)


def test_an_effect_that_begins_when_the_database_is_found_again_is_performed_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play(instance: Instance, outside: Outside) -> None:
        outside.gate.clear()
        begin = instance.store.begin

        def reconnect() -> None:
            monkeypatch.setattr(instance.store, "begin", begin)
            instance.due.came_back()
            begin()

        monkeypatch.setattr(instance.store, "begin", reconnect)
        await call(instance, "LeaveEffect", "a")
        await notes(instance)
        await asyncio.sleep(0.01)
        outside.gate.set()
        await instance.activity.wait()
        assert len(outside.keys) == 1

    scenario("frozen", play)


def test_effects_that_are_held_start_when_they_are_released() -> None:
    async def play(instance: Instance, outside: Outside) -> None:
        instance.due.hold_effects()
        await call(instance, "LeaveEffect", "held")
        assert await call(instance, "Perform", "now") == {"Result": "NOW"}  # A caller who waits is not held.
        assert await notes(instance) == "now=NOW@0"
        instance.due.release_effects()
        await instance.activity.wait()
        assert await notes(instance) == "now=NOW@0 held=HELD@0"

    scenario("frozen", play)


def test_a_refusal_reaches_the_caller() -> None:
    async def play(instance: Instance, _outside: Outside) -> None:
        with pytest.raises(ServiceError, match="no"):
            await call(instance, "Refuse")

    scenario("real", play)


def test_the_clock_cannot_go_back() -> None:
    async def play(instance: Instance, _outside: Outside) -> None:
        with pytest.raises(InvalidClock, match="cannot go back"):
            await instance.clock_control.advance_to(START - timedelta(days=1))

    scenario("frozen", play)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("30m", 1800), ("14d", 1_209_600), ("1h30m", 5400), ("0.5s", 0.5), ("2w", 1_209_600)],
)
def test_durations_as_users_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "d", "soon", "1y", "-5", "1.2.3", "1 m", "²s", "9" * 13, "9" * 400, "999999999999w"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidClock, match=r"no duration|duration is empty|too long"):
        parse_duration(text)


def test_the_clock_stays_where_every_retention_can_be_counted() -> None:
    """An instant near the last one there is would leave no room for what is due later."""

    async def play(instance: Instance, _outside: Outside) -> None:
        clock = instance.clock_control
        for refused in (
            clock.advance_to(START + timedelta(days=366 * 21)),
            clock.set_mode("frozen", datetime.max.replace(tzinfo=UTC)),
            clock.run_until(lambda _work: True, timedelta.max),
        ):
            with pytest.raises(InvalidClock, match="at most 7320 days"):
                await refused

    scenario("frozen", play)


def test_the_wal_is_truncated_when_nothing_comes(tmp_path: Path) -> None:
    async def run() -> None:
        store = SqliteStore(tmp_path)
        instance = Instance(store, Catalog((SERVICE,)), BusinessClock("real", START), b"seed", Sequences())
        instance.commits.wal_idle_s, instance.commits.wal_idle_bytes = 0.05, 1 << 40
        await instance.start()
        await call(instance, "Leave", "x" * 1000)
        assert store.wal_bytes() > 0
        instance.commits.wal_idle_bytes = 0
        await call(instance, "Leave", "x" * 1000)
        while store.wal_bytes() > 0:  # noqa: ASYNC110 a file has no event
            await asyncio.sleep(0.01)
        assert "x@" in (await notes(instance))
        await instance.stop()

    asyncio.run(asyncio.wait_for(run(), 60))
