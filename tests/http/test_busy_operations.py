"""Calls whose bodies are read straight into a struct are guarded, signed and answered as all others are."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from interstate.base.arn import Caller
from interstate.http.dispatch import Dispatcher
from interstate.http.guard import Guard
from interstate.runtime.catalog import Catalog
from interstate.services.tables import SERVICES
from interstate.wire.codec import Wire
from interstate.wire.messages import Request, Response
from interstate.wire.model import Models

from .conftest import Control

CATALOG = Catalog(SERVICES)
TARGET = b"DynamoDB_20120810.GetItem"
BODY = b'{"TableName":"orders","Key":{"pk":{"S":"a"}}}'
HEADERS = {
    b"host": b"localhost:4566",
    b"x-amz-target": TARGET,
    b"authorization": b"AWS4-HMAC-SHA256 Credential=111111111111/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
}


class Engine:
    """Answers at once, and keeps what it was asked and by whom."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, Caller]] = []
        self.watched = False
        self.error: Exception | None = None

    async def execute(self, service: str, operation: str, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        raise AssertionError((service, operation, params, caller))

    def begin(
        self,
        service: str,
        operation: str,
        params: Any,
        caller: Caller,
        done: Callable[[Mapping[str, Any] | None, BaseException | None], None],
    ) -> None:
        self.asked.append((service, operation, params, caller))
        done({"Item": {"pk": {"S": "a"}}}, self.error)

    def typed(self, service: str, operation: str) -> type[msgspec.Struct] | None:
        return None if self.watched else CATALOG.operation(service, operation).request

    def implements(self, service: str, operation: str) -> bool:
        return CATALOG.implements(service, operation)


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def dispatcher(engine: Engine, models: Models) -> Dispatcher:
    real_now = lambda: datetime.now(UTC)  # noqa: E731, TID251 nobody asks
    return Dispatcher(engine, Wire(models), Guard("127.0.0.1"), control=Control(), credentials=None, real_now=real_now)


def ask(
    dispatcher: Dispatcher,
    headers: Mapping[bytes, bytes] = HEADERS,
    body: bytes = BODY,
    method: str = "POST",
    path: str = "/",
) -> Response:
    request = Request(method, path, "", headers, body)

    async def answer() -> Response:
        return await dispatcher.answer(request, list(headers.items()), "127.0.0.1")

    return asyncio.run(answer())


def test_the_second_call_comes_as_a_struct_and_is_answered_as_the_first(dispatcher: Dispatcher, engine: Engine) -> None:
    first, second = ask(dispatcher), ask(dispatcher)
    assert [type(params) is dict for _, _, params, _ in engine.asked] == [True, False]
    assert engine.asked[0][3] == engine.asked[1][3] == Caller("111111111111", "eu-west-1", "111111111111")
    assert (first.status, first.body, [name for name, _ in first.headers]) == (
        second.status,
        second.body,
        [name for name, _ in second.headers],
    )
    assert dict(first.headers)[b"x-amzn-requestid"] != dict(second.headers)[b"x-amzn-requestid"]


def test_the_lines_of_an_answer_are_its_headers(dispatcher: Dispatcher) -> None:
    for response in (ask(dispatcher), ask(dispatcher)):
        assert response.lines == b"".join(b"%b: %b\r\n" % header for header in response.headers)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({b"host": b"example.org"}, 403),
        ({b"origin": b"http://example.org"}, 403),
        ({b"origin": b"http://localhost:3000"}, 200),
        ({b"x-amz-target": b"DynamoDB_20120810.Nothing"}, 400),
        ({b"x-amz-target": b"DynamoDB_20120810.ListTables"}, 200),
    ],
)
def test_a_changed_header_is_judged_anew(dispatcher: Dispatcher, changed: dict[bytes, bytes], status: int) -> None:
    for _ in range(2):
        assert ask(dispatcher).status == 200
    body = b"{}" if b"x-amz-target" in changed else BODY
    assert ask(dispatcher, {**HEADERS, **changed}, body).status == status


def test_each_call_has_its_own_caller(dispatcher: Dispatcher, engine: Engine) -> None:
    for account, region in (
        ("1" * 12, "eu-west-1"),
        ("2" * 12, "eu-west-1"),
        ("2" * 12, "us-east-1"),
        ("1" * 12, "eu-west-1"),
    ) * 2:
        signed = f"AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/dynamodb/aws4_request, Signature=0"
        ask(dispatcher, {**HEADERS, b"authorization": signed.encode()})
        assert (engine.asked[-1][3].account, engine.asked[-1][3].region) == (account, region)
    ask(dispatcher, {name: value for name, value in HEADERS.items() if name != b"authorization"})
    assert engine.asked[-1][3] == Caller()


def test_a_trace_goes_with_its_call_alone(dispatcher: Dispatcher, engine: Engine) -> None:
    for _ in range(2):
        ask(dispatcher, {**HEADERS, b"x-amzn-trace-id": b"Root=1"})
        assert engine.asked[-1][3].trace == "Root=1"
        ask(dispatcher)
        assert engine.asked[-1][3].trace == ""


def test_while_parameters_are_looked_at_calls_come_with_them(dispatcher: Dispatcher, engine: Engine) -> None:
    ask(dispatcher)
    ask(dispatcher)
    engine.watched = True
    ask(dispatcher)
    assert engine.asked[-1][2] == {"TableName": "orders", "Key": {"pk": {"S": "a"}}}
    engine.watched = False
    ask(dispatcher)
    assert isinstance(engine.asked[-1][2], msgspec.Struct)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"TableName":"orders"}', b'{"TableName":"","Key":{}}', b'{"TableName":1,"Key":{}}']
)
def test_what_is_wrong_is_worded_as_before(dispatcher: Dispatcher, models: Models, engine: Engine, body: bytes) -> None:
    ask(dispatcher)
    refused = ask(dispatcher, body=body)
    engine.watched = True
    assert (refused.status, refused.body) == (400, ask(dispatcher, body=body).body)


def test_a_failure_is_an_answer(dispatcher: Dispatcher, engine: Engine) -> None:
    ask(dispatcher)
    engine.error = ValueError("a bug")
    assert ask(dispatcher).status == 500


def test_another_method_goes_the_long_way(dispatcher: Dispatcher, engine: Engine) -> None:
    ask(dispatcher)
    ask(dispatcher, method="PUT")
    assert isinstance(engine.asked[-1][2], dict)


def test_controls_are_reached_by_their_path_whatever_the_target(dispatcher: Dispatcher, engine: Engine) -> None:
    ask(dispatcher)
    assert ask(dispatcher, path="/_interstate/health").body.startswith(b"POST /_interstate/health")
    assert len(engine.asked) == 1
