from typing import Any

import pytest

from interstate.base.json import dumps
from interstate.services.apigateway.cors import preflight, with_cors
from interstate.services.apigateway.response import of_format_1, of_format_2, of_rest
from interstate.services.doors import Response
from interstate.store.records.apigateway import Cors

JSON_TYPE = ("content-type", "application/json")
PLAIN = ("content-type", "text/plain;charset=UTF-8")
INTERNAL = Response(500, [JSON_TYPE], b'{"message":"Internal Server Error"}')
BAD = Response(502, [JSON_TYPE], b'{"message":"Internal server error"}')

FORMAT_2: list[tuple[Any, Response]] = [
    ({"statusCode": 201, "body": "{}"}, Response(201, [PLAIN], b"{}")),
    ({"statusCode": "204"}, Response(204, [PLAIN], b"")),
    (
        {"statusCode": 200, "headers": {"Content-Type": "text/html", "X-N": 3}, "body": "<p>"},
        Response(200, [("Content-Type", "text/html"), ("X-N", "3")], b"<p>"),
    ),
    (
        {"statusCode": 200, "cookies": ["a=1", "b=2"]},
        Response(200, [("set-cookie", "a=1"), ("set-cookie", "b=2"), PLAIN], b""),
    ),
    ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, Response(200, [PLAIN], b"hi")),
    ({"hello": "world"}, Response(200, [JSON_TYPE], b'{"hello":"world"}')),
    ("hello", Response(200, [JSON_TYPE], b'"hello"')),
    (None, Response(200, [JSON_TYPE], b"null")),
    ({"statusCode": "many"}, INTERNAL),
    ({"statusCode": True}, INTERNAL),
    ({"statusCode": 99}, INTERNAL),
    ({"statusCode": 200, "body": {"an": "object"}}, INTERNAL),
    ({"statusCode": 200, "headers": ["x"]}, INTERNAL),
    ({"statusCode": 200, "body": "?", "isBase64Encoded": True}, INTERNAL),
]


@pytest.mark.parametrize(("answer", "expected"), FORMAT_2)
def test_format_2_takes_any_json(answer: Any, expected: Response) -> None:
    assert of_format_2(dumps(answer)) == expected


@pytest.mark.parametrize("answer", [None, "hello", {"hello": "world"}, [1]])
def test_format_1_needs_a_status_code(answer: Any) -> None:
    assert of_format_1(dumps(answer)) == INTERNAL
    assert of_rest(dumps(answer)) == BAD


def test_repeated_headers_come_from_multi_value_headers() -> None:
    answer = {"statusCode": 200, "headers": {"X-A": "0", "x-b": "1"}, "multiValueHeaders": {"x-a": ["1", "2"]}}
    assert of_rest(dumps(answer)).headers == [("x-b", "1"), ("x-a", "1"), ("x-a", "2"), JSON_TYPE]


def test_a_header_cannot_end_early() -> None:
    assert of_format_1(dumps({"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}})).headers[0] == (
        "x",
        "a  set-cookie: b",
    )


CORS = Cors(allow_origins=["https://shop.example"], allow_methods=["GET", "POST"], allow_headers=["x-a"], max_age=60)


def test_a_preflight_from_an_allowed_origin_is_told_what_it_may_send() -> None:
    assert preflight(CORS, "https://shop.example") == Response(
        204,
        [
            ("access-control-allow-origin", "https://shop.example"),
            ("access-control-allow-methods", "GET,POST"),
            ("access-control-allow-headers", "x-a"),
            ("access-control-max-age", "60"),
        ],
        b"",
    )
    assert preflight(CORS, "https://evil.example") == Response(204, [], b"")


ORIGINS = [
    (["*"], "https://a.example", "*"),
    (["https://*"], "https://a.example", "https://a.example"),
    (["https://*"], "http://a.example", None),
    (["https://*.example"], "https://a.example", "https://a.example"),
    (["https://b.example"], "https://a.example", None),
]


@pytest.mark.parametrize(("allowed", "origin", "expected"), ORIGINS)
def test_the_gateways_headers_take_the_place_of_the_functions(
    allowed: list[str], origin: str, expected: str | None
) -> None:
    own = Response(200, [("Access-Control-Allow-Origin", "mine"), ("x", "1")], b"")
    headers = with_cors(own, Cors(allow_origins=allowed), origin).headers
    assert headers == [("x", "1"), *([("access-control-allow-origin", expected)] if expected else [])]


def test_without_cors_the_functions_headers_stay() -> None:
    own = Response(200, [("access-control-allow-origin", "mine")], b"")
    assert with_cors(own, None, "https://a.example") == own
