"""Single items: get, put, update, delete.

Source: DynamoDB API Reference, GetItem, PutItem, UpdateItem, DeleteItem.
"""

from typing import Any

import msgspec
from orjson import Fragment

from interstate.base.arn import Caller
from interstate.core.tables.capacity import Consumed, described, read_units
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.expressions.placeholders import placeholders_of
from interstate.core.tables.expressions.projection import CompiledProjection, compile_projection
from interstate.core.tables.keys import check_scalar_keys, key_of_request
from interstate.core.tables.legacy import (
    AttributeUpdate,
    Expected,
    LegacyCondition,
    check_not_mixed,
    expected_condition,
    projection_of_names,
    update_of,
)
from interstate.core.tables.values import Item
from interstate.services.dynamodb.collection_metrics import collection_metrics
from interstate.services.dynamodb.hints import hints
from interstate.services.dynamodb.locate import table_key, table_of
from interstate.services.dynamodb.stored import load
from interstate.services.dynamodb.throughput import spend
from interstate.services.dynamodb.writes import (
    Decision,
    Delete,
    Prepared,
    Put,
    Update,
    carry_out,
    checked_key,
    decide,
    prepare_delete,
    prepare_legacy_update,
    prepare_put,
    prepare_update,
)
from interstate.store.ports import Work
from interstate.store.records.dynamodb import decode_item
from interstate.store.tables import Key


