"""Connections and API destinations.

Source: EventBridge API Reference; recorded in test_api_destinations_and_connection.snapshot.json (github.com/localstack/localstack).
"""

from pathlib import Path
from typing import Any

import pytest
from tests.services.events.conftest import Bench

from interstate.base.json import loads
from interstate.core.events.connections import Authorization
from interstate.services.events.authorizing import authorization_of
from interstate.services.events.calling import IN_FLIGHT_MAX
from interstate.store.records.events_connections import CONNECTIONS, HttpAnswer, HttpCall, Token

BASIC = {"BasicAuthParameters": {"Username": "user", "Password": "pass"}}
KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "very-secret"}}
OAUTH = {
    "OAuthParameters": {
        "ClientParameters": {"ClientID": "id", "ClientSecret": "very-secret"},
        "AuthorizationEndpoint": "https://h/token",
        "HttpMethod": "POST",
    }
}


class Endpoint:
    """Stands for the outside: answers what a test says, in turn, and remembers the calls."""

    def __init__(self, bench: Bench) -> None:
        self.calls: list[HttpCall] = []
        self.answers: list[HttpAnswer] = []
        self.token = Token("t0", 3600.0)
        bench.world.performers["events.http"] = self.perform
        bench.world.performers["events.token"] = lambda _key, _body: self.token

    def perform(self, _key: str, call: HttpCall) -> HttpAnswer:
        self.calls.append(call)
        return self.answers.pop(0) if self.answers else HttpAnswer(200)


@pytest.fixture
def endpoint(bench: Bench) -> Endpoint:
    return Endpoint(bench)


def connect(bench: Bench, kind: str = "API_KEY", auth: dict[str, Any] | None = None, name: str = "c") -> str:
    answer = bench("CreateConnection", Name=name, AuthorizationType=kind, AuthParameters=auth or KEY)
    arn: str = answer["ConnectionArn"]
    return arn


def destination(bench: Bench, connection: str | None = None, **members: Any) -> str:
    answer = bench(
        "CreateApiDestination",
        Name="d",
        ConnectionArn=connection or connect(bench),
        InvocationEndpoint="https://h/orders/*",
        HttpMethod="POST",
        **members,
    )
    arn: str = answer["ApiDestinationArn"]
    return arn


def secrets(bench: Bench, arn: str) -> Authorization:
    found: Authorization | None = bench.world.run(lambda work: authorization_of(arn, work))
    assert found is not None
    return found


