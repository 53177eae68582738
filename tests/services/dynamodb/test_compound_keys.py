"""Global indexes whose keys have several attributes.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
Source: https://github.com/aws/aws-sdk-java-v2/pull/6574 (what a query may leave out)
"""

from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, typed

TYPES = {"id": "S", "tournament": "S", "region": "S", "round": "S", "bracket": "S", "score": "N"}
KEY = [("tournament", "HASH"), ("region", "HASH"), ("round", "RANGE"), ("bracket", "RANGE"), ("score", "RANGE")]
SCHEMA = [{"AttributeName": name, "KeyType": kind} for name, kind in KEY]
INDEX = {"IndexName": "byRound", "KeySchema": SCHEMA, "Projection": {"ProjectionType": "ALL"}}
DEFINITIONS = [{"AttributeName": name, "AttributeType": kind} for name, kind in TYPES.items()]
MATCHES = (
    ("m1", "WINTER", "EU", "FINAL", "UPPER", 3),
    ("m2", "WINTER", "EU", "SEMI", "LOWER", 10),
    ("m3", "WINTER", "EU", "SEMI", "LOWER", 9),
    ("m4", "WINTER", "EU", "SEMI", "UPPER", 1),
    ("m5", "WINTER", "NA", "SEMI", "UPPER", 1),
    ("m6", "WINTEREU", "", "SEMI", "UPPER", 1),
)
BOTH = "tournament = :t AND #r = :r"
NAMES = {"#r": "region"}
VALUES = {":t": {"S": "WINTER"}, ":r": {"S": "EU"}}


@pytest.fixture(name="matches")
def _matches(tables: Tables) -> Tables:
    tables(
        "CreateTable",
        TableName="matches",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=DEFINITIONS,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[INDEX],
    )
    for match in MATCHES:
        given = zip(TYPES, match, strict=True)
        tables.put("matches", **{name: value for name, value in given if value != ""})
    tables.put("matches", id="m7", tournament="WINTER", region="EU", round="SEMI")  # Not in the index.
    return tables


def found(tables: Tables, condition: str = "", names: Any = None, **more: Any) -> list[str]:
    values = {**VALUES, **{f":{name}": typed(value) for name, value in more.pop("values", {}).items()}}
    answer = tables(
        "Query",
        TableName="matches",
        IndexName="byRound",
        KeyConditionExpression=BOTH + condition,
        ExpressionAttributeNames={**NAMES, **(names or {})},
        ExpressionAttributeValues=values,
        **more,
    )
    return [item["id"]["S"] for item in answer["Items"]]


def test_an_index_describes_all_its_key_attributes(matches: Tables) -> None:
    (index,) = matches("DescribeTable", TableName="matches")["Table"]["GlobalSecondaryIndexes"]
    assert index["KeySchema"] == SCHEMA
    assert index["ItemCount"] == 5


CONDITIONS: tuple[tuple[str, dict[str, Any], list[str]], ...] = (
    ("", {}, ["m1", "m3", "m2", "m4"]),
    (" AND #o = :o", {"o": "SEMI"}, ["m3", "m2", "m4"]),
    (" AND begins_with(#o, :o)", {"o": "S"}, ["m3", "m2", "m4"]),
    (" AND #o < :o", {"o": "SEMI"}, ["m1"]),
    (" AND #o = :o AND bracket = :b", {"o": "SEMI", "b": "LOWER"}, ["m3", "m2"]),
    (" AND #o = :o AND bracket > :b", {"o": "SEMI", "b": "LOWER"}, ["m4"]),
    (" AND #o = :o AND bracket = :b AND score > :s", {"o": "SEMI", "b": "LOWER", "s": 9}, ["m2"]),
    (" AND #o = :o AND bracket = :b AND score BETWEEN :s AND :e", {"o": "SEMI", "b": "LOWER", "s": 1, "e": 9}, ["m3"]),
)


@pytest.mark.parametrize(("condition", "values", "ids"), CONDITIONS)
@pytest.mark.parametrize("forward", [True, False])
def test_a_query_asks_for_all_of_the_partition_and_a_beginning_of_the_sort_key(
    matches: Tables,
    condition: str,
    values: dict[str, Any],
    ids: list[str],
    forward: bool,
) -> None:
    names = {"#o": "round"} if condition else {}
    answer = found(matches, condition, names, values=values, ScanIndexForward=forward)
    assert answer == (ids if forward else ids[::-1])


