"""Ordinary requests and everything else on one connection: who is answered when, and when a connection ends."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from interstate.http.protocol import SHORT_BYTES_MAX
from interstate.wire.model import Models

from .conftest import Site
from .test_connection import Client, request

Connect = Callable[[Site], Client]
KEEP_ALIVE_S = 0.3
CHUNKED = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.PurgeQueue\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'10\r\n{"QueueUrl":"c"}\r\n0\r\n\r\n'
)


@pytest.fixture
def patient(models: Models) -> Iterator[Site]:
    site = Site(models, body_bytes_max=8 * 1024 * 1024)
    yield site
    site.stop()


@pytest.fixture
def impatient(models: Models) -> Iterator[Site]:
    """It keeps an idle connection for a moment only."""
    site = Site(models, keep_alive_s=KEEP_ALIVE_S)
    yield site
    site.stop()


class Pace:
    """The longest that a client left its connection idle: on a slow machine longer than it wanted to."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._answered: float | None = None

    def ask(self, client: Client) -> None:
        """One request and its answer."""
        if self._answered is not None:
            self.longest_s = max(self.longest_s, time.monotonic() - self._answered)
        client.send(request())
        assert client.response()[0] == 200
        self._answered = time.monotonic()


def without_stalls(play: Callable[[Pace], None]) -> None:
    """Play it until the machine let each request go out in time: who idles for longer is rightly hung up on."""
    ends = time.monotonic() + 60
    while True:
        pace = Pace()
        try:
            return play(pace)
        except (AssertionError, OSError):
            if pace.longest_s < KEEP_ALIVE_S / 2 or time.monotonic() > ends:
                raise


@pytest.fixture
def connect() -> Iterator[Connect]:
    opened: list[Client] = []

    def connect(site: Site) -> Client:
        opened.append(Client(site))
        return opened[-1]

    yield connect
    for client in opened:
        client.close()


def test_both_ways_share_a_connection_in_order(site: Site, connect: Connect) -> None:
    site.engine.answer = lambda _service, _operation, params, _caller: {"Echo": params["QueueUrl"]}
    client = connect(site)
    client.send(request(1) + CHUNKED + request(2) + request(3) + CHUNKED)
    assert [client.response()[2] for _ in range(5)] == [
        b'{"Echo":"1"}', b'{"Echo":"c"}', b'{"Echo":"2"}', b'{"Echo":"3"}', b'{"Echo":"c"}'
    ]  # fmt: skip


@pytest.mark.parametrize("size_bytes", [SHORT_BYTES_MAX - 20, SHORT_BYTES_MAX + 20])
def test_a_body_is_whole_whichever_way_it_goes(patient: Site, size_bytes: int, connect: Connect) -> None:
    client = connect(patient)
    body = b'{"QueueUrl":"' + b"x" * size_bytes + b'"}'
    client.send(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.PurgeQueue\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
    assert client.response()[0] == 200
    [(_, _, params, _)] = patient.engine.calls
    assert params["QueueUrl"] == "x" * size_bytes


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(impatient: Site, connect: Connect) -> None:
    def play(pace: Pace) -> None:
        idle, busy = connect(impatient), connect(impatient)
        Pace().ask(idle)
        until = time.monotonic() + 0.8
        while time.monotonic() < until:
            pace.ask(busy)
        assert idle.ended()
        pace.ask(busy)

    without_stalls(play)


def test_a_call_that_waits_longer_than_an_idle_connection_is_kept_is_answered(
    impatient: Site, connect: Connect
) -> None:
    impatient.engine.wait_s = 0.7

    def play(pace: Pace) -> None:
        client = connect(impatient)
        for _ in range(2):
            pace.ask(client)

    without_stalls(play)


def test_an_answer_in_many_pieces_leaves_the_connection_to_the_next_request(site: Site, connect: Connect) -> None:
    async def pages() -> AsyncIterator[bytes]:
        yield b"two"
        yield b"three"

    answers: list[dict[str, Any]] = [
        {"StatusCode": 200, "Headers": [], "Body": b"one", "_More": pages()},
        {"StatusCode": 200, "Headers": [], "Body": b"next"},
    ]
    site.engine.answer = lambda *_: answers.pop(0)
    client = connect(site)
    ask = b"GET / HTTP/1.1\r\nHost: a.execute-api.localhost\r\n\r\n"
    client.send(ask + ask)
    received = b""
    while b"next" not in received:
        received += client.piece()
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.index(b"one") < received.index(b"two") < received.index(b"three") < received.index(b"next")


def test_a_call_in_flight_is_answered_when_the_server_stops(models: Models, connect: Connect) -> None:
    site = Site(models)
    site.engine.until = lambda: site.stopped
    client = connect(site)
    client.send(request())
    while not site.engine.begun:
        time.sleep(0.01)
    site.stop()
    status, headers, _ = client.response()
    assert (status, headers["connection"]) == (200, "close")
    assert client.ended()
