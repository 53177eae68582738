"""The numbers that integer keys are drawn from."""

from typing import Any

from interstate.store.ports import Rows
from interstate.store.tables import Table


class Sequences:
    """The next integer key of each table; kept for the life of the process, which alone writes the store.

    ``floor`` must rise from one process to the next (the composition root takes the wall clock's microseconds), so that
    a number is never given out twice, not even when the row that had it is gone: frames and receipts remember numbers.
    """

    def __init__(self, floor: int = 0) -> None:
        self._floor = floor
        self._next: dict[Table[Any], int] = {}

    def draw(self, table: Table[Any], rows: Rows) -> int:
        """A number higher than any before; gaps are left by batches that were dropped."""
        return self.draw_some(table, 1, rows)[0]

    def draw_some(self, table: Table[Any], count: int, rows: Rows) -> range:
        """So many numbers, one after the other."""
        drawn = self._next.get(table)
        if drawn is None:
            drawn = max(rows.highest_id(table), self._floor) + 1
        self._next[table] = drawn + count
        return range(drawn, drawn + count)
