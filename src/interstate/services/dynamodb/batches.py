"""BatchGetItem and BatchWriteItem: many single items in one call.

A batch write is no transaction on DynamoDB; here its items are written together all the same.

Source: DynamoDB API Reference, BatchGetItem, BatchWriteItem.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.core.tables.capacity import Consumed, described, read_units
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.keys import Encoded, key_of_request
from interstate.core.tables.values import Item
from interstate.services.dynamodb.collection_metrics import metrics_by_table
from interstate.services.dynamodb.hints import hints
from interstate.services.dynamodb.items import projection_of
from interstate.services.dynamodb.locate import table_key, table_of
from interstate.services.dynamodb.stored import load
from interstate.services.dynamodb.throughput import THROTTLED, spend
from interstate.services.dynamodb.writes import (
    Decision,
    Delete,
    Prepared,
    Put,
    carry_out,
    checked_key,
    decide,
    prepare_delete,
    prepare_put,
)
from interstate.store.ports import Work
from interstate.store.records.dynamodb import decode_item
from interstate.store.tables import Key

GET_MAX = 100
WRITE_MAX = 25
ANSWER_BYTES_MAX = 16 * 1024 * 1024
"""Source: DynamoDB quotas, BatchGetItem, BatchWriteItem."""


class KeysAndAttributes(msgspec.Struct, frozen=True, rename="pascal"):
    keys: list[dict[str, Any]]
    consistent_read: bool = False
    projection_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    attributes_to_get: list[str] | None = None


class BatchGetItem(msgspec.Struct, frozen=True, rename="pascal"):
    request_items: dict[str, KeysAndAttributes]
    return_consumed_capacity: str = "NONE"


class PutRequest(msgspec.Struct, frozen=True, rename="pascal"):
    item: dict[str, Any]


class DeleteRequest(msgspec.Struct, frozen=True, rename="pascal"):
    key: dict[str, Any]


class WriteRequest(msgspec.Struct, frozen=True, rename="pascal"):
    put_request: PutRequest | None = None
    delete_request: DeleteRequest | None = None


class BatchWriteItem(msgspec.Struct, frozen=True, rename="pascal"):
    request_items: dict[str, list[WriteRequest]]
    return_consumed_capacity: str = "NONE"
    return_item_collection_metrics: str = "NONE"


def keys_of_tables(request: BatchGetItem | BatchWriteItem, caller: Caller) -> list[Key]:
    """The tables of a call, and probably its items."""
    keys: list[Key] = []
    for name, wanted in request.request_items.items():
        table = table_key(name, caller)
        keys.append(table)
        for given in wanted.keys if isinstance(wanted, KeysAndAttributes) else map(_key_or_item, wanted):
            keys += hints.item(table.values[0], given)
    return keys


def _key_or_item(write: WriteRequest) -> dict[str, Any]:
    if write.put_request is not None:
        return write.put_request.item
    return {} if write.delete_request is None else write.delete_request.key


# Reading -----------------------------------------------------------------------------------------------------------


def batch_get_item(request: BatchGetItem, work: Work) -> dict[str, Any]:
    """Items by their keys, in any order, of several tables; what would exceed 16 MB is left for the next call.

    Raises:
        ResourceNotFoundException: a table does not exist.
        InvalidInput: too many keys, a key twice, or one that does not fit.
    """
    if sum(len(wanted.keys) for wanted in request.request_items.values()) > GET_MAX:
        raise InvalidInput("Too many items requested for the BatchGetItem call")
    checked = {
        name: (
            [checked_key(key) for key in wanted.keys],
            projection_of(wanted.projection_expression, wanted.expression_attribute_names, wanted.attributes_to_get),
        )
        for name, wanted in request.request_items.items()
    }
    responses: dict[str, list[Item]] = {}
    left: dict[str, dict[str, Any]] = {}
    capacities: list[Any] = []
    room = ANSWER_BYTES_MAX
    for name, (keys, projection) in checked.items():
        wanted = request.request_items[name]
        table = table_of(name, work, "BatchGetItem")
        places = [key_of_request(key, table.definition.key) for key in keys]
        _check_distinct(places)
        found = responses[name] = []
        units = 0.0
        for place, key in zip(places, keys, strict=True):
            stored = load(table, place, work)
            if stored is not None and stored.size > room:
                room = 0
            if room == 0:
                left.setdefault(name, _without_keys(wanted))["Keys"].append(key)
                continue
            units += read_units(0 if stored is None else stored.size, consistent=wanted.consistent_read)
            if stored is not None:
                room -= stored.size
                item = decode_item(stored.item)
                found.append(item if projection is None else projection.picked(item))
        spend(table, Consumed(units), "Read", work)
        capacities.append(described(name, Consumed(units), request.return_consumed_capacity))
    answer: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": left}
    if request.return_consumed_capacity != "NONE":
        answer["ConsumedCapacity"] = capacities
    return answer


def _without_keys(wanted: KeysAndAttributes) -> dict[str, Any]:
    """The same wish for other keys."""
    given = {
        "ConsistentRead": wanted.consistent_read or None,
        "ProjectionExpression": wanted.projection_expression,
        "ExpressionAttributeNames": wanted.expression_attribute_names,
        "AttributesToGet": wanted.attributes_to_get,
    }
    return {"Keys": [], **{name: value for name, value in given.items() if value is not None}}


def _check_distinct(places: Iterable[Encoded]) -> None:
    places = list(places)
    if len(set(places)) < len(places):
        raise InvalidInput("Provided list of item keys contains duplicates")


# Writing -----------------------------------------------------------------------------------------------------------


def batch_write_item(request: BatchWriteItem, work: Work) -> dict[str, Any]:
    """Put and delete items of several tables.

    Raises:
        ResourceNotFoundException: a table does not exist.
        InvalidInput: too many writes, an item twice, or one that does not fit.
    """
    if sum(len(writes) for writes in request.request_items.values()) > WRITE_MAX:
        raise InvalidInput("Too many items requested for the BatchWriteItem call")
    prepared = {name: [_prepared(name, write) for write in writes] for name, writes in request.request_items.items()}
    given = [(name, write) for name, writes in request.request_items.items() for write in writes]
    decisions: list[Decision] = []
    for name, writes in prepared.items():
        table = table_of(name, work, "BatchWriteItem")
        of_table = [decide(write, table, work) for write in writes]
        _check_distinct(decision.change.key for decision in of_table)
        decisions.extend(of_table)
    consumed: dict[str, Consumed] = {}
    left: dict[str, list[dict[str, Any]]] = {}
    for (name, write), decision in zip(given, decisions, strict=True):
        try:
            with work.overlay():
                units = carry_out(decision, work)
                spend(decision.table, units, "Write", work)
        except THROTTLED:
            left.setdefault(name, []).append(_given(write))
            if sum(map(len, left.values())) == len(decisions):
                raise
            continue
        consumed[name] = consumed.get(name, Consumed()).plus(units)
    answer: dict[str, Any] = {"UnprocessedItems": left}
    wanted = request.return_consumed_capacity
    if wanted != "NONE":
        answer["ConsumedCapacity"] = [described(name, units, wanted) for name, units in consumed.items()]
    if request.return_item_collection_metrics != "NONE":
        answer["ItemCollectionMetrics"] = metrics_by_table(decisions, work)
    return answer


def _given(write: WriteRequest) -> dict[str, Any]:
    """The write as the request gave it."""
    if write.put_request is not None:
        return {"PutRequest": {"Item": write.put_request.item}}
    assert write.delete_request is not None
    return {"DeleteRequest": {"Key": write.delete_request.key}}


def _prepared(name: str, write: WriteRequest) -> Prepared:
    match write:
        case WriteRequest(put_request=PutRequest(item), delete_request=None):
            return prepare_put(Put(name, item))
        case WriteRequest(put_request=None, delete_request=DeleteRequest(key)):
            return prepare_delete(Delete(name, key))
        case WriteRequest(put_request=None):
            raise InvalidInput("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
        case _:
            raise InvalidInput(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
                "datatypes"
            )
