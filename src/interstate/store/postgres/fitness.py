"""Whether a database can be shared by nodes as it is."""

from typing import Any

from psycopg import Connection, sql

VERSION_MIN = 160_000
VERSION_TRANSACTION_TIMEOUT = 170_000


class UnfitDatabase(RuntimeError):
    """The database cannot be shared by nodes as it is; the message says what to do."""


def check(connection: Connection[Any]) -> None:
    """Refuse a database that nodes cannot share.

    Raises:
        UnfitDatabase: it is too old, it only reads, or does not tell of its sessions.
    """
    version = connection.info.server_version
    if version < VERSION_MIN:
        raise UnfitDatabase(
            f"This database is PostgreSQL {version // 10_000}.{version % 10_000}. Interstate needs version "
            f"{VERSION_MIN // 10_000} or newer: upgrade it (pg_upgrade), or name another one with --database."
        )
    if _shown(connection, "track_activities") != "on":
        raise UnfitDatabase(
            "The database does not track its sessions, so nodes cannot see whose transactions are open. "
            "Set track_activities = on in its configuration and reload it."
        )
    if _shown(connection, "transaction_read_only") == "on":
        raise UnfitDatabase(
            "This database only reads: it is a standby. Name the primary with --database "
            "(target_session_attrs=read-write in the URL finds it among several hosts)."
        )


def take_your_time(connection: Connection[Any]) -> None:
    """A large store or a slow machine may need it, and others wait for the schema."""
    names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
    if connection.info.server_version >= VERSION_TRANSACTION_TIMEOUT:
        names.append("transaction_timeout")
    for name in names:
        connection.execute(sql.SQL("SET {} = 0").format(sql.Identifier(name)))


def _shown(connection: Connection[Any], setting: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
    assert row is not None
    value: str = row[0]
    return value
