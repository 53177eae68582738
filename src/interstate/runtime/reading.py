"""Calls that only read, on what is committed.

Theory of operation
-------------------
Where one process owns the store, the calls that come in one turn of the loop share one snapshot, and what one of them has
fetched the next one finds: beginning and ending a snapshot, and the row of the table that all of them ask, cost more than
the item. The snapshot ends before anybody is told of a commit, and with the turn at the latest, so a call that begins after
an answer sees what the answer told. Nodes that share a database cannot know what the others have told: there each call has a
snapshot of its own.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from interstate.base.arn import Caller
from interstate.runtime.catalog import Catalog
from interstate.runtime.metrics import Metrics
from interstate.runtime.work import BatchWork
from interstate.store.ports import Store
from interstate.store.unit_of_work import Sequences, UnitOfWork


class Reads:
    """The snapshots of a store's second connection, on the loop's thread."""

    def __init__(self, store: Store, catalog: Catalog, sequences: Sequences, metrics: Metrics) -> None:
        self._store = store
        self._catalog = catalog
        self._sequences = sequences
        self._metrics = metrics
        self._shares = store.node == 0
        self._open: UnitOfWork | None = None

    def read(self, function: Callable[[BatchWork], Any], caller: Caller, now: datetime) -> Any:
        """What the function answers. What it measured is counted, also when it refused."""
        records = self._open or self._begin()
        work = BatchWork(records, self._catalog, now)
        work.caller = caller
        work.measured = self._metrics.waiting(now)
        try:
            answer = function(work)
            assert not records.changed, "a read has written"
        except BaseException:
            self.end()
            raise
        if not self._shares:
            self.end()
        return answer

    def _begin(self) -> UnitOfWork:
        reader = self._store.reader
        assert reader is not None
        self._store.begin_read()
        self._open = records = UnitOfWork(reader, self._sequences)
        if self._shares:
            asyncio.get_running_loop().call_soon(self.end)
        return records

    def end(self) -> None:
        """Let go of the snapshot; nothing happens when there is none."""
        if self._open is not None:
            self._open = None
            self._store.end_read()
