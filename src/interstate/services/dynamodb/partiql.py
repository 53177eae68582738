"""ExecuteStatement, BatchExecuteStatement and ExecuteTransaction.

Source: DynamoDB API Reference, ExecuteStatement, BatchExecuteStatement, ExecuteTransaction.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from interstate.base.errors import ServiceError
from interstate.core.tables.capacity import Consumed, described
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.partiql.parser import parse_statement
from interstate.core.tables.partiql.statements import Exists, Select, Statement
from interstate.core.tables.values import Item
from interstate.services.dynamodb.errors import ConditionalCheckFailedException
from interstate.services.dynamodb.selects import digest, page, single
from interstate.services.dynamodb.statements import (
    DuplicateItemException,
    ParameterizedStatement,
    Write,
    decided,
    parsed,
    shown,
    write_of,
)
from interstate.services.dynamodb.throughput import spend
from interstate.services.dynamodb.transactions import (
    BYTES_MAX,
    check_places,
    done_before,
    refuse_cancelled,
)
from interstate.services.dynamodb.writes import Decision, carry_out
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ItemTable

BATCH_MAX = 25
TRANSACTION_MAX = 100
"""Source: DynamoDB quotas, PartiQL batches and transactions."""


class ExecuteStatement(msgspec.Struct, frozen=True, rename="pascal"):
    statement: str
    parameters: list[dict[str, Any]] = []
    consistent_read: bool = False
    next_token: str | None = None
    return_consumed_capacity: str = "NONE"
    limit: int | None = None
    return_values_on_condition_check_failure: str = "NONE"


class BatchExecuteStatement(msgspec.Struct, frozen=True, rename="pascal"):
    statements: list[ParameterizedStatement]
    return_consumed_capacity: str = "NONE"


class ExecuteTransaction(msgspec.Struct, frozen=True, rename="pascal"):
    transact_statements: list[ParameterizedStatement]
    client_request_token: str | None = None
    return_consumed_capacity: str = "NONE"


def execute_statement(request: ExecuteStatement, work: Work) -> dict[str, Any]:
    """Read a page of items, or write one item.

    Raises:
        InvalidInput: the statement is broken, or does not fit the table.
        ResourceNotFoundException: there is no such table.
        ConditionalCheckFailedException: WHERE does not hold.
        DuplicateItemException: INSERT found an item.
    """
    statement = parse_statement(request.statement, request.parameters)
    if isinstance(statement, Exists):
        raise InvalidInput("EXISTS is only supported in transactions")
    if isinstance(statement, Select):
        return _selected(statement, request, work)
    write = write_of(statement, request.return_values_on_condition_check_failure == "ALL_OLD", work)
    decision = decided(write, work)
    consumed = carry_out(decision, work)
    spend(write.table, consumed, "Write", work)
    item = shown(write, decision)
    answer: dict[str, Any] = {"Items": [item] if item else []}
    return _with_capacity(answer, write.table, consumed, request.return_consumed_capacity)


def _with_capacity(answer: dict[str, Any], table: ItemTable, consumed: Consumed, wanted: str) -> dict[str, Any]:
    if wanted != "NONE":
        answer["ConsumedCapacity"] = described(table.name, consumed, wanted)
    return answer


def _selected(select: Select, request: ExecuteStatement, work: Work) -> dict[str, Any]:
    if request.next_token is None and not select.order:
        one = single(select, work, consistent=request.consistent_read)
        if one is not None:
            table, item, consumed = one
            spend(table, consumed, "Read", work)
            answer: dict[str, Any] = {"Items": [] if item is None else [item]}
            return _with_capacity(answer, table, consumed, request.return_consumed_capacity)
    found = page(
        select,
        work,
        limit=request.limit,
        token=request.next_token,
        seal=digest(request.statement, request.parameters),
        consistent=request.consistent_read,
    )
    spend(found.table, found.consumed, "Read", work)
    answer = {"Items": found.items}
    if found.token is not None:
        answer["NextToken"] = found.token
        if found.last_key is not None:
            answer["LastEvaluatedKey"] = found.last_key
    if request.return_consumed_capacity != "NONE":
        answer["ConsumedCapacity"] = described(select.table, found.consumed, request.return_consumed_capacity)
    return answer


# Batches -----------------------------------------------------------------------------------------------------------

_CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
    "ResourceNotFoundException": "ResourceNotFound",
    "DuplicateItemException": "DuplicateItem",
    "AccessDeniedException": "AccessDenied",
    "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded",
    "ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded",
    "TransactionConflictException": "TransactionConflict",
}


_WRITE_WORDS = ("INSERT", "UPDATE", "DELETE")


def batch_execute_statement(request: BatchExecuteStatement, work: Work) -> dict[str, Any]:
    """Up to 25 statements, each on one item and each on its own; all of them read, or all of them write.

    Raises:
        InvalidInput: there are too many, or both kinds.
    """
    statements = request.statements
    if len(statements) > BATCH_MAX:
        raise InvalidInput(
            f"1 validation error detected: Value at 'statements' failed to satisfy constraint: "
            f"Member must have length less than or equal to {BATCH_MAX}"
        )
    _check_one_kind(statements, "BatchExecuteStatement")
    responses: list[dict[str, Any]] = []
    spent: dict[str, Consumed] = {}
    for one in statements:
        try:
            with work.overlay():
                table, item, consumed = _executed(one, work)
        except ServiceError as error:
            responses.append(_failed(error))
            continue
        responses.append({"TableName": table.name, **({"Item": item} if item else {})})
        spent[table.name] = spent.get(table.name, Consumed()).plus(consumed)
    answer: dict[str, Any] = {"Responses": responses}
    wanted = request.return_consumed_capacity
    if wanted != "NONE":
        answer["ConsumedCapacity"] = [described(name, consumed, wanted) for name, consumed in spent.items()]
    return answer


def _failed(error: ServiceError) -> dict[str, Any]:
    told: dict[str, Any] = {"Code": _CODES.get(error.code, "InternalServerError"), "Message": error.message}
    if isinstance(error, ConditionalCheckFailedException) and error.item is not None:
        told["Item"] = error.item
    return {"Error": told}


def _check_one_kind(statements: Sequence[ParameterizedStatement], where: str) -> None:
    words = {one.statement.lstrip(" (\t\r\n")[:6].upper() for one in statements}
    if "SELECT" in words and not words.isdisjoint(_WRITE_WORDS):  # What is none of them is told as its own error.
        raise InvalidInput(
            f"{where} must contain either all read statements or all write statements; they cannot be mixed"
        )


def _executed(one: ParameterizedStatement, work: Work) -> tuple[ItemTable, Item | None, Consumed]:
    statement = parsed(one)
    if isinstance(statement, Exists):
        raise InvalidInput("EXISTS is only supported in transactions")
    if isinstance(statement, Select):
        found = single(statement, work, consistent=one.consistent_read)
        if found is None:
            raise InvalidInput(
                "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
            )
        spend(found[0], found[2], "Read", work)
        return found
    write = write_of(statement, one.return_values_on_condition_check_failure == "ALL_OLD", work)
    decision = decided(write, work)
    consumed = carry_out(decision, work)
    spend(write.table, consumed, "Write", work)
    return write.table, shown(write, decision), consumed


# Transactions ------------------------------------------------------------------------------------------------------


def execute_transaction(request: ExecuteTransaction, work: Work) -> dict[str, Any]:
    """Up to 100 statements, all of them or none; all of them read, or all of them write (and check).

    Raises:
        TransactionCanceledException: a statement was refused; its place in the reasons tells why.
        IdempotentParameterMismatchException: the token was used for another request.
        InvalidInput: there are too many, both kinds, or one is broken.
    """
    statements = [parsed(one) for one in request.transact_statements]
    reads = [isinstance(statement, Select) for statement in statements]
    if any(reads) and not all(reads):
        raise InvalidInput("Transactions must contain either all read statements or all write statements")
    if all(reads):
        return _read_together(request, statements, work)
    if done_before(request.client_request_token, request.transact_statements, work):
        return {"Responses": []}
    shows = [one.return_values_on_condition_check_failure == "ALL_OLD" for one in request.transact_statements]
    writes = [write_of(statement, show, work) for statement, show in zip(statements, shows, strict=True)]
    decisions = _decided_together(writes, work)
    spent: dict[str, Consumed] = {}
    for decision in decisions:
        consumed = carry_out(decision, work).times(2)
        spend(decision.table, consumed, "Write", work)
        spent[decision.table.name] = spent.get(decision.table.name, Consumed()).plus(consumed)
    return _answer([], spent, request.return_consumed_capacity, "Write")


def _answer(responses: list[Any], spent: dict[str, Consumed], wanted: str, kind: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"Responses": responses}
    if wanted != "NONE":
        answer["ConsumedCapacity"] = [described(name, consumed, wanted, kind) for name, consumed in spent.items()]
    return answer


def _read_together(request: ExecuteTransaction, statements: Sequence[Statement], work: Work) -> dict[str, Any]:
    responses: list[dict[str, Any]] = []
    spent: dict[str, Consumed] = {}
    for statement in statements:
        assert isinstance(statement, Select)
        found = single(statement, work, consistent=True)
        if found is None:
            raise InvalidInput(
                "Select statements within ExecuteTransaction must specify the primary key in the where clause."
            )
        table, item, consumed = found
        spend(table, consumed.times(2), "Read", work)
        responses.append({} if item is None else {"Item": item})
        spent[table.name] = spent.get(table.name, Consumed()).plus(consumed.times(2))
    return _answer(responses, spent, request.return_consumed_capacity, "Read")


def _decided_together(writes: Sequence[Write], work: Work) -> list[Decision]:
    check_places([write.prepared for write in writes], [write.table for write in writes])
    decisions: list[Decision] = []
    reasons: list[dict[str, Any]] = []
    for write in writes:
        try:
            decisions.append(decided(write, work))
            reasons.append({"Code": "None"})
        except DuplicateItemException as error:
            reasons.append({"Code": "DuplicateItem", "Message": error.message})
        except ConditionalCheckFailedException as error:
            reason: dict[str, Any] = {"Code": "ConditionalCheckFailed", "Message": error.message}
            reasons.append(reason if error.item is None else {**reason, "Item": error.item})
        except InvalidInput as error:
            reasons.append({"Code": "ValidationError", "Message": error.message})
    refuse_cancelled(reasons)
    if sum(decision.change.size for decision in decisions) > BYTES_MAX:
        raise InvalidInput("Transaction request size has exceeded the limit of 4 MB")
    return decisions
