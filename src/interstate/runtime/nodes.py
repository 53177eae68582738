"""Living together with other nodes on one database: leases, takeover, wakes, and one clock.

Theory of operation
-------------------
A node renews its lease every second, by the database's clock, from the loop that also decides batches: a loop that hangs
does not renew. Who finds a lease that ran out takes that node's work over: it ends the dead node's connections (and with
them its row locks), gives its row a new epoch (the *fence*: the dead node finds its own gone before its next commit), moves
its lanes of due work to its own, in pages, and deletes the row when none is left; what a dying connection still holds is
moved at the next look. A taker that dies on the way is taken over itself.

Calls that are parked here may be woken by a commit elsewhere: keys are told by NOTIFY, on a connection of its own, after
the commit, gathered, and only while other nodes live. What could not be told is told with the next renewal; every renewal is
also a look at the due work, as a net. Who died may have committed and told nobody: when a node is gone, every other one has its
parked calls look once more.

The database's clock decides about leases. Should it be set back, leases that were given before seem to last for long: the living
set theirs right with their next renewal, and a lease that lies ahead and was not renewed for as long as it may last, by the clock
of who looks (which never goes back), has run out.

The distance between this machine's clock and the database's is measured at each renewal; business time in its real mode
follows the database's.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from math import inf
from time import monotonic
from typing import Any, TypeVar

import msgspec
import psycopg

from interstate.base.arn import DEFAULT_ACCOUNT, DEFAULT_REGION
from interstate.base.time import from_micros, to_iso
from interstate.runtime.clock import wall_now
from interstate.runtime.instance import Instance
from interstate.store.postgres.engine import LEASE_S, PostgresStore
from interstate.store.postgres.pipe import PipedConnection, break_off
from interstate.store.records.due import IN_FLIGHT, STEP, WAITING

RENEW_S = 1.0
SKEW_TOLD = timedelta(seconds=1)
"""A clock that is so far from the database's is told in the log."""
NAMESPACE = "Interstate/Nodes"
RENEW_S_MAX = 4.0
"""One that takes longer is given up, and tried again on a new connection: below the lease."""
SILENT_S = 1.0
"""A database that has answered nothing for so long is told of by the health page."""
DRAIN_S = 10.0
"""How long a node that is asked to stop waits for its functions; what is longer is performed again elsewhere."""
_DRAIN_LOOK_S = 0.05
ADOPT_PAGE = 5000
NOTIFY_BYTES_MAX = 7000
_TOO_LONG_US = int((LEASE_S + RENEW_S_MAX) * 1_000_000)
"""No lease lasts so long, whatever was on its way meanwhile."""
_WAKES_KEPT_MAX = 10_000
_CHANNEL = "interstate_wakes"
_POOL = 0  # The lanes of no node: what was copied here, and what nodes without work of their own leave.
_Connection = psycopg.AsyncConnection[Any]
_Done = TypeVar("_Done")
_log = logging.getLogger("interstate.nodes")

