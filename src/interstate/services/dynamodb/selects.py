"""PartiQL's SELECT: one item, the items of some partitions, or a scan, as WHERE allows.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

import msgspec

from interstate.core.tables.capacity import Consumed, read_units
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.expressions.condition import CompiledCondition, tested
from interstate.core.tables.expressions.key_condition import AttributeCondition, CompiledKeyCondition, KeyRange
from interstate.core.tables.expressions.paths import resolved, value_at
from interstate.core.tables.expressions.tree import (
    Between,
    Call,
    Comparison,
    Condition,
    In,
    Junction,
    Path,
    ValueName,
)
from interstate.core.tables.keys import Encoded, key_of_request
from interstate.core.tables.partiql.statements import Names, Select
from interstate.core.tables.schema import Index, KeySchema
from interstate.core.tables.values import Item, Value
from interstate.services.dynamodb.locate import table_of
from interstate.services.dynamodb.pages import (
    Fetch,
    Page,
    Place,
    partition_of_index,
    partition_of_table,
    place_of,
    read_page,
    whole_index,
    whole_table,
)
from interstate.services.dynamodb.statements import attribute_of, conjuncts, equality, key_and_rest
from interstate.services.dynamodb.stored import load
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ItemTable, decode_item

_RANGES = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Token(msgspec.Struct, frozen=True, array_like=True):
    """Where a SELECT goes on: in which of its partitions, behind which place; and which statement it was."""

    statement: bytes
    partition: int
    item: Encoded
    index: Encoded


class Answer(msgspec.Struct, frozen=True):
    """A page of a SELECT. ``token`` when there is more."""

    table: ItemTable
    items: list[Item]
    consumed: Consumed
    token: str | None = None
    last_key: Item | None = None


class _Plan(msgspec.Struct, frozen=True):
    """How WHERE is carried out: ranges of partitions (none: the whole table), and what is left to test."""

    ranges: list[KeyRange] | None
    rest: CompiledCondition | None


def digest(text: str, parameters: object) -> bytes:
    """What a page's token remembers of its statement."""
    return blake2b(msgspec.msgpack.encode((text, parameters)), digest_size=8).digest()


def single(select: Select, work: Work, *, consistent: bool) -> tuple[ItemTable, Item | None, Consumed] | None:
    """The one item that WHERE names by its whole key, and its table; None when it does not name one.

    Raises:
        ResourceNotFoundException: there is no such table.
        InvalidInput: the key does not fit.
    """
    table = table_of(select.table, work, "PartiQLSelect", select.index)
    if select.index is not None:
        return None
    key, rest = key_and_rest(select.where, select.given, table.definition.key)
    if key is None:
        return None
    stored = load(table, key_of_request(key, table.definition.key), work)
    consumed = Consumed(read_units(0 if stored is None else stored.size, consistent=consistent))
    if stored is None:
        return table, None, consumed
    item = decode_item(stored.item)
    condition = _tested(rest, select.given)
    if condition is not None and not condition.test(item, select.given.values):
        return table, None, consumed
    return table, picked(select, item), consumed


def picked(select: Select, item: Item) -> Item:
    """The columns of an item: each under the last name of its path, an element of a list by its place."""
    if not select.columns:
        return item
    answer: Item = {}
    for place, column in enumerate(select.columns, 1):
        parts = resolved("", column, select.given.names)
        value = value_at(item, parts)
        if value is not None:
            name = parts[-1]
            answer[name if isinstance(name, str) else f"_{place}"] = value
    return answer


def _tested(conditions: list[Condition], given: Names) -> CompiledCondition | None:
    if not conditions:
        return None
    tree = conditions[0] if len(conditions) == 1 else Junction("AND", tuple(conditions))
    return tested(tree, given.names)


