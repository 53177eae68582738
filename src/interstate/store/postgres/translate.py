"""One schema, two dialects: the numbered SQL files of ``store/sqlite/migrations`` and the selects, as PostgreSQL reads them.

The files keep to what both understand: ``INTEGER``, ``TEXT``, ``BLOB``, ``REAL``, keys, indexes (partial ones too). What is
left is mechanical: names of types, a byte-wise collation (SQLite compares text as bytes), and the two words that only
SQLite knows. What only PostgreSQL has (fill factors, nodes) is in ``store/postgres/migrations``.
"""

import re
from functools import cache

_TYPES = {"INTEGER": "BIGINT", "TEXT": 'TEXT COLLATE "C"', "BLOB": "BYTEA", "REAL": "DOUBLE PRECISION"}
_WORD = re.compile(r"\b(INTEGER|TEXT|BLOB|REAL)\b")
_OPTIONS = re.compile(r"\)\s*(?:STRICT|WITHOUT ROWID)(?:\s*,\s*(?:STRICT|WITHOUT ROWID))*\s*;?\s*$")
_COLUMN = re.compile(
    r"^(\s*|ALTER TABLE \w+ ADD COLUMN )([a-z_]+)(\s+(?:BIGINT|TEXT|BYTEA|DOUBLE PRECISION)\b)", re.MULTILINE
)
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")


def schema(statement: str) -> str:
    """A statement of a migration. Comments go; only table definitions have types to rename."""
    code = "\n".join(line.split("--", 1)[0].rstrip() for line in statement.splitlines()).strip()
    if code.upper().startswith(("CREATE TABLE", "ALTER TABLE")):
        code = _WORD.sub(lambda found: _TYPES[found.group(1)], _OPTIONS.sub(")", code))
        code = _COLUMN.sub(r'\1"\2"\3', code)  # A column may have a name that PostgreSQL keeps for itself.
    return code


@cache
def query(sql: str) -> tuple[str, tuple[str, ...]]:
    """A select with ``:name`` parameters, with numbers instead, and the names in their order."""
    names: dict[str, int] = {}
    text = _PARAMETER.sub(lambda found: f"${names.setdefault(found.group(1), len(names) + 1)}", sql)
    return text, tuple(names)
