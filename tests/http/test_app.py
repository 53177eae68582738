"""What HTTP itself demands, over plain sockets."""

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.http.dispatch import Dispatcher
from interstate.http.guard import Guard
from interstate.wire.codec import Wire
from interstate.wire.messages import Request
from interstate.wire.model import Models

from .conftest import Control, Engine, Site

TARGET = {"x-amz-target": "AmazonSQS.PurgeQueue"}


def post(site: Site, headers: dict[str, str], content: bytes = b'{"QueueUrl":"q"}', path: str = "/") -> httpx.Response:
    return httpx.post(site.url + path, headers=headers, content=content)


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}])
def test_a_foreign_host_or_origin_is_refused_before_anything_else(site: Site, headers: dict[str, str]) -> None:
    for path in ("/", "/_interstate/health", "/_apis/a/b"):
        response = post(site, {**TARGET, **headers}, path=path)
        assert response.status_code == 403
        assert "--allow-host" in response.json()["message"]
    assert not site.engine.calls


def test_a_page_of_this_machine_may_call(site: Site) -> None:
    assert post(site, {**TARGET, "origin": "http://localhost:3000"}).status_code == 200


@pytest.fixture
def small(models: Models) -> Iterator[Site]:
    site = Site(models, body_bytes_max=1000)
    yield site
    site.stop()


def test_an_announced_body_that_is_too_large_is_refused_without_reading_it(small: Site) -> None:
    with socket.create_connection(("127.0.0.1", small.port), timeout=60) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.PurgeQueue\r\nContent-Length: 1001\r\n\r\n{"
        )
        answer = b""
        while b"RequestEntityTooLargeException" not in answer:
            received = client.recv(65536)
            assert received, answer
            answer += received
    assert answer.startswith(b"HTTP/1.1 413")
    assert not small.engine.calls


def test_a_body_of_unknown_length_is_refused_where_it_becomes_too_large(small: Site) -> None:
    with socket.create_connection(("127.0.0.1", small.port), timeout=60) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.PurgeQueue\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + (b"190\r\n" + b"x" * 400 + b"\r\n") * 3
        )
        assert client.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_body_at_the_bound_is_read(small: Site) -> None:
    content = b'{"QueueUrl":"' + b"q" * (1000 - 15) + b'"}'
    assert post(small, TARGET, content).status_code == 200


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"QueueUrl":7}'])
def test_a_broken_body_is_the_clients_fault(site: Site, content: bytes) -> None:
    assert post(site, TARGET, content).status_code == 400
    assert not site.engine.calls


def test_noise_gets_an_answer_and_the_server_goes_on(site: Site) -> None:
    for noise in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", site.port), timeout=60) as client:
            client.sendall(noise)
            assert client.recv(100).startswith(b"HTTP/1.1 4")
    assert post(site, TARGET).status_code == 200


def test_an_unknown_request_tells_how_requests_are_recognized(site: Site) -> None:
    response = httpx.get(site.url + "/nonsense")
    assert response.status_code == 404
    assert "X-Amz-Target" in response.json()["message"]


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD"])
def test_methods_without_a_meaning_are_answered_quietly(site: Site, method: str) -> None:
    response = httpx.request(method, site.url + "/")
    assert (response.status_code, response.content) == (204, b"")


def test_controls_have_a_door_of_their_own(site: Site) -> None:
    response = httpx.put(site.url + "/_interstate/clock?x=1", content=b"abc")
    assert response.text == "PUT /_interstate/clock x=1 3"


API = {
    "StatusCode": 201,
    "Headers": [["X-Own", "a"], ["Set-Cookie", "a=1"], ["set-cookie", "b=2"]],
    "Body": b"\x00made",
}


