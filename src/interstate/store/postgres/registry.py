"""The row of a node among the nodes: its number, its epoch, and the lease that it renews."""

import os
import secrets
import socket
from pathlib import Path
from typing import Any

from psycopg import Connection, connect

from interstate.store.postgres.pipe import CONNECT_TIMEOUT_S, limited

NUMBERS = 256
_ENDS_MS = 2000


class NoNumberLeft(RuntimeError):
    """As many nodes as there are numbers share the database."""

    def __init__(self) -> None:
        super().__init__(f"{NUMBERS} nodes share this database already. Stop one, or use another database.")


def registered(connection: Connection[Any], role: str, backends: str, lease_us: int) -> tuple[int, int]:
    """A new row among the nodes: its number, the lowest that is free, and its epoch."""
    epoch = secrets.randbits(62)
    with connection.transaction():
        connection.execute("LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE")
        rows = connection.execute("SELECT number, name FROM nodes").fetchall()
        gone = [number for number, name in rows if _is_gone(name)]
        connection.execute("UPDATE nodes SET lease_until = 0 WHERE number = ANY(%s)", (gone,))
        taken = {number for number, _ in rows}
        free = next((number for number in range(1, NUMBERS) if number not in taken), None)
        if free is None:
            raise NoNumberLeft
        connection.execute(
            "INSERT INTO nodes VALUES (%s, %s, %s, '', %s, micros_now(), micros_now() + %s, %s)",
            (free, epoch, _name(os.getpid()), role, lease_us, backends),
        )
    return free, epoch


def renewed(connection: Connection[Any], number: int, epoch: int, backends: str) -> bool:
    """After a lost connection: whether we are still who we were."""
    row = connection.execute(
        "UPDATE nodes SET backends = %s WHERE number = %s AND epoch = %s RETURNING number", (backends, number, epoch)
    ).fetchone()
    return row is not None


def end_backends(connection: Connection[Any], backends: list[int]) -> None:
    """Have lost connections of ours come to their end there: a COMMIT that one of them was sent is made by then, or never will be."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity "
        "WHERE pid = ANY(%s) AND application_name = 'interstate' AND datname = current_database()",
        (_ENDS_MS, backends),
    )


def renew_once(url: str, number: int, epoch: int, lease_us: int) -> None:
    """Renew a lease, beside whatever its node is about."""
    with (
        connect(
            url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name="interstate-node"
        ) as connection,
        limited(connection),
    ):
        connection.execute(
            "UPDATE nodes SET lease_until = micros_now() + %s WHERE number = %s AND epoch = %s",
            (lease_us, number, epoch),
        )


def _machine() -> str:
    """This machine's present run and its space of process numbers: elsewhere a number means another process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _name(pid: int) -> str:
    return f"{socket.gethostname()} {pid} {_machine()}"


def _is_gone(name: str) -> bool:
    """Whether a node's name means a process of this machine that does not run any more: nobody needs to wait for its lease."""
    _, pid, machine = name.split(" ", 2)
    if not machine or machine != _machine():
        return False
    return not Path(f"/proc/{pid}").exists()
