"""API destinations against a real HTTP server: tokens that end, 500s, slow answers, kill -9 while a call is under way."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

ROLE = "arn:aws:iam::000000000000:role/r"
Answer = tuple[int, dict[str, str]]


class Carrier(ThreadingHTTPServer):
    """A carrier's API with a token endpoint. ``answers`` are given in turn, then 200; a callable is called first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.tokens = 0
        self.token_life_s = 3600
        self.wants_a_form = False
        self.good_token = ""
        self.calls: list[dict[str, Any]] = []
        self.answers: list[Callable[[], Answer] | Answer] = []

    def wait_for(self, calls: int, within_s: float = 60) -> list[dict[str, Any]]:
        until = time.monotonic() + within_s
        while len(self.calls) < calls:
            assert time.monotonic() < until, self.calls
            time.sleep(0.02)
        return self.calls


class _Handler(BaseHTTPRequestHandler):
    server: Carrier

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/token"):
            self._token(body)
            return
        call = {"path": self.path, "headers": dict(self.headers), "body": json.loads(body)}
        good = self.server.good_token  # Before the call is seen: a test may change it as soon as it sees one.
        self.server.calls.append(call)
        answer: Callable[[], Answer] | Answer = self.server.answers.pop(0) if self.server.answers else (200, {})
        status, headers = answer() if callable(answer) else answer
        if good and self.headers.get("Authorization") != f"Bearer {good}":
            status = 401
        self._send(status, b"{}", headers)

    def _token(self, body: bytes) -> None:
        is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        if is_form != self.server.wants_a_form:
            self._send(400, b"{}", {})
            return
        assert b"client_credentials" in body
        assert b"very-secret" in body
        self.server.tokens += 1
        self.server.good_token = f"t{self.server.tokens}"
        answer = {"access_token": self.server.good_token, "expires_in": self.server.token_life_s}
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        """Say nothing."""


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    server = Carrier()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def connect(server: ServerProcess, carrier: Carrier) -> None:
    events = server.client("events")
    oauth = {
        "ClientParameters": {"ClientID": "id", "ClientSecret": "very-secret"},
        "AuthorizationEndpoint": f"{carrier.url}/token",
        "HttpMethod": "POST",
    }
    connection = events.create_connection(
        Name="c",
        AuthorizationType="OAUTH_CLIENT_CREDENTIALS",
        AuthParameters={
            "OAuthParameters": oauth,
            "InvocationHttpParameters": {"HeaderParameters": [{"Key": "X-Shop", "Value": "depot"}]},
        },
    )["ConnectionArn"]
    destination = events.create_api_destination(
        Name="d", ConnectionArn=connection, InvocationEndpoint=f"{carrier.url}/ship/*", HttpMethod="POST"
    )["ApiDestinationArn"]
    events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    target = {
        "Id": "carrier",
        "Arn": destination,
        "RoleArn": ROLE,
        "InputPath": "$.detail",
        "HttpParameters": {"PathParameterValues": ["o-1"]},
    }
    assert events.put_targets(Rule="r", Targets=[target])["FailedEntryCount"] == 0
    until = time.monotonic() + 60
    while events.describe_connection(Name="c")["ConnectionState"] != "AUTHORIZED":
        assert time.monotonic() < until, events.describe_connection(Name="c")
        time.sleep(0.02)
    assert events.describe_api_destination(Name="d")["ApiDestinationState"] == "ACTIVE"


def put(server: ServerProcess, number: int = 1) -> str:
    entry = {"Source": "shop", "DetailType": "t", "Detail": json.dumps({"n": number})}
    answer = server.client("events").put_events(Entries=[entry])
    event_id: str = answer["Entries"][0]["EventId"]
    return event_id


@pytest.mark.parametrize("wants_a_form", [False, True])
def test_tokens_are_fetched_kept_and_renewed(server: ServerProcess, carrier: Carrier, wants_a_form: bool) -> None:
    carrier.wants_a_form = wants_a_form
    connect(server, carrier)
    event_id = put(server)
    [call] = carrier.wait_for(1)
    assert call["path"] == "/ship/o-1"
    assert call["body"] == {"n": 1}
    assert call["headers"]["X-Shop"] == "depot"
    assert call["headers"]["Authorization"] == "Bearer t1"
    assert call["headers"]["X-Interstate-Event-Id"] == event_id
    put(server, 2)
    carrier.wait_for(2)
    assert carrier.tokens == 1  # Kept.
    carrier.good_token = "another"  # The carrier forgot t1: it answers 401, and gives a new one when asked.
    put(server, 3)
    assert [call["headers"]["Authorization"] for call in carrier.wait_for(4)[2:]] == ["Bearer t1", "Bearer t2"]
    assert carrier.tokens == 2


def test_a_token_whose_life_is_over_is_renewed_before_the_call(server: ServerProcess, carrier: Carrier) -> None:
    carrier.token_life_s = 30  # Less than what a token must have left.
    connect(server, carrier)
    put(server)
    [call] = carrier.wait_for(1)
    assert call["headers"]["Authorization"] == "Bearer t2"


def test_failing_and_busy_endpoints_get_the_event_again(server: ServerProcess, carrier: Carrier) -> None:
    connect(server, carrier)
    carrier.answers = [(500, {}), (429, {"Retry-After": "1"})]
    put(server)
    calls = carrier.wait_for(3)
    assert len({call["headers"]["X-Interstate-Event-Id"] for call in calls}) == 1


def test_a_slow_endpoint_is_given_up_and_called_again(server: ServerProcess, carrier: Carrier) -> None:
    connect(server, carrier)
    gone = threading.Event()

    def slow() -> Answer:
        gone.wait(90)
        return 200, {}

    carrier.answers = [slow]
    begin = time.monotonic()
    put(server)
    carrier.wait_for(2)
    assert time.monotonic() - begin >= 5
    gone.set()


def test_a_call_under_way_is_repeated_after_kill_9(server: ServerProcess, carrier: Carrier) -> None:
    connect(server, carrier)
    hold = threading.Event()

    def held() -> Answer:
        hold.wait(90)
        return 200, {}

    carrier.answers = [held]
    event_id = put(server)
    carrier.wait_for(1)
    server.kill()
    hold.set()
    server.start()
    calls = carrier.wait_for(2)
    assert [call["headers"]["X-Interstate-Event-Id"] for call in calls] == [event_id, event_id]
    assert (
        calls[1]["headers"]["Authorization"] == "Bearer t1"
    )  # Kept in the store, under the key of the data directory.
    assert carrier.tokens == 1


def test_an_api_of_api_gateway_takes_events(server: ServerProcess) -> None:
    sqs, gateway, events = (server.client(service) for service in ("sqs", "apigatewayv2", "events"))
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    api = gateway.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
    integration = gateway.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationSubtype="SQS-SendMessage",
        PayloadFormatVersion="1.0",
        CredentialsArn=ROLE,
        RequestParameters={"QueueUrl": url, "MessageBody": "$request.body.id"},
    )["IntegrationId"]
    gateway.create_route(ApiId=api, RouteKey="POST /in", Target=f"integrations/{integration}")
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    arn = f"arn:aws:execute-api:us-east-1:000000000000:{api}/$default/POST/in"
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": arn, "RoleArn": ROLE}])
    event_id = put(server)
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == event_id
