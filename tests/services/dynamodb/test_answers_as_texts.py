"""What is stored as JSON goes out as it is stored: byte for byte what decoding and encoding it again would give."""

import asyncio
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.arn import Caller
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock
from interstate.runtime.instance import Instance
from interstate.runtime.testing import World
from interstate.services.dynamodb import SERVICES
from interstate.services.dynamodb.items import GetItem, get_item
from interstate.services.dynamodb.queries import Query, Scan, query, scan
from interstate.store.ports import Work
from interstate.store.records.dynamodb import decode_item, encode_item
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore
from interstate.wire.writing import json_bytes

TABLE = {
    "TableName": "orders",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}],
}  # fmt: skip
KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
PARTITION: dict[str, Any] = {"key_condition_expression": "pk = :p", "expression_attribute_values": {":p": {"S": "a"}}}

TEXTS = st.text(max_size=6) | st.sampled_from(['"', "\\", "\u2028", "\x00", "\x7f", "é", "\U0001f600", "<&>", "\n"])
VALUES = st.recursive(
    TEXTS.map(lambda text: {"S": text})
    | st.integers(-(10**20), 10**20).map(lambda number: {"N": str(number)})
    | st.binary(max_size=4).map(lambda content: {"B": content})
    | st.just({"NULL": True})
    | st.booleans().map(lambda flag: {"BOOL": flag})
    | st.lists(st.binary(max_size=2), min_size=1, max_size=2, unique=True).map(lambda members: {"BS": members}),
    lambda inside: (
        st.lists(inside, max_size=2).map(lambda members: {"L": members})
        | st.dictionaries(TEXTS, inside, max_size=2).map(lambda members: {"M": members})
    ),
    max_leaves=5,
)


class Texts:
    """A work whose answers go out as JSON at once."""

    texts = True

    def __init__(self, work: Work) -> None:
        self._work = work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)


@pytest.fixture
def world() -> World:
    world = World(SERVICES)
    world.call("dynamodb", "CreateTable", TABLE)
    return world


def both(world: World, ask: Any) -> tuple[bytes, bytes]:
    """The answer as values and as texts."""
    return world.run(lambda work: json_bytes(ask(work))), world.run(lambda work: json_bytes(ask(Texts(work))))


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_an_items_text_is_what_encoding_its_values_gives(item: dict[str, Any]) -> None:
    text = encode_item(item)
    assert json_bytes({"Item": orjson.Fragment(text)}) == json_bytes({"Item": decode_item(text)})


@pytest.mark.parametrize(
    "ask",
    [
        lambda work: get_item(GetItem("orders", KEY), work),
        lambda work: get_item(GetItem("orders", {**KEY, "sk": {"N": "99"}}), work),
        lambda work: get_item(GetItem("orders", KEY, projection_expression="b, m.x"), work),
        lambda work: get_item(GetItem("orders", KEY, return_consumed_capacity="TOTAL"), work),
        lambda work: query(Query("orders", **PARTITION), work),
        lambda work: query(Query("orders", **PARTITION, limit=2), work),
        lambda work: query(Query("orders", **PARTITION, limit=2, scan_index_forward=False), work),
        lambda work: query(Query("orders", **PARTITION, select="COUNT"), work),
        lambda work: query(Query("orders", **PARTITION, limit=1, select="COUNT"), work),
        lambda work: query(Query("orders", **PARTITION, filter_expression="attribute_exists(b)"), work),
        lambda work: query(Query("orders", **PARTITION, limit=2, projection_expression="b"), work),
        lambda work: query(Query("orders", key_condition_expression="pk = :p", expression_attribute_values={":p": {"S": "none"}}), work),
        lambda work: scan(Scan("orders"), work),
        lambda work: scan(Scan("orders", limit=2), work),
        lambda work: scan(Scan("orders", limit=1, segment=1, total_segments=3), work),
    ],
)  # fmt: skip
def test_an_answer_of_texts_is_the_same_bytes(world: World, ask: Any) -> None:
    for number in range(5):
        item = {
            **KEY,
            "sk": {"N": str(number)},
            "b": {"B": b"\x00\x01"},
            "m": {"M": {"x": {"S": 'é"\u2028'}, "l": {"L": [{"B": b"a"}]}}},
        }
        world.call(
            "dynamodb", "PutItem", {"TableName": "orders", "Item": item if number % 2 else {**KEY, "sk": item["sk"]}}
        )
    values, texts = both(world, ask)
    assert texts == values
    json.loads(texts)


def test_a_call_inside_a_call_gets_values(world: World) -> None:
    world.call("dynamodb", "PutItem", {"TableName": "orders", "Item": KEY})

    def inside(work: Any) -> Any:
        work.texts = True
        return work.call("dynamodb", "GetItem", {"TableName": "orders", "Key": KEY})

    assert world.run(inside) == {"Item": KEY}


def test_only_a_call_that_came_as_a_struct_is_answered_with_texts(tmp_path: Path) -> None:
    answers: list[Any] = []

    async def play() -> None:
        instance = Instance(SqliteStore(tmp_path), Catalog(SERVICES), BusinessClock("frozen"), b"seed", Sequences())
        await instance.start()
        await instance.execute("dynamodb", "CreateTable", TABLE, Caller())
        await instance.execute("dynamodb", "PutItem", {"TableName": "orders", "Item": KEY}, Caller())
        for asked in (GetItem("orders", KEY), {"TableName": "orders", "Key": KEY}, GetItem("orders", KEY)):
            instance.begin("dynamodb", "GetItem", asked, Caller(), lambda answer, _error: answers.append(answer))
        answers.append(await instance.execute("dynamodb", "GetItem", {"TableName": "orders", "Key": KEY}, Caller()))
        await instance.stop()

    asyncio.run(play())
    assert [isinstance(answer["Item"], orjson.Fragment) for answer in answers] == [True, False, True, False]
    assert len({json_bytes(answer) for answer in answers}) == 1
