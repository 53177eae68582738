"""Tables held against a model: a dictionary of items, read by sorting and comparing all of them.

Source: DynamoDB API Reference, Query, Scan (order, pages, indexes that lack items without their attributes).
"""

import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables

TYPES = {"pk": "S", "sk": "N", "group": "S", "rank": "N", "kind": "S"}
# Index -> partition attributes, sort attributes; None: the table.
SOURCES: dict[str | None, tuple[tuple[str, ...], tuple[str, ...]]] = {
    None: (("pk",), ("sk",)),
    "local": (("pk",), ("rank",)),
    "global": (("group",), ("rank",)),
    "plain": (("group",), ()),
    "compound": (("group", "kind"), ("rank", "sk")),
}
Item = dict[str, Any]
COMPARISONS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "{0} = {1}": lambda value, given: bool(value == given[0]),
    "{0} < {1}": lambda value, given: bool(value < given[0]),
    "{0} <= {1}": lambda value, given: bool(value <= given[0]),
    "{0} > {1}": lambda value, given: bool(value > given[0]),
    "{0} >= {1}": lambda value, given: bool(value >= given[0]),
    "{0} BETWEEN {1} AND {2}": lambda value, given: bool(given[0] <= value <= given[1]),
}


def written(item: Item) -> Any:
    return {name: {TYPES.get(name, "S"): str(value)} for name, value in item.items()}


def read(item: Any) -> Item:
    return {
        name: int(next(iter(value.values()))) if "N" in value else next(iter(value.values()))
        for name, value in item.items()
    }


