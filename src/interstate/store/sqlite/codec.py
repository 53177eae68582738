"""The statements of a table in SQLite; compiled once per table."""

from functools import cache
from typing import Any

from interstate.store.codec import RecordCodec
from interstate.store.tables import Table


class TableCodec(RecordCodec):
    """What SQLite needs to know of one table."""

    __slots__ = ("_updates", "delete", "get", "insert", "select")

    def __init__(self, table: Table[Any]) -> None:
        super().__init__(table)
        names = ", ".join(self.columns)
        where = " AND ".join(f"{name} = ?" for name in table.key)
        marks = ", ".join("?" * len(self.columns))
        self.select = f"SELECT {names} FROM {table.name}"
        self.get = f"{self.select} WHERE {where}"
        self.insert = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
        self.delete = f"DELETE FROM {table.name} WHERE {where}"
        self._updates: dict[tuple[int, ...], str] = {}

    def update(self, changed: tuple[int, ...]) -> str:
        """The statement that writes only the changed columns (an index over others stays untouched)."""
        statement = self._updates.get(changed)
        if statement is None:
            sets = ", ".join(f"{self.columns[at]} = ?" for at in changed)
            where = " AND ".join(f"{name} = ?" for name in self.table.key)
            statement = f"UPDATE {self.table.name} SET {sets} WHERE {where}"
            self._updates[changed] = statement
        return statement


@cache
def codec_of(table: Table[Any]) -> TableCodec:
    """The codec of a table; tables are module-level values, so each is compiled once."""
    return TableCodec(table)
