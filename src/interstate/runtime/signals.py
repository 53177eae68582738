"""Signals for who adds and takes capacity away, once a minute: what queues hold, how late due work is, what is performed.

Theory of operation
-------------------
Once a minute of real time a few numbers are read and counted like any other metric; where business time stands or nothing is
held, nothing is written. Among several nodes the first that lives measures the queues, for all; each measures its own work
(``runtime/nodes.py``), and the embedded store's process does both.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from interstate.base.errors import ServiceError
from interstate.runtime.instance import Instance
from interstate.runtime.work import BatchWork
from interstate.services.sqs.measuring import measure_page
from interstate.store.records.due import NEXT, STEP, WAITING

NAMESPACE = "Interstate/Nodes"
MINUTE_S = 60.0
_log = logging.getLogger("interstate.signals")


class Signals:
    """Measures while it runs. ``is_first``: whether the queues are this process's to measure."""

    def __init__(self, instance: Instance, is_first: Callable[[], bool] = lambda: True) -> None:
        self._instance = instance
        self._is_first = is_first
        self._minute: datetime | None = None
        self._holding: list[str] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Measure from now on."""
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """No more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep(self) -> None:
        while True:
            now = self._instance.clock.now()
            await asyncio.sleep(MINUTE_S - (now.second + now.microsecond / 1e6))
            try:
                await self.measure()
            except ServiceError as error:  # The store is away: the next minute is measured again.
                _log.warning("queues could not be measured: %s", error)

    async def measure(self) -> None:
        """Measure this minute, once."""
        minute = self._instance.clock.now().replace(second=0, microsecond=0)
        if minute == self._minute:
            return
        self._minute = minute
        if self._instance.store.node == 0:
            await self._instance.run(self._own_work)
        if not self._is_first():
            self._holding = []
            return
        before, holding, after, more = set(self._holding), list[str](), "", True
        while more:
            after, found = await self._instance.run(partial(measure_page, after, before))
            holding += found
            more = bool(after)
        self._holding = holding

    def _own_work(self, work: BatchWork) -> None:
        """How late due work is, where something is late, and how many effects are performed, where some are."""
        nexts = [row for lane in (STEP, WAITING) for row in work.select(NEXT, limit=1, lane=lane)]
        late_s = max(((work.now - row.due_at).total_seconds() for row in nexts), default=0.0)
        dimensions = (("Node", "0"),)
        if late_s > 0:
            work.measure(NAMESPACE, "OldestDueWorkAge", dimensions, late_s, "Seconds")
        if self._instance.due.in_flight:
            work.measure(NAMESPACE, "EffectsInFlight", dimensions, float(self._instance.due.in_flight))
