"""HTTP requests of Tasks: what is sent, and what an answer means.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html and
https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
"""

from datetime import timedelta
from typing import Any

import pytest
from tests.services.states.executing import execution, history, start

from interstate.base.json import loads
from interstate.runtime.testing import World
from interstate.services.states.integrations.form_encoding import form_encoded
from interstate.services.states.integrations.requests import taken
from interstate.store.records.states import HttpAnswer, HttpCall, Place

INVOKE = "arn:aws:states:::apigateway:invoke"
OK = HttpAnswer(200, "OK", [("Content-Type", "application/json"), ("Via", "a"), ("Via", "b")], b'{"n":1}')


class Server:
    """Answers requests, and remembers them."""

    def __init__(self, *answers: HttpAnswer) -> None:
        self.answers = list(answers)
        self.calls: list[HttpCall] = []

    def __call__(self, key: str, body: HttpCall) -> HttpAnswer:
        assert key
        self.calls.append(body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def run(server: Server, parameters: dict[str, Any], **more: Any) -> tuple[World, int]:
    world = World(performers={"states.http": server})
    task = {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, "End": True, **more}
    return world, start(world, {"T": task})


def test_an_answer_is_headers_body_status_and_text() -> None:
    world, number = run(Server(OK), {"ApiEndpoint": "abc.execute-api.us-east-1.amazonaws.com", "Method": "GET"})
    output = execution(world, number).output
    assert output is not None
    assert loads(output) == {
        "Headers": {"Connection": ["keep-alive"], "Content-Type": ["application/json"], "Via": ["a", "b"]},
        "ResponseBody": {"n": 1},
        "StatusCode": 200,
        "StatusText": "OK",
    }


def test_stage_path_query_headers_and_body_make_the_request() -> None:
    server = Server(OK)
    run(
        server,
        {
            "ApiEndpoint": "abc.execute-api.us-east-1.amazonaws.com",
            "Method": "POST",
            "Stage": "prod",
            "Path": "/orders/1",
            "QueryParameters": {"a": ["1", "2"]},
            "Headers": {"x": ["y", "z"]},
            "RequestBody": {"keep": 1, "drop": None},
        },
    )
    (call,) = server.calls
    assert call.url == "https://abc.execute-api.us-east-1.amazonaws.com/prod/orders/1?a=1&a=2"
    assert call.headers == [("x", "y"), ("x", "z"), ("Content-Type", "application/json")]
    assert call.body == '{"keep":1}'


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"Headers": {"a": "text"}}, "[The value of the field 'Headers' has an invalid format]"),
        ({"QueryParameters": {"a": "text"}}, "[The value of the field 'QueryParameters' has an invalid format]"),
        ({"Method": "FETCH"}, "[The value of the field 'Method' has an invalid format]"),
    ],
)
def test_what_is_no_request_is_a_fault_of_the_state(wrong: dict[str, Any], told: str) -> None:
    server = Server(OK)
    world, number = run(server, {"ApiEndpoint": "h", "Method": "GET", **wrong})
    ended = execution(world, number)
    assert ended.error == "States.Runtime"
    assert ended.cause is not None
    assert ended.cause.endswith(told)
    assert "TaskScheduled" not in [event.type for event in history(world, number)]
    assert not server.calls


def test_an_error_of_the_api_is_named_by_its_status_and_can_be_retried() -> None:
    refused = HttpAnswer(403, "Forbidden", [("Content-Type", "application/json")], b'{"message":"Missing Token"}')
    retry = [{"ErrorEquals": ["ApiGateway.403"], "IntervalSeconds": 5, "MaxAttempts": 1}]
    server = Server(refused, OK)
    world, number = run(server, {"ApiEndpoint": "h", "Method": "GET"}, Retry=retry)
    failed = next(event for event in history(world, number) if event.type == "TaskFailed")
    assert failed.more is not None
    assert (failed.more["error"], failed.more["cause"]) == ("ApiGateway.403", '{"message":"Missing Token"}')
    world.advance(timedelta(seconds=5))
    assert execution(world, number).status == "SUCCEEDED"
    assert len({call.key for call in server.calls}) == 2  # Each attempt is a request of its own.


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpAnswer(fault="timeout", told="slow"), "States.Http.Socket"),
        (HttpAnswer(500, "Oops", [], b"no"), "States.Http.StatusCode.500"),
    ],
)
def test_errors_of_http_tasks(answer: HttpAnswer, error: str) -> None:
    call = HttpCall(Place(1, 0, 1), "http", "GET", "https://h", [], None, "k", 60.0)
    assert getattr(taken(call, answer), "error", None) == error


@pytest.mark.parametrize(
    ("style", "encoded"),
    [
        ("INDICES", "array%5B0%5D=a&array%5B1%5D=b"),
        ("REPEAT", "array=a&array=b"),
        ("COMMAS", "array=a%2Cb"),
        ("BRACKETS", "array%5B%5D=a&array%5B%5D=b"),
        ("NONE", "array=%5B%22a%22%2C%22b%22%5D"),
    ],
)
def test_arrays_in_forms(style: str, encoded: str) -> None:
    assert form_encoded({"array": ["a", "b"]}, style) == encoded


def test_an_http_task_names_its_connection_and_keeps_no_secret() -> None:
    server = Server(HttpAnswer(200, "OK", [("content-type", "text/plain")], b"plain"))
    world = World(performers={"states.http": server})
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "hidden"}}
    request = {"Name": "c", "AuthorizationType": "API_KEY", "AuthParameters": auth}
    connection = world.call("events", "CreateConnection", request)["ConnectionArn"]
    parameters = {
        "ApiEndpoint": "https://example.com/v1?a=1",
        "Method": "POST",
        "Authentication": {"ConnectionArn": connection},
        "QueryParameters": {"b": 2},
        "RequestBody": {"c": [1, 2]},
        "Transform": {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": "REPEAT"}},
    }
    task = {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Parameters": parameters, "End": True}
    number = start(world, {"T": task})
    output = execution(world, number).output
    assert output is not None
    assert '"ResponseBody":"plain"' in output
    (call,) = server.calls
    assert (call.url, call.body) == ("https://example.com/v1?a=1&b=2", "c=1&c=2")
    assert call.headers == [("Content-Type", "application/x-www-form-urlencoded")]
    assert call.connection == connection
    assert "hidden" not in str(call)


def test_an_http_task_without_its_connection_fails() -> None:
    world = World()
    arn = "arn:aws:events:us-east-1:000000000000:connection/none/11111111-2222-3333-4444-555555555555"
    parameters = {"ApiEndpoint": "https://e", "Method": "GET", "Authentication": {"ConnectionArn": arn}}
    task = {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Parameters": parameters, "End": True}
    assert execution(world, start(world, {"T": task})).error == "Events.ResourceNotFoundException"
