"""A target that takes nothing: what waits for it delays nobody, and lies in the store, not in memory."""

import resource
from pathlib import Path

import pytest
from tests.services.events.conftest import ACCOUNT, Bench, arn

from interstate.store.records.due import DUE
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.tables import Scalar

MACHINE = arn("states", "stateMachine:m")
ROLE = "arn:aws:iam::000000000000:role/any"
WAITING = Scalar("SELECT count(*) FROM due", (DUE,))
ENTRIES = [{"Source": "shop", "DetailType": "Order Placed", "Detail": '{"n":1}'}] * 10
GROWTH_KIB_MAX = 80 * 1024
"""Mostly the database's own cache, which is 64 MiB at most."""


def fill(bench: Bench, calls: int) -> None:
    """Events for a target that is away for now, and for one that takes everything."""
    bench.rule("r", {"Arn": MACHINE, "RoleArn": ROLE}, bench.queue("q"))
    bench.world.catalog.faults.add({"target": "stepfunctions:StartExecution", "error": "ExecutionLimitExceeded"})
    put(bench, calls)


def put(bench: Bench, calls: int) -> None:
    for _ in range(calls):
        bench("PutEvents", Entries=ENTRIES)
    bench.world.run_due()


def arrived(bench: Bench) -> int:
    request = {
        "QueueUrl": f"http://localhost/{ACCOUNT}/q",
        "AttributeNames": ["ApproximateNumberOfMessages"],
    }
    answer = bench.world.call("sqs", "GetQueueAttributes", request)
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_the_other_target_has_every_event_at_once(bench: Bench) -> None:
    fill(bench, 20)
    assert arrived(bench) == 200  # While 200 deliveries wait.
    assert bench.world.run(lambda work: work.scalar(WAITING)) >= 200
    assert not bench.others.calls


def test_the_target_gets_what_waited_when_it_is_back(bench: Bench) -> None:
    fill(bench, 5)
    bench.advance(minutes=1)
    bench.world.catalog.faults.remove(None)
    bench.advance(minutes=30)
    started = [request["name"].partition("_")[0] for call, request in bench.others.calls if "StartExecution" in call]
    assert len(started) == len(set(started)) == 50


@pytest.mark.slow
@pytest.mark.parametrize("count", [20_000, 100_000])
def test_waiting_deliveries_are_not_in_memory(tmp_path: Path, count: int) -> None:
    bench = Bench(tmp_path)
    store = bench.world.store
    if isinstance(store, SqliteStore):
        store.writer.execute("PRAGMA synchronous = OFF")  # No crash here, only bulk.
    fill(bench, 100)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    put(bench, count // 10 - 100)
    assert bench.world.run(lambda work: work.scalar(WAITING)) >= count
    assert arrived(bench) == count
    growth_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert growth_kib < GROWTH_KIB_MAX, f"{growth_kib:,} KiB"
    bench.world.close()