_RENEW = """
UPDATE nodes SET lease_until = micros_now() + %(lease)s, address = %(address)s, skew = %(skew)s, effects = %(effects)s
WHERE number = %(number)s AND epoch = %(epoch)s
RETURNING micros_now()
"""
_NEIGHBOURS = """
SELECT number, epoch, backends, lease_until < micros_now(), name, address, role, started, lease_until - micros_now(), skew,
    effects, lease_until
FROM nodes ORDER BY number
"""
_OLDEST = """
SELECT coalesce(micros_now() - min(due_at), 0) FROM (
    (SELECT due_at FROM due WHERE lane = %(steps)s ORDER BY due_at LIMIT 1) UNION ALL
    (SELECT due_at FROM due WHERE lane = %(effects)s ORDER BY due_at LIMIT 1)
) AS first
"""
_FAULTS = "SELECT value FROM settings WHERE name = 'faults'"
_WORK = "work:"  # The key under which nodes that only answer calls tell of work that they have left.
_ADOPT = """
UPDATE due SET lane = %(to)s WHERE id IN
    (SELECT id FROM due WHERE lane = %(of)s ORDER BY due_at, id LIMIT %(page)s FOR UPDATE SKIP LOCKED)
"""
_HAND_OVER = """
UPDATE due SET lane = CASE lane %% 4 WHEN 2 THEN 1 ELSE lane %% 4 END WHERE lane / 4 = %s
"""
_END_BACKENDS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = ANY(%s) AND application_name IN ('interstate', 'interstate-reader') AND datname = current_database()
"""

_FORGET = """
DELETE FROM nodes WHERE number = %(number)s AND epoch = %(epoch)s
AND NOT EXISTS (SELECT 1 FROM due WHERE lane BETWEEN %(number)s * 4 AND %(number)s * 4 + 3)
"""
_NOT_YET = "UPDATE nodes SET lease_until = 0 WHERE number = %(number)s AND epoch = %(epoch)s"


class Nodes:
    """This node's life among the others."""

    def __init__(self, instance: Instance, store: PostgresStore, address: str) -> None:
        self._instance = instance
        self._store = store
        self._address = address
        self._connection: _Connection | None = None
        self._listener: _Connection | None = None
        self._teller: _Connection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._wakes: dict[tuple[str, bool], None] = {}
        self._told = asyncio.Event()
        self.others = 0
        self._workers = 1  # Nodes that live and do due work, this one included.
        self.is_first = False  # Of those that live, this one has the lowest number: it measures what is everybody's.
        self._faults = ""
        self._skewed = False
        self._database_at = 0  # Microseconds: the database's clock at the last renewal.
        self._ahead: dict[tuple[int, int, int], float] = {}  # Leases that last too long, and since when they were seen.
        self._known: set[tuple[int, int]] = set()  # Who lived at the last look.
        self._measured: datetime | None = None
        self._left = asyncio.Event()
        self._monotonic = monotonic
        self._renewed_at = monotonic()
        self._judges_at = 0.0  # From then on this node takes the work of others over.
        instance.due.left_work = lambda: self.tell([(_WORK, False)])
        store.reconnected = self._reconnected
        instance.store_trouble = self._trouble

    async def start(self) -> None:
        """Take over what a former process of ours or a dead node left, then keep the lease."""
        self._store.does_not_wait()
        await self._renew()
        self._tasks = [
            asyncio.create_task(task)
            for task in (self._keep(), self._watch(), self._listen(), self._tell(), self._take_up())
        ]

    async def drain(self) -> None:
        """Start nothing any more, and let what runs come to its end, when there is somebody to go on with the rest."""
        if not self.others:
            return
        self._instance.due.close()
        await self._leave()
        for _ in range(int(DRAIN_S / _DRAIN_LOOK_S)):
            if not self._instance.due.in_flight:
                return
            await asyncio.sleep(_DRAIN_LOOK_S)

    async def stop(self) -> None:
        """Leave: what waits is handed over at once; the store's ``close`` ends the lease."""
        for task in self._tasks:
            task.cancel()
        every = (self._connection, self._listener, self._teller)
        await _in_time(asyncio.gather(*self._tasks, return_exceptions=True), lambda: every)
        await self._leave()
        for connection in every:
            await _end(connection)

    async def _leave(self) -> None:
        """Steps and waiting effects go to the others now; who answers late may still end what is in flight."""
        connection = self._connection
        if connection is None or not self.others or not self._store.works:
            return
        try:
            await _in_time(self._hand_in(connection), lambda: (connection,))
        except (psycopg.Error, OSError) as error:
            _log.warning("work could not be handed over: %s", error)

    async def _hand_in(self, connection: _Connection) -> None:
        for lane in (STEP, WAITING):
            given = {"to": lane, "of": self._store.lane_base + lane, "page": ADOPT_PAGE}
            while (await connection.execute(_ADOPT, given)).rowcount == ADOPT_PAGE:
                pass
        payload = msgspec.json.encode([self._store.number, [(_WORK, False)]]).decode()
        await connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, payload))

    # The lease -------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            before = self._renewed_at
            try:
                await self._renew_in_time()
                self._judge_again(before)
                self._store.come_back()
            except (psycopg.Error, OSError) as error:
                _log.warning("the lease could not be renewed: %s", str(error) or "no answer")
                self._judges_at = inf
                await self._drop()

    def _judge_again(self, before: float) -> None:
        """Who could not reach the database for longer than a lease cannot tell who is dead: the others may have been cut off, too."""
        if self._judges_at == inf:
            cut_off = self._renewed_at - before > LEASE_S
            self._judges_at = self._renewed_at + LEASE_S if cut_off else 0.0

    async def _watch(self) -> None:
        """Whoever awaits a database that is silent for too long is told."""
        while True:
            await asyncio.sleep(RENEW_S)
            self._store.break_silence()

    def _trouble(self) -> str | None:
        """What is wrong with the store, for people; None when it answers."""
        silent_s = self._store.silent_s()
        if silent_s == inf:
            return "The database cannot be reached."
        unheard_s = self._monotonic() - self._renewed_at
        if silent_s < SILENT_S and unheard_s < RENEW_S + SILENT_S:
            return None
        return f"The database has not answered for {max(silent_s, unheard_s - RENEW_S):.0f} s."

    async def _renew_in_time(self) -> None:
        await _in_time(self._renew(), lambda: (self._connection,))

    async def _drop(self) -> None:
        connections, self._connection, self._teller = (self._connection, self._teller), None, None
        for connection in connections:
            await _end(connection)

    async def _open(self) -> _Connection:
        return await psycopg.AsyncConnection.connect(
            self._store.url,
            autocommit=True,
            connect_timeout=3,
            application_name="interstate-node",
            keepalives_idle=2,
            keepalives_interval=1,
            keepalives_count=3,
            tcp_user_timeout=5000,
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
            "skew": round(self._instance.clock.skew / timedelta(microseconds=1)),
            "effects": self._instance.due.in_flight,
        }
        row = await (await self._connection.execute(_RENEW, given)).fetchone()
        after = wall_now().timestamp()
        if row is None:
            if given["epoch"] == self._store.epoch:
                self._store.fenced = True  # The next batch registers anew.
            self._instance.due.look()
            return
        self._renewed_at = self._monotonic()
        self._instance.clock.skew = timedelta(seconds=row[0] / 1_000_000 - (before + after) / 2)
        self._warn_of_skew()
        self._warn_of_going_back(row[0])
        await self._look_around(self._connection)
        await self._look_at_faults(self._connection)
        await self._measure(self._connection)
        if self._wakes:
            self._told.set()

    def _warn_of_skew(self) -> None:
        """Nothing breaks by it: leases and numbers are the database's, business time follows it. But logs and TLS are the host's."""
        skewed = abs(self._instance.clock.skew) >= SKEW_TOLD
        if skewed and not self._skewed:
            _log.warning(
                "the clock of this machine is %.1f s away from the database's; have both follow one source (NTP)",
                self._instance.clock.skew.total_seconds(),
            )
        self._skewed = skewed

    def _warn_of_going_back(self, at: int) -> None:
        """Readers of logs wait until the clock is where it was before; nothing is lost by it."""
        back_s = (self._database_at - at) / 1_000_000
        if back_s > 0:
            _log.warning(
                "the database's clock was set back by %.1f s; who follows a log waits until it is there again. "
                "Have it slewed (NTP), not set",
                back_s,
            )
        self._database_at = at

    async def _measure(self, connection: _Connection) -> None:
        """Signals for who adds and takes nodes away, once a minute: how late due work is, what is performed, the clock."""
        now = self._instance.clock.now()
        minute = now.replace(second=0, microsecond=0)
        if minute == self._measured:
            return
        self._measured = minute
        base = self._store.lane_base
        row = await (await connection.execute(_OLDEST, {"steps": base + STEP, "effects": base + WAITING})).fetchone()
        assert row is not None
        counts = self._instance.batches.metrics.waiting(now)
        dimensions = (("Node", str(self._store.number)),)
        for name, value, unit in (
            ("OldestDueWorkAge", max(0, row[0]) / 1_000_000, "Seconds"),
            ("EffectsInFlight", float(self._instance.due.in_flight), "Count"),
            ("ClockSkew", self._instance.clock.skew.total_seconds() * 1000, "Milliseconds"),
        ):
            counts.add((DEFAULT_ACCOUNT, DEFAULT_REGION, NAMESPACE, name, dimensions, unit), value)

    async def _look_at_faults(self, connection: _Connection) -> None:
        """A rule that was added on another node holds here within a second."""
        row = await (await connection.execute(_FAULTS)).fetchone()
        saved = "[]" if row is None else row[0]
        if saved != self._faults:
            self._faults = saved
            self._instance.faults_elsewhere(saved)

    # Takeover --------------------------------------------------------------------------------------------------

    async def _look_around(self, connection: _Connection) -> None:
        everybody = await (await connection.execute(_NEIGHBOURS)).fetchall()
        self._instance.node = self._shown(everybody)
        rows = [row for row in everybody if row[0] != self._store.number]
        dead = {row[0]: row for row in rows if row[3]} | self._overdue(rows)
        if self._monotonic() < self._judges_at:
            dead = {}
        living = {(row[0], row[1]) for row in rows if row[0] not in dead}
        self.others = len(living)
        self.is_first = all(self._store.number < number for number, _ in living)
        self._workers = 1 + sum(row[6] != "api" for row in rows if row[0] not in dead)
        shared = False
        for number, epoch, backends, *_, until in dead.values():
            pids = msgspec.json.decode(backends, type=list[int])
            shared |= await self._take_over(connection, number, epoch, pids, until)
        if self._known - living:  # What they committed last, they may not have told.
            self._instance.parking.look_again()
        self._known = living
        if self._store.works:
            if not shared:  # Else the others have a second for their share of it.
                await self._adopt(connection, _POOL)
            self._instance.due.look()

    def _overdue(self, rows: list[tuple[Any, ...]]) -> dict[int, tuple[Any, ...]]:
        """Whose lease was given before the database's clock was set back, and is not renewed."""
        now, before, self._ahead = self._monotonic(), self._ahead, {}
        found = {}
        for row in rows:
            lease = (row[0], row[1], row[-1])
            if row[8] > _TOO_LONG_US:
                since = self._ahead[lease] = before.get(lease, now)
                if now - since > LEASE_S:
                    found[row[0]] = row
        return found

    def _shown(self, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
        """This node and its neighbours, for people."""
        nodes = [
            {
                "number": number,
                "name": " ".join(name.split(" ", 2)[:2]),
                "address": address,
                "role": role,
                "started": to_iso(from_micros(started)),
                "alive": not dead,
                "leaseMs": max(0, lease // 1000),
                "clockSkewMs": round(skew / 1000, 1),
                "effectsInFlight": effects,
            }
            for number, _, _, dead, name, address, role, started, lease, skew, effects, _ in rows
        ]
        mine = self._store.number
        skew_ms = round(self._instance.clock.skew.total_seconds() * 1000, 1)
        return {"number": mine, "role": self._store.role, "clockSkewMs": skew_ms, "nodes": nodes}

    async def _take_up(self) -> None:
        """Adopt what others have left, as soon as they tell."""
        while True:
            await self._left.wait()
            self._left.clear()
            try:
                if self._connection is not None and await self._adopt(self._connection, _POOL):
                    self._instance.due.look()
            except (psycopg.Error, OSError) as error:
                _log.warning("work of other nodes could not be taken up: %s", error)

    async def _take_over(
        self, connection: _Connection, number: int, epoch: int, backends: list[int], until: int
    ) -> bool:
        """Go on with a dead node's work; tells whether some of it was left to the others that live."""
        await connection.execute(_END_BACKENDS, (backends,))
        mine = await connection.execute(
            "UPDATE nodes SET epoch = %s, lease_until = micros_now() + %s "
            "WHERE number = %s AND epoch = %s AND lease_until = %s",
            (self._store.epoch ^ number, int(LEASE_S * 1_000_000), number, epoch, until),
        )
        if mine.rowcount == 0:
            return False  # Another node was faster, or it came back.
        moved, left = 0, 0
        if self._store.works:
            moved = await self._adopt(connection, number, shares=self._workers)
        if not self._store.works or self._workers > 1:
            left = await self._hand_over(connection, number)
        gone = {"number": number, "epoch": self._store.epoch ^ number}
        if (await connection.execute(_FORGET, gone)).rowcount == 0:  # Its backend still holds rows: next time.
            await connection.execute(_NOT_YET, gone)
        _log.warning(
            "node %d is gone; node %d goes on with %d pieces of its work, and leaves %d to others",
            number,
            self._store.number,
            moved,
            left,
        )
        self._instance.due.look()
        return bool(left)

    async def _adopt(self, connection: _Connection, number: int, shares: int = 1) -> int:
        """Move a node's due work, or one of so many shares of it, to our lanes; what it had in flight waits again, under its keys."""
        moved = 0
        for lane in range(3):
            of, to = number * 4 + lane, self._store.lane_base + (WAITING if lane == IN_FLIGHT else lane)
            most = await self._share(connection, of, shares)
            while most > 0:
                size = min(ADOPT_PAGE, most)
                page = await connection.execute(_ADOPT, {"to": to, "of": of, "page": size})
                moved += page.rowcount
                most = most - size if page.rowcount == size else 0
        return moved

    @staticmethod
    async def _share(connection: _Connection, lane: int, shares: int) -> int:
        if shares == 1:
            return sys.maxsize
        row = await (await connection.execute("SELECT count(*) FROM due WHERE lane = %s", (lane,))).fetchone()
        assert row is not None
        return -(-int(row[0]) // shares)

    async def _hand_over(self, connection: _Connection, number: int) -> int:
        """Give a dead node's work to nobody in particular: who lives and works takes it up, the faster one more of it."""
        moved = await connection.execute(_HAND_OVER, (number,))
        self._instance.due.left_work()
        return moved.rowcount

    def _reconnected(self, made: Sequence[PipedConnection]) -> None:
        """The store found the database again, over these: take up what may have been due meanwhile."""
        loop = asyncio.get_running_loop()
        # A socket that was closed under a watch leaves its number behind, as watched. The others may be watched by who awaits them.
        for connection in made:
            loop.remove_reader(connection.fileno())
        loop.call_soon(self._instance.due.came_back)

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
            await self._tell_now()

    async def _telling(self) -> _Connection:
        """A connection that only tells: not behind a renewal's questions, and without a flush of the log for what no log needs."""
        if self._teller is None or self._teller.closed:
            self._teller = await self._open()
            await self._teller.execute("SET synchronous_commit = off")
        return self._teller

    async def _tell_now(self) -> None:
        """What could not be told waits for the next renewal."""
        wakes, self._wakes = list(self._wakes), {}
        for page in _pages(wakes):
            try:
                if self._connection is None:
                    self._keep_wakes(page)
                    continue
                payload = msgspec.json.encode([self._store.number, page]).decode()
                teller = await self._telling()
                await teller.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, payload))
            except (psycopg.Error, OSError) as error:
                self._keep_wakes(page)
                _log.warning("other nodes could not be told, and are with the next renewal: %s", error)

    def _keep_wakes(self, page: list[tuple[str, bool]]) -> None:
        for wake in page:
            if len(self._wakes) < _WAKES_KEPT_MAX:
                self._wakes[wake] = None

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
                if key == _WORK and self._store.works:
                    self._left.set()
                self._instance.parking.wake(key, one=one)


async def _in_time(work: Awaitable[_Done], connections: Callable[[], Iterable[_Connection | None]]) -> _Done:
    """What work on connections gives; one that takes longer than ``RENEW_S_MAX`` fails.

    A network that drops packets says nothing for a quarter of an hour: then the connections are broken off. Cancelling would not
    do: the driver asks the server to cancel, and waits for its word.
    """
    working = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait((working,), timeout=RENEW_S_MAX)
        if not done:
            for connection in connections():
                _break_off(connection)
        return await working
    finally:
        working.cancel()


def _break_off(connection: _Connection | None) -> None:
    if connection is not None and not connection.closed:
        break_off(connection.fileno())


async def _end(connection: _Connection | None) -> None:
    """Close a connection, once who waits for it has been told: of a socket that is closed nobody hears any more."""
    if connection is not None and not connection.closed:
        if connection.lock.locked():
            _break_off(connection)
        async with connection.lock:
            await connection.close()


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
