"""What happens when the way to the database breaks: answers, repetitions, TLS."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.nodes.postgres_proxy import Proxy
from tests.postgres_server import fresh_database, open_worlds_on

from interstate.runtime.batch import ServiceUnavailable
from interstate.runtime.testing import World
from interstate.store.ports import StoreUnavailable
from interstate.store.postgres.engine import PostgresStore
from interstate.store.records.due import DUE

EVERYBODY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
FIFO = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}


@pytest.fixture
def database() -> str:
    return fresh_database()


@pytest.fixture
def proxy(database: str) -> Iterator[Proxy]:
    with Proxy(database) as proxy:
        yield proxy


@pytest.fixture
def world(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    open_worlds_on(proxy.url + "?sslmode=disable", monkeypatch)
    world = World()
    yield world
    world.close()


def count(database: str, table: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    number: int = row[0]
    return number


def test_a_call_whose_commit_lost_its_answer_is_told_to_try_again_and_its_repetition_changes_nothing(
    world: World, proxy: Proxy, database: str
) -> None:
    url = world.call("sqs", "CreateQueue", {"QueueName": "q.fifo", "Attributes": FIFO})["QueueUrl"]
    message = {"QueueUrl": url, "MessageBody": "x", "MessageGroupId": "g"}
    proxy.cut_next_commit = True
    with pytest.raises(StoreUnavailable, match="the connection to the database was lost"):
        world.call("sqs", "SendMessage", message)
    assert proxy.cuts == 1
    assert count(database, "messages") == 1  # The commit was made.
    world.call("sqs", "SendMessage", message)
    assert count(database, "messages") == 1
    assert len(world.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})["Messages"]) == 1


def test_a_step_whose_commit_lost_its_answer_is_not_done_again(world: World, proxy: Proxy, database: str) -> None:
    """Its due row went with the commit: the row decides, not what the node believes."""
    url = world.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": EVERYBODY}})["QueueUrl"]
    world.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source": ["a"]}'})
    target = {"Id": "t", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
    world.call("events", "PutTargets", {"Rule": "r", "Targets": [target]})
    proxy.cut_next_commit = True
    with pytest.raises(StoreUnavailable):
        world.call("events", "PutEvents", {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]})
    world.run_due()
    assert count(database, "messages") == 1
    assert len(world.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]) == 1


def test_what_was_not_committed_is_not_there(world: World, proxy: Proxy, database: str) -> None:
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    proxy.cut()
    with pytest.raises(ServiceUnavailable):
        world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "lost"})
    world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "kept"})
    assert count(database, "messages") == 1
    assert world.store.node  # The same node as before: its lease never ended.
    world.run(lambda work: work.next_id(DUE))


def test_a_database_that_cannot_be_reached_is_tried_again_at_growing_distances(
    world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = world.store
    assert isinstance(store, PostgresStore)
    now = [1000.0]
    monkeypatch.setattr("interstate.store.postgres.engine.monotonic", lambda: now[0])
    proxy.refuses = True
    proxy.cut()
    waits: list[float] = []
    with pytest.raises(ServiceUnavailable):
        world.call("sqs", "ListQueues")  # It finds the connection gone.
    for _ in range(7):
        with pytest.raises(ServiceUnavailable):
            world.call("sqs", "ListQueues")
        waits.append(round(store._next_try - now[0], 2))
        now[0] = store._next_try
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    proxy.refuses = False
    assert world.call("sqs", "ListQueues") == {}


# TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([openssl, *made, *names], check=True, capture_output=True)
    return key, cert


def test_a_node_speaks_tls_with_a_database_that_it_can_verify_and_with_no_other(
    database: str, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    key, cert = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with Proxy(database, context) as proxy:
        store = PostgresStore(f"{proxy.url}?sslmode=verify-full&sslrootcert={cert}")
        assert store.writer.pgconn.ssl_in_use
        assert all(snapshot.line.connection.pgconn.ssl_in_use for snapshot in store.snapshots)
        store.close()
        other = tmp_path / "other.pem"
        shutil.copy(Path(ssl.get_default_verify_paths().openssl_cafile or cert), other)
        with pytest.raises(psycopg.OperationalError, match="certificate"):
            PostgresStore(f"{proxy.url}?sslmode=verify-full&sslrootcert={other}")
        with pytest.raises(psycopg.OperationalError, match="does not match host name"):
            PostgresStore(f"{proxy.url.replace('127.0.0.1', 'localhost')}?sslmode=verify-full&sslrootcert={cert}")
