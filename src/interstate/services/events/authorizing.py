"""From a connection to what a request needs, for whoever makes one: API destinations, and ``http:invoke`` of Step Functions."""

from datetime import timedelta

import msgspec

from interstate.base.json import JSONObject, dumps_bytes, loads
from interstate.core.events.connections import OAUTH, Authorization, authorization
from interstate.services.events.vault import vault
from interstate.store.ports import Work
from interstate.store.records.events_connections import (
    AUTHORIZED,
    AUTHORIZING,
    CONNECTIONS,
    DEAUTHORIZED,
    Connection,
    Token,
    TokenCall,
)

TOKEN = "events.token"  # noqa: S105 a kind of due work
_REASON_CHARS_MAX = 512
_TRIES_MAX = 5


def authorization_of(connection_arn: str, work: Work) -> Authorization | None:
    """All that a request of a connection needs, secrets included; None when there is no such connection.

    A connection that was deauthorized, or whose secrets were sealed under a key that is lost, comes without any.
    """
    connection = work.get(CONNECTIONS, connection_arn)
    if connection is None:
        return None
    token = "" if connection.token is None else (vault().open(connection.token, connection.arn) or b"").decode()
    return authorization(
        connection.arn, connection.type, connection.state, secrets_of(connection), token, connection.token_until
    )


def secrets_of(connection: Connection) -> JSONObject:
    """A connection's AuthParameters as they were given."""
    opened = vault().open(connection.sealed, connection.arn)
    auth = {} if opened is None else loads(opened)
    assert isinstance(auth, dict)
    return auth


def sealed(auth: JSONObject, arn: str, work: Work) -> bytes:
    """AuthParameters as they are kept."""
    return vault().seal(dumps_bytes(auth), arn, work.entropy.bytes(16))


def authorize(connection: Connection, work: Work) -> Connection:
    """The connection in the state that follows from its type: authorized at once, or when its token has come."""
    if connection.type == OAUTH:
        work.later(TOKEN, TokenCall(connection.arn))
        return msgspec.structs.replace(
            connection, state=AUTHORIZING, token=None, token_until=None, reason=None, authorized=work.now
        )
    return msgspec.structs.replace(
        connection, state=AUTHORIZED, token=None, token_until=None, reason=None, authorized=work.now
    )


def token_fetched(call: TokenCall, token: Token, work: Work) -> None:
    """Keep a token, or ask for it again; a connection that was deleted or deauthorized meanwhile stays so.

    An endpoint that gives none is asked six times within a minute; then the connection is deauthorized. (AWS publishes no
    numbers; a connection whose endpoint does not exist is recorded as authorizing for a while.)
    """
    connection = work.get(CONNECTIONS, call.connection)
    if token.error and call.tries < _TRIES_MAX and connection is not None and connection.state == AUTHORIZING:
        at = work.now + timedelta(seconds=2**call.tries)
        work.later(TOKEN, TokenCall(call.connection, call.tries + 1), at=at)
        return
    keep_token(call.connection, token, work)


def keep_token(arn: str, token: Token, work: Work) -> None:
    """Keep what an authorization endpoint answered."""
    connection = work.get(CONNECTIONS, arn)
    if connection is None or connection.type != OAUTH or not secrets_of(connection):
        return
    if token.error:
        if connection.state == AUTHORIZING:
            reason = token.error[:_REASON_CHARS_MAX]
            work.put(CONNECTIONS, msgspec.structs.replace(connection, state=DEAUTHORIZED, reason=reason))
        return
    until = None if token.expires_in_s is None else work.now + timedelta(seconds=token.expires_in_s)
    kept = msgspec.structs.replace(
        connection,
        state=AUTHORIZED,
        token=vault().seal(token.value.encode(), arn, work.entropy.bytes(16)),
        token_until=until,
        authorized=work.now,
        reason=None,
    )
    work.put(CONNECTIONS, kept)
