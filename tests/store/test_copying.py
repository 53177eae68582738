"""Copies between stores: every row arrives, online, in either direction."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.postgres_server import fresh_database

from interstate.runtime.testing import World
from interstate.services.sqs import SERVICE as SQS
from interstate.store.copying import NoData, NotEmpty, copy, reading, writing
from interstate.store.records.due import DUE, SETTINGS, Due, Setting
from interstate.store.sqlite.engine import SqliteStore

QUEUE = "http://localhost/000000000000/q"


def _nothing(_table: str, _count: int) -> None:
    pass


def _copy(source: str, target: str, *, force: bool = False) -> int:
    with reading(source) as here, writing(target) as there:
        return copy(here, there, force=force, progress=_nothing)


def filled(directory: Path) -> World:
    world = World((SQS,), directory=directory)
    world.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"DelaySeconds": "0"}})
    for number in range(5):
        world.call("sqs", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": f"주문 {number}\t"})
    world.run(lambda work: work.put(DUE, Due(7, 2, work.now + timedelta(days=1), True, "x", 0, b"\x00\xff")))
    return world


def bodies(world: World) -> list[str]:
    answer = world.call("sqs", "ReceiveMessage", {"QueueUrl": QUEUE, "MaxNumberOfMessages": 10})
    return sorted(message["Body"] for message in answer["Messages"])


def test_a_copy_of_a_running_store_is_complete(tmp_path: Path) -> None:
    world = filled(tmp_path / "one")
    _copy(str(tmp_path / "one"), str(tmp_path / "backup.db"))
    world.call("sqs", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": "after the backup"})
    _copy(str(tmp_path / "backup.db"), str(tmp_path / "two"))
    restored = World((SQS,), directory=tmp_path / "two")
    assert len(bodies(restored)) == 5
    assert len(bodies(world)) == 6
    restored.close()
    world.close()


def test_to_postgres_and_back(tmp_path: Path) -> None:
    world = filled(tmp_path / "one")
    url = fresh_database()
    moved = _copy(str(tmp_path / "one"), url)
    assert _copy(url, str(tmp_path / "two")) == moved
    again = World((SQS,), directory=tmp_path / "two")
    row = again.run(lambda work: work.get(DUE, 7))
    assert (row.lane, row.body) == (2, b"\x00\xff")
    assert bodies(again) == bodies(world)
    again.close()
    world.close()


def test_a_store_that_holds_something_is_replaced_only_when_told_so(tmp_path: Path) -> None:
    filled(tmp_path / "one").close()
    other = SqliteStore(tmp_path / "two")
    other.close()
    world = World((), directory=tmp_path / "two")
    world.run(lambda work: work.put(SETTINGS, Setting("mine", "x")))
    world.close()
    with pytest.raises(NotEmpty, match="settings"):
        _copy(str(tmp_path / "one"), str(tmp_path / "two"))
    kept = World((), directory=tmp_path / "two")
    assert kept.run(lambda work: work.get(SETTINGS, "mine")) is not None
    kept.close()
    _copy(str(tmp_path / "one"), str(tmp_path / "two"), force=True)
    replaced = World((SQS,), directory=tmp_path / "two")
    assert replaced.run(lambda work: work.get(SETTINGS, "mine")) is None
    assert len(bodies(replaced)) == 5
    replaced.close()


def test_nothing_is_copied_from_nowhere(tmp_path: Path) -> None:
    with pytest.raises(NoData):
        _copy(str(tmp_path / "absent"), str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()
