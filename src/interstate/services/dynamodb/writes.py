"""Writes of single items: checked without their table, decided on what the table holds, then carried out.

Theory of operation
-------------------
PutItem, UpdateItem and DeleteItem, their forms inside transactions, and ConditionCheck go the same three steps.
``prepare_*`` checks what the request alone shows; ``decide`` reads the item, tests the condition and computes the new
item, and writes nothing; ``carry_out`` writes. A transaction decides all its actions before it carries out the first.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from interstate.core.tables.capacity import Consumed, write_units
from interstate.core.tables.errors import InvalidInput, InvalidParameters
from interstate.core.tables.expressions.condition import CompiledCondition, compile_condition
from interstate.core.tables.expressions.placeholders import NONE, Placeholders, placeholders_of
from interstate.core.tables.expressions.update import CompiledUpdate, compile_update
from interstate.core.tables.keys import Encoded, check_index_keys, check_scalar_keys, key_of_item, key_of_request
from interstate.core.tables.legacy import LegacyCondition
from interstate.core.tables.numbers import canonical
from interstate.core.tables.schema import TableDefinition
from interstate.core.tables.values import (
    ITEM_BYTES_MAX,
    Item,
    Value,
    checked,
    checked_item,
    item_bytes,
    text_bytes,
    value_bytes,
)
from interstate.services.dynamodb.errors import ConditionalCheckFailedException
from interstate.services.dynamodb.stored import Change, load, replace
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ItemTable, decode_item

CONDITION = "ConditionExpression"
UPDATE = "UpdateExpression"
_NO_NAMES: frozenset[str] = frozenset()


class Put(msgspec.Struct, frozen=True, rename="pascal"):
    """A whole item, as PutItem, a transaction and a batch give it."""

    table_name: str
    item: dict[str, Any]
    condition_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Any] | None = None
    return_values_on_condition_check_failure: str = "NONE"


class Update(msgspec.Struct, frozen=True, rename="pascal"):
    """A change of an item, or a new one."""

    table_name: str
    key: dict[str, Any]
    update_expression: str | None = None
    condition_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Any] | None = None
    return_values_on_condition_check_failure: str = "NONE"


class Delete(msgspec.Struct, frozen=True, rename="pascal"):
    """The end of an item."""

    table_name: str
    key: dict[str, Any]
    condition_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Any] | None = None
    return_values_on_condition_check_failure: str = "NONE"


class ConditionCheck(msgspec.Struct, frozen=True, rename="pascal"):
    """An item that must be so, and is left so."""

    table_name: str
    key: dict[str, Any]
    condition_expression: str
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Any] | None = None
    return_values_on_condition_check_failure: str = "NONE"


class Prepared(msgspec.Struct, frozen=True):
    """A write that was checked without its table. It has either an ``item`` (put) or a ``key``."""

    table_name: str
    placeholders: Placeholders
    shows_failed: bool
    item: Item | None = None
    size: int = 0
    key: Item | None = None
    condition: CompiledCondition | None = None
    update: CompiledUpdate | None = None
    keeps: bool = False  # The item is looked at only.
    deletes: bool = False


class Decision(msgspec.Struct, frozen=True):
    """A write that may be carried out."""

    table: ItemTable
    change: Change
    writes: bool


def checked_key(key: Mapping[str, Value]) -> Item:
    """A request's key with canonical values.

    Raises:
        InvalidInput: a value is none.
    """
    answer: Item = {}
    for name, value in key.items():
        if len(value) == 1 and "S" in value:
            answer[name] = value
        elif len(value) == 1 and (text := value.get("N")) is not None:
            number = canonical(text)
            answer[name] = value if number is text else {"N": number}
        else:
            answer[name] = checked(value)[0]
    return answer


def prepare_put(request: Put, legacy: LegacyCondition | None = None) -> Prepared:
    """Check a put; ``legacy`` stands in for its condition expression.

    Raises:
        InvalidInput: a value, an expression or the item's size.
    """
    item, size = checked_item(request.item)
    placeholders, condition = _condition(request, legacy)
    if size > ITEM_BYTES_MAX:
        raise InvalidInput("Item size has exceeded the maximum allowed size")
    return Prepared(
        request.table_name,
        placeholders,
        request.return_values_on_condition_check_failure == "ALL_OLD",
        item=item,
        size=size,
        condition=condition,
    )


def prepare_delete(request: Delete, legacy: LegacyCondition | None = None) -> Prepared:
    """Check a deletion; ``legacy`` stands in for its condition expression.

    Raises:
        InvalidInput: a value or an expression.
    """
    key = checked_key(request.key)
    placeholders, condition = _condition(request, legacy)
    shows = request.return_values_on_condition_check_failure == "ALL_OLD"
    return Prepared(request.table_name, placeholders, shows, key=key, condition=condition, deletes=True)


def prepare_check(request: ConditionCheck) -> Prepared:
    """Check a condition check.

    Raises:
        InvalidInput: a value or an expression.
    """
    key = checked_key(request.key)
    placeholders, condition = _condition(request)
    shows = request.return_values_on_condition_check_failure == "ALL_OLD"
    return Prepared(request.table_name, placeholders, shows, key=key, condition=condition, keeps=True)


def _condition(
    request: Put | Delete | ConditionCheck, legacy: LegacyCondition | None = None
) -> tuple[Placeholders, CompiledCondition | None]:
    text = request.condition_expression
    names, values = request.expression_attribute_names, request.expression_attribute_values
    if text is None and names is None and values is None:
        return (NONE, None) if legacy is None else (Placeholders({}, legacy.values), legacy.condition)
    placeholders = placeholders_of(names, values, {CONDITION: text})
    assert text is not None  # Placeholders without an expression were refused.
    condition = compile_condition(CONDITION, text, placeholders.names, placeholders.values)
    placeholders.check_used((condition.names,), (condition.values,))
    return placeholders, condition


def prepare_update(request: Update) -> Prepared:
    """Check an update.

    Raises:
        InvalidInput: a value or an expression.
    """
    key = checked_key(request.key)
    texts = {UPDATE: request.update_expression, CONDITION: request.condition_expression}
    placeholders = placeholders_of(request.expression_attribute_names, request.expression_attribute_values, texts)
    names, values = placeholders.names, placeholders.values
    update = condition = None
    if (text := texts[UPDATE]) is not None:
        update = compile_update(text, names, values)
    if (text := texts[CONDITION]) is not None:
        condition = compile_condition(CONDITION, text, names, values)
    placeholders.check_used(
        (update.names if update else _NO_NAMES, condition.names if condition else _NO_NAMES),
        (update.values if update else _NO_NAMES, condition.values if condition else _NO_NAMES),
    )
    return Prepared(
        request.table_name,
        placeholders,
        request.return_values_on_condition_check_failure == "ALL_OLD",
        key=key,
        condition=condition,
        update=update,
    )


def prepare_legacy_update(
    table_name: str, key: Mapping[str, Value], update: CompiledUpdate | None, expected: LegacyCondition | None
) -> Prepared:
    """Check an update by ``AttributeUpdates`` and ``Expected``.

    Raises:
        InvalidInput: a value of the key.
    """
    if expected is None:
        return Prepared(table_name, NONE, False, key=checked_key(key), update=update)  # noqa: FBT003 shows_failed
    placeholders = Placeholders({}, expected.values)
    return Prepared(table_name, placeholders, False, key=checked_key(key), condition=expected.condition, update=update)  # noqa: FBT003 shows_failed


# Deciding ----------------------------------------------------------------------------------------------------------


def key_in(prepared: Prepared, definition: TableDefinition) -> Encoded:
    """The encoded key of the item that is written.

    Raises:
        InvalidInput: it does not fit the table.
    """
    if prepared.item is not None:
        return key_of_item(prepared.item, definition.key)
    assert prepared.key is not None
    return key_of_request(prepared.key, definition.key)


def decide(prepared: Prepared, table: ItemTable, work: Work, *, wants_old: bool = False) -> Decision:
    """What the write does to what is there; nothing is written yet.

    ``wants_old``: the change must tell the old item, although neither condition nor index needs it.

    Raises:
        ConditionalCheckFailedException: the condition does not hold.
        InvalidInput: the key, the item or the update does not fit.
    """
    definition = table.definition
    key = key_in(prepared, definition)
    if prepared.item is not None:
        for index in definition.indexes:
            check_index_keys(prepared.item, index)
    elif prepared.update is not None:
        _check_update(prepared.update, definition)
    stored = load(table, key, work)
    old: Item | None = None
    needs_old = wants_old or definition.indexes or definition.stream is not None or prepared.item is None
    if stored is not None and (needs_old or prepared.condition is not None):
        old = decode_item(stored.item)
    condition = prepared.condition
    if condition is not None and not condition.test(old or {}, prepared.placeholders.values):
        raise ConditionalCheckFailedException(old if prepared.shows_failed else None)
    if prepared.keeps:
        return Decision(table, Change(key, stored, old, old, 0 if stored is None else stored.size), writes=False)
    if prepared.deletes:
        return Decision(table, Change(key, stored, old, None), writes=stored is not None)
    if prepared.item is not None:
        return Decision(table, Change(key, stored, old, prepared.item, prepared.size), writes=True)
    new, size, writes = _updated(prepared, definition, old, 0 if stored is None else stored.size)
    return Decision(table, Change(key, stored, old, new, size), writes)


def _check_update(update: CompiledUpdate, definition: TableDefinition) -> None:
    for name in definition.key.names:
        if name in update.heads:
            raise InvalidParameters(f"Cannot update attribute {name}. This attribute is part of the key")
    check_scalar_keys(update.nested, definition)


def _updated(
    prepared: Prepared, definition: TableDefinition, old: Item | None, old_size: int
) -> tuple[Item | None, int, bool]:
    """The item after an update, its size, and whether there is anything to write."""
    update = prepared.update
    base = prepared.key if old is None else old
    assert base is not None
    if update is None:
        return base, item_bytes(base), old is None
    new = update.apply(base, prepared.placeholders.values)
    if old is None and not update.creates:
        return None, 0, False
    for index in definition.indexes:
        if not update.heads.isdisjoint(index.key.names):
            check_index_keys(new, index)
    size = item_bytes(new) if old is None else old_size + _growth(update, old, new)
    if size > ITEM_BYTES_MAX:
        raise InvalidInput("Item size to update has exceeded the maximum allowed size")
    return new, size, True


def _growth(update: CompiledUpdate, old: Item, new: Item) -> int:
    """How many bytes larger an update makes an item: only what it names can have changed."""
    growth = 0
    for name in update.heads:
        before, after = old.get(name), new.get(name)
        if before is not None:
            growth -= value_bytes(before) + text_bytes(name)
        if after is not None:
            growth += value_bytes(after) + text_bytes(name)
    return growth


def carry_out(decision: Decision, work: Work) -> Consumed:
    """Write what was decided; tells what that consumed."""
    if decision.writes:
        return replace(decision.table, decision.change, work)
    before = decision.change.before
    return Consumed(write_units(0, 0 if before is None else before.size))
