"""Snapshots of a running instance: saved, changed, put back."""

import asyncio
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.batch import ServiceUnavailable
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock
from interstate.runtime.instance import Instance
from interstate.runtime.snapshots import InvalidSnapshot, NoSuchSnapshot, Snapshots
from interstate.services.sqs import SERVICE
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore

QUEUE = "http://localhost/000000000000/q"
START = datetime(2026, 1, 1, tzinfo=UTC)


def with_instance(directory: Path | None, test: Callable[[Instance], Awaitable[None]]) -> None:
    async def run() -> None:
        clock = BusinessClock("frozen", START)
        instance = Instance(SqliteStore(directory), Catalog((SERVICE,)), clock, b"seed", Sequences())
        await instance.start()
        try:
            await test(instance)
        finally:
            await instance.stop()

    asyncio.run(run())


async def send(instance: Instance, body: str) -> None:
    await instance.execute("sqs", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": body}, Caller())


async def depth(instance: Instance) -> str:
    wanted = {"QueueUrl": QUEUE, "AttributeNames": ["ApproximateNumberOfMessages"]}
    answer = await instance.execute("sqs", "GetQueueAttributes", wanted, Caller())
    assert answer is not None
    return str(answer["Attributes"]["ApproximateNumberOfMessages"])


@pytest.mark.parametrize("kept", ["memory", "disk"])
def test_a_state_is_put_back_as_often_as_wanted(tmp_path: Path, kept: str) -> None:
    async def test(instance: Instance) -> None:
        snapshots = Snapshots(instance)
        await instance.execute("sqs", "CreateQueue", {"QueueName": "q"}, Caller())
        await send(instance, "one")
        await snapshots.save("seeded")
        for _ in range(2):
            await send(instance, "two")
            assert await depth(instance) == "2"
            await snapshots.load("seeded")
            assert await depth(instance) == "1"
        assert snapshots.names() == ["seeded"]

    with_instance(None if kept == "memory" else tmp_path, test)


def test_what_is_not_there_or_has_no_name_is_refused(tmp_path: Path) -> None:
    async def test(instance: Instance) -> None:
        snapshots = Snapshots(instance)
        with pytest.raises(NoSuchSnapshot, match="none yet"):
            await snapshots.load("never")
        with pytest.raises(InvalidSnapshot, match="no name"):
            await snapshots.save("../escape")

    with_instance(tmp_path, test)


def test_the_rules_of_faults_are_those_of_the_state_that_was_put_back(tmp_path: Path) -> None:
    async def test(instance: Instance) -> None:
        snapshots = Snapshots(instance)
        await instance.execute("sqs", "CreateQueue", {"QueueName": "q"}, Caller())
        await snapshots.save("well")
        await instance.change_faults(lambda rules: rules.add({"target": "sqs:*", "error": "Error"}))
        with pytest.raises(ServiceError):
            await send(instance, "refused")
        await snapshots.load("well")
        await send(instance, "one")

    with_instance(tmp_path, test)


def test_a_snapshot_is_for_its_owner_only_and_a_full_disk_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(instance: Instance) -> None:
        snapshots = Snapshots(instance)
        await snapshots.save("well")
        assert stat.S_IMODE((tmp_path / "snapshots" / "well.db").stat().st_mode) == 0o600

        def full(*_: object) -> None:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

        monkeypatch.setattr("interstate.runtime.snapshots._write", full)
        with pytest.raises(ServiceUnavailable, match="is full: free some space"):
            await snapshots.save("more")
        assert snapshots.names() == ["well"]

    with_instance(tmp_path, test)