@pytest.mark.parametrize(
    ("host", "path", "region", "inner"),
    [
        ("a1b2.execute-api.eu-west-1.localhost", "/prod/orders/7%2F8", "eu-west-1", "/prod/orders/7%2F8"),
        ("a1b2.execute-api.localhost:99", "/orders", "us-east-1", "/orders"),
        ("localhost", "/_apis/a1b2/prod/orders", "us-east-1", "/prod/orders"),
        ("localhost", "/_apis/a1b2", "us-east-1", "/"),
    ],
)
def test_an_address_of_an_api_becomes_an_invocation(site: Site, host: str, path: str, region: str, inner: str) -> None:
    site.engine.answer = lambda *_: API
    response = httpx.patch(site.url + path + "?a=1&a=2", headers={"host": host, "x-own": "b"}, content=b"\xffbody")
    assert (response.status_code, response.content, response.headers["x-own"]) == (201, b"\x00made", "a")
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    service, operation, params, caller = site.engine.calls[0]
    assert (service, operation, caller) == ("execute-api", "Invoke", Caller("000000000000", region))
    headers = params["Headers"]
    assert ["x-own", "b"] in headers
    assert {name: value for name, value in params.items() if name != "Headers"} == {
        "ApiId": "a1b2",
        "Method": "PATCH",
        "Path": inner,
        "RawQuery": "a=1&a=2",
        "Body": b"\xffbody",
        "SourceIp": "127.0.0.1",
        "Host": host,
    }


def test_an_address_of_a_function_becomes_an_invocation(site: Site) -> None:
    site.engine.answer = lambda *_: API
    httpx.get(site.url + "/a", headers={"host": "u1.lambda-url.us-east-1.localhost"})
    service, _, params, _ = site.engine.calls[0]
    assert (service, params["UrlId"]) == ("lambda-url", "u1")


def test_a_preflight_of_a_page_goes_to_the_api(site: Site) -> None:
    site.engine.answer = lambda *_: {"StatusCode": 204, "Headers": [], "Body": b""}
    httpx.options(site.url, headers={"host": "a1.execute-api.localhost", "origin": "http://localhost:3000"})
    assert site.engine.calls[0][2]["Method"] == "OPTIONS"


def test_an_api_that_is_not_there_answers_in_api_gateways_form(site: Site) -> None:
    def answer(*_: object) -> None:
        raise ServiceError("Not Found", code="NotFoundException", status=404)

    site.engine.answer = answer
    response = httpx.get(site.url + "/", headers={"host": "a1.execute-api.localhost"})
    assert (response.status_code, response.json()) == (404, {"message": "Not Found"})


def test_a_call_whose_client_has_gone_is_carried_out(models: Models) -> None:
    site = Site(models)
    site.engine.wait_s = 0.2
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.PurgeQueue\r\n"
            b'Content-Length: 16\r\n\r\n{"QueueUrl":"q"}'
        )
        while not site.engine.begun:
            time.sleep(0.01)
    site.stop()  # Stopping lets calls in flight end.
    assert [operation for _, operation, _, _ in site.engine.calls] == ["PurgeQueue"]
    assert site.stopped == ["stopping"]


def test_a_connection_serves_many_calls(site: Site) -> None:
    with httpx.Client() as client:
        answers = [client.post(site.url, headers=TARGET, content=b'{"QueueUrl":"q"}') for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["x-amzn-requestid"] for answer in answers}) == 20


@pytest.mark.parametrize(
    ("source", "path", "forbidden"),
    [
        ("203.0.113.7", "/_interstate/clock", True),
        ("203.0.113.7", "/_interstate/deploy", True),
        ("203.0.113.7", "/_interstate/health", False),
        ("127.0.0.1", "/_interstate/clock", False),
    ],
)
def test_where_callers_must_sign_only_this_machine_controls_the_instance(
    models: Models, source: str, path: str, forbidden: bool
) -> None:
    dispatcher = Dispatcher(
        Engine(),
        Wire(models),
        Guard("10.0.0.1"),
        control=Control(),
        credentials={},
        real_now=lambda: datetime.now(UTC),  # noqa: TID251 - never asked
    )
    response = asyncio.run(dispatcher.answer(Request("GET", path, "", {b"host": b"localhost"}, b""), [], source))
    assert response.status == (403 if forbidden else 200)
