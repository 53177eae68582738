"""Connections as a node makes them: how long the database lets each of them work, idle and wait, and those that write.

Time-outs of the session end what a frozen node would hold: a transaction that idles is ended by the database well below the
node's lease, so its row locks never outlive it.
"""

from contextlib import suppress
from dataclasses import dataclass

import msgspec
from psycopg import errors

from interstate.store.postgres.fitness import VERSION_TRANSACTION_TIMEOUT
from interstate.store.postgres.line import Line
from interstate.store.postgres.pipe import CONNECT_TIMEOUT_S, PipedConnection, limited
from interstate.store.postgres.plans import SETTINGS, Plans
from interstate.store.postgres.rows import PostgresRows
from interstate.store.postgres.snapshots import PostgresSnapshot

IDLE_IN_TRANSACTION_MS = 3000
LOCK_TIMEOUT_MS = 2000
DEADLOCK_TIMEOUT_MS = 100
STATEMENT_TIMEOUT_MS = 5000
TRANSACTION_TIMEOUT_MS = 5500
"""All below the lease: what a frozen node holds is let go before others take its work over. (The last is known since 17.)"""


class Writer:
    """A connection that writes, and what reads and writes there."""

    def __init__(self, connection: PipedConnection, place: int, plans: Plans) -> None:
        ends = TRANSACTION_TIMEOUT_MS if connection.info.server_version >= VERSION_TRANSACTION_TIMEOUT else 0
        self.place = place
        self.backend = connection.info.backend_pid
        self.line = Line(connection, plans, writes=True, ends_after_ms=ends)
        self.rows = PostgresRows(self.line, locks=True)
        self.awaited = False  # Its commit, or what it has asked for, is on its way.

    @property
    def flies(self) -> bool:
        """Whether nobody but who awaits an answer may ask here."""
        return self.awaited or self.line.aside


@dataclass(slots=True)
class Opened:
    """New connections, and who this node is when it had to become another one."""

    writers: list[Writer]
    snapshots: list[PostgresSnapshot]
    node: tuple[int, int] | None = None  # Number and epoch.

    @property
    def connections(self) -> list[PipedConnection]:
        """All."""
        return connections_of(self.writers, self.snapshots)

    def close(self) -> None:
        """Nobody needs them any more."""
        for connection in self.connections:
            connection.close()


def connections_of(writers: list[Writer], snapshots: list[PostgresSnapshot]) -> list[PipedConnection]:
    """All of a node, those that write first."""
    lines = [writer.line for writer in writers] + [snapshot.line for snapshot in snapshots]
    return [line.connection for line in lines]


def backends_of(connections: list[PipedConnection]) -> str:
    """The backends of a node, as its row tells them."""
    return msgspec.json.encode([each.info.backend_pid for each in connections if not each.closed]).decode()


def connect(url: str) -> PipedConnection:
    """A connection that may write."""
    connection = PipedConnection.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="interstate",
        keepalives_idle=2,
        keepalives_interval=1,
        keepalives_count=3,
        tcp_user_timeout=5000,
        options=(
            f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c lock_timeout={LOCK_TIMEOUT_MS} "
            f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c synchronous_commit=on {SETTINGS}"
        ),
    )
    with limited(connection):
        if connection.info.server_version >= VERSION_TRANSACTION_TIMEOUT:
            connection.execute(f"SET transaction_timeout = {TRANSACTION_TIMEOUT_MS}".encode())
        with suppress(errors.InsufficientPrivilege):  # Then after the server's own, a second as a rule.
            connection.execute(f"SET deadlock_timeout = {DEADLOCK_TIMEOUT_MS}".encode())
    connection.prepare_threshold = None  # ``pipe`` does that.
    return connection


def close(connection: PipedConnection | None) -> None:
    """Close it when what is on its way there has ended, as far as that comes soon."""
    if connection is not None and not connection.closed:
        connection.pipe.drain()
        connection.close()


def connect_reader(url: str) -> PipedConnection:
    """A connection that reads snapshots."""
    connection = connect(url)
    with limited(connection):
        connection.execute("SET application_name = 'interstate-reader'")  # No number is drawn there.
        connection.execute("SET default_transaction_read_only = on")
        connection.execute("SET default_transaction_isolation = 'repeatable read'")
    return connection