def page(select: Select, work: Work, *, limit: int | None, token: str | None, seal: bytes, consistent: bool) -> Answer:
    """The next page.

    Raises:
        ResourceNotFoundException: there is no such table.
        InvalidInput: the index, ORDER BY, the token, or a key in WHERE.
    """
    table = table_of(select.table, work, "PartiQLSelect", select.index)
    index = _index(select, table, consistent=consistent)
    schema = table.definition.key if index is None else index.key
    plan = _plan(select, schema)
    forward = _forward(select, schema, plan)
    begin = _token(token, seal)
    at = begin.partition if begin else 0
    start = Place(begin.item, begin.index) if begin else None
    items: list[Item] = []
    seen = 0
    size = 0
    while True:
        fetch = _fetch(plan, at, table, index, work, forward=forward)
        found = read_page(fetch, start=start, limit=None if limit is None else limit - seen, belongs=None)
        seen += len(found.rows)
        size += found.size
        items.extend(_matching(found, plan, select, (table, index), work))
        more_partitions = plan.ranges is not None and at + 1 < len(plan.ranges)
        if not found.ended:
            place = found.place
            assert place is not None
            sealed = _sealed(Token(seal, at, place.item, place.index))
            last = _last_key(place, table, index, work)
            return Answer(table, items, _consumed(index, size, consistent=consistent), sealed, last)
        if not more_partitions:
            return Answer(table, items, _consumed(index, size, consistent=consistent))
        at, start = at + 1, None


def _consumed(index: Index | None, size: int, *, consistent: bool) -> Consumed:
    units = read_units(size, consistent=consistent)
    if index is None:
        return Consumed(units)
    return Consumed(0, {}, {index.name: units}) if index.is_global else Consumed(0, {index.name: units})


def _matching(
    found: Page, plan: _Plan, select: Select, source: tuple[ItemTable, Index | None], work: Work
) -> list[Item]:
    table, index = source
    items = []
    for row in found.rows:
        item = decode_item(row.item)
        if index is not None and not index.is_global and index.projection != "ALL":
            stored = load(table, place_of(row).item, work)
            assert stored is not None, "an index entry without its item"
            item = decode_item(stored.item)
        if plan.rest is None or plan.rest.test(item, select.given.values):
            items.append(picked(select, item))
    return items


def _index(select: Select, table: ItemTable, *, consistent: bool) -> Index | None:
    if select.index is None:
        return None
    index = table.definition.index(select.index)
    if index is None:
        raise InvalidInput(f"The table does not have the specified index: {select.index}")
    if index.is_global and consistent:
        raise InvalidInput("Consistent reads are not supported on global secondary indexes")
    if not index.backfilled:
        raise InvalidInput(f"Cannot read from backfilling global secondary index: {index.name}")
    return index


# Plans -------------------------------------------------------------------------------------------------------------


def _plan(select: Select, schema: KeySchema) -> _Plan:
    given = select.given
    parts = list(conjuncts(select.where))
    if schema.is_compound:
        return _compound_plan(parts, given, schema)
    partitions, rest = _partitions(parts, given, schema)
    if partitions is None:
        return _Plan(None, _tested(parts, given))
    attributes: dict[str, AttributeCondition] = {}
    if schema.sort is not None:
        for part in rest:
            asked = _range_on(part, schema.sort.name, given)
            if asked is not None:
                attributes[schema.sort.name] = asked
                rest = [other for other in rest if other is not part]
                break
    everything = tested(Call("attribute_exists", (Path(("key",)),)), {})
    ranges = []
    for value in partitions:
        asked_all = {schema.partition.name: AttributeCondition("=", (":partition",)), **attributes}
        values = {**given.values, ":partition": value}
        ranges.append(CompiledKeyCondition(everything, asked_all).range_in(schema, values))
    return _Plan(ranges, _tested(rest, given))


def _compound_plan(parts: list[Condition], given: Names, schema: KeySchema) -> _Plan:
    """A Query when WHERE is equal on all partition attributes; of the sort attributes it takes what follows unbroken."""
    asked: dict[str, AttributeCondition] = {}
    used: list[Condition] = []
    for attribute in schema.attributes:
        found = [(part, one) for part in parts if (one := _range_on(part, attribute.name, given)) is not None]
        if not found:
            break
        part, asked[attribute.name] = found[0]
        used.append(part)
        if asked[attribute.name].operator != "=":
            break
    whole = [asked[attribute.name].operator for attribute in schema.partitions if attribute.name in asked]
    if whole != ["="] * len(schema.partitions):
        return _Plan(None, _tested(parts, given))
    everything = tested(Call("attribute_exists", (Path(("key",)),)), {})
    rest = [part for part in parts if not any(part is other for other in used)]
    return _Plan([CompiledKeyCondition(everything, asked).range_in(schema, given.values)], _tested(rest, given))


