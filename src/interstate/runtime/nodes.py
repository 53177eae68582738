"""Living together with other nodes on one database: leases, takeover, wakes, and one clock.

Theory of operation
-------------------
A node renews its lease every second, by the database's clock, from the loop that also decides batches: a loop that hangs
does not renew. Who finds a lease that ran out takes that node's work over: it ends the dead node's connections (and with
them its row locks), gives its row a new epoch (the *fence*: the dead node finds its own gone before its next commit), moves
its lanes of due work to its own, in pages, and deletes the row. A taker that dies on the way is taken over itself.

Calls that are parked here may be woken by a commit elsewhere: keys are told by NOTIFY, on a connection of its own, after
the commit, gathered, and only while other nodes live. Every renewal is also a look at the store, as a net.

The distance between this machine's clock and the database's is measured at each renewal; business time in its real mode
follows the database's.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import msgspec
import psycopg

from interstate.runtime.clock import wall_now
from interstate.runtime.instance import Instance
from interstate.store.postgres.engine import LEASE_S, PostgresStore
from interstate.store.records.due import IN_FLIGHT, WAITING

RENEW_S = 1.0
ADOPT_PAGE = 5000
NOTIFY_BYTES_MAX = 7000
_CHANNEL = "interstate_wakes"
_POOL = 0  # The lanes of no node: what was copied here, and what nodes without work of their own leave.
_log = logging.getLogger("interstate.nodes")

_RENEW = """
UPDATE nodes SET lease_until = micros_now() + %(lease)s, address = %(address)s WHERE number = %(number)s AND epoch = %(epoch)s
RETURNING micros_now()
"""
_ADOPT = """
UPDATE due SET lane = %(to)s WHERE id IN
    (SELECT id FROM due WHERE lane = %(of)s ORDER BY due_at, id LIMIT %(page)s FOR UPDATE SKIP LOCKED)
"""
_END_BACKENDS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = ANY(%s) AND application_name = 'interstate' AND datname = current_database()
"""


