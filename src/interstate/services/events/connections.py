"""Connections: how an API destination authorizes.

Source: EventBridge API Reference, CreateConnection, UpdateConnection, DeauthorizeConnection, DeleteConnection,
DescribeConnection, ListConnections; ``core.events.errors`` for the words.
"""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere, ValidationException
from interstate.base.json import JSONObject
from interstate.core.events.connections import merged, missing_member, shown
from interstate.core.events.errors import (
    LimitExceededException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from interstate.core.events.limits import CONNECTIONS_MAX
from interstate.services.events.authorizing import authorize, sealed, secrets_of
from interstate.services.events.locate import scope_of
from interstate.services.events.pages import PAGE_MAX, after, page
from interstate.store.ports import Work
from interstate.store.records.events_connections import (
    CONNECTION_NAMED,
    CONNECTIONS,
    CONNECTIONS_OF_SCOPE,
    CREATING,
    DEAUTHORIZED,
    Connection,
)

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_NO_SECRETS: JSONObject = {}


class CreateConnection(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    authorization_type: str
    auth_parameters: dict[str, Any]
    description: str | None = None
    invocation_connectivity_parameters: dict[str, Any] | None = None
    kms_key_identifier: str | None = None


class UpdateConnection(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    authorization_type: str | None = None
    auth_parameters: dict[str, Any] | None = None
    description: str | None = None
    invocation_connectivity_parameters: dict[str, Any] | None = None
    kms_key_identifier: str | None = None


class ConnectionRequest(msgspec.Struct, frozen=True, rename="pascal"):
    name: str


class ListConnections(msgspec.Struct, frozen=True, rename="pascal"):
    name_prefix: str = ""
    connection_state: str | None = None
    next_token: str | None = None
    limit: int = PAGE_MAX


def find_connection(name: str, work: Work) -> Connection | None:
    """The caller's connection of this name."""
    found = work.select(CONNECTION_NAMED, limit=1, scope=scope_of(work.caller), name=name)
    return found[0] if found else None


def _connection_at(name: str, verb: str, work: Work) -> Connection:
    connection = find_connection(name, work)
    if connection is None:
        raise ResourceNotFoundException.connection(name, verb)
    return connection


def create_connection(request: CreateConnection, work: Work) -> dict[str, Any]:
    """Make a connection. One by OAuth is authorized when its endpoint has given a token.

    Raises:
        ResourceAlreadyExistsException: there is one of this name.
        ValidationException: the parameters of its type are missing.
        LimitExceededException: the account has its connections.
        NotImplementedHere: it leads into a private network.
    """
    _refuse_private(request.invocation_connectivity_parameters, request.auth_parameters)
    _check(request.authorization_type, request.auth_parameters)
    if find_connection(request.name, work) is not None:
        raise ResourceAlreadyExistsException("Connection", request.name)
    scope = scope_of(work.caller)
    if (
        len(work.select(CONNECTIONS_OF_SCOPE, limit=CONNECTIONS_MAX, scope=scope, after="", prefix=""))
        >= CONNECTIONS_MAX
    ):
        raise LimitExceededException
    arn = work.caller.arn("events", f"connection/{request.name}/{work.entropy.uuid()}")
    secret = f"events!connection/{request.name}/{work.entropy.uuid()}-{work.entropy.text(6, _LETTERS)}"
    connection = Connection(
        arn=arn,
        scope=scope,
        name=request.name,
        type=request.authorization_type,
        state=CREATING,
        secret_arn=work.caller.arn("secretsmanager", f"secret:{secret}"),
        shown=shown(request.auth_parameters, request.authorization_type),
        sealed=sealed(request.auth_parameters, arn, work),
        created=work.now,
        modified=work.now,
        description=request.description,
        kms_key=request.kms_key_identifier,
    )
    connection = authorize(connection, work)
    work.put(CONNECTIONS, connection)
    answer = _answer(connection)
    del answer["LastAuthorizedTime"]
    return answer


def _refuse_private(connectivity: dict[str, Any] | None, auth: dict[str, Any] | None) -> None:
    if connectivity or (auth or {}).get("ConnectivityParameters"):
        raise NotImplementedHere("connections into private networks (ConnectivityParameters)")


def _check(kind: str, auth: dict[str, Any]) -> None:
    missing = missing_member(kind, auth)
    if missing is not None:
        raise ValidationException(f"Parameter AuthParameters.{missing} is required for authorization type {kind}.")


def _answer(connection: Connection, state: str | None = None) -> dict[str, Any]:
    members = {
        "ConnectionArn": connection.arn,
        "ConnectionState": state or connection.state,
        "CreationTime": connection.created,
        "LastModifiedTime": connection.modified,
        "LastAuthorizedTime": connection.authorized,
    }
    return {name: value for name, value in members.items() if value is not None}


def update_connection(request: UpdateConnection, work: Work) -> dict[str, Any]:
    """Change a connection; it is authorized anew. What is not named stays, a change of type takes new parameters.

    Raises:
        ResourceNotFoundException: there is no such connection.
        ValidationException: the parameters of its type are missing.
        NotImplementedHere: it leads into a private network.
    """
    _refuse_private(request.invocation_connectivity_parameters, request.auth_parameters)
    connection = _connection_at(request.name, "update", work)
    kind = request.authorization_type or connection.type
    old = secrets_of(connection) if kind == connection.type else {}
    auth = merged(old, request.auth_parameters or {})
    _check(kind, auth)
    connection = msgspec.structs.replace(
        connection,
        type=kind,
        shown=shown(auth, kind),
        sealed=sealed(auth, connection.arn, work),
        modified=work.now,
        description=connection.description if request.description is None else request.description,
        kms_key=connection.kms_key if request.kms_key_identifier is None else request.kms_key_identifier,
    )
    connection = authorize(connection, work)
    work.put(CONNECTIONS, connection)
    return _answer(connection)


def deauthorize_connection(request: ConnectionRequest, work: Work) -> dict[str, Any]:
    """Forget a connection's secrets; an update authorizes it again.

    Raises:
        ResourceNotFoundException: there is no such connection.
    """
    connection = _connection_at(request.name, "deauthorize", work)
    connection = msgspec.structs.replace(
        connection,
        state=DEAUTHORIZED,
        sealed=sealed(_NO_SECRETS, connection.arn, work),
        token=None,
        token_until=None,
        modified=work.now,
    )
    work.put(CONNECTIONS, connection)
    return _answer(connection, "DEAUTHORIZING")


def delete_connection(request: ConnectionRequest, work: Work) -> dict[str, Any]:
    """Delete a connection and its secrets; its API destinations become inactive.

    Raises:
        ResourceNotFoundException: there is no such connection.
    """
    connection = _connection_at(request.name, "delete", work)
    work.delete(CONNECTIONS, connection.arn)
    return _answer(connection, "DELETING")


def describe_connection(request: ConnectionRequest, work: Work) -> dict[str, Any]:
    """One connection, without its secrets.

    Raises:
        ResourceNotFoundException: there is no such connection.
    """
    connection = _connection_at(request.name, "describe", work)
    members = {
        "Description": connection.description,
        "SecretArn": connection.secret_arn,
        "KmsKeyIdentifier": connection.kms_key,
        "AuthParameters": connection.shown,
    }
    return {**_listed(connection), **{name: value for name, value in members.items() if value is not None}}


def _listed(connection: Connection) -> dict[str, Any]:
    members = {
        "Name": connection.name,
        "StateReason": connection.reason,
        "AuthorizationType": connection.type,
    }
    return {**_answer(connection), **{name: value for name, value in members.items() if value is not None}}


def list_connections(request: ListConnections, work: Work) -> dict[str, Any]:
    """The connections of the account and region by name."""
    rows = work.select(
        CONNECTIONS_OF_SCOPE,
        limit=CONNECTIONS_MAX,
        scope=scope_of(work.caller),
        after=after(request.next_token),
        prefix=request.name_prefix,
    )
    found = [
        row
        for row in rows
        if row.name.startswith(request.name_prefix) and request.connection_state in (None, row.state)
    ]
    taken, token = page(found, request.limit, lambda row: row.name)
    return {"Connections": [_listed(row) for row in taken], **token}
