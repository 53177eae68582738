"""From names and ARNs to tables, and whether the caller may use them."""

import re

from interstate.base.arn import Caller, parse_arn
from interstate.services.dynamodb.errors import (
    InvalidTableName,
    ResourceNotFoundException,
    TableMissing,
    TableNameLength,
)
from interstate.services.dynamodb.hints import hints
from interstate.services.dynamodb.policy_documents import check
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


def table_of(name: str, work: Work, action: str, index: str | None = None) -> ItemTable:
    """The table whose items a call wants; ``action`` is what its policy is asked for (``GetItem``).

    Raises:
        ResourceNotFoundException: there is none, or it is still being filled.
        InvalidTableName: no table can have the name.
        AccessDeniedException: the table's policy does not let the caller do it.
    """
    table = _find(name, work, action, index)
    if table is None or table.definition.filling:
        check_name(name)
        raise ResourceNotFoundException
    hints.note(table.arn, table.definition.id, table.definition.key)
    return table


def described_table(name: str, work: Work, action: str = "DescribeTable") -> ItemTable:
    """The table that a call is about; a missing one is named.

    Raises:
        TableMissing: there is none.
        InvalidTableName: no table can have the name.
        AccessDeniedException: the table's policy does not let the caller do it.
    """
    table = _find(name, work, action)
    if table is None:
        check_name(name)
        raise TableMissing(name.rpartition("/")[2])
    return table


def _find(name: str, work: Work, action: str, index: str | None = None) -> ItemTable | None:
    arn = table_arn(name, work.caller)
    table = work.get(ITEM_TABLES, arn)
    foreign = False
    if arn is name:
        caller, parsed = work.caller, parse_arn(arn)
        if parsed is None or parsed.region != caller.region:
            return None
        foreign = parsed.account != caller.account
    policy = None if table is None else table.definition.policy
    if foreign or policy is not None or work.caller.service:
        check(policy, f"dynamodb:{action}", arn if index is None else f"{arn}/index/{index}", work)
    return table


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