# Connections -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "auth", "state", "shown"),
    [
        ("BASIC", BASIC, "AUTHORIZED", {"BasicAuthParameters": {"Username": "user"}}),
        ("API_KEY", KEY, "AUTHORIZED", {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key"}}),
        (
            "OAUTH_CLIENT_CREDENTIALS",
            OAUTH,
            "AUTHORIZING",
            {
                "OAuthParameters": {
                    "ClientParameters": {"ClientID": "id"},
                    "AuthorizationEndpoint": "https://h/token",
                    "HttpMethod": "POST",
                }
            },
        ),
    ],
)
def test_a_connection_is_described_without_secrets(
    bench: Bench, kind: str, auth: dict[str, Any], state: str, shown: dict[str, Any]
) -> None:
    created = bench("CreateConnection", Name="c", AuthorizationType=kind, AuthParameters=auth)
    assert created.keys() == {"ConnectionArn", "ConnectionState", "CreationTime", "LastModifiedTime"}
    assert created["ConnectionState"] == state
    described = bench("DescribeConnection", Name="c")
    assert described["AuthParameters"] == shown
    assert described["SecretArn"].startswith(
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:events!connection/c/"
    )
    assert described["LastAuthorizedTime"] == bench.world.now
    [listed] = bench("ListConnections")["Connections"]
    assert listed.keys() == described.keys() - {"AuthParameters", "SecretArn"}


def test_secrets_are_sealed_in_the_store(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    arn = connect(bench, "OAUTH_CLIENT_CREDENTIALS", OAUTH)
    assert secrets(bench, arn).client_secret == "very-secret"
    bench.world.run_due()
    bench.world.close()
    assert all(b"very-secret" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_sealed_text_opens_under_its_own_arn_only(bench: Bench) -> None:
    import msgspec  # noqa: PLC0415

    one, other = connect(bench, name="one"), connect(bench, name="other")

    def swap(work: Any) -> None:
        work.put(
            CONNECTIONS, msgspec.structs.replace(work.get(CONNECTIONS, other), sealed=work.get(CONNECTIONS, one).sealed)
        )

    bench.world.run(swap)
    assert secrets(bench, other).key_value == ""


def test_oauth_is_authorized_by_its_token(bench: Bench, endpoint: Endpoint) -> None:
    arn = connect(bench, "OAUTH_CLIENT_CREDENTIALS", OAUTH)
    destination(bench, arn)
    assert bench("DescribeApiDestination", Name="d")["ApiDestinationState"] == "INACTIVE"
    bench.world.run_due()
    assert bench("DescribeConnection", Name="c")["ConnectionState"] == "AUTHORIZED"
    assert bench("DescribeApiDestination", Name="d")["ApiDestinationState"] == "ACTIVE"
    assert secrets(bench, arn).token == "t0"
    endpoint.token = Token(error="The authorization endpoint answered 500.")
    bench("UpdateConnection", Name="c", Description="again")
    bench.advance(seconds=10)
    assert bench("DescribeConnection", Name="c")["ConnectionState"] == "AUTHORIZING"
    bench.advance(minutes=1)
    described = bench("DescribeConnection", Name="c")
    assert (described["ConnectionState"], described["StateReason"]) == ("DEAUTHORIZED", endpoint.token.error)


def test_deauthorizing_forgets_the_secrets_until_an_update(bench: Bench) -> None:
    arn = connect(bench)
    assert bench("DeauthorizeConnection", Name="c")["ConnectionState"] == "DEAUTHORIZING"
    assert bench("DescribeConnection", Name="c")["ConnectionState"] == "DEAUTHORIZED"
    assert secrets(bench, arn).key_value == ""
    assert bench("UpdateConnection", Name="c", AuthParameters=KEY)["ConnectionState"] == "AUTHORIZED"
    assert secrets(bench, arn).key_value == "very-secret"
    updated = bench("UpdateConnection", Name="c", AuthorizationType="BASIC", AuthParameters=BASIC)
    assert updated["ConnectionArn"] == arn
    assert (secrets(bench, arn).username, secrets(bench, arn).key_value) == ("user", "")


def test_a_deleted_connection_is_gone(bench: Bench) -> None:
    connect(bench)
    assert bench("DeleteConnection", Name="c")["ConnectionState"] == "DELETING"
    assert bench.error("DescribeConnection", Name="c") == (
        "ResourceNotFoundException",
        "Failed to describe the connection(s). Connection 'c' does not exist.",
    )


def test_what_connections_and_destinations_refuse(bench: Bench) -> None:
    arn = connect(bench)
    destination(bench, arn)
    create = {"Name": "c", "AuthorizationType": "API_KEY", "AuthParameters": KEY}
    assert bench.error("CreateConnection", **create) == (
        "ResourceAlreadyExistsException",
        "Connection c already exists.",
    )
    code, message = bench.error("CreateConnection", **{**create, "Name": "x", "AuthorizationType": "BASIC"})
    assert (code, "BasicAuthParameters" in message) == ("ValidationException", True)
    assert bench.error("CreateConnection", **create, InvocationConnectivityParameters={"a": 1})[0] == "NotImplemented"
    make = {"Name": "d", "ConnectionArn": arn, "InvocationEndpoint": "https://h", "HttpMethod": "GET"}
    assert bench.error("CreateApiDestination", **make)[0] == "ResourceAlreadyExistsException"
    gone = "arn:aws:events:us-east-1:000000000000:connection/gone/1"
    assert bench.error("CreateApiDestination", **{**make, "ConnectionArn": gone})[0] == "ResourceNotFoundException"
    assert bench.error("DescribeApiDestination", Name="x") == (
        "ResourceNotFoundException",
        "Failed to describe the api-destination(s). An api-destination 'x' does not exist.",
    )


def test_lists_have_pages_and_filters(bench: Bench) -> None:
    arns = [connect(bench, name=f"c{at}") for at in range(3)]
    first = bench("ListConnections", Limit=2)
    assert [row["Name"] for row in first["Connections"]] == ["c0", "c1"]
    assert [row["Name"] for row in bench("ListConnections", NextToken=first["NextToken"])["Connections"]] == ["c2"]
    assert bench("ListConnections", NamePrefix="c1")["Connections"][0]["ConnectionArn"] == arns[1]
    assert bench("ListConnections", ConnectionState="AUTHORIZING")["Connections"] == []
    destination(bench, arns[0])
    assert len(bench("ListApiDestinations", ConnectionArn=arns[0])["ApiDestinations"]) == 1
    assert bench("ListApiDestinations", ConnectionArn=arns[1])["ApiDestinations"] == []


def test_a_destination_changes_and_goes(bench: Bench) -> None:
    destination(bench, Description="one")
    assert bench("DescribeApiDestination", Name="d")["InvocationRateLimitPerSecond"] == 300
    bench.advance(seconds=1)
    updated = bench("UpdateApiDestination", Name="d", HttpMethod="PUT", Description="two")
    assert updated["LastModifiedTime"] > updated["CreationTime"]
    described = bench("DescribeApiDestination", Name="d")
    assert (described["HttpMethod"], described["Description"]) == ("PUT", "two")
    assert described["InvocationEndpoint"] == "https://h/orders/*"
    assert bench("DeleteApiDestination", Name="d") == {}
    assert bench("ListApiDestinations")["ApiDestinations"] == []


# Calls -----------------------------------------------------------------------------------------------------------------


def target(bench: Bench, **members: Any) -> None:
    arn = destination(bench, **members)
    http = {"PathParameterValues": ["o-1"], "HeaderParameters": {"X-A": "1"}, "QueryStringParameters": {"q": "2"}}
    dead = {"Arn": bench.queue("dead")}
    bench.rule(
        "r",
        {"Arn": arn, "HttpParameters": http, "DeadLetterConfig": dead, "RoleArn": "arn:aws:iam::000000000000:role/r"},
    )


def test_a_call_is_made_from_destination_target_and_event(bench: Bench, endpoint: Endpoint) -> None:
    target(bench)
    event_id = bench.put('{"n":1}', TraceHeader="Root=1-a")["EventId"]
    [call] = endpoint.calls
    assert (call.method, call.url) == ("POST", "https://h/orders/o-1?q=2")
    assert call.headers["X-A"] == "1"
    assert call.headers["X-Amzn-Trace-Id"] == "Root=1-a"
    assert call.headers["X-Interstate-Event-Id"] == event_id
    assert call.headers["User-Agent"] == "Amazon/EventBridge/ApiDestinations"
    assert loads(call.text)["detail"] == {"n": 1}  # type: ignore[index, call-overload]  # an event
    assert bench.received("dead") == []


ENDS: list[tuple[HttpAnswer, str]] = [
    (HttpAnswer(404, body="no such order"), "ERROR_FROM_TARGET"),
    (HttpAnswer(403), "NO_PERMISSIONS"),
    (HttpAnswer(503, retry_after="-1"), "ERROR_FROM_TARGET"),
    (HttpAnswer(error="deauthorized", code="NO_PERMISSIONS"), "NO_PERMISSIONS"),
]


@pytest.mark.parametrize(("answer", "code"), ENDS, ids=str)
def test_what_no_retry_cures_is_a_dead_letter_at_once(
    bench: Bench, endpoint: Endpoint, answer: HttpAnswer, code: str
) -> None:
    target(bench)
    endpoint.answers = [answer]
    bench.put()
    [dead] = bench.received("dead")
    assert dead["MessageAttributes"]["ERROR_CODE"]["StringValue"] == code
    assert dead["MessageAttributes"]["RETRY_ATTEMPTS"]["StringValue"] == "0"
    assert len(endpoint.calls) == 1


AGAIN: list[HttpAnswer] = [
    HttpAnswer(500),
    HttpAnswer(409),
    HttpAnswer(429),
    HttpAnswer(error="slow", code="TIMEOUT"),
    HttpAnswer(error="refused", code="CONNECTION_FAILURE"),
]


@pytest.mark.parametrize("answer", AGAIN, ids=str)
def test_a_failing_endpoint_is_called_again_until_it_comes_back(
    bench: Bench, endpoint: Endpoint, answer: HttpAnswer
) -> None:
    target(bench)
    endpoint.answers = [answer] * 5
    bench.put()
    bench.advance(hours=1)
    assert len(endpoint.calls) == 6
    assert len({call.headers["X-Interstate-Event-Id"] for call in endpoint.calls}) == 1
    assert bench.received("dead") == []


def test_retry_after_is_waited_for(bench: Bench, endpoint: Endpoint) -> None:
    target(bench)
    endpoint.answers = [HttpAnswer(429, retry_after="600")]
    bench.put()
    bench.advance(seconds=599)
    assert len(endpoint.calls) == 1
    bench.advance(seconds=1)
    assert len(endpoint.calls) == 2


def test_an_endpoint_that_never_comes_back_makes_a_dead_letter_after_a_day(bench: Bench, endpoint: Endpoint) -> None:
    target(bench)
    endpoint.answers = [HttpAnswer(500, body="out of order")] * 500
    bench.put()
    bench.advance(hours=25)
    [dead] = bench.received("dead")
    attributes = {name: value["StringValue"] for name, value in dead["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "ERROR_FROM_TARGET"
    assert "500" in attributes["ERROR_MESSAGE"]
    assert attributes["EXHAUSTED_RETRY_CONDITION"] in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")


def test_the_rate_spreads_calls(bench: Bench, endpoint: Endpoint) -> None:
    target(bench, InvocationRateLimitPerSecond=5)
    for _ in range(30):
        bench.put()
    assert len(endpoint.calls) == 5
    bench.advance(seconds=1)
    assert 9 <= len(endpoint.calls) <= 11
    bench.advance(seconds=10)
    assert len(endpoint.calls) == 30


def test_a_silent_endpoint_holds_few_places_and_delays_nobody(bench: Bench) -> None:
    """Effects without a performer stay in flight: an endpoint that answers nothing."""
    target(bench)
    bench.rule("other", bench.queue("q"))
    for _ in range(3 * IN_FLIGHT_MAX):
        bench.put()
    assert len(bench.messages("q")) == 3 * IN_FLIGHT_MAX
    late = Endpoint(bench)
    bench.world.run_due()
    assert len(late.calls) == 3 * IN_FLIGHT_MAX


def test_calls_of_a_deleted_destination_are_dead_letters(bench: Bench, endpoint: Endpoint) -> None:
    target(bench)
    bench("DeleteApiDestination", Name="d")
    bench.put()
    [dead] = bench.received("dead")
    assert dead["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"
    assert endpoint.calls == []


def test_a_call_survives_a_crash_and_is_repeated_with_the_same_headers(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    target(bench)
    bench.put()
    bench.world = bench.world.restart()
    bench.world.recover()
    endpoint = Endpoint(bench)
    bench.world.run_due()
    assert len(endpoint.calls) == 1
    bench.world.close()


def test_api_gateway_is_called_like_any_endpoint(bench: Bench, endpoint: Endpoint) -> None:
    arn = "arn:aws:execute-api:us-east-1:000000000000:api1/prod/PUT/orders/*"
    bench.rule("r", {"Arn": arn, "HttpParameters": {"PathParameterValues": ["7"]}})
    bench.put()
    [call] = endpoint.calls
    assert (call.method, call.url, call.connection) == ("PUT", "http://api1.execute-api/prod/orders/7", "")
    assert call.headers["X-Amz-Source-Arn"] == "arn:aws:events:us-east-1:000000000000:rule/r"
