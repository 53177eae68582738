"""Requests that are read without the parser: what is read is what the parser reads; everything else is left to it."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.http import heads
from interstate.http.heads import Heads

USUAL = (
    b"POST / HTTP/1.1\r\nHost: localhost:4566\r\nX-Amz-Target: AmazonSQS.SendMessage\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"User-Agent: Boto3/1.40 md/Botocore#1.40 ua/2.1\r\nX-Amz-Date: 20261121T120000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a/b, "
    b"SignedHeaders=host, Signature=0\r\namz-sdk-invocation-id: 1-2\r\nContent-Length: 2\r\n\r\n{}"
)


class Parsed:
    """What the parser tells of a piece of data."""

    def __init__(self, data: bytes) -> None:
        self.url, self.body = b"", b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.ended = 0
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        self.method, self.version = parser.get_method(), parser.get_http_version()
        self.stays = parser.should_keep_alive() and not parser.should_upgrade()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ended += 1


NAMES = st.sampled_from(
    [b"Host", b"host", b"X-Amz-Target", b"Content-Length", b"content-length", b"Connection", b"Expect", b"Transfer-Encoding", b"TE",
     b"Upgrade", b"Authorization", b"X-A", b"X A", b"", b"X-\xe9", b"Proxy-Connection", b" X"]
)  # fmt: skip
VALUES = st.sampled_from(
    [b"a", b"", b" ", b"keep-alive", b"Keep-Alive", b"close", b"chunked", b"100-continue", b"websocket", b"0", b"1", b"2", b"02", b"+2", b"2 ",
     b"a b", b"a:b", b" a", b"a ", b"a\tb", b"a\x00b", b"a\xe9", b"a\rb", b"a\nb", b"a" * 300]
) | st.binary(max_size=4)  # fmt: skip
LINES = st.builds(b"%b%b%b".__mod__, st.tuples(NAMES, st.sampled_from([b": ", b":", b"", b" : ", b":  "]), VALUES))
STARTS = st.sampled_from([b"POST / HTTP/1.1"] * 6 + [b"POST / HTTP/1.0", b"GET / HTTP/1.1", b"POST /a HTTP/1.1", b"POST  / HTTP/1.1", b"post / HTTP/1.1", b"POST / HTTP/1.1 ", b""])  # fmt: skip
REQUESTS = st.builds(
    lambda start, lines, body: b"\r\n".join((start, *lines, b"", body)),
    STARTS,
    st.lists(LINES | st.sampled_from([b"Content-Length: 2", b"Content-Length: 1", b"Host: localhost"]), max_size=5),
    st.sampled_from([b"{}", b"", b"a", b"abc", b"\r\n", b"GET / HTTP/1.1\r\n\r\n"]),
)


@given(st.lists(REQUESTS, min_size=1, max_size=4))
def test_what_is_read_is_what_the_parser_reads(requests: list[bytes]) -> None:
    known = Heads()
    for data in requests:  # Of all, the first ones' lines are remembered.
        found = known.read(data)
        assert found == Heads().read(data)
        if found is None:
            continue
        headers, by_name, body = found
        parsed = Parsed(data)
        assert (parsed.method, parsed.url, parsed.version, parsed.ended) == (b"POST", b"/", "1.1", 1)
        assert parsed.stays
        assert (parsed.headers, parsed.body) == (headers, body)
        assert dict(headers) == by_name


def test_a_usual_request_is_read() -> None:
    known = Heads()
    for _ in range(2):
        found = known.read(USUAL)
        assert found is not None
        assert found[0] == Parsed(USUAL).headers
        assert found[2] == b"{}"


@pytest.mark.parametrize(
    "data",
    [
        USUAL[:-1],
        USUAL + b"x",
        USUAL + USUAL,
        USUAL[:50],
        b"",
        b"\r\n" + USUAL,
        USUAL.replace(b"POST /", b"GET /"),
        USUAL.replace(b"POST /", b"POST /a"),
        USUAL.replace(b"HTTP/1.1", b"HTTP/1.0"),
        USUAL.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"),
        USUAL.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        USUAL.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\n\r\n"),
        USUAL.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
        USUAL.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\n"),
        USUAL.replace(b"\r\n\r\n", b"\r\nhost: localhost\r\n\r\n"),
        USUAL.replace(b"\r\n\r\n", b"\r\n folded\r\n\r\n"),
        USUAL.replace(b"\r\n\r\n", b"\r\nX-A : b\r\n\r\n"),
        USUAL.replace(b"\r\n\r\n", b"\r\nX-A: \r\n\r\n"),
        USUAL.replace(b"\r\n\r\n", b"\r\nX-A: b\n\r\n\r\n"),
        USUAL.replace(b"Content-Length: 2", b"Content-Length: +2"),
        USUAL.replace(b"Content-Length: 2\r\n", b""),
    ],
)
def test_everything_else_is_left_to_the_parser(data: bytes) -> None:
    known = Heads()
    known.read(USUAL)
    assert known.read(data) is None


def test_what_is_remembered_is_bounded() -> None:
    known = Heads()
    for number in range(heads._LINES_MAX + 10):
        line = b"\r\nX-%d: a\r\nX-Long: %d%b\r\n\r\n" % (number, number, b"a" * 300)
        assert known.read(USUAL.replace(b"\r\n\r\n", line)) is not None
    assert len(known._known) <= heads._LINES_MAX
    assert len(known._names) <= heads._LINES_MAX
    assert not any(len(line) > 256 for line in known._known)
