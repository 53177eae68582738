"""Whatever comes to an API, or is imported as one, is answered or refused: never a bug."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.runtime.testing import World
from interstate.store.records.lambda_ import Invocation, InvocationResult

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:F"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
QUEUE = "http://localhost/000000000000/q"
PROXY = {"type": "aws_proxy", "httpMethod": "POST", "uri": URI, "payloadFormatVersion": "2.0"}
DIRECT = {
    "type": "aws_proxy",
    "integrationSubtype": "SQS-SendMessage",
    "payloadFormatVersion": "1.0",
    "requestParameters": {
        "QueueUrl": QUEUE,
        "MessageBody": "$request.body.a",
        "DelaySeconds": "$request.querystring.d",
    },
}
MOCK = {
    "type": "mock",
    "requestTemplates": {"application/json": '{"statusCode": 200}'},
    "responses": {
        "default": {"statusCode": "200", "responseParameters": {"a": "'b'"}, "responseTemplates": {"a": "{}"}}
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "t", "version": "1", "description": "d"},
    "paths": {
        "/f/{id}": {"get": {"x-amazon-apigateway-integration": PROXY, "parameters": [], "operationId": "o"}},
        "/q/{proxy+}": {"post": {"x-amazon-apigateway-integration": DIRECT}},
        "/m": {"options": {"x-amazon-apigateway-integration": MOCK}},
        "/$default": {
            "x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": {"$ref": "#/components/p"}}
        },
    },
    "components": {"p": PROXY},
    "tags": [{"name": "a", "x-amazon-apigateway-tag-value": "b"}],
    "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "maxAge": 60, "allowCredentials": False},
}
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 700) | st.sampled_from(["", "200", "x", "é", "٢٠٠", "a\r\nb"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "statusCode",
                    "body",
                    "headers",
                    "multiValueHeaders",
                    "cookies",
                    "isBase64Encoded",
                    "title",
                    "type",
                    "$ref",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*here, key))


def changed(place: tuple[Any, ...], node: Any) -> Any:
    document = copy.deepcopy(DOCUMENT)
    here: Any = document
    for key in place[:-1]:
        here = here[key]
    here[place[-1]] = node
    return document


PLACES = [place for place in places(DOCUMENT) if place]


def refusal(world: World, service: str, operation: str, request: dict[str, Any]) -> str | None:
    try:
        world.call(service, operation, request)
    except ServiceError as refused:
        return refused.code
    return None


@pytest.mark.slow
@settings(max_examples=examples(400))
@given(place=st.sampled_from(PLACES), node=ANSWERS)
def test_a_document_with_one_wrong_place_is_imported_or_refused(place: tuple[Any, ...], node: Any) -> None:
    world = World(performers={})
    body = dumps(changed(place, node))
    assert refusal(world, "apigatewayv2", "ImportApi", {"Body": body}) != "InternalFailure"
    assert refusal(world, "apigateway", "ImportRestApi", {"body": body.encode()}) != "InternalFailure"
    world.close()


@pytest.mark.slow
@settings(max_examples=examples(400))
@given(
    line=st.tuples(
        st.sampled_from(["GET", "POST", "OPTIONS", "DELETE", "X"]),
        st.sampled_from(["", "/", "//", "/f/1", "/f/", "/f/%FF%2F", "/q/a/b", "/m", "/prod/f/1", "/%", "/é", "f"]),
        st.sampled_from(["", "d=1", "d", "d=٣", "d=99999999999999999999", "%FF=%00&&=&", "d=1&d=2"]),
    ),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["origin", "cookie", "content-type", "access-control-request-method", "x-a", ""]),
            st.sampled_from(["", "*", "a=1; ; b", "application/json", "text/html; charset", "ÿ"]),
        ),
        max_size=4,
    ),
    body=st.sampled_from([b"", b"{", b"\xff", b'{"a": 1}', b'{"a": {"b": []}}', b"[]", b'{"a": null}', b'{"a": ""}']),
    answer=ANSWERS,
)
def test_any_request_gets_an_answer(
    line: tuple[str, str, str], headers: list[tuple[str, str]], body: bytes, answer: Any
) -> None:
    def perform(_key: str, _call: Invocation) -> InvocationResult:
        return InvocationResult(dumps(answer))

    world = World(performers={"lambda.invoke": perform})
    world.call("sqs", "CreateQueue", {"QueueName": "q"})
    api = world.call("apigatewayv2", "ImportApi", {"Body": dumps(DOCUMENT)})["ApiId"]
    world.call("apigatewayv2", "CreateStage", {"ApiId": api, "StageName": "$default", "AutoDeploy": True})
    method, path, query = line
    request = {
        "ApiId": api,
        "Method": method,
        "Path": path,
        "RawQuery": query,
        "Body": body,
        "Host": "h",
        "SourceIp": "::1",
    }
    got = world.call("execute-api", "Invoke", {**request, "Headers": [list(header) for header in headers]})
    assert 100 <= got["StatusCode"] <= 599
    assert isinstance(got["Body"], bytes)
    assert all("\n" not in value and "\r" not in value for _, value in got["Headers"])
    world.close()
