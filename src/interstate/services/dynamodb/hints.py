"""Which row a write will need, guessed before its table is loaded.

A batch fetches the rows of all its calls in one statement, but a call's item is known only with its table's key. Tables
seldom change, so the keys that were seen last are remembered here. A guess that is wrong (a table that was made again,
another store) fetches a row that nobody asks for; it decides nothing.
"""

from collections.abc import Mapping

from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.keys import Encoded, key_in_schema
from interstate.core.tables.schema import KeySchema
from interstate.core.tables.values import Value
from interstate.store.records.dynamodb import ITEMS
from interstate.store.tables import Key

TABLES_MAX = 1024


class Hints:
    """Numbers and keys of tables by ARN, the latest first to stay."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, KeySchema]] = {}

    def note(self, arn: str, number: int, schema: KeySchema) -> None:
        """Remember a table."""
        known = self._known.get(arn)
        if known is None or known[0] != number:
            if len(self._known) >= TABLES_MAX:
                self._known.clear()
            self._known[arn] = (number, schema)

    def item(self, arn: str, given: Mapping[str, Value]) -> list[Key]:
        """The row of an item, from its key or from all of it; none where that cannot be told."""
        known = self._known.get(arn)
        if known is None:
            return []
        number, schema = known
        try:
            place: Encoded | None = key_in_schema(given, schema)
        except InvalidInput:
            return []
        return [] if place is None else [Key(ITEMS, (number, *place))]


hints = Hints()