class Model:
    """One table twice: served, and as a dictionary."""

    def __init__(self, tables: Tables, seed: int) -> None:
        self.tables = tables
        self.dice = random.Random(seed)
        self.items: dict[tuple[str, int], Item] = {}
        indexes: dict[bool, list[Any]] = {True: [], False: []}
        for name, (partitions, sorts) in SOURCES.items():
            if name is not None:
                indexes[name == "local"].append(
                    {"IndexName": name, "KeySchema": schema(partitions, sorts), "Projection": {"ProjectionType": "ALL"}}
                )
        tables(
            "CreateTable",
            TableName="model",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in TYPES.items()],
            KeySchema=schema(*SOURCES[None]),
            GlobalSecondaryIndexes=indexes[False],
            LocalSecondaryIndexes=indexes[True],
        )

    def change(self) -> None:
        dice = self.dice
        key: Item = {"pk": f"p{dice.randrange(3)}", "sk": dice.randrange(-12, 12)}
        place = (key["pk"], key["sk"])
        drawn: Item = {}
        for name, choices in (("group", ["g", "g\x00", "h"]), ("rank", range(-9, 11)), ("kind", ["a", "aa"])):
            if dice.random() < 0.7:
                drawn[name] = dice.choice(list(choices))
        kind = dice.random()
        if kind < 0.5:
            self.items[place] = {**key, **drawn, "note": str(dice.randrange(9))}
            self.tables("PutItem", TableName="model", Item=written(self.items[place]))
        elif kind < 0.8:
            before = self.items.get(place, key)
            gone = [name for name in ("group", "rank", "kind") if name in before and name not in drawn]
            if not drawn and not gone:
                return
            sections = []
            if drawn:
                sections.append("SET " + ", ".join(f"#{name} = :{name}" for name in drawn))
            if gone:
                sections.append("REMOVE " + ", ".join(f"#{name}" for name in gone))
            values = {f":{name}": value for name, value in written(drawn).items()}
            self.tables(
                "UpdateItem",
                TableName="model",
                Key=written(key),
                UpdateExpression=" ".join(sections),
                ExpressionAttributeNames={f"#{name}": name for name in (*drawn, *gone)},
                **({"ExpressionAttributeValues": values} if values else {}),
            )
            if drawn or place in self.items:
                self.items[place] = {name: value for name, value in {**before, **drawn}.items() if name not in gone}
        else:
            self.tables("DeleteItem", TableName="model", Key=written(key))
            self.items.pop(place, None)

    def check_query(self) -> None:
        dice = self.dice
        index = dice.choice(list(SOURCES))
        partitions, sorts = SOURCES[index]
        given: Item = {}
        for name in partitions:
            given[name] = dice.choice({"pk": ["p0", "p1"], "group": ["g", "g\x00"], "kind": ["a", "aa"]}[name])
        tests: list[Callable[[Item], bool]] = [
            lambda item, name=name, value=value: item[name] == value  # type: ignore[misc]  # bound by default
            for name, value in given.items()
        ]
        conditions = [f"#{name} = :{name}" for name in partitions]
        values = dict(given)
        for place, name in enumerate(sorts[: dice.randrange(len(sorts) + 1)]):
            form = dice.choice(list(COMPARISONS))
            bounds = sorted(dice.randrange(-9, 10) for _ in range(2))
            conditions.append(form.format(f"#{name}", f":{place}x", f":{place}y"))
            values[f"{place}x"] = bounds[0]
            if "BETWEEN" in form:
                values[f"{place}y"] = bounds[1]
            tests.append(lambda item, name=name, form=form, bounds=bounds: COMPARISONS[form](item[name], bounds))  # type: ignore[misc]  # bound by default
            if not form.startswith("{0} = "):
                break
        forward = dice.random() < 0.5
        order = (*sorts, *SOURCES[None][0], *SOURCES[None][1])
        expected = [
            item
            for item in self.items.values()
            if all(name in item for name in (*partitions, *sorts)) and all(test(item) for test in tests)
        ]
        expected.sort(key=lambda item: tuple(item[name] for name in order), reverse=not forward)
        used = {f"#{name}": name for name in (*partitions, *sorts) if any(f"#{name} " in one for one in conditions)}
        request = {
            "TableName": "model",
            "KeyConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": used,
            "ExpressionAttributeValues": {
                f":{name}": {"N": str(value)} if isinstance(value, int) else {"S": value}
                for name, value in values.items()
            },
            "ScanIndexForward": forward,
            **({"IndexName": index} if index else {}),
        }
        assert self.paged("Query", request) == expected

    def check_scan(self) -> None:
        index = self.dice.choice(list(SOURCES))
        partitions, sorts = SOURCES[index]
        expected = [item for item in self.items.values() if all(name in item for name in (*partitions, *sorts))]
        segments = self.dice.randrange(1, 4)
        found: list[Item] = []
        for segment in range(segments):
            request: dict[str, Any] = {"TableName": "model", "Segment": segment, "TotalSegments": segments}
            found += self.paged("Scan", request if index is None else {**request, "IndexName": index})
        assert sorted(found, key=str) == sorted(expected, key=str)

    def paged(self, operation: str, request: dict[str, Any]) -> list[Item]:
        found: list[Item] = []
        more: dict[str, Any] = {}
        if self.dice.random() < 0.6:
            request = {**request, "Limit": self.dice.randrange(1, 6)}
        while True:
            answer = self.tables(operation, **request, **more)
            found += [read(item) for item in answer["Items"]]
            assert len(answer["Items"]) <= request.get("Limit", 1000)
            if "LastEvaluatedKey" not in answer:
                return found
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def schema(partitions: tuple[str, ...], sorts: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        *({"AttributeName": name, "KeyType": "HASH"} for name in partitions),
        *({"AttributeName": name, "KeyType": "RANGE"} for name in sorts),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_queries_and_scans_find_what_a_naive_reading_finds(tables: Tables, seed: int) -> None:
    model = Model(tables, seed)
    for _ in range(60):
        for _ in range(4):
            model.change()
        model.check_query()
        model.check_query()
        model.check_scan()
    arn = tables("DescribeTable", TableName="model")["Table"]
    assert arn["ItemCount"] == len(model.items)
