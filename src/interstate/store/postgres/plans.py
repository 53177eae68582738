"""How PostgreSQL plans what a node asks: by index, row by row, and again when tables have grown.

Theory of operation
-------------------
A statement's plan is made once on each connection and kept until its tables are analyzed, a minute later at the soonest. It is
made for the tables as they are then, often nearly empty: what is best for ten rows (reading all of them) is ruinous for the
hundred thousand that come meanwhile. Two things keep that away. The session does not know how to read a table whole, so a range
is read in the order of its index. That leaves rows that are found by key: where a table is believed to have one row, all of its
index looks cheaper than some looks into it. So a node that has written many rows since its plans were made has them made again,
with the next transaction of each of its connections.

Source: https://www.postgresql.org/docs/current/runtime-config-query.html, .../sql-discard.html, .../routine-vacuuming.html
"""

from time import monotonic

from interstate.store.postgres.pipe import Question

SETTINGS = (
    "-c plan_cache_mode=force_generic_plan -c jit=off -c max_parallel_workers_per_gather=0 "
    "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_memoize=off"
)
"""Of a session. (They raise a cost: what can be done in no other way is done.)"""
AGAIN: Question = ("DISCARD PLANS", ())

_ROWS_FIRST, _ROWS_MOST = 64, 4096
_PAUSE_S = 1.0


class Plans:
    """Those of all connections of a node; ``edition`` rises when they are to be made again."""

    __slots__ = ("_after", "_at", "_rows", "edition")

    def __init__(self) -> None:
        self.edition = 0
        self._rows = 0
        self._after = _ROWS_FIRST
        self._at = 0.0

    def wrote(self, rows: int) -> None:
        """So many rows were written: at first every doubling counts, then some thousands, once a second at most."""
        self._rows += rows
        if self._rows < self._after:
            return
        now = monotonic()
        if self._after == _ROWS_MOST and now - self._at < _PAUSE_S:
            return
        self.edition += 1
        self._rows, self._after, self._at = 0, min(2 * self._after, _ROWS_MOST), now
