"""What a connection authorizes with, read from the AuthParameters that it was given.

Source: EventBridge API Reference, CreateConnection, DescribeConnection;
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.json import JSONObject

BASIC, API_KEY, OAUTH = "BASIC", "API_KEY", "OAUTH_CLIENT_CREDENTIALS"
MEMBER_OF = {BASIC: "BasicAuthParameters", API_KEY: "ApiKeyAuthParameters", OAUTH: "OAuthParameters"}
"""The member of AuthParameters that each type needs."""

TOKEN_RENEWED_BEFORE = timedelta(seconds=60)
"""A token is renewed when it has no more than this left."""


class Parameters(msgspec.Struct, frozen=True):
    """What is added to a request."""

    headers: dict[str, str] = {}
    query: list[tuple[str, str]] = []
    body: dict[str, str] = {}


class Authorization(msgspec.Struct, frozen=True):
    """All that a request of a connection needs, secrets included: never stored, never logged."""

    arn: str
    type: str
    state: str
    parameters: Parameters = Parameters()
    username: str = ""
    password: str = ""
    key_name: str = ""
    key_value: str = ""
    client_id: str = ""
    client_secret: str = ""
    token_url: str = ""
    token_method: str = "POST"  # noqa: S105 an HTTP method
    token_parameters: Parameters = Parameters()
    token: str = ""
    token_until: datetime | None = None

    def has_token(self, now: datetime) -> bool:
        """Whether the token that was fetched last is still good."""
        if not self.token:
            return False
        return self.token_until is None or now + TOKEN_RENEWED_BEFORE < self.token_until


def missing_member(kind: str, auth: Mapping[str, Any]) -> str | None:
    """The member that a connection of this type lacks."""
    member = MEMBER_OF[kind]
    return None if auth.get(member) else member


def shown(auth: Mapping[str, Any], kind: str) -> JSONObject:
    """AuthParameters as DescribeConnection answers them: no password, key, secret, and no value that is one."""
    basic, key, oauth = (auth.get(MEMBER_OF[one]) or {} for one in (BASIC, API_KEY, OAUTH))
    described: JSONObject = {}
    if kind == BASIC:
        described[MEMBER_OF[BASIC]] = {"Username": basic.get("Username")}
    elif kind == API_KEY:
        described[MEMBER_OF[API_KEY]] = {"ApiKeyName": key.get("ApiKeyName")}
    else:
        described[MEMBER_OF[OAUTH]] = _shown_oauth(oauth)
    if auth.get("InvocationHttpParameters") is not None:
        described["InvocationHttpParameters"] = _shown_parameters(auth["InvocationHttpParameters"])
    return described


def _shown_oauth(oauth: Mapping[str, Any]) -> JSONObject:
    described: JSONObject = {
        "ClientParameters": {"ClientID": oauth.get("ClientParameters", {}).get("ClientID")},
        "AuthorizationEndpoint": oauth.get("AuthorizationEndpoint"),
        "HttpMethod": oauth.get("HttpMethod"),
    }
    if oauth.get("OAuthHttpParameters") is not None:
        described["OAuthHttpParameters"] = _shown_parameters(oauth["OAuthHttpParameters"])
    return described


def _shown_parameters(parameters: Mapping[str, Any]) -> JSONObject:
    return {name: [_shown_parameter(one) for one in listed] for name, listed in parameters.items()}


def _shown_parameter(one: Mapping[str, Any]) -> JSONObject:
    secret = bool(one.get("IsValueSecret", False))
    value = {} if secret else {"Value": one.get("Value")}
    return {"Key": one.get("Key"), **value, "IsValueSecret": secret}


def merged(old: Any, new: Any) -> Any:
    """AuthParameters after an update: members that it names replace, lists whole; what it does not name stays."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}
    return new


def authorization(  # noqa: PLR0917 what a stored connection has
    arn: str, kind: str, state: str, auth: Mapping[str, Any], token: str, token_until: datetime | None
) -> Authorization:
    """A connection, ready to be used."""
    basic, key, oauth = (auth.get(MEMBER_OF[one]) or {} for one in (BASIC, API_KEY, OAUTH))
    client = oauth.get("ClientParameters", {})
    return Authorization(
        arn=arn,
        type=kind,
        state=state,
        parameters=_parameters(auth.get("InvocationHttpParameters")),
        username=basic.get("Username", ""),
        password=basic.get("Password", ""),
        key_name=key.get("ApiKeyName", ""),
        key_value=key.get("ApiKeyValue", ""),
        client_id=client.get("ClientID", ""),
        client_secret=client.get("ClientSecret", ""),
        token_url=oauth.get("AuthorizationEndpoint", ""),
        token_method=oauth.get("HttpMethod", "POST"),
        token_parameters=_parameters(oauth.get("OAuthHttpParameters")),
        token=token,
        token_until=token_until,
    )


def _parameters(given: Mapping[str, Any] | None) -> Parameters:
    def pairs(name: str) -> list[tuple[str, str]]:
        return [(one.get("Key", ""), one.get("Value", "")) for one in (given or {}).get(name) or ()]

    return Parameters(dict(pairs("HeaderParameters")), pairs("QueryStringParameters"), dict(pairs("BodyParameters")))
