from typing import Any

import pytest
from tests.services.apigateway.exchanges import exchange

from interstate.services.apigateway.payload import payload_1, payload_2, payload_rest

HEADERS = [
    ("Content-Type", "application/json"),
    ("Cookie", "a=1; b=2"),
    ("x-many", "1"),
    ("x-many", "2"),
    ("user-agent", "curl"),
]


def test_format_2_joins_what_is_repeated_and_leaves_out_what_is_not_there() -> None:
    event = payload_2(
        exchange(
            parameters={"id": "7"},
            query="a=1&a=2&b=x%20y&c=",
            headers=HEADERS,
            body=b'{"x": 1}',
            variables={"v": "1"},
        )
    )
    assert event == {
        "version": "2.0",
        "routeKey": "GET /orders/{id}",
        "rawPath": "/orders/7",
        "rawQueryString": "a=1&a=2&b=x%20y&c=",
        "cookies": ["a=1", "b=2"],
        "headers": {"content-type": "application/json", "x-many": "1,2", "user-agent": "curl"},
        "queryStringParameters": {"a": "1,2", "b": "x y", "c": ""},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "abcdefghij.execute-api.us-east-1.localhost",
            "domainPrefix": "abcdefghij",
            "http": {
                "method": "GET",
                "path": "/orders/7",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "GET /orders/{id}",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1584039838390,
        },
        "pathParameters": {"id": "7"},
        "stageVariables": {"v": "1"},
        "body": '{"x": 1}',
        "isBase64Encoded": False,
    }
    bare = payload_2(exchange(route="$default"))
    assert set(bare) == {
        "version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded",
    }  # fmt: skip
    assert (bare["routeKey"], bare["rawQueryString"]) == ("$default", "")


def test_a_named_stage_is_part_of_the_path() -> None:
    event = payload_2(exchange(stage="prod"))
    assert (event["rawPath"], event["requestContext"]["http"]["path"]) == ("/prod/orders/7", "/prod/orders/7")


def test_format_1_has_every_member_and_null_for_what_is_not_there() -> None:
    event = payload_1(exchange(query="a=1&a=2", headers=HEADERS))
    assert event["version"] == "1.0"
    assert event["headers"]["x-many"] == "2"
    assert event["multiValueHeaders"]["x-many"] == ["1", "2"]
    assert (event["queryStringParameters"], event["multiValueQueryStringParameters"]) == ({"a": "2"}, {"a": ["1", "2"]})
    assert (event["pathParameters"], event["stageVariables"], event["body"], event["isBase64Encoded"]) == (
        None,
        None,
        None,
        False,
    )
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/orders/{id}", "/orders/7", "GET")
    context = event["requestContext"]
    assert context["resourcePath"] == "/orders/{id}"
    assert context["authorizer"] == {"claims": None, "scopes": None}
    assert context["identity"]["sourceIp"] == "192.0.2.1"
    assert (context["requestTime"], context["requestTimeEpoch"]) == ("12/Mar/2020:19:03:58 +0000", 1584039838390)


def test_a_rest_api_has_no_version_and_the_path_without_the_stage() -> None:
    event = payload_rest(exchange(kind="REST", stage="Prod", parameters={"id": "7"}))
    assert "version" not in event
    assert (event["path"], event["requestContext"]["path"]) == ("/orders/7", "/Prod/orders/7")
    assert (event["requestContext"]["resourceId"], event["requestContext"]["stage"]) == ("res123", "Prod")


BODIES: list[tuple[str | None, bytes, Any, bool]] = [
    ("application/json", b"{}", "{}", False),
    ("text/csv; charset=utf-8", "größe".encode(), "größe", False),
    ("application/vnd.api+json", b"{}", "{}", False),
    ("application/xml", b"<a/>", "<a/>", False),
    ("application/x-www-form-urlencoded", b"a=1", "YT0x", True),
    ("image/png", b"\x89PNG", "iVBORw==", True),
    ("text/plain", b"\xff", "/w==", True),
    (None, b"x", "x", False),
]


@pytest.mark.parametrize(("type_", "body", "text", "encoded"), BODIES)
def test_bodies_that_are_no_text_arrive_in_base64(type_: str | None, body: bytes, text: str, encoded: bool) -> None:
    headers = [] if type_ is None else [("content-type", type_)]
    event = payload_2(exchange(headers=headers, body=body))
    assert (event["body"], event["isBase64Encoded"]) == (text, encoded)
