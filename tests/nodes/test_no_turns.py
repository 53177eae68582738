"""Nodes that do the same never wait for each other: what all of them count, spend or wake is a row each."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.mapped_stream import Pair, hear, make_function, map_stream, put
from tests.nodes.slow_node import begin
from tests.postgres_server import fresh_database

from interstate.runtime.testing import World
from interstate.services.events.rates import enforcing
from interstate.services.rates import ThrottlingException, spend, spent_with
from interstate.services.tables import SERVICES
from interstate.store.postgres.engine import ClockSequences, PostgresStore
from interstate.store.records.lambda_ import InvocationResult
from interstate.store.records.metrics import POINTS_OF_SERIES, SERIES_OF_NAMESPACE


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two nodes that wait a millisecond for a lock, and no longer."""
    url = fresh_database()

    def opened(_directory: Path | None) -> tuple[PostgresStore, ClockSequences]:
        store = PostgresStore(url)
        store.writer.execute("SET lock_timeout = 1")
        return store, ClockSequences(store)

    monkeypatch.setattr(World, "open_store", staticmethod(opened))
    services = enforcing(SERVICES)
    worlds = tuple(World(services, performers={"lambda.prepare": lambda _key, _body: None}) for _ in range(2))
    worlds[1].now += timedelta(milliseconds=1)  # Two nodes never decide at the very same instant.
    yield worlds  # type: ignore[misc]  # two
    for world in worlds:
        world.close()


def total(world: World, namespace: str, name: str) -> float:
    """What all nodes have counted of a metric, in a minute."""

    def read(work: Any) -> float:
        place = {"account": work.caller.account, "region": work.caller.region}
        found = work.select(SERIES_OF_NAMESPACE, limit=99, namespace=namespace, name="", after=0, **place)
        ids = {one.id for one in found if one.name == name}
        span = {"since": work.now - timedelta(days=1), "until": work.now + timedelta(days=1)}
        points = [p for one in ids for p in work.select(POINTS_OF_SERIES, limit=99, series=one, **span)]
        return float(sum(point.total for point in points))

    found: float = world.run(read)
    return found


def _mapped(node: World) -> None:
    make_function(node)
    map_stream(node)


def test_nodes_that_write_to_a_table_with_a_mapped_stream_never_wait_for_each_other(pair: Pair) -> None:
    """Each node wakes the mapping by a row of its own, and its function has every record, in order."""
    here, there = pair
    had = hear(pair)
    _mapped(here)
    for node in pair:
        node.call("dynamodb", "PutItem", put(f"first of {node.store.node}"))
        node.run_due()
    begin(here, "dynamodb", "PutItem", put("a"))
    there.call("dynamodb", "PutItem", put("b"))
    here.store.commit()
    for node in (there, here, there):
        node.advance(timedelta(seconds=1))
    assert had[2:] == ["a", "b"]


def test_a_wake_that_was_left_is_answered_before_another_is_left(pair: Pair) -> None:
    """However much a node writes, one look is due for it; after that look, the next write leaves another."""
    here, _ = pair
    _mapped(here)
    looks = "SELECT count(*) FROM due WHERE kind = 'lambda.poll'"
    store: Any = here.store

    def due() -> int:
        (count,) = store.writer.execute(looks).fetchone()
        return int(count)

    here.performers["lambda.invoke"] = lambda _key, _call: InvocationResult("{}")
    here.run_due()
    assert due() == 0
    for key in "abc":
        begin(here, "dynamodb", "PutItem", put(key))
        here.store.commit()
    assert due() == 1
    here.run_due()
    assert due() == 0
    begin(here, "dynamodb", "PutItem", put("d"))
    here.store.commit()
    assert due() == 1


def test_nodes_that_measure_something_new_never_wait_for_each_other(pair: Pair) -> None:
    here, there = pair
    for node in pair:
        node.run(lambda work: work.measure("Any", "known"))  # The sweep of metrics is planned once.
    url = here.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    begin(here, "sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "a"})
    there.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "b"})
    here.store.commit()
    assert total(here, "AWS/SQS", "NumberOfMessagesSent") == 2
    listed = there.call("cloudwatch", "ListMetrics", {"Namespace": "AWS/SQS", "MetricName": "NumberOfMessagesSent"})
    assert len(listed["Metrics"]) == 1


def test_what_is_sent_to_two_nodes_at_once_is_counted_twice(pair: Pair) -> None:
    """PutMetricData: each node adds to a row of its own."""
    here, there = pair
    datum = {"Namespace": "Shop", "MetricData": [{"MetricName": "Orders", "Value": 3.0}]}
    here.call("cloudwatch", "PutMetricData", datum)
    begin(here, "cloudwatch", "PutMetricData", datum)
    there.call("cloudwatch", "PutMetricData", datum)
    here.store.commit()
    assert total(there, "Shop", "Orders") == 9


EVENT = {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]}


def test_nodes_that_hold_accounts_to_rates_never_wait_for_each_other(pair: Pair) -> None:
    here, there = pair
    for node in pair:
        node.call("events", "PutEvents", EVENT)
    begin(here, "events", "PutEvents", EVENT)
    there.call("events", "PutEvents", EVENT)
    here.store.commit()


def _taken(node: World, per_s: int) -> int:
    """How many calls a node takes at one instant before its bucket of a second is empty."""

    def take(work: Any) -> None:
        spent = spent_with(work.caller, "Any", 1, per_s, work)
        if spent - timedelta(seconds=1) > work.now:
            raise ThrottlingException
        spend(work.caller, "Any", spent, work)

    count = 0
    while count < 1_000:
        try:
            node.run(take)
        except ThrottlingException:
            return count
        count += 1
    return count


def test_nodes_share_a_rate_alike_and_one_alone_has_all_of_it(pair: Pair) -> None:
    here, there = pair
    there.now = here.now
    assert _taken(here, 10) == 10
    there.now = here.now = here.now + timedelta(seconds=2)
    assert _taken(there, 10) == 5
    assert _taken(here, 10) == 5
    here.now += timedelta(seconds=20)  # The other spends nothing any more.
    assert _taken(here, 10) == 10
