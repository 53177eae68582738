"""Calls that only read share a snapshot, and never see less than was told."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.runtime.batch import Job
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock
from interstate.runtime.instance import Instance
from interstate.runtime.work import BatchWork
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Counted(SqliteStore):
    """Counts its snapshots."""

    begun = 0
    ended = 0

    def begin_read(self) -> None:
        self.begun += 1
        super().begin_read()

    def end_read(self) -> None:
        self.ended += 1
        super().end_read()


def play(store: Counted, act: Callable[[Instance], Awaitable[None]]) -> None:
    async def run() -> None:
        instance = Instance(store, Catalog(()), BusinessClock("frozen", NOW), b"seed", Sequences())
        await instance.start()
        store.begun = store.ended = 0
        try:
            await asyncio.wait_for(act(instance), 60)
        finally:
            await instance.stop()
        assert store.begun == store.ended

    asyncio.run(run())


def value(work: BatchWork) -> str:
    found = work.get(SETTINGS, "x")
    return "" if found is None else found.value


def _write(setting: Setting, work: BatchWork) -> None:
    work.put(SETTINGS, setting)


def test_reads_of_one_turn_share_a_snapshot_and_the_next_turn_has_another(tmp_path: Path) -> None:
    store = Counted(tmp_path)

    async def act(instance: Instance) -> None:
        for turn in (1, 2):
            for _ in range(3):
                instance.read(value)
            assert store.begun == turn
            await asyncio.sleep(0)
            assert store.ended == turn

    play(store, act)


def test_whoever_was_told_of_a_commit_reads_it_in_the_same_turn(tmp_path: Path) -> None:
    store = Counted(tmp_path)

    async def act(instance: Instance) -> None:
        seen: list[str] = []

        def told(_answer: asyncio.Future[Any]) -> None:
            instance.read(lambda work: seen.append(value(work)))

        for number in range(20):
            setting = Setting("x", str(number))
            writing = asyncio.ensure_future(instance.run(partial(_write, setting)))
            writing.add_done_callback(told)
            while not writing.done():
                await instance.read(value)  # A snapshot is open in every turn, also in the one that ends the commit.
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert seen[-1] == str(number)

    play(store, act)


def test_no_snapshot_is_open_when_a_commit_is_told(tmp_path: Path) -> None:
    store = Counted(tmp_path)

    async def act(instance: Instance) -> None:
        told: list[bool] = []
        done = asyncio.Event()

        def tell(_job: Job) -> None:
            told.append(store.begun == store.ended)
            done.set()

        instance.commits.submit(Job(lambda _work: instance.read(value), tell, b"seed"))
        await done.wait()
        assert told == [True]
        assert store.begun == 1

    play(store, act)


def test_a_read_that_writes_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Counted(tmp_path)

    async def act(instance: Instance) -> None:
        with pytest.raises(AssertionError, match="a read has written"):
            instance.read(lambda work: work.put(SETTINGS, Setting("x", "y")))
        assert await instance.read(value) == ""

    play(store, act)


def test_what_reads_count_is_one_set_a_minute_also_of_those_that_refuse(tmp_path: Path) -> None:
    store = Counted(tmp_path)

    def refuse(work: BatchWork) -> None:
        work.measure("N", "m")
        raise ServiceError("no")

    async def act(instance: Instance) -> None:
        for _ in range(5):
            await instance.read(lambda work: work.measure("N", "m"))
            with pytest.raises(ServiceError):
                instance.read(refuse)
        [counted] = instance.batches.metrics.waiting(NOW).sets.values()
        assert counted[0] == 10

    play(store, act)