def test_pages_of_a_compound_index_go_on_where_the_last_ended(matches: Tables) -> None:
    seen: list[str] = []
    start: Any = None
    while True:
        answer = matches(
            "Query",
            TableName="matches",
            IndexName="byRound",
            Limit=1,
            KeyConditionExpression=BOTH,
            ExpressionAttributeNames=NAMES,
            ExpressionAttributeValues=VALUES,
            **({} if start is None else {"ExclusiveStartKey": start}),
        )
        seen += [item["id"]["S"] for item in answer["Items"]]
        start = answer.get("LastEvaluatedKey")
        if start is None:
            break
        assert set(start) == set(TYPES)
    assert seen == ["m1", "m3", "m2", "m4"]


REFUSED: tuple[tuple[str, str], ...] = (
    ("tournament = :t", "Query condition missed key schema element: region"),
    ("tournament = :t AND region > :t", "Query key condition not supported"),
    ("tournament = :t AND region = :t AND bracket = :t", "Query condition missed key schema element: round"),
    (
        "tournament = :t AND region = :t AND #o > :t AND bracket = :t",
        "Query key condition not supported",
    ),
)


@pytest.mark.parametrize(("condition", "message"), REFUSED)
def test_a_query_with_a_gap_is_refused(matches: Tables, condition: str, message: str) -> None:
    names = {"ExpressionAttributeNames": {"#o": "round", "#r": "region"}}
    text = condition.replace("region", "#r")
    used = {"ExpressionAttributeNames": {k: v for k, v in names["ExpressionAttributeNames"].items() if k in text}}
    told = matches.message(
        "Query",
        TableName="matches",
        IndexName="byRound",
        KeyConditionExpression=text,
        ExpressionAttributeValues={":t": {"S": "a"}},
        **(used if used["ExpressionAttributeNames"] else {}),
    )
    assert told == message


def test_an_entry_follows_each_attribute_of_its_key(matches: Tables) -> None:
    change = {
        "TableName": "matches",
        "Key": {"id": {"S": "m2"}},
        "UpdateExpression": "SET score = :n",
        "ExpressionAttributeValues": {":n": {"N": "-1"}},
    }
    matches("UpdateItem", **change)
    assert found(matches) == ["m1", "m2", "m3", "m4"]
    matches("UpdateItem", TableName="matches", Key={"id": {"S": "m2"}}, UpdateExpression="REMOVE bracket")
    assert found(matches) == ["m1", "m3", "m4"]
    put = {"id": {"S": "m9"}, "score": {"S": "high"}}
    assert "Type mismatch for Index Key score Expected: N Actual: S IndexName: byRound" in matches.message(
        "PutItem", TableName="matches", Item=put
    )


def test_a_compound_index_is_made_of_what_is_there(matches: Tables) -> None:
    later = {**INDEX, "IndexName": "later", "KeySchema": [SCHEMA[0], SCHEMA[1]]}
    matches(
        "UpdateTable",
        TableName="matches",
        AttributeDefinitions=DEFINITIONS,
        GlobalSecondaryIndexUpdates=[{"Create": later}],
    )
    matches.world.run_due()
    answer = matches("Scan", TableName="matches", IndexName="later")
    assert sorted(item["id"]["S"] for item in answer["Items"]) == ["m1", "m2", "m3", "m4", "m5", "m7"]


def test_statements_read_compound_indexes(matches: Tables) -> None:
    where = "tournament = 'WINTER' AND region = 'EU' AND round = 'SEMI'"
    answer = matches("ExecuteStatement", Statement=f'SELECT id FROM "matches"."byRound" WHERE {where} AND score > 1')
    assert [item["id"]["S"] for item in answer["Items"]] == ["m3", "m2"]
    answer = matches("ExecuteStatement", Statement="SELECT id FROM matches.byRound WHERE tournament = 'WINTER'")
    assert len(answer["Items"]) == 5


BROKEN: tuple[tuple[list[str], str], ...] = (
    (["RANGE"], "The first KeySchemaElement is not a HASH key type"),
    (["HASH", "RANGE", "HASH"], "The HASH KeySchemaElements must come before the RANGE KeySchemaElements"),
    (["HASH"] * 5, "Number of HASH KeySchemaElements exceeds the limit of 4"),
)


@pytest.mark.parametrize(("kinds", "fault"), BROKEN)
def test_a_compound_key_that_cannot_be_is_refused(tables: Tables, kinds: list[str], fault: str) -> None:
    names = list(TYPES)[1 : len(kinds) + 1]
    schema = [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=True)]
    told = tables.message(
        "CreateTable",
        TableName="other",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[one for one in DEFINITIONS if one["AttributeName"] in ("id", *names)],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[{**INDEX, "KeySchema": schema}],
    )
    assert told == f"Invalid KeySchema: {fault}"
