import importlib
import pkgutil
from typing import Any, get_args, get_type_hints

import pytest

from interstate.store import records
from interstate.store.codec import converters
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.tables import Table

TABLES: list[Table[Any]] = [
    value
    for module in pkgutil.iter_modules(records.__path__)
    for value in vars(importlib.import_module(f"{records.__name__}.{module.name}")).values()
    if isinstance(value, Table)
]


@pytest.fixture(scope="module")
def store() -> SqliteStore:
    return SqliteStore(None)


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_what_is_read_without_a_look_is_never_null(table: Table[Any], store: SqliteStore) -> None:
    columns = store.writer.execute(f"PRAGMA table_info({table.name})").fetchall()
    never_null = {name for _, name, _, not_null, _, key in columns if not_null or key}
    hints = get_type_hints(table.record)
    converted = {name for name in table.record.__struct_fields__ if converters(hints[name]) is not None}
    assert {name for name in converted if type(None) not in get_args(hints[name])} <= never_null
