"""PartiQL statements that write one item, and what every statement needs: ExecuteStatement's parts.

A write names its item by equality with all key attributes in WHERE; what else WHERE says is its condition.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from interstate.base.errors import ServiceError
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.expressions.condition import CompiledCondition, tested
from interstate.core.tables.expressions.placeholders import Placeholders
from interstate.core.tables.expressions.tree import Call, Comparison, Condition, Junction, Path, ValueName
from interstate.core.tables.expressions.update import compile_tree
from interstate.core.tables.partiql.parser import parse_statement
from interstate.core.tables.partiql.statements import Change, Exists, Insert, Names, Remove, Select, Statement
from interstate.core.tables.schema import KeySchema
from interstate.core.tables.values import Item, Value, item_bytes
from interstate.services.dynamodb.errors import ConditionalCheckFailedException
from interstate.services.dynamodb.locate import table_of
from interstate.services.dynamodb.writes import Decision, Prepared, decide
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ItemTable

STATEMENT_MAX = 8192
"""Source: DynamoDB quotas, PartiQL statements."""
_PERMISSIONS = {Insert: "PartiQLInsert", Change: "PartiQLUpdate", Remove: "PartiQLDelete"}


class DuplicateItemException(ServiceError):
    """INSERT found an item with that key."""

    def __init__(self) -> None:
        super().__init__("Duplicate primary key exists in table")


class ParameterizedStatement(msgspec.Struct, frozen=True, rename="pascal"):
    """A statement of a transaction or of a batch, with its parameters."""

    statement: str
    parameters: list[dict[str, Any]] = []
    consistent_read: bool = False
    return_values_on_condition_check_failure: str = "NONE"


class Write(msgspec.Struct, frozen=True):
    """A statement that writes (or checks) one item, on its table."""

    statement: Statement
    table: ItemTable
    prepared: Prepared

    @property
    def returning(self) -> str:
        """What the answer shows, as ``ReturnValues`` names it."""
        return self.statement.returning if isinstance(self.statement, Change | Remove) else "NONE"


def parsed(request: ParameterizedStatement) -> Statement:
    """The statement that a request means.

    Raises:
        InvalidInput: it is broken, or its parameters do not fit.
    """
    return parse_statement(request.statement, request.parameters)


def conjuncts(condition: Condition | None) -> Iterator[Condition]:
    """The conditions that must all hold."""
    match condition:
        case None:
            return
        case Junction("AND", parts):
            for part in parts:
                yield from conjuncts(part)
        case _:
            yield condition


def attribute_of(path: Path, names: Mapping[str, str]) -> str | None:
    """The attribute that a path of one part names."""
    head = path.parts[0]
    return names[str(head)] if len(path.parts) == 1 else None


def equality(condition: Condition, given: Names) -> tuple[str, Value] | None:
    """``a = :v`` or ``:v = a`` of a whole attribute."""
    match condition:
        case Comparison("=", Path() as path, ValueName(name)) | Comparison("=", ValueName(name), Path() as path):
            attribute = attribute_of(path, given.names)
            return None if attribute is None else (attribute, given.values[name])
        case _:
            return None


def key_and_rest(where: Condition | None, given: Names, schema: KeySchema) -> tuple[Item | None, list[Condition]]:
    """The key that WHERE names by equality (None: not all of it), and what else it says."""
    key: Item = {}
    rest: list[Condition] = []
    for part in conjuncts(where):
        found = equality(part, given)
        if found is not None and found[0] in schema.names and found[0] not in key:
            key[found[0]] = found[1]
        else:
            rest.append(part)
    return (key, rest) if len(key) == len(schema.names) else (None, rest)


def _joined(conditions: list[Condition], given: Names) -> CompiledCondition:
    tree = conditions[0] if len(conditions) == 1 else Junction("AND", tuple(conditions))
    return tested(tree, given.names)


def write_of(statement: Statement, shows_failed: bool, work: Work) -> Write:  # noqa: FBT001 as Prepared has it
    """The write that a statement means.

    Raises:
        InvalidInput: WHERE does not name one item, or the change does not fit.
        ResourceNotFoundException: there is no such table.
    """
    match statement:
        case Exists(select):
            table = table_of(select.table, work, "PartiQLSelect")
            return Write(statement, table, _checking(select, table, shows_failed))
        case Insert(name, item):
            table = table_of(name, work, _PERMISSIONS[Insert])
            return Write(statement, table, _inserting(statement, item, table))
        case Change(name):
            table = table_of(name, work, _PERMISSIONS[Change])
            return Write(statement, table, _changing(statement, table, shows_failed))
        case Remove(name):
            table = table_of(name, work, _PERMISSIONS[Remove])
            return Write(statement, table, _removing(statement, table, shows_failed))
        case _:
            msg = f"no write: {statement}"
            raise AssertionError(msg)


def _inserting(statement: Insert, item: Item, table: ItemTable) -> Prepared:
    absent = Call("attribute_not_exists", (Path(("#0",)),))
    condition = tested(absent, {"#0": table.definition.key.partition.name})
    return Prepared(
        statement.table,
        Placeholders({}, {}),
        shows_failed=True,
        item=item,
        size=item_bytes(item),
        condition=condition,
    )


def _key_of(where: Condition | None, given: Names, table: ItemTable) -> tuple[Item, list[Condition]]:
    key, rest = key_and_rest(where, given, table.definition.key)
    if key is None:
        raise InvalidInput("Where clause does not contain a mandatory equality on all key attributes")
    return key, rest


def _exists(given: Names, table: ItemTable) -> tuple[Condition, Names]:
    names = {**given.names, "#key": table.definition.key.partition.name}
    return Call("attribute_exists", (Path(("#key",)),)), Names(names, given.values)


def _changing(statement: Change, table: ItemTable, shows_failed: bool) -> Prepared:  # noqa: FBT001 as Prepared has it
    key, rest = _key_of(statement.where, statement.given, table)
    exists, given = _exists(statement.given, table)
    update = compile_tree(statement.update, given.names, tuple(given.values))
    for check in update.checks:
        check(given.values)
    return Prepared(
        statement.table,
        Placeholders({}, given.values),
        shows_failed,
        key=key,
        condition=_joined([exists, *rest], given),
        update=update,
    )


def _removing(statement: Remove, table: ItemTable, shows_failed: bool) -> Prepared:  # noqa: FBT001 as Prepared has it
    key, rest = _key_of(statement.where, statement.given, table)
    condition = _joined(rest, statement.given) if rest else None
    placeholders = Placeholders({}, statement.given.values)
    return Prepared(statement.table, placeholders, shows_failed, key=key, condition=condition, deletes=True)


def _checking(select: Select, table: ItemTable, shows_failed: bool) -> Prepared:  # noqa: FBT001 as Prepared has it
    key, rest = _key_of(select.where, select.given, table)
    exists, given = _exists(select.given, table)
    return Prepared(
        select.table,
        Placeholders({}, given.values),
        shows_failed,
        key=key,
        condition=_joined([exists, *rest], given),
        keeps=True,
    )


def decided(write: Write, work: Work) -> Decision:
    """What the write does; nothing is written yet.

    Raises:
        DuplicateItemException: INSERT found an item.
        ConditionalCheckFailedException: WHERE does not hold for the item, or there is none to change.
        InvalidInput: the item or the change does not fit.
    """
    try:
        return decide(write.prepared, write.table, work, wants_old=True)
    except ConditionalCheckFailedException as error:
        if isinstance(write.statement, Insert):
            raise DuplicateItemException from error
        raise


def shown(write: Write, decision: Decision) -> Item | None:
    """What RETURNING asks for."""
    old, new = decision.change.old, decision.change.new
    update = write.prepared.update
    match write.returning:
        case "ALL_OLD":
            return old
        case "ALL_NEW":
            return new
        case "UPDATED_OLD" if update is not None and old is not None:
            return update.tree.picked(old)
        case "UPDATED_NEW" if update is not None and new is not None:
            return update.tree.picked(new)
        case _:
            return None
