"""Requests to API destinations. Source: EventBridge API Reference, HttpParameters, ConnectionHttpParameters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interstate.core.events.connections import Authorization, Parameters, authorization, merged, missing_member, shown
from interstate.core.events.http_request import (
    Request,
    is_retried,
    is_success,
    retry_after_s,
    target_url,
    token_of,
    token_request,
    with_authorization,
    with_headers,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARAMETERS = Parameters({"X-Shop": "depot"}, [("key", "k 1"), ("a", "2")], {"shop": "s"})


def connection(kind: str, **members: Any) -> Authorization:
    return Authorization(arn="a", type=kind, state="AUTHORIZED", **members)


@pytest.mark.parametrize(
    ("endpoint", "path", "query", "url"),
    [
        ("https://h/p", [], {}, "https://h/p"),
        ("https://h/orders/*/items/*", ["o/1", "i 2"], {}, "https://h/orders/o%2F1/items/i%202"),
        ("https://h/", ["more"], {}, "https://h/more"),
        ("https://h/p?a=1&b=2", [], {"b": "3 4"}, "https://h/p?a=1&b=3+4"),
    ],
)
def test_path_and_query_of_a_target(endpoint: str, path: list[str], query: dict[str, str], url: str) -> None:
    assert target_url(endpoint, path, query) == url


def test_headers_replace_whatever_the_case() -> None:
    assert with_headers({"Content-Type": "a", "X": "1"}, {"content-type": "b"}) == {"X": "1", "content-type": "b"}


def test_what_a_connection_says_goes_first() -> None:
    request = Request("POST", "https://h/p?a=1&z=9", {"x-shop": "other"}, '{"n":1,"shop":"t"}')
    sent = with_authorization(request, connection("API_KEY", key_name="X-Key", key_value="s3", parameters=PARAMETERS))
    assert sent.url == "https://h/p?z=9&key=k+1&a=2"
    assert sent.headers == {"X-Shop": "depot", "X-Key": "s3"}
    assert sent.body == '{"n":1,"shop":"s"}'


@pytest.mark.parametrize(("body", "sent"), [("", '{"shop":"s"}'), ("[1]", "[1]"), ("text", "text")])
def test_body_parameters_need_an_object(body: str, sent: str) -> None:
    request = Request("PUT", "https://h", {}, body)
    assert with_authorization(request, connection("BASIC", parameters=PARAMETERS)).body == sent


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_some_methods_have_no_body(method: str) -> None:
    assert with_authorization(Request(method, "https://h", {}, "{}"), connection("BASIC")).body == ""


def test_authorization_headers() -> None:
    request = Request("POST", "https://h", {}, "")
    basic = with_authorization(request, connection("BASIC", username="user", password="pass"))
    assert basic.headers == {"Authorization": "Basic dXNlcjpwYXNz"}
    oauth = with_authorization(request, connection("OAUTH_CLIENT_CREDENTIALS", token="t"))
    assert oauth.headers == {"Authorization": "Bearer t"}


OAUTH = connection(
    "OAUTH_CLIENT_CREDENTIALS",
    client_id="id",
    client_secret="s c",
    token_url="https://h/token?x=1",
    token_parameters=Parameters({"X-A": "1"}, [("q", "2")], {"scope": "all"}),
)


def test_a_token_is_asked_for_in_json_or_as_a_form() -> None:
    asked = token_request(OAUTH)
    assert asked.url == "https://h/token?x=1&q=2"
    assert asked.headers == {"Content-Type": "application/json", "X-A": "1"}
    assert asked.body == '{"grant_type":"client_credentials","client_id":"id","client_secret":"s c","scope":"all"}'
    form = token_request(OAUTH, form=True)
    assert form.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form.body == "grant_type=client_credentials&client_id=id&client_secret=s+c&scope=all"


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ('{"access_token":"t","expires_in":3600}', ("t", 3600.0)),
        ('{"access_token":"t","expires_in":"60"}', ("t", 60.0)),
        ('{"access_token":"t"}', ("t", None)),
        ('{"token":"t"}', None),
        ("[]", None),
        ("<html>", None),
    ],
)
def test_the_token_in_an_answer(text: str, token: object) -> None:
    assert token_of(text) == token


def test_a_token_is_renewed_before_it_ends() -> None:
    until = connection("OAUTH_CLIENT_CREDENTIALS", token="t", token_until=NOW)
    assert until.has_token(NOW - timedelta(seconds=61))
    assert not until.has_token(NOW - timedelta(seconds=60))
    assert connection("OAUTH_CLIENT_CREDENTIALS", token="t").has_token(NOW)
    assert not connection("OAUTH_CLIENT_CREDENTIALS").has_token(NOW)


def test_which_answers_are_tried_again() -> None:
    assert [status for status in (200, 204, 299, 300, 404, 500) if is_success(status)] == [200, 204, 299]
    tried = [status for status in (301, 400, 401, 403, 404, 407, 409, 422, 429, 500, 503) if is_retried(status)]
    assert tried == [401, 407, 409, 429, 500, 503]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        ("-1", -1.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2025 00:01:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, NOW) == seconds


AUTH = {
    "OAuthParameters": {
        "ClientParameters": {"ClientID": "id", "ClientSecret": "secret"},
        "AuthorizationEndpoint": "https://h",
        "HttpMethod": "POST",
        "OAuthHttpParameters": {"BodyParameters": [{"Key": "k", "Value": "hidden", "IsValueSecret": True}]},
    },
    "InvocationHttpParameters": {"HeaderParameters": [{"Key": "h", "Value": "open"}]},
}


def test_what_is_shown_of_parameters_has_no_secret() -> None:
    described = shown(AUTH, "OAUTH_CLIENT_CREDENTIALS")
    assert described == {
        "OAuthParameters": {
            "ClientParameters": {"ClientID": "id"},
            "AuthorizationEndpoint": "https://h",
            "HttpMethod": "POST",
            "OAuthHttpParameters": {"BodyParameters": [{"Key": "k", "IsValueSecret": True}]},
        },
        "InvocationHttpParameters": {"HeaderParameters": [{"Key": "h", "Value": "open", "IsValueSecret": False}]},
    }
    assert shown({"BasicAuthParameters": {"Username": "u", "Password": "p"}}, "BASIC") == {
        "BasicAuthParameters": {"Username": "u"}
    }


def test_an_update_replaces_what_it_names() -> None:
    new = {"OAuthParameters": {"ClientParameters": {"ClientSecret": "other"}}}
    read = authorization("a", "OAUTH_CLIENT_CREDENTIALS", "AUTHORIZED", merged(AUTH, new), "", None)
    assert (read.client_id, read.client_secret, read.token_url) == ("id", "other", "https://h")
    assert read.parameters.headers == {"h": "open"}
    assert missing_member("BASIC", AUTH) == "BasicAuthParameters"
    assert missing_member("OAUTH_CLIENT_CREDENTIALS", AUTH) is None
