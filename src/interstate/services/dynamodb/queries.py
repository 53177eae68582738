"""Query and Scan.

Source: DynamoDB API Reference, Query, Scan.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from orjson import Fragment

from interstate.base.arn import Caller
from interstate.core.tables.capacity import Consumed, described, read_units
from interstate.core.tables.errors import InvalidInput, InvalidParameters
from interstate.core.tables.expressions.condition import CompiledCondition, compile_condition
from interstate.core.tables.expressions.key_condition import (
    CompiledKeyCondition,
    KeyRange,
    compile_key_condition,
)
from interstate.core.tables.expressions.placeholders import Placeholders, placeholders_of
from interstate.core.tables.expressions.projection import CompiledProjection, compile_projection
from interstate.core.tables.keys import check_scalar_keys, key_in_index, key_of_request
from interstate.core.tables.legacy import (
    Wanted,
    check_not_mixed,
    check_operator,
    filter_condition,
    projection_of_names,
)
from interstate.core.tables.legacy_keys import legacy_key_condition
from interstate.core.tables.schema import Index, KeySchema, projected
from interstate.core.tables.values import Item
from interstate.services.dynamodb.locate import table_key, table_of
from interstate.services.dynamodb.pages import (
    Fetch,
    Page,
    Place,
    in_segment,
    partition_of_index,
    partition_of_table,
    place_of,
    read_page,
    whole_index,
    whole_table,
)
from interstate.services.dynamodb.stored import load
from interstate.services.dynamodb.throughput import spend
from interstate.services.dynamodb.writes import checked_key
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ItemTable, decode_item, decode_items
from interstate.store.tables import Key


class Query(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    index_name: str | None = None
    select: str | None = None
    limit: int | None = None
    consistent_read: bool = False
    scan_index_forward: bool = True
    exclusive_start_key: dict[str, Any] | None = None
    key_condition_expression: str | None = None
    filter_expression: str | None = None
    projection_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Any] | None = None
    return_consumed_capacity: str = "NONE"
    attributes_to_get: list[str] | None = None
    key_conditions: dict[str, Wanted] | None = None
    query_filter: dict[str, Wanted] | None = None
    conditional_operator: str | None = None


class Scan(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    index_name: str | None = None
    select: str | None = None
    limit: int | None = None
    consistent_read: bool = False
    segment: int | None = None
    total_segments: int | None = None
    exclusive_start_key: dict[str, Any] | None = None
    filter_expression: str | None = None
    projection_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None
    expression_attribute_values: dict[str, Any] | None = None
    return_consumed_capacity: str = "NONE"
    attributes_to_get: list[str] | None = None
    scan_filter: dict[str, Wanted] | None = None
    conditional_operator: str | None = None


class _Reading(msgspec.Struct, frozen=True):
    """What a Query or Scan asks for, checked without its table."""

    placeholders: Placeholders
    key_condition: CompiledKeyCondition | None
    filter: CompiledCondition | None
    projection: CompiledProjection | None
    start: Item | None


def keys_of_table(request: Query | Scan, caller: Caller) -> list[Key]:
    """The table of a call."""
    return [table_key(request.table_name, caller)]


def query(request: Query, work: Work) -> dict[str, Any]:
    """The items of one partition, in the order of their sort keys, page by page.

    Raises:
        ResourceNotFoundException: there is no such table.
        InvalidInput: an expression, the index, or the starting key.
    """
    reading = _reading(request)
    table = table_of(request.table_name, work, "Query", request.index_name)
    index = _index(request, table)
    schema = table.definition.key if index is None else index.key
    if reading.key_condition is None:
        raise InvalidInput("Conditions can be of length 1 or 2 only")
    wanted = reading.key_condition.range_in(schema, reading.placeholders.values)
    if reading.start is not None and reading.start.keys() != _Source(table, index).key_names.keys():
        raise InvalidInput("The provided starting key is invalid")
    start = _start(reading.start, table, index)
    if start is not None:
        _check_start(start, wanted, schema, index)
    if reading.filter is not None:
        for name in schema.names:
            if name in reading.filter.heads:
                what = "QueryFilter" if request.filter_expression is None else "Filter Expression"
                raise InvalidInput(f"{what} can only contain non-primary key attributes: Primary key attribute: {name}")
    _check_paths(reading, table)
    forward = request.scan_index_forward
    if index is None:
        fetch = partition_of_table(table.definition.id, wanted, work, forward=forward)
    else:
        fetch = partition_of_index(index, wanted, work, forward=forward)
    page = read_page(fetch, start=start, limit=request.limit, belongs=None)
    return _answer(request, reading, _Source(table, index), page, work)


def scan(request: Scan, work: Work) -> dict[str, Any]:
    """All items of a table or an index, page by page.

    Raises:
        ResourceNotFoundException: there is no such table.
        InvalidInput: an expression, the index, the segment or the starting key.
    """
    _check_segments(request)
    reading = _reading(request)
    table = table_of(request.table_name, work, "Scan", request.index_name)
    index = _index(request, table)
    start = _start(reading.start, table, index)
    _check_paths(reading, table)
    fetch: Fetch = whole_table(table.definition.id, work) if index is None else whole_index(index, work)
    belongs = None
    if request.segment is not None and request.total_segments is not None and request.total_segments > 1:
        belongs = in_segment(request.segment, request.total_segments)
    page = read_page(fetch, start=start, limit=request.limit, belongs=belongs)
    return _answer(request, reading, _Source(table, index), page, work)


# Checks without the table ------------------------------------------------------------------------------------------


def _reading(request: Query | Scan) -> _Reading:
    start = None if request.exclusive_start_key is None else _checked_start(request.exclusive_start_key)
    key_text = request.key_condition_expression if isinstance(request, Query) else None
    expressions = {"FilterExpression": request.filter_expression}
    if isinstance(request, Query):
        expressions["KeyConditionExpression"] = key_text
    expressions["ProjectionExpression"] = request.projection_expression
    legacy = _legacy(request)
    if legacy:
        check_not_mixed(expressions, legacy)
    if isinstance(request, Query) and key_text is None and request.key_conditions is None:
        raise InvalidInput(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    placeholders = placeholders_of(request.expression_attribute_names, request.expression_attribute_values, expressions)
    _check_select(request)
    if legacy:
        return _legacy_reading(request, start)
    return _expression_reading(request, key_text, placeholders, start)


def _expression_reading(
    request: Query | Scan, key_text: str | None, placeholders: Placeholders, start: Item | None
) -> _Reading:
    names, values = placeholders.names, placeholders.values
    key_condition = condition = projection = None
    if key_text is not None:
        key_condition = compile_key_condition(key_text, names, values)
    if request.filter_expression is not None:
        condition = compile_condition("FilterExpression", request.filter_expression, names, values)
    if request.projection_expression is not None:
        projection = compile_projection(request.projection_expression, names)
    conditions = [part for part in (key_condition.condition if key_condition else None, condition) if part]
    used = [part.names for part in conditions]
    if projection is not None:
        used.append(projection.names)
    placeholders.check_used(used, [part.values for part in conditions])
    return _Reading(placeholders, key_condition, condition, projection, start)


def _legacy(request: Query | Scan) -> dict[str, Any]:
    """The parameters from before expressions that the request has."""
    given: dict[str, Any] = {"AttributesToGet": request.attributes_to_get}
    if isinstance(request, Query):
        given["QueryFilter"] = request.query_filter
        if request.key_condition_expression is not None or request.filter_expression is None:
            given["KeyConditions"] = request.key_conditions
    else:
        given["ScanFilter"] = request.scan_filter
    given["ConditionalOperator"] = request.conditional_operator
    return {name: value for name, value in given.items() if value is not None}


def _legacy_reading(request: Query | Scan, start: Item | None) -> _Reading:
    wanted = request.query_filter if isinstance(request, Query) else request.scan_filter
    check_operator(request.conditional_operator, wanted)
    condition = filter_condition(wanted or {}, request.conditional_operator)
    names = request.attributes_to_get
    projection = None if names is None else projection_of_names(names)
    values = dict(condition.values) if condition else {}
    key_condition = None
    if isinstance(request, Query):
        key_condition, key_values = legacy_key_condition(request.key_conditions or {})
        values.update(key_values)
    return _Reading(
        Placeholders({}, values), key_condition, condition.condition if condition else None, projection, start
    )


def _checked_start(key: Mapping[str, Any]) -> Item:
    try:
        return checked_key(key)
    except InvalidInput as error:
        raise InvalidInput(f"The provided starting key is invalid: {error.message}") from error


def _check_select(request: Query | Scan) -> None:
    select, projection = request.select, request.projection_expression
    named = "ProjectionExpression" if projection is not None else "AttributesToGet"
    picks = projection is not None or request.attributes_to_get is not None
    if select == "ALL_PROJECTED_ATTRIBUTES" and request.index_name is None:
        raise InvalidParameters("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "SPECIFIC_ATTRIBUTES" and not picks:
        raise InvalidParameters(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if picks and select is not None and select != "SPECIFIC_ATTRIBUTES":
        what = "only the Count" if select == "COUNT" else select
        raise InvalidParameters(f"Cannot specify the {named} when choosing to get {what}")


def _check_segments(request: Scan) -> None:
    segment, segments = request.segment, request.total_segments
    if segments is None and segment is not None:
        raise InvalidInput(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
            "present"
        )
    if segment is None and segments is not None:
        raise InvalidInput(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
            "present"
        )
    if segment is not None and segments is not None and segment >= segments:
        raise InvalidInput(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {segments}"
        )


# Checks against the table ------------------------------------------------------------------------------------------


def _index(request: Query | Scan, table: ItemTable) -> Index | None:
    if request.index_name is None:
        return None
    index = table.definition.index(request.index_name)
    if index is None:
        raise InvalidInput(f"The table does not have the specified index: {request.index_name}")
    if not index.is_global:
        return index
    if request.consistent_read:
        raise InvalidInput("Consistent reads are not supported on global secondary indexes")
    if not index.backfilled:
        raise InvalidInput(f"Cannot read from backfilling global secondary index: {index.name}")
    if request.select == "ALL_ATTRIBUTES" and index.projection != "ALL":
        raise InvalidParameters(
            f"Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
            "because its projection type is not ALL"
        )
    return index


def _check_paths(reading: _Reading, table: ItemTable) -> None:
    for part in (reading.projection, reading.filter):
        if part is not None:
            check_scalar_keys(part.nested, table.definition)


def _start(key: Item | None, table: ItemTable, index: Index | None) -> Place | None:
    """The place that ``ExclusiveStartKey`` means."""
    if key is None:
        return None
    schema = table.definition.key
    if key.keys() != _Source(table, index).key_names.keys():
        raise InvalidInput("The provided starting key is invalid: The provided key element does not match the schema")
    try:
        item = key_of_request({name: key[name] for name in schema.names}, schema)
    except InvalidInput as error:
        raise InvalidInput(f"The provided starting key is invalid: {error.message}") from error
    if index is None:
        return Place(item)
    in_index = key_in_index(key, index)
    if in_index is None:
        raise InvalidInput("The provided starting key is invalid")
    return Place(item, in_index)


def _check_start(start: Place, wanted: KeyRange, schema: KeySchema, index: Index | None) -> None:
    partition, sort = start.item if index is None else start.index
    if partition != wanted.partition:
        raise InvalidInput("The provided starting key is outside query boundaries based on provided conditions")
    if schema.sort is not None and not wanted.low <= sort < wanted.high:
        raise InvalidInput("The provided starting key does not match the range key predicate")


# Answers -----------------------------------------------------------------------------------------------------------


class _Source(msgspec.Struct, frozen=True):
    """Where a page was read."""

    table: ItemTable
    index: Index | None

    @property
    def key_names(self) -> dict[str, None]:
        """The attributes of a starting key: the table's, then the index's."""
        return dict.fromkeys((*self.table.definition.key.names, *(self.index.key.names if self.index else ())))


def _answer(request: Query | Scan, reading: _Reading, source: _Source, page: Page, work: Work) -> dict[str, Any]:
    texts, fetched = _texts(request, reading, source, page, work)
    if work.texts and reading.filter is None and reading.projection is None:
        answer: dict[str, Any] = {"Count": len(texts), "ScannedCount": len(page.rows)}
        if request.select != "COUNT":
            answer["Items"] = Fragment(b"[%b]" % b",".join(texts))
    else:
        answer = _picked(request, reading, decode_items(texts), len(page.rows))
    if not page.ended:
        answer["LastEvaluatedKey"] = _last_key(page, texts[-1] if texts else None, source, work)
    consumed = _consumed(request, source.index, page.size, fetched)
    spend(source.table, consumed, "Read", work)
    if request.return_consumed_capacity != "NONE":
        answer["ConsumedCapacity"] = described(request.table_name, consumed, request.return_consumed_capacity)
    return answer


def _picked(request: Query | Scan, reading: _Reading, items: list[Item], scanned: int) -> dict[str, Any]:
    """What a filter lets pass, and of it what a projection names."""
    if reading.filter is not None:
        test, values = reading.filter.test, reading.placeholders.values
        items = [item for item in items if test(item, values)]
    answer: dict[str, Any] = {"Count": len(items), "ScannedCount": scanned}
    if request.select != "COUNT":
        if reading.projection is not None:
            items = [reading.projection.picked(item) for item in items]
        answer["Items"] = items
    return answer


def _texts(
    request: Query | Scan, reading: _Reading, source: _Source, page: Page, work: Work
) -> tuple[list[bytes], list[int]]:
    """The items of a page, as they are stored, and the sizes of those that were fetched from the table for a local index."""
    index = source.index
    if index is None or index.projection == "ALL":
        return [row.item for row in page.rows], []
    if not _needs_table(request, reading, source.table, index):
        _check_filter(reading, source.table, index)
        return [row.item for row in page.rows], []
    texts, sizes = [], []
    for row in page.rows:
        stored = load(source.table, place_of(row).item, work)
        assert stored is not None, "an index entry without its item"
        texts.append(stored.item)
        sizes.append(stored.size)
    return texts, sizes


def _needs_table(request: Query | Scan, reading: _Reading, table: ItemTable, index: Index) -> bool:
    """Whether the index lacks what is asked for; a global one must have it.

    Raises:
        InvalidParameters: a global index does not project an attribute.
    """
    if request.select == "ALL_ATTRIBUTES":
        return True
    if reading.projection is None:
        return False
    kept = projected(index, table.definition.key)
    lacking = [] if kept is None else [str(name) for name in reading.projection.tree.children if name not in kept]
    if lacking and index.is_global:
        raise InvalidParameters(f"Global secondary index {index.name} does not project [{', '.join(sorted(lacking))}]")
    return bool(lacking)


def _check_filter(reading: _Reading, table: ItemTable, index: Index) -> None:
    """Refuse a filter by what the index does not hold, when nothing is fetched from the table.

    Source: https://github.com/sensedeep/dynamodb-onetable/issues/377

    Raises:
        InvalidParameters: naming what the index lacks.
    """
    kept = projected(index, table.definition.key)
    if reading.filter is None or kept is None:
        return
    lacking = sorted(reading.filter.heads - kept)
    if lacking:
        raise InvalidParameters(
            f"Secondary index {index.name} does not project one or more filter attributes: [{', '.join(lacking)}]"
        )


def _last_key(page: Page, text: bytes | None, source: _Source, work: Work) -> Item:
    """The key attributes of the last row that was looked at (in a parallel scan perhaps one of another segment).

    ``text`` is the item of the page's last row.
    """
    place = page.place
    assert place is not None
    if text is None or place_of(page.rows[-1]) != place:
        stored = load(source.table, place.item, work)
        assert stored is not None, "a place without its item"
        text = stored.item
    last = decode_item(text)
    return {name: last[name] for name in source.key_names}


def _consumed(request: Query | Scan, index: Index | None, size: int, fetched: list[int]) -> Consumed:
    consistent = request.consistent_read
    units = read_units(size, consistent=consistent)
    if index is None:
        return Consumed(units)
    from_table = sum(read_units(one, consistent=consistent) for one in fetched)
    if index.is_global:
        return Consumed(from_table, {}, {index.name: units})
    return Consumed(from_table, {index.name: units})
