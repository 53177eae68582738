"""When a table begins and ends to keep what its items were before.

A table keeps changes for its point-in-time recovery and while a copy of it is made; ``copies`` counts the latter.
"""

import msgspec

from interstate.services.dynamodb import changes
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_CHANGES, ITEM_TABLES, ItemTable

SWEEP_MAX = 500


class Forget(msgspec.Struct, frozen=True):
    """Forget the changes of a table that keeps them no more."""

    arn: str
    id: int


def begin(table: ItemTable, work: Work) -> int:
    """Begin a copy of the table as it is now; tells the number behind which changes are undone."""
    _count(table, 1, work)
    return work.next_id(ITEM_CHANGES)


def end(table: ItemTable, work: Work) -> None:
    """End a copy."""
    table = _count(table, -1, work)
    if not table.definition.keeps_changes:
        forget_changes(table, work)


def _count(table: ItemTable, more: int, work: Work) -> ItemTable:
    definition = msgspec.structs.replace(table.definition, copies=table.definition.copies + more)
    table = msgspec.structs.replace(table, definition=definition)
    work.put(ITEM_TABLES, table)
    return table


def forget_changes(table: ItemTable, work: Work) -> None:
    """Have a table's changes forgotten."""
    work.later("dynamodb.changes.forget", Forget(table.arn, table.definition.id))


def forget(body: Forget, work: Work) -> None:
    """Forget a bounded number of changes, then the rest, unless the table keeps them again."""
    table = work.get(ITEM_TABLES, body.arn)
    if table is not None and table.definition.id == body.id and table.definition.keeps_changes:
        return
    if changes.forget(body.id, SWEEP_MAX, work) == SWEEP_MAX:
        work.later("dynamodb.changes.forget", body, yields=True)
