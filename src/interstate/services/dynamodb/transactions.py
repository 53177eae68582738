"""TransactWriteItems and TransactGetItems: all of it, or nothing.

Theory of operation
-------------------
Every action is decided before the first is carried out, so a refused transaction has written nothing; each refused
action has its reason in the answer. There is one writer: transactions never conflict. A token is remembered for ten
minutes with a digest of its request; every now and then a transaction also forgets old tokens, a bounded number.

Source: DynamoDB API Reference, TransactWriteItems, TransactGetItems.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Any, assert_never

import msgspec
import orjson

from interstate.base.arn import Caller
from interstate.core.tables.capacity import Consumed, described, read_units
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.keys import key_of_request
from interstate.services.dynamodb.collection_metrics import metrics_by_table
from interstate.services.dynamodb.errors import (
    ConditionalCheckFailedException,
    IdempotentParameterMismatchException,
    TransactionCanceledException,
)
from interstate.services.dynamodb.hints import hints
from interstate.services.dynamodb.items import projection_of
from interstate.services.dynamodb.locate import table_key, table_of
from interstate.services.dynamodb.stored import load
from interstate.services.dynamodb.throughput import spend
from interstate.services.dynamodb.writes import (
    ConditionCheck,
    Decision,
    Delete,
    Prepared,
    Put,
    Update,
    carry_out,
    checked_key,
    decide,
    key_in,
    prepare_check,
    prepare_delete,
    prepare_put,
    prepare_update,
)
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    TOKENS_BEFORE,
    TRANSACTION_TOKENS,
    ItemTable,
    TransactionToken,
    decode_item,
)
from interstate.store.tables import Key

ACTIONS_MAX = 100
BYTES_MAX = 4 * 1024 * 1024
TOKEN_LIFE = timedelta(minutes=10)
"""Source: DynamoDB quotas, transactions; TransactWriteItems, ClientRequestToken."""
_FORGET_ONE_IN = 64
_FORGET_MAX = 256


class TransactWriteItem(msgspec.Struct, frozen=True, rename="pascal"):
    condition_check: ConditionCheck | None = None
    put: Put | None = None
    delete: Delete | None = None
    update: Update | None = None


class TransactWriteItems(msgspec.Struct, frozen=True, rename="pascal"):
    transact_items: list[TransactWriteItem]
    client_request_token: str | None = None
    return_consumed_capacity: str = "NONE"
    return_item_collection_metrics: str = "NONE"


class Get(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    key: dict[str, Any]
    projection_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None


class TransactGetItem(msgspec.Struct, frozen=True, rename="pascal"):
    get: Get


class TransactGetItems(msgspec.Struct, frozen=True, rename="pascal"):
    transact_items: list[TransactGetItem]
    return_consumed_capacity: str = "NONE"


Action = ConditionCheck | Put | Delete | Update


def keys_of_write(request: TransactWriteItems, caller: Caller) -> list[Key]:
    """The tables and the token of a transaction."""
    keys: list[Key] = []
    for item in request.transact_items:
        for action in (item.condition_check, item.put, item.delete, item.update):
            if action is not None:
                table = table_key(action.table_name, caller)
                given = action.item if isinstance(action, Put) else action.key
                keys += (table, *hints.item(table.values[0], given))
    if request.client_request_token is not None:
        keys.append(Key(TRANSACTION_TOKENS, (_token(request.client_request_token, caller),)))
    return keys


def keys_of_get(request: TransactGetItems, caller: Caller) -> list[Key]:
    """The tables of a transaction, and probably its items."""
    keys: list[Key] = []
    for item in request.transact_items:
        table = table_key(item.get.table_name, caller)
        keys += (table, *hints.item(table.values[0], item.get.key))
    return keys


def _token(token: str, caller: Caller) -> str:
    return f"{caller.account}/{caller.region}/{token}"


def transact_write_items(request: TransactWriteItems, work: Work) -> dict[str, Any]:
    """Do all actions, or none.

    Raises:
        TransactionCanceledException: an action was refused; its place in the reasons tells why.
        IdempotentParameterMismatchException: the token was used for another request.
        ResourceNotFoundException: a table does not exist.
        InvalidInput: an expression is broken, an item comes twice, there is too much.
    """
    actions = [_action(item) for item in request.transact_items]
    if len(actions) > ACTIONS_MAX:
        raise InvalidInput(
            "1 validation error detected: Value '[TransactWriteItem]' at 'transactItems' failed to satisfy "
            "constraint: Member must have length less than or equal to 100"
        )
    prepared = [_prepared(action) for action in actions]
    tables = [table_of(write.table_name, work, _permission(write)) for write in prepared]
    repeated = done_before(request.client_request_token, request.transact_items, work)
    if repeated:
        decisions: Sequence[Decision] = ()
        consumed = _reread(prepared, tables, work)
    else:
        decisions = _decided(prepared, tables, work)
        consumed = [carry_out(decision, work).times(2) for decision in decisions]
        for table, units in zip(tables, consumed, strict=True):
            spend(table, units, "Write", work)
    answer: dict[str, Any] = {}
    if request.return_consumed_capacity != "NONE":
        kind = "Read" if repeated else "Write"
        answer["ConsumedCapacity"] = _capacities(tables, consumed, request.return_consumed_capacity, kind)
    if request.return_item_collection_metrics != "NONE":
        answer["ItemCollectionMetrics"] = metrics_by_table(decisions, work)
    return answer


def _action(item: TransactWriteItem) -> Action:
    given = [action for action in (item.condition_check, item.put, item.delete, item.update) if action is not None]
    if len(given) != 1:
        raise InvalidInput("TransactItems can only contain one of Check, Put, Update or Delete")
    return given[0]


def _prepared(action: Action) -> Prepared:
    match action:
        case Put():
            return prepare_put(action)
        case Update():
            return prepare_update(action)
        case Delete():
            return prepare_delete(action)
        case ConditionCheck():
            return prepare_check(action)
        case _:
            assert_never(action)


def _permission(write: Prepared) -> str:
    """What a policy is asked for. Source: Developer Guide, transactions, IAM."""
    if write.item is not None:
        return "PutItem"
    return "ConditionCheckItem" if write.keeps else "DeleteItem" if write.deletes else "UpdateItem"


def _decided(prepared: Sequence[Prepared], tables: Sequence[ItemTable], work: Work) -> list[Decision]:
    check_places(prepared, tables)
    decisions: list[Decision] = []
    reasons: list[dict[str, Any]] = []
    for write, table in zip(prepared, tables, strict=True):
        try:
            decisions.append(decide(write, table, work))
            reasons.append({"Code": "None"})
        except ConditionalCheckFailedException as error:
            reason: dict[str, Any] = {"Code": "ConditionalCheckFailed", "Message": error.message}
            reasons.append(reason if error.item is None else {**reason, "Item": error.item})
        except InvalidInput as error:
            reasons.append({"Code": "ValidationError", "Message": error.message})
    refuse_cancelled(reasons)
    if sum(decision.change.size for decision in decisions) > BYTES_MAX:
        raise InvalidInput("Transaction request size has exceeded the limit of 4 MB")
    return decisions


def refuse_cancelled(reasons: Sequence[dict[str, Any]]) -> None:
    """Refuse a transaction of which an action was refused.

    Raises:
        TransactionCanceledException: with the reasons of all actions.
    """
    if any(reason["Code"] != "None" for reason in reasons):
        raise TransactionCanceledException(reasons)


def check_places(prepared: Sequence[Prepared], tables: Sequence[ItemTable]) -> None:
    """Refuse two actions on one item.

    Raises:
        InvalidInput: there are.
    """
    places = set()
    for write, table in zip(prepared, tables, strict=True):
        try:
            place = (table.definition.id, *key_in(write, table.definition))
        except InvalidInput:
            continue  # Told as the action's own reason.
        if place in places:
            raise InvalidInput("Transaction request cannot include multiple operations on one item")
        places.add(place)


def done_before(client_token: str | None, actions: Sequence[msgspec.Struct], work: Work) -> bool:
    """Whether the token's transaction was done; notes the token if not.

    Raises:
        IdempotentParameterMismatchException: it was done with another request.
    """
    if client_token is None:
        return False
    token = _token(client_token, work.caller)
    digest = _digest(actions)
    known = work.get(TRANSACTION_TOKENS, token)
    if known is not None and known.until > work.now:
        if known.request != digest:
            raise IdempotentParameterMismatchException
        return True
    work.put(TRANSACTION_TOKENS, TransactionToken(token, digest, work.now + TOKEN_LIFE))
    if work.entropy.integer(_FORGET_ONE_IN) == 0:
        work.erase(TOKENS_BEFORE, limit=_FORGET_MAX, now=work.now)
    return False


def _digest(actions: Sequence[msgspec.Struct]) -> bytes:
    """Equal for equal requests, however they ask for capacity or order their attributes."""
    text = orjson.dumps(msgspec.to_builtins(actions), option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=16).digest()


def _reread(prepared: Sequence[Prepared], tables: Sequence[ItemTable], work: Work) -> list[Consumed]:
    """A repeated transaction consumes what reading its items does."""
    units = []
    for write, table in zip(prepared, tables, strict=True):
        key = write.key
        if key is None:
            assert write.item is not None
            key = {name: write.item[name] for name in table.definition.key.names}
        stored = load(table, key_of_request(key, table.definition.key), work)
        units.append(Consumed(read_units(0 if stored is None else stored.size, consistent=True) * 2))
    return units


def _capacities(
    tables: Sequence[ItemTable], consumed: Sequence[Consumed], wanted: str, kind: str
) -> list[dict[str, object] | None]:
    totals: dict[str, Consumed] = {}
    for table, units in zip(tables, consumed, strict=True):
        totals[table.name] = totals.get(table.name, Consumed()).plus(units)
    return [described(name, units, wanted, kind) for name, units in totals.items()]


def transact_get_items(request: TransactGetItems, work: Work) -> dict[str, Any]:
    """Items of one instant.

    Raises:
        TransactionCanceledException: a key does not fit its table.
        ResourceNotFoundException: a table does not exist.
        InvalidInput: a value or a projection.
    """
    gets = [item.get for item in request.transact_items]
    wanted = [
        (checked_key(get.key), projection_of(get.projection_expression, get.expression_attribute_names)) for get in gets
    ]
    tables = [table_of(get.table_name, work, "GetItem") for get in gets]
    places, reasons = [], []
    for (key, _), table in zip(wanted, tables, strict=True):
        try:
            places.append(key_of_request(key, table.definition.key))
            reasons.append({"Code": "None"})
        except InvalidInput as error:
            reasons.append({"Code": "ValidationError", "Message": error.message})
    if len(places) < len(reasons):
        raise TransactionCanceledException(reasons)
    responses: list[dict[str, Any]] = []
    consumed: list[Consumed] = []
    for (_, projection), table, place in zip(wanted, tables, places, strict=True):
        stored = load(table, place, work)
        consumed.append(Consumed(read_units(0 if stored is None else stored.size, consistent=True) * 2))
        spend(table, consumed[-1], "Read", work)
        if stored is None:
            responses.append({})
        else:
            item = decode_item(stored.item)
            responses.append({"Item": item if projection is None else projection.picked(item)})
    answer: dict[str, Any] = {"Responses": responses}
    if request.return_consumed_capacity != "NONE":
        answer["ConsumedCapacity"] = _capacities(tables, consumed, request.return_consumed_capacity, "Read")
    return answer
