"""Which row a write will need, guessed before its table is loaded.

A batch fetches the rows of all its calls in one statement, but a call's item is known only with its table's key. Tables
seldom change, so the keys that were seen last are remembered here. A guess that is wrong (a table that was made again,
another store) fetches a row that nobody asks for; it decides nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from interstate.core.tables import numbers
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.schema import KeySchema
from interstate.store.records.dynamodb import ITEMS
from interstate.store.tables import Key

TABLES_MAX = 1024


class Hints:
    """Numbers and keys of tables by ARN, the latest first to stay."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, tuple[tuple[str, str], ...]]] = {}

    def note(self, arn: str, number: int, schema: KeySchema) -> None:
        """Remember a table."""
        known = self._known.get(arn)
        if known is None or known[0] != number:
            if len(self._known) >= TABLES_MAX:
                self._known.clear()
            self._known[arn] = (number, tuple((attribute.name, attribute.type) for attribute in schema.attributes))

    def item(self, arn: str, given: Mapping[str, Any]) -> Sequence[Key]:
        """The row of an item, from its key or from all of it; none where that cannot be told."""
        known = self._known.get(arn)
        if known is None:
            return ()
        number, attributes = known
        try:
            parts = [_ENCODE[kind](given[name][kind]) for name, kind in attributes]
        except (KeyError, TypeError, AttributeError, InvalidInput):
            return ()
        return (Key(ITEMS, (number, parts[0], parts[1] if len(parts) == 2 else b"")),)


_ENCODE: Mapping[str, Callable[[Any], bytes]] = {
    "S": str.encode,
    "N": lambda text: numbers.sortable(numbers.canonical(text)),
    "B": lambda content: b"".join((content,)),
}

hints = Hints()
