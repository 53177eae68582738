"""The traps of several nodes on one database, each by its name (issue 7, part 1)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.nodes.slow_node import begin
from tests.postgres_server import fresh_database, open_worlds_on

from interstate.runtime.batch import Job
from interstate.runtime.testing import START, World
from interstate.store.ports import StoreUnavailable
from interstate.store.postgres.engine import LEASE_S, PostgresStore
from interstate.store.postgres.fitness import UnfitDatabase, check
from interstate.store.postgres.line import Line
from interstate.store.postgres.plans import Plans
from interstate.store.records.due import DUE, IN_FLIGHT
from interstate.store.records.events import LOG_OF_BUS
from interstate.store.records.lambda_ import LAYER_NUMBERS, Invocation, LayerNumber
from interstate.store.unit_of_work import UnitOfWork

Pair = tuple[World, World]
TABLE = {
    "TableName": "orders",
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}
EVERYBODY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'


def postgres(world: World) -> PostgresStore:
    assert isinstance(world.store, PostgresStore)
    return world.store


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    open_worlds_on(fresh_database(), monkeypatch)
    worlds = (World(), World())
    worlds[1].now += timedelta(milliseconds=1)  # Two nodes never decide at the very same instant.
    yield worlds
    for world in worlds:
        world.close()


# Logs: the order of numbers is not the order of commits ------------------------------------------------------------


def put(key: str) -> dict[str, Any]:
    return {"TableName": "orders", "Item": {"k": {"S": key}}}


def keys_in(records: list[Any]) -> list[str]:
    return [record["dynamodb"]["Keys"]["k"]["S"] for record in records]


def latest(node: World) -> str:
    arn = node.call("dynamodb", "DescribeTable", {"TableName": "orders"})["Table"]["LatestStreamArn"]
    shard = node.call("dynamodbstreams", "DescribeStream", {"StreamArn": arn})["StreamDescription"]["Shards"][0]
    asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST"}
    iterator: str = node.call("dynamodbstreams", "GetShardIterator", asked)["ShardIterator"]
    return iterator


@pytest.fixture
def table(pair: Pair) -> Pair:
    """Both nodes have written to it: what is made once (the series of a metric) is there."""
    pair[0].call("dynamodb", "CreateTable", TABLE)
    for node in pair:
        node.call("dynamodb", "PutItem", put("first"))
        node.call("dynamodb", "PutItem", put(f"first of {node.store.node}"))
    return pair


def test_who_reads_a_stream_passes_over_nothing_that_a_slower_node_commits_later(table: Pair) -> None:
    slow, quick = table
    iterator = latest(quick)
    begin(slow, "dynamodb", "PutItem", put("slow"))
    quick.call("dynamodb", "PutItem", put("quick"))
    found = quick.call("dynamodbstreams", "GetRecords", {"ShardIterator": iterator})
    assert found["Records"] == []  # It is there, and might have a lower number before it.
    slow.store.commit()
    found = quick.call("dynamodbstreams", "GetRecords", {"ShardIterator": found["NextShardIterator"]})
    assert keys_in(found["Records"]) == ["slow", "quick"]


def test_the_latest_place_of_a_stream_is_before_what_is_still_open(table: Pair) -> None:
    slow, quick = table
    begin(slow, "dynamodb", "PutItem", put("slow"))
    iterator = latest(quick)
    slow.store.commit()
    found = quick.call("dynamodbstreams", "GetRecords", {"ShardIterator": iterator})
    assert keys_in(found["Records"]) == ["slow"]


EVENT = {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]}


@pytest.fixture
def bus(pair: Pair) -> Pair:
    for node in pair:
        node.call("events", "PutEvents", EVENT)
    return pair


@pytest.mark.parametrize("side", ["rows", "reader"])
def test_a_snapshot_is_taken_after_its_horizon(bus: Pair, side: str) -> None:
    slow, quick = bus
    begin(slow, "events", "PutEvents", EVENT)
    quick.call("events", "PutEvents", EVENT)
    store = postgres(quick)

    def read() -> tuple[int, bool, bool]:
        snapshot = store.snapshot()
        assert snapshot is not None
        rows = store.rows if side == "rows" else snapshot.rows
        records = UnitOfWork(rows, quick.batches.sequences)
        store.begin()
        found = records.select(
            LOG_OF_BUS, 10, {"bus": "arn:aws:events:us-east-1:000000000000:event-bus/default", "after": 0}
        )
        horizon = records.horizon()
        store.rollback()
        snapshot.drop()
        return len(found), records.withheld, all(row.id < horizon for row in found)

    assert read() == (2, True, True)
    slow.store.commit()
    assert read() == (4, False, True)


def test_who_tails_a_bus_comes_again_by_itself_when_a_slower_node_has_rows_in_hand(bus: Pair) -> None:
    slow, quick = bus
    row = quick.catalog.operation("interstate.why", "TailEvents")

    def tail(after: int | None) -> Any:
        request = {"after": after, "waitS": 5.0} if after is not None else {}
        typed = quick.catalog.request("interstate.why", "TailEvents", request, checked=False)
        return quick.run(lambda work: row.handle(typed, work))

    place = tail(None)["after"]
    begin(slow, "events", "PutEvents", EVENT)
    quick.call("events", "PutEvents", EVENT)
    parked = tail(place)
    assert parked.wake_at == quick.now + timedelta(milliseconds=20)
    slow.store.commit()
    again = quick.run(lambda work: parked.again(work, False))
    assert len(again["events"]) == 2


def test_a_replay_waits_for_what_other_nodes_are_archiving(bus: Pair) -> None:
    slow, quick = bus
    arn = "arn:aws:events:us-east-1:000000000000:event-bus/default"
    archive = quick.call("events", "CreateArchive", {"ArchiveName": "a", "EventSourceArn": arn})["ArchiveArn"]
    queue = quick.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": EVERYBODY}})["QueueUrl"]
    for node in bus:
        node.call("events", "PutEvents", EVENT)
    begin(slow, "events", "PutEvents", EVENT)
    quick.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source": ["a"]}'})
    target = {"Id": "t", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
    quick.call("events", "PutTargets", {"Rule": "r", "Targets": [target]})
    span = {"EventStartTime": START - timedelta(hours=1), "EventEndTime": START + timedelta(hours=1)}
    asked = {"ReplayName": "r", "EventSourceArn": archive, "Destination": {"Arn": arn}, **span}
    quick.call("events", "StartReplay", asked)
    quick.run_due()
    assert quick.call("events", "DescribeReplay", {"ReplayName": "r"})["State"] == "STARTING"
    slow.store.commit()
    slow.run_due()
    quick.advance(timedelta(seconds=1))
    assert quick.call("events", "DescribeReplay", {"ReplayName": "r"})["State"] == "COMPLETED"
    assert len(quick.call("sqs", "ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10})["Messages"]) == 3


def test_the_records_of_one_item_are_numbered_in_the_order_of_their_commits(table: Pair) -> None:
    """The node that began first writes last."""
    early, late = table
    iterator = latest(late)
    handle = early.catalog.operation("dynamodb", "PutItem").handle

    def item(version: str) -> dict[str, Any]:
        return {"TableName": "orders", "Item": {"k": {"S": "first"}, "n": {"N": version}}}

    def last(work: Any) -> Any:
        work.next_id(DUE)  # Its transaction is open, and it has read the clock.
        late.call("dynamodb", "PutItem", item("1"))
        return handle(early.catalog.request("dynamodb", "PutItem", item("2"), checked=False), work)

    early.run(last)
    records = late.call("dynamodbstreams", "GetRecords", {"ShardIterator": iterator})["Records"]
    assert [record["dynamodb"]["NewImage"]["n"]["N"] for record in records] == ["1", "2"]


def test_messages_of_one_group_are_numbered_in_the_order_of_their_commits(pair: Pair) -> None:
    early, late = pair
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = late.call("sqs", "CreateQueue", {"QueueName": "q.fifo", "Attributes": attributes})["QueueUrl"]

    def message(body: str) -> dict[str, Any]:
        return {"QueueUrl": url, "MessageBody": body, "MessageGroupId": "g"}

    late.call("sqs", "SendMessage", message("first"))
    row = early.catalog.operation("sqs", "SendMessage")
    typed = early.catalog.request("sqs", "SendMessage", message("third"), checked=False)

    def last(work: Any) -> Any:
        work.next_id(DUE)
        late.call("sqs", "SendMessage", message("second"))
        return row.handle(typed, work)

    early.run(last)
    found = late.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})["Messages"]
    assert [each["Body"] for each in found] == ["first", "second", "third"]


# Locks -------------------------------------------------------------------------------------------------------------


Queue = tuple[World, World, str]


@pytest.fixture
def queue(pair: Pair) -> Queue:
    """Both nodes have used it: what is made once (the series of a metric) is there."""
    url = pair[0].call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    for node in pair:
        node.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x"})
        (message,) = node.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
        node.call("sqs", "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})
    return (*pair, url)


def test_nodes_that_use_one_queue_never_wait_for_each_other(queue: Queue) -> None:
    """A depth is what each node has added: no row is shared."""
    here, there, url = queue
    begin(here, "sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "a"})
    postgres(there).writer.execute("SET lock_timeout = 1")
    there.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "b"})
    (message,) = there.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    here.store.commit()
    names = {"QueueUrl": url, "AttributeNames": ["All"]}
    assert there.call("sqs", "GetQueueAttributes", names)["Attributes"]["ApproximateNumberOfMessages"] == "1"
    here.call("sqs", "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})
    counts = there.call("sqs", "GetQueueAttributes", names)["Attributes"]
    assert [counts[f"ApproximateNumberOfMessages{kind}"] for kind in ("", "NotVisible")] == ["1", "0"]


def _two_rows(work: Any) -> None:
    for name in "ab":
        work.put(LAYER_NUMBERS, LayerNumber(name, 0))


def _versions(work: Any) -> list[int]:
    return [work.get(LAYER_NUMBERS, name).next_version for name in "ab"]


def test_batches_that_lock_in_opposite_orders_are_both_carried_out(pair: Pair) -> None:
    here, there = pair
    here.run(_two_rows)
    held: list[str] = []

    def add(world: World, first: str, second: str, meanwhile: Callable[[], None]) -> None:
        def both(work: Any) -> None:
            for at, name in enumerate((first, second)):
                if at and not held:
                    held.append(name)
                    meanwhile()
                found = work.get(LAYER_NUMBERS, name)
                work.put(LAYER_NUMBERS, LayerNumber(name, found.next_version + 1))

        world.run(both)

    with ThreadPoolExecutor(1) as thread:
        other: list[Any] = []
        add(here, "a", "b", lambda: other.append(thread.submit(add, there, "b", "a", lambda: None)))
        other[0].result(20)
    assert here.run(_versions) == [2, 2]


def test_rows_are_locked_by_key_whatever_the_order_of_calls(pair: Pair) -> None:
    """Two batches that name the same rows in opposite orders: the second waits, nobody is sent back."""
    here, there = pair
    here.run(_two_rows)
    asked: list[Any] = []
    rows = postgres(there).rows
    original = rows.line.ask

    def listening(questions: Any, *, locks: bool = False) -> Any:
        asked.extend(questions)
        return original(questions, locks=locks)

    rows.line.ask = listening  # type: ignore[method-assign]  # to see what is sent
    records = UnitOfWork(rows, there.batches.sequences)
    records.prefetch({LAYER_NUMBERS: {("b",), ("a",)}})
    there.store.rollback()
    (statement, _values) = asked[0]
    assert "ORDER BY" in statement
    assert statement.endswith("FOR NO KEY UPDATE")


def test_what_a_frozen_node_holds_is_let_go_before_its_lease_ends(pair: Pair) -> None:
    here, _ = pair
    store = postgres(here)
    names = ["idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"]
    if store.writer.info.server_version >= 170_000:
        names.append("transaction_timeout")
    for name in names:
        row = store.writer.execute("SELECT setting::bigint FROM pg_settings WHERE name = %s", (name,)).fetchone()
        assert row is not None
        assert 0 < row[0] < LEASE_S * 1000


def test_a_long_transaction_of_a_process_that_lives_is_not_ended(pair: Pair) -> None:
    """A stack is deployed in one transaction, however slow the machine is; a frozen process asks nothing."""
    here, _ = pair
    connection = postgres(here).writer
    if connection.info.server_version < 170_000:
        pytest.skip("this database ends no transaction by its time")
    connection.execute("SET transaction_timeout = 2000")
    line = Line(connection, Plans(), writes=True, ends_after_ms=2000)
    for _ in range(6):
        line.ask((("SELECT pg_sleep(0.5)", ()),))
    with pytest.raises(StoreUnavailable):
        line.ask((("SELECT pg_sleep(60)", ()),))


def test_a_transaction_that_idles_is_ended_and_its_rows_are_free(queue: Queue) -> None:
    here, there, url = queue
    here.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "a"})
    begin(here, "sqs", "ReceiveMessage", {"QueueUrl": url})
    assert there.call("sqs", "ReceiveMessage", {"QueueUrl": url}) == {}
    # It hangs from here on. (The database ends it after three seconds by itself; that it does so is PostgreSQL's test.)
    postgres(there).writer.execute(
        "SELECT pg_terminate_backend(%s::int, 5000)", (postgres(here).writer.info.backend_pid,)
    )
    assert len(there.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]) == 1
    with pytest.raises(StoreUnavailable):
        here.store.commit()


def test_the_fence_is_the_last_statement_before_the_commit(pair: Pair) -> None:
    here, _ = pair
    sent: list[str] = []
    line = postgres(here).line
    original = line._exchange

    def listening(questions: Any, *, locks: bool = False) -> Any:
        sent.extend(statement for statement, _ in line._waiting)
        return original(questions, locks=locks)

    line._exchange = listening  # type: ignore[method-assign]
    here.call("sqs", "CreateQueue", {"QueueName": "q"})
    assert sent[-2].startswith("SELECT fence(")
    assert sent[-1] == "COMMIT"


def test_a_claim_is_committed_before_its_work_starts(pair: Pair) -> None:
    """Effects are told by the batch's end; until its commit nobody else sees that they are taken."""
    here, there = pair
    invocation = Invocation("r", "arn:aws:lambda:us-east-1:000000000000:function:f")
    job = Job(lambda work: work.later("lambda.invoke", invocation), lambda _job: None, bytes(16))
    (decided,) = here.batches.decide([job], here.now, effects_max=5, work_s=60, settles=True)
    (effect,) = decided.effects
    flying = (here.store.lane_base + IN_FLIGHT,)
    rows = postgres(there).writer
    assert rows.execute("SELECT lane FROM due WHERE id = %s", (effect.id,)).fetchone() is None
    here.store.commit()
    assert rows.execute("SELECT lane FROM due WHERE id = %s", (effect.id,)).fetchone() == flying


# Databases that will not do ----------------------------------------------------------------------------------------


class _Old:
    class info:  # noqa: N801 psycopg's name
        server_version = 150_004


def test_an_old_database_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnfitDatabase, match=r"PostgreSQL 15\.4\. Interstate needs version 16 or newer: upgrade"):
        check(_Old())  # type: ignore[arg-type]  # all that is asked of it


@pytest.mark.parametrize(
    ("setting", "message"),
    [("track_activities = off", "track_activities = on"), ("default_transaction_read_only = on", "a standby")],
)
def test_a_database_that_cannot_be_shared_is_refused(setting: str, message: str) -> None:
    with psycopg.connect(fresh_database(), autocommit=True) as connection:
        connection.execute(f"SET {setting}".encode())
        with pytest.raises(UnfitDatabase, match=message):
            check(connection)