class Nodes:
    """This node's life among the others."""

    def __init__(self, instance: Instance, store: PostgresStore, address: str) -> None:
        self._instance = instance
        self._store = store
        self._address = address
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._listener: psycopg.AsyncConnection[Any] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._wakes: dict[tuple[str, bool], None] = {}
        self._told = asyncio.Event()
        self.others = 0
        store.reconnected = self._reconnected

    async def start(self) -> None:
        """Take over what a former process of ours or a dead node left, then keep the lease."""
        await self._renew()
        self._tasks = [asyncio.create_task(task) for task in (self._keep(), self._listen(), self._tell())]

    async def stop(self) -> None:
        """Leave; the store's ``close`` ends the lease."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in (self._connection, self._listener):
            if connection is not None:
                await connection.close()

    # The lease -------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self._renew()
            except (psycopg.Error, OSError) as error:
                _log.warning("the lease could not be renewed: %s", error)
                await self._drop()

    async def _drop(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _open(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            self._store.url, autocommit=True, connect_timeout=3, application_name="interstate-node"
        )

    async def _renew(self) -> None:
        if self._connection is None:
            self._connection = await self._open()
        before = wall_now().timestamp()
        given = {
            "lease": int(LEASE_S * 1_000_000),
            "address": self._address,
            "number": self._store.number,
            "epoch": self._store.epoch,
        }
        row = await (await self._connection.execute(_RENEW, given)).fetchone()
        after = wall_now().timestamp()
        if row is None:
            self._store.fenced = True  # The next batch registers anew.
            self._instance.due.look()
            return
        self._instance.clock.skew = timedelta(seconds=row[0] / 1_000_000 - (before + after) / 2)
        await self._look_around(self._connection)

    # Takeover --------------------------------------------------------------------------------------------------

    async def _look_around(self, connection: psycopg.AsyncConnection[Any]) -> None:
        rows = await (
            await connection.execute(
                "SELECT number, epoch, backends, lease_until < micros_now() FROM nodes WHERE number <> %s",
                (self._store.number,),
            )
        ).fetchall()
        self.others = sum(not dead for *_, dead in rows)
        for number, epoch, backends, dead in rows:
            if dead:
                await self._take_over(connection, number, epoch, msgspec.json.decode(backends, type=list[int]))
        if self._store.role != "api":
            await self._adopt(connection, _POOL)
            self._instance.due.look()

    async def _take_over(
        self, connection: psycopg.AsyncConnection[Any], number: int, epoch: int, backends: list[int]
    ) -> None:
        await connection.execute(_END_BACKENDS, (backends,))
        mine = await connection.execute(
            "UPDATE nodes SET epoch = %s, lease_until = micros_now() + %s "
            "WHERE number = %s AND epoch = %s AND lease_until < micros_now()",
            (self._store.epoch ^ number, int(LEASE_S * 1_000_000), number, epoch),
        )
        if mine.rowcount == 0:
            return  # Another node was faster, or it came back.
        moved = await self._adopt(connection, number)
        await connection.execute(
            "DELETE FROM nodes WHERE number = %s AND epoch = %s", (number, self._store.epoch ^ number)
        )
        _log.warning("node %d is gone; node %d goes on with its %d pieces of work", number, self._store.number, moved)
        self._instance.due.look()

    async def _adopt(self, connection: psycopg.AsyncConnection[Any], number: int) -> int:
        """Move a node's due work to our lanes; what it had in flight waits again, under the same keys."""
        moved = 0
        for lane in range(3):
            to = self._store.lane_base + (WAITING if lane == IN_FLIGHT else lane)
            while True:
                page = await connection.execute(_ADOPT, {"to": to, "of": number * 4 + lane, "page": ADOPT_PAGE})
                moved += page.rowcount
                if page.rowcount < ADOPT_PAGE:
                    break
        return moved

    def _reconnected(self) -> None:
        """The store found the database again: take up what may have been due meanwhile."""
        asyncio.get_running_loop().call_soon(self._instance.due.came_back)

    # Wakes -----------------------------------------------------------------------------------------------------

    def tell(self, wakes: list[tuple[str, bool]]) -> None:
        """Keys that a commit of ours woke: others may have calls parked on them."""
        if self.others and wakes:
            self._wakes.update(dict.fromkeys(wakes))
            self._told.set()

    async def _tell(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            wakes, self._wakes = list(self._wakes), {}
            for page in _pages(wakes):
                try:
                    if self._connection is None:
                        break  # The look at the store is the net.
                    payload = msgspec.json.encode([self._store.number, page]).decode()
                    await self._connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, payload))
                except (psycopg.Error, OSError) as error:
                    _log.warning("other nodes could not be told: %s", error)

    async def _listen(self) -> None:
        while True:
            try:
                self._listener = await self._open()
                await self._listener.execute(f"LISTEN {_CHANNEL}".encode())
                self._instance.parking.look_again()
                async for notify in self._listener.notifies():
                    self._heard(notify.payload)
            except (psycopg.Error, OSError) as error:
                _log.warning("other nodes cannot be heard: %s", error)
                await asyncio.sleep(RENEW_S)

    def _heard(self, payload: str) -> None:
        number, wakes = msgspec.json.decode(payload)
        if number != self._store.number:
            for key, one in wakes:
                self._instance.parking.wake(key, one=one)


def _pages(wakes: list[tuple[str, bool]]) -> list[list[tuple[str, bool]]]:
    """As few notifications as their size allows."""
    pages: list[list[tuple[str, bool]]] = []
    size = NOTIFY_BYTES_MAX
    for key, one in wakes:
        size += len(key) * 2 + 16
        if size > NOTIFY_BYTES_MAX:
            pages.append([])
            size = len(key) * 2 + 16
        pages[-1].append((key, one))
    return pages
