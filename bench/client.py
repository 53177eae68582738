"""A small HTTP client for load: raw sockets, keep-alive, no parsing beyond what a figure needs.

The load must cost less than the server, or it measures itself.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlencode

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/{service}/aws4_request, "
    "SignedHeaders=host, Signature=0000000000000000000000000000000000000000000000000000000000000000"
)
VERSIONS = {"sns": "2010-03-31", "cloudformation": "2010-05-15"}
TARGETS = {
    "sqs": ("AmazonSQS", "1.0"),
    "events": ("AWSEvents", "1.1"),
    "states": ("AWSStepFunctions", "1.0"),
    "dynamodb": ("DynamoDB_20120810", "1.0"),
}


def request(service: str, operation: str, body: Any, *, port: int) -> bytes:
    """The bytes of one json call."""
    prefix, version = TARGETS[service]
    payload = json.dumps(body).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-amz-json-{version}\r\n"
        f"X-Amz-Target: {prefix}.{operation}\r\nAuthorization: {AUTHORIZATION.format(service=service)}\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def form(service: str, fields: dict[str, str], *, port: int) -> bytes:
    """The bytes of one query call."""
    payload = urlencode({"Version": VERSIONS[service], **fields}).encode()
    return _head("POST", "/", service, "application/x-www-form-urlencoded", payload, port) + payload


def rest(service: str, method: str, path: str, body: Any, *, port: int) -> bytes:
    """The bytes of one REST call with a JSON body, or with none."""
    payload = b"" if body is None else json.dumps(body).encode()
    return _head(method, path, service, "application/json", payload, port) + payload


def _head(method: str, path: str, service: str, kind: str, payload: bytes, port: int) -> bytes:  # noqa: PLR0917
    authorization = AUTHORIZATION.format(service=service)
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\n"
        f"Authorization: {authorization}\r\nContent-Length: {len(payload)}\r\n\r\n"
    ).encode()


class Limit:
    """How long one figure may take: peers get the same work as we, and are cut when it takes them longer.

    ``shares`` tells, by the figure's name, how much of its work a subject with a limit has done.
    """

    def __init__(self) -> None:
        self.seconds: float | None = None
        self.shares: dict[str, dict[str, Any]] = {}

    def ends(self) -> float:
        """When what begins now is cut."""
        return float("inf") if self.seconds is None else time.perf_counter() + self.seconds

    def told(self, name: str, done: float, asked: float, first_fifth: float | None = None) -> None:
        """So much of a figure's work was done; ``first_fifth`` is the rate of the first fifth of it."""
        if self.seconds is not None:
            cut = self.seconds if done < asked else None
            self.shares[name] = {"done": done, "asked": asked, "cut_after_s": cut, "first_fifth": first_fifth}


LIMIT = Limit()


@dataclass
class Result:
    """What a run gave: calls of those that were ``asked``, seconds, and each call's latency in seconds."""

    calls: int = 0
    asked: int = 0
    fifth_s: float | None = None  # When a fifth of what was asked was done.
    errors: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    first_error: str = ""

    @property
    def rate(self) -> float:
        return self.calls / self.seconds if self.seconds else 0.0

    def figure(self, name: str, unit: str, goal: float, each: int = 1) -> tuple[str, float, str, float]:
        """Its rate; a call counts as so many."""
        first = self.asked // 5 * each / self.fifth_s if self.fifth_s else None
        LIMIT.told(name, self.calls * each, self.asked * each, first)
        return name, self.rate * each, unit, goal

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


NODES: dict[int, Iterator[int]] = {}
"""By the first node's port: where the next connections go, when several nodes serve one instance."""


def spread(ports: Sequence[int]) -> None:
    """Connections to the first of these ports go to each of them in turn."""
    NODES.clear()
    if len(ports) > 1:
        NODES[ports[0]] = cycle(ports)


class Connection:
    """One keep-alive connection; one call at a time. A server that closes it after each answer is asked on a new one."""

    def __init__(self, port: int) -> None:
        self.port = next(NODES[port]) if port in NODES else port
        self._ended = False

    async def open(self) -> "Connection":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._ended = False
        return self

    async def call(self, data: bytes) -> tuple[int, bytes]:
        if self._ended:
            self.writer.close()
            await self.open()
        self.writer.write(data)
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        words = head.lower()
        self._ended = b"\r\nconnection: close" in words
        at = words.find(b"content-length:") + 15
        if at > 15:
            length = int(head[at : head.index(b"\r\n", at)])
            return status, await self.reader.readexactly(length) if length else b""
        return status, await self._chunks() if b"chunked" in words else b""

    async def _chunks(self) -> bytes:
        parts = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            parts.append((await self.reader.readexactly(size + 2))[:-2])
        await self.reader.readuntil(b"\r\n")
        return b"".join(parts)

    async def json(self, service: str, operation: str, body: Any) -> Any:
        status, answer = await self.call(request(service, operation, body, port=self.port))
        if status != 200:
            raise RuntimeError(f"{operation}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer else None

    async def form(self, service: str, fields: dict[str, str], member: str) -> str:
        """One query call; the text of a member of its answer, or all of it."""
        status, answer = await self.call(form(service, fields, port=self.port))
        if status != 200:
            raise RuntimeError(f"{fields}: {status} {answer[:300]!r}")
        text = answer.decode()
        return text.split(f"<{member}>")[1].split("<")[0] if member else text

    async def rest(self, service: str, method: str, path: str, body: Any) -> bytes:
        status, answer = await self.call(rest(service, method, path, body, port=self.port))
        if status >= 300:
            raise RuntimeError(f"{path}: {status} {answer[:300]!r}")
        return answer

    def close(self) -> None:
        self.writer.close()


async def load(
    port: int, connections: int, requests: Iterable[bytes], check: Callable[[bytes], None] | None = None
) -> Result:
    """Send the requests over the connections, each waiting for its answer before it takes the next; until ``LIMIT`` ends it."""
    waiting = list(requests)
    left = iter(waiting)
    result, fifth = Result(asked=len(waiting)), len(waiting) // 5
    opened = [await Connection(port).open() for _ in range(connections)]

    async def drive(connection: Connection) -> None:
        for data in left:
            started = time.perf_counter()
            status, answer = await connection.call(data)
            now = time.perf_counter()
            result.latencies.append(now - started)
            result.calls += 1
            if result.calls == fifth:
                result.fifth_s = now - begin
            if status >= 300:
                result.errors += 1
                result.first_error = result.first_error or answer[:300].decode(errors="replace")
            elif check is not None:
                check(answer)
            if now >= until:
                return

    begin, until = time.perf_counter(), LIMIT.ends()
    await asyncio.gather(*(drive(connection) for connection in opened))
    result.seconds = time.perf_counter() - begin
    for connection in opened:
        connection.close()
    return result