def _partitions(parts: list[Condition], given: Names, schema: KeySchema) -> tuple[list[Value] | None, list[Condition]]:
    """The values of the partition key that WHERE allows, and what else it says; None: any."""
    for part in parts:
        values: list[Value] | None = None
        found = equality(part, given)
        if found is not None and found[0] == schema.partition.name:
            values = [found[1]]
        elif isinstance(part, In) and isinstance(part.operand, Path):
            options = [given.values[one.name] for one in part.options if isinstance(one, ValueName)]
            whole = len(options) == len(part.options)
            if whole and attribute_of(part.operand, given.names) == schema.partition.name:
                values = _distinct(options)
        if values is not None:
            return values, [other for other in parts if other is not part]
    return None, parts


def _distinct(values: list[Value]) -> list[Value]:
    return [value for place, value in enumerate(values) if value not in values[:place]]


def _range_on(condition: Condition, name: str, given: Names) -> AttributeCondition | None:
    """A condition on the sort key that is a range of it."""
    match condition:
        case Comparison(sign, Path() as path, ValueName(value)) if sign in ("=", *_RANGES):
            asked = AttributeCondition(sign, (value,))
        case Comparison(sign, ValueName(value), Path() as path) if sign in ("=", *_RANGES):
            asked = AttributeCondition(_RANGES.get(sign, sign), (value,))
        case Between(Path() as path, ValueName(low), ValueName(high)):
            asked = AttributeCondition("BETWEEN", (low, high))
        case Call("begins_with", (Path() as path, ValueName(value))):
            asked = AttributeCondition("begins_with", (value,))
        case _:
            return None
    return asked if attribute_of(path, given.names) == name else None


def _forward(select: Select, schema: KeySchema, plan: _Plan) -> bool:
    if not select.order:
        return True
    if select.where is None:
        raise InvalidInput("Must have WHERE clause in the statement when using ORDER BY clause.")
    if plan.ranges is None:
        raise InvalidInput(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
        )
    for name, _ in select.order:
        if name not in schema.names:
            raise InvalidInput(f"Variable reference {name} in ORDER BY clause must be part of the primary key")
    by_partition = [ascends for name, ascends in select.order if name == schema.partition.name]
    if by_partition and not by_partition[0]:
        plan.ranges.reverse()
    directions = [ascends for name, ascends in select.order if schema.sort is not None and name == schema.sort.name]
    return directions[0] if directions else True


def _fetch(plan: _Plan, at: int, table: ItemTable, index: Index | None, work: Work, *, forward: bool) -> Fetch:
    if plan.ranges is None:
        return whole_table(table.definition.id, work) if index is None else whole_index(index, work)
    if at >= len(plan.ranges):
        raise InvalidInput("Invalid NextToken")
    if index is None:
        return partition_of_table(table.definition.id, plan.ranges[at], work, forward=forward)
    return partition_of_index(index, plan.ranges[at], work, forward=forward)


# Tokens ------------------------------------------------------------------------------------------------------------


def _sealed(token: Token) -> str:
    return urlsafe_b64encode(msgspec.msgpack.encode(token)).decode()


def _token(text: str | None, seal: bytes) -> Token | None:
    if text is None:
        return None
    try:
        token = msgspec.msgpack.decode(urlsafe_b64decode(text), type=Token)
    except (ValueError, msgspec.DecodeError) as error:
        raise InvalidInput("Invalid NextToken") from error
    if token.statement != seal or token.partition < 0:
        raise InvalidInput("Given NextToken does not belong to this statement")
    return token


def _last_key(place: Place, table: ItemTable, index: Index | None, work: Work) -> Item | None:
    stored = load(table, place.item, work)
    if stored is None:
        return None
    item = decode_item(stored.item)
    names = (*table.definition.key.names, *(index.key.names if index is not None else ()))
    return {name: item[name] for name in dict.fromkeys(names)}