class GetItem(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    key: dict[str, Any]
    consistent_read: bool = False
    projection_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    return_consumed_capacity: str = "NONE"
    attributes_to_get: list[str] | None = None


class PutItem(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    item: dict[str, Any]
    condition_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Any] | None = None
    return_values_on_condition_check_failure: str = "NONE"
    return_values: str = "NONE"
    return_consumed_capacity: str = "NONE"
    return_item_collection_metrics: str = "NONE"
    expected: dict[str, Expected] | None = None
    conditional_operator: str | None = None


class UpdateItem(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    key: dict[str, Any]
    update_expression: str | None = None
    condition_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Any] | None = None
    return_values_on_condition_check_failure: str = "NONE"
    return_values: str = "NONE"
    return_consumed_capacity: str = "NONE"
    attribute_updates: dict[str, AttributeUpdate] | None = None
    return_item_collection_metrics: str = "NONE"
    expected: dict[str, Expected] | None = None
    conditional_operator: str | None = None


class DeleteItem(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    key: dict[str, Any]
    condition_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Any] | None = None
    return_values_on_condition_check_failure: str = "NONE"
    return_values: str = "NONE"
    return_consumed_capacity: str = "NONE"
    return_item_collection_metrics: str = "NONE"
    expected: dict[str, Expected] | None = None
    conditional_operator: str | None = None


def keys_of_table(request: GetItem | PutItem | UpdateItem | DeleteItem, caller: Caller) -> list[Key]:
    """The table of a call, and probably its item."""
    key = table_key(request.table_name, caller)
    given = request.item if isinstance(request, PutItem) else request.key
    return [key, *hints.item(key.values[0], given)]


def projection_of(
    text: str | None, names: dict[str, str] | None, attributes: list[str] | None = None
) -> CompiledProjection | None:
    """A read's projection, by an expression or by ``AttributesToGet``; None: all attributes.

    Raises:
        InvalidInput: the expression or its names.
    """
    if attributes is not None:
        check_not_mixed({"ProjectionExpression": text}, {"AttributesToGet": attributes})
    if text is None and names is None:
        return None if attributes is None else projection_of_names(attributes)
    placeholders = placeholders_of(names, None, {"ProjectionExpression": text})
    assert text is not None  # Names without an expression were refused.
    projection = compile_projection(text, placeholders.names)
    placeholders.check_used((projection.names,))
    return projection


def get_item(request: GetItem, work: Work) -> dict[str, Any]:
    """One item, or nothing.

    Raises:
        ResourceNotFoundException: there is no such table.
        KeyMismatch: the key is not the table's.
        InvalidInput: a value or the projection.
    """
    key = checked_key(request.key)
    projection = projection_of(
        request.projection_expression, request.expression_attribute_names, request.attributes_to_get
    )
    table = table_of(request.table_name, work, "GetItem")
    place = key_of_request(key, table.definition.key)
    if projection is not None:
        check_scalar_keys(projection.nested, table.definition)
    stored = load(table, place, work)
    answer: dict[str, Any] = {}
    if stored is not None:
        if projection is not None:
            answer["Item"] = projection.picked(decode_item(stored.item))
        else:
            answer["Item"] = Fragment(stored.item) if work.texts else decode_item(stored.item)
    size = 0 if stored is None else stored.size
    units = Consumed(read_units(size, consistent=request.consistent_read))
    spend(table, units, "Read", work)
    if request.return_consumed_capacity != "NONE":
        answer["ConsumedCapacity"] = described(request.table_name, units, request.return_consumed_capacity)
    return answer


def put_item(request: PutItem, work: Work) -> dict[str, Any]:
    """Put a whole item in the place of what was there.

    Raises:
        ConditionalCheckFailedException: what was there is not as the condition wants it.
        ResourceNotFoundException: there is no such table.
        InvalidInput: the item, its key or the expression.
    """
    expected = _expected(request)
    _check_return_values(request.return_values)
    prepared = prepare_put(
        Put(
            request.table_name,
            request.item,
            request.condition_expression,
            request.expression_attribute_names,
            request.expression_attribute_values,
            request.return_values_on_condition_check_failure,
        ),
        expected,
    )
    return _written(prepared, request, work)


def delete_item(request: DeleteItem, work: Work) -> dict[str, Any]:
    """Delete an item; nothing happens when there is none.

    Raises:
        ConditionalCheckFailedException: what was there is not as the condition wants it.
        ResourceNotFoundException: there is no such table.
        InvalidInput: the key or the expression.
    """
    expected = _expected(request)
    _check_return_values(request.return_values)
    prepared = prepare_delete(
        Delete(
            request.table_name,
            request.key,
            request.condition_expression,
            request.expression_attribute_names,
            request.expression_attribute_values,
            request.return_values_on_condition_check_failure,
        ),
        expected,
    )
    return _written(prepared, request, work)


def _expected(request: PutItem | DeleteItem | UpdateItem) -> LegacyCondition | None:
    """What the legacy parameters ask of the item."""
    expected, operator = request.expected, request.conditional_operator
    if expected is None and operator is None:
        return None
    check_not_mixed(
        {"ConditionExpression": request.condition_expression}, {"Expected": expected, "ConditionalOperator": operator}
    )
    return expected_condition(expected or {}, operator)


def _check_return_values(return_values: str) -> None:
    if return_values not in ("NONE", "ALL_OLD"):
        raise InvalidInput("ReturnValues can only be ALL_OLD or NONE")


def _written(prepared: Prepared, request: PutItem | DeleteItem, work: Work) -> dict[str, Any]:
    table = table_of(prepared.table_name, work, "PutItem" if isinstance(request, PutItem) else "DeleteItem")
    return_values = request.return_values
    decision = decide(prepared, table, work, wants_old=return_values == "ALL_OLD")
    consumed = carry_out(decision, work)
    answer: dict[str, Any] = {}
    if return_values == "ALL_OLD" and decision.change.old is not None:
        answer["Attributes"] = decision.change.old
    return _told(answer, request, decision, consumed, work)


def _told(
    answer: dict[str, Any],
    request: PutItem | DeleteItem | UpdateItem,
    decision: Decision,
    consumed: Consumed,
    work: Work,
) -> dict[str, Any]:
    """The answer of a write with what was asked for beside it."""
    spend(decision.table, consumed, "Write", work)
    if request.return_consumed_capacity != "NONE":
        answer["ConsumedCapacity"] = described(request.table_name, consumed, request.return_consumed_capacity)
    if request.return_item_collection_metrics != "NONE":
        metrics = collection_metrics(decision, work)
        if metrics is not None:
            answer["ItemCollectionMetrics"] = metrics
    return answer


def update_item(request: UpdateItem, work: Work) -> dict[str, Any]:
    """Change an item, or make it.

    Raises:
        ConditionalCheckFailedException: what was there is not as the condition wants it.
        ResourceNotFoundException: there is no such table.
        InvalidInput: the key, the expressions, or an operand that does not fit the item.
    """
    prepared = _prepared_update(request)
    table = table_of(prepared.table_name, work, "UpdateItem")
    decision = decide(prepared, table, work)
    consumed = carry_out(decision, work)
    answer: dict[str, Any] = {}
    shown = _shown(prepared, request.return_values, decision.change.old, decision.change.new)
    if shown:
        answer["Attributes"] = shown
    return _told(answer, request, decision, consumed, work)


def _prepared_update(request: UpdateItem) -> Prepared:
    if request.attribute_updates is None and request.expected is None and request.conditional_operator is None:
        return prepare_update(
            Update(
                request.table_name,
                request.key,
                request.update_expression,
                request.condition_expression,
                request.expression_attribute_names,
                request.expression_attribute_values,
                request.return_values_on_condition_check_failure,
            )
        )
    expressions = {
        "UpdateExpression": request.update_expression,
        "ConditionExpression": request.condition_expression,
    }
    others = {
        "AttributeUpdates": request.attribute_updates,
        "Expected": request.expected,
        "ConditionalOperator": request.conditional_operator,
    }
    check_not_mixed(expressions, others)
    placeholders_of(request.expression_attribute_names, request.expression_attribute_values, expressions)
    update = update_of(request.attribute_updates or {})
    return prepare_legacy_update(request.table_name, request.key, update, _expected(request))


def _shown(prepared: Prepared, return_values: str, old: Item | None, new: Item | None) -> Item | None:
    """The attributes that an update returns."""
    match return_values:
        case "ALL_OLD":
            return old
        case "ALL_NEW":
            return new
        case "UPDATED_OLD" if prepared.update is not None and old is not None:
            return prepared.update.tree.picked(old)
        case "UPDATED_NEW" if prepared.update is not None and new is not None:
            return prepared.update.tree.picked(new)
        case _:
            return None
