"""Calls that only read, on what is committed.

Theory of operation
-------------------
Calls that come in one turn of the loop share one snapshot, and what one of them has fetched the next one finds: beginning and
ending a snapshot, and the row of the table that all of them ask, cost more than the item. The snapshot ends before anybody is
told of a commit, and with the turn at the latest, so a call that begins after an answer sees what the answer told. Nodes that
share a database cannot know what the others have told: ``read_turns`` is theirs.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from interstate.base.arn import Caller
from interstate.base.ids import Entropy
from interstate.runtime.catalog import Catalog
from interstate.runtime.metrics import Metrics
from interstate.runtime.work import BatchWork
from interstate.store.ports import Store
from interstate.store.sequences import Sequences
from interstate.store.unit_of_work import UnitOfWork


class Reads:
    """The snapshots of a store's second connection, on the loop's thread."""

    def __init__(self, store: Store, catalog: Catalog, sequences: Sequences, metrics: Metrics) -> None:
        self._store = store
        self._catalog = catalog
        self._sequences = sequences
        self._metrics = metrics
        self._open: BatchWork | None = None

    def read(self, function: Callable[[BatchWork], Any], caller: Caller, now: datetime, *, texts: bool = False) -> Any:
        """What the function answers. What it measured is counted, also when it refused.

        ``texts``: the answer goes out as JSON at once.
        """
        work = self._open or self._begin(now)
        work.caller, work.now, work.texts = caller, now, texts
        work.entropy = Entropy(b"")
        work.measured = self._metrics.waiting(now)
        try:
            answer = function(work)
            assert not work.records.changed, "a read has written"
        except BaseException:
            self.end()
            raise
        return answer

    def _begin(self, now: datetime) -> BatchWork:
        reader = self._store.reader
        assert reader is not None
        self._store.begin_read()
        self._open = work = BatchWork(UnitOfWork(reader, self._sequences), self._catalog, now)
        asyncio.get_running_loop().call_soon(self.end)
        return work

    def end(self) -> None:
        """Let go of the snapshot; nothing happens when there is none."""
        if self._open is not None:
            self._open = None
            self._store.end_read()
