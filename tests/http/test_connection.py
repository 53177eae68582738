"""HTTP/1.1 over plain sockets: framing, order, bounds, ends."""

import socket
from collections.abc import Iterator

import pytest

from .conftest import Site

BODY = b'{"QueueUrl":"%d"}'


def request(number: int = 0, *, head: bytes = b"", version: bytes = b"1.1") -> bytes:
    body = BODY % number
    return (
        b"POST / HTTP/" + version + b"\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.PurgeQueue\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n" + head + b"\r\n" + body
    )


class Client:
    def __init__(self, site: Site) -> None:
        self._socket = socket.create_connection(("127.0.0.1", site.port), timeout=60)
        self._left = b""

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def response(self, *, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        while b"\r\n\r\n" not in self._left:
            self._more()
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = 0 if head_only else int(headers.get("content-length", 0))
        while len(self._left) < length:
            self._more()
        body, self._left = self._left[:length], self._left[length:]
        return int(lines[0].split()[1]), headers, body

    def piece(self) -> bytes:
        """What comes next, whatever it is."""
        self._more()
        piece, self._left = self._left, b""
        return piece

    def _more(self) -> None:
        data = self._socket.recv(65536)
        assert data, "the server hung up"
        self._left += data

    def ended(self) -> bool:
        try:
            return not self._left and self._socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    client = Client(site)
    yield client
    client.close()


def urls(site: Site) -> list[str]:
    return [params["QueueUrl"] for _, _, params, _ in site.engine.calls]


def test_requests_in_one_piece_are_answered_in_order(site: Site, client: Client) -> None:
    numbers = range(60)
    site.engine.answer = lambda _service, _operation, params, _caller: {"Echo": params["QueueUrl"]}
    client.send(b"".join(request(number) for number in numbers))
    assert [client.response()[2] for _ in numbers] == [b'{"Echo":"%d"}' % number for number in numbers]


def test_a_request_in_many_pieces_is_one_request(site: Site, client: Client) -> None:
    for byte in request(7):
        client.send(bytes([byte]))
    assert client.response()[0] == 200
    assert urls(site) == ["7"]


def test_a_chunked_body_is_joined(site: Site, client: Client) -> None:
    client.send(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.PurgeQueue\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'5\r\n{"Que\r\n9\r\nueUrl":"q\r\n2\r\n"}\r\n0\r\n\r\n'
    )
    assert client.response()[0] == 200
    assert urls(site) == ["q"]


@pytest.mark.parametrize(
    ("head", "version", "kept"),
    [
        (b"", b"1.1", True),
        (b"Connection: close\r\n", b"1.1", False),
        (b"", b"1.0", False),
    ],
)
def test_a_connection_is_kept_as_the_client_says(client: Client, head: bytes, version: bytes, kept: bool) -> None:
    client.send(request(head=head, version=version))
    _, headers, _ = client.response()
    assert ("connection" not in headers) is kept
    if kept:
        client.send(request())
        assert client.response()[0] == 200
    else:
        assert client.ended()


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(client: Client) -> None:
    head, _, body = request(head=b"Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    client.send(head + b"\r\n\r\n")
    assert client.response()[0] == 100
    client.send(body)
    assert client.response()[0] == 200


def test_another_protocol_is_not_spoken(client: Client) -> None:
    client.send(b"GET /_interstate/x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    status, headers, _ = client.response()
    assert (status, headers["content-type"]) == (200, "text/plain")


def test_a_refusal_waits_for_the_answers_before_it(site: Site, client: Client) -> None:
    site.engine.wait_s = 0.05
    client.send(
        request(1) + request(2) + b"POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n" + request(3)
    )
    assert [client.response()[0] for _ in range(4)] == [200, 200, 403, 200]
    assert urls(site) == ["1", "2", "3"]


def test_after_a_refusal_the_client_may_finish_what_it_says(client: Client) -> None:
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n")
    for _ in range(20):
        client.send(b"x" * 100_000)
    assert client.response()[0] == 413
    client.send(request())
    assert client.response()[0] == 200


def test_an_answer_to_head_has_no_body(site: Site, client: Client) -> None:
    site.engine.answer = lambda *_: {"StatusCode": 200, "Headers": [], "Body": b"12345"}
    client.send(b"HEAD / HTTP/1.1\r\nHost: a.execute-api.localhost\r\n\r\n" + request())
    status, headers, _ = client.response(head_only=True)
    assert (status, headers["content-length"]) == (200, "5")
    site.engine.answer = lambda *_: {}
    assert client.response()[0] == 200


def test_the_whole_address_as_target_is_read_as_its_path(site: Site, client: Client) -> None:
    client.send(b"GET http://localhost/_interstate/clock?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.response()[2] == b"GET /_interstate/clock a=1 0"


def test_a_functions_answer_cannot_write_headers_of_its_own(site: Site, client: Client) -> None:
    site.engine.answer = lambda *_: {
        "StatusCode": 299,
        "Headers": [
            ["X-Good", "a"],
            ["X-Bad", "a\r\nSet-Cookie: evil=1"],
            ["X Bad", "a"],
            ["Content-Length", "9"],
            ["Transfer-Encoding", "chunked"],
            ["Connection", "close"],
        ],
        "Body": b"ok",
    }
    client.send(b"GET / HTTP/1.1\r\nHost: a.execute-api.localhost\r\n\r\n")
    status, headers, body = client.response()
    assert (status, set(headers), body) == (299, {"date", "x-good", "content-length"}, b"ok")
