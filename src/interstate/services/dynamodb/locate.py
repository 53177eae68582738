"""From names and ARNs to tables."""

import re

from interstate.base.arn import Caller, parse_arn
from interstate.services.dynamodb.errors import (
    InvalidTableName,
    ResourceNotFoundException,
    TableMissing,
    TableNameLength,
)
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLES, ItemTable
from interstate.store.tables import Key

_NAME = re.compile(r"[a-zA-Z0-9_.-]+").fullmatch


def table_arn(name: str, caller: Caller) -> str:
    """The ARN that a table's name, or its ARN, means to a caller."""
    return name if name.startswith("arn:") else caller.arn("dynamodb", f"table/{name}")


def table_key(name: str, caller: Caller) -> Key:
    """The row of a table, for a call's keys."""
    return Key(ITEM_TABLES, (table_arn(name, caller),))


def table_of(name: str, work: Work) -> ItemTable:
    """The table whose items a call wants.

    Raises:
        ResourceNotFoundException: there is none.
        InvalidTableName: no table can have the name.
    """
    table = _find(name, work)
    if table is None:
        check_name(name)
        raise ResourceNotFoundException
    return table


def described_table(name: str, work: Work) -> ItemTable:
    """The table that a call is about; a missing one is named.

    Raises:
        TableMissing: there is none.
        InvalidTableName: no table can have the name.
    """
    table = _find(name, work)
    if table is None:
        check_name(name)
        raise TableMissing(name)
    return table


def _find(name: str, work: Work) -> ItemTable | None:
    arn = table_arn(name, work.caller)
    table = work.get(ITEM_TABLES, arn)
    if table is None or arn is not name:
        return table
    caller = work.caller
    parsed = parse_arn(arn)
    own = parsed is not None and (parsed.account, parsed.region) == (caller.account, caller.region)
    return table if own else None


def check_name(name: str) -> None:
    """Refuse what cannot be a table's name.

    Raises:
        InvalidTableName: it has other characters.
        TableNameLength: it is too short or too long.
    """
    if name.startswith("arn:"):
        return
    if not _NAME(name):
        raise InvalidTableName(name)
    if not 3 <= len(name) <= 255:
        raise TableNameLength
