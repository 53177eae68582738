"""Query and Scan. Source: DynamoDB API Reference, Query, Scan."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.services.dynamodb.conftest import Tables, key

PK = {":pk": {"S": "a"}}


def numbers(answer: Any, name: str = "sk") -> list[int]:
    return [int(item[name]["N"]) for item in answer["Items"]]


@pytest.fixture
def filled(tables: Tables) -> Tables:
    for sk in (10, 9, -5, 100, 2):
        tables.put(pk="a", sk=sk, parity=sk % 2, note=f"n{sk}")
    tables.put(pk="b", sk=1)
    return tables


def query(tables: Tables, condition: str = "pk = :pk", values: Any = None, **more: Any) -> Any:
    return tables(
        "Query",
        TableName="things",
        KeyConditionExpression=condition,
        ExpressionAttributeValues={**PK, **(values or {})},
        **more,
    )


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("pk = :pk", {}, [-5, 2, 9, 10, 100]),
        ("pk = :pk AND sk > :n", {":n": {"N": "9"}}, [10, 100]),
        ("pk = :pk AND sk >= :n", {":n": {"N": "9"}}, [9, 10, 100]),
        ("pk = :pk AND sk < :n", {":n": {"N": "9"}}, [-5, 2]),
        ("pk = :pk AND sk <= :n", {":n": {"N": "9"}}, [-5, 2, 9]),
        ("pk = :pk AND sk = :n", {":n": {"N": "9"}}, [9]),
        ("pk = :pk AND sk BETWEEN :n AND :m", {":n": {"N": "2"}, ":m": {"N": "10"}}, [2, 9, 10]),
    ],
)
def test_a_partition_comes_in_the_order_of_its_sort_keys(
    filled: Tables, condition: str, values: Any, expected: list[int]
) -> None:
    assert numbers(query(filled, condition, values)) == expected
    assert numbers(query(filled, condition, values, ScanIndexForward=False)) == expected[::-1]


def test_a_filter_drops_what_was_counted(filled: Tables) -> None:
    answer = query(filled, values={":odd": {"N": "1"}}, FilterExpression="parity = :odd")
    assert (numbers(answer), answer["Count"], answer["ScannedCount"]) == ([-5, 9], 2, 5)


def test_a_count_has_no_items(filled: Tables) -> None:
    assert query(filled, Select="COUNT") == {"Count": 5, "ScannedCount": 5}


def test_pages_follow_one_another(filled: Tables) -> None:
    for forward in (True, False):
        seen: list[int] = []
        more: dict[str, Any] = {}
        while True:
            answer = query(filled, Limit=2, ScanIndexForward=forward, **more)
            seen += numbers(answer)
            if "LastEvaluatedKey" not in answer:
                break
            assert answer["LastEvaluatedKey"] == key("a", seen[-1])
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        assert seen == sorted(seen, reverse=not forward)
        assert len(seen) == 5


def test_a_full_page_has_a_next_one_even_when_nothing_follows(filled: Tables) -> None:
    answer = query(filled, Limit=5)
    assert "LastEvaluatedKey" in answer
    rest = query(filled, Limit=5, ExclusiveStartKey=answer["LastEvaluatedKey"])
    assert rest == {"Count": 0, "ScannedCount": 0, "Items": []}


def test_a_page_ends_at_one_megabyte(tables: Tables) -> None:
    for sk in range(30):
        tables.put(pk="a", sk=sk, blob="x" * 100_000)
    answer = query(tables)
    assert answer["Count"] == 11  # The first ten hold less than a megabyte.
    assert answer["LastEvaluatedKey"] == key("a", 10)
    assert tables("Scan", TableName="things")["Count"] == 11


def test_a_long_partition_is_one_page_when_it_is_small(tables: Tables) -> None:
    for sk in range(500):
        tables.put(pk="a", sk=sk)
    answer = query(tables)
    assert numbers(answer) == list(range(500))
    assert "LastEvaluatedKey" not in answer


# Scan --------------------------------------------------------------------------------------------------------------


def test_a_scan_sees_all_partitions_page_by_page(filled: Tables) -> None:
    seen = []
    start: dict[str, Any] = {}
    while True:
        answer = filled("Scan", TableName="things", Limit=2, **start)
        seen += [(item["pk"]["S"], int(item["sk"]["N"])) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert sorted(seen) == [("a", -5), ("a", 2), ("a", 9), ("a", 10), ("a", 100), ("b", 1)]


def test_segments_share_the_table_without_overlap(tables: Tables) -> None:
    for number in range(60):
        tables.put(pk=f"p{number}", sk=0)
    seen: list[str] = []
    for segment in range(4):
        start: dict[str, Any] = {}
        while True:
            answer = tables("Scan", TableName="things", Segment=segment, TotalSegments=4, Limit=7, **start)
            assert len(answer["Items"]) <= 7
            seen += [item["pk"]["S"] for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert sorted(seen) == sorted(f"p{number}" for number in range(60))


# Indexes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def coloured(indexed: Tables) -> Tables:
    for number in range(6):
        indexed.put(
            pk=f"p{number % 2}",
            sk=number,
            colour="red" if number < 4 else "blue",
            rank=number // 2,
            owner="me",
            note=f"n{number}",
            extra="o",
        )
    indexed.put(pk="p0", sk=99, extra="in no index")
    return indexed


def by_colour(tables: Tables, colour: str = "red", **more: Any) -> Any:
    return tables(
        "Query",
        TableName="things",
        IndexName="byColour",
        KeyConditionExpression="colour = :c",
        ExpressionAttributeValues={":c": {"S": colour}},
        **more,
    )


def test_a_global_index_holds_its_projection_in_its_own_order(coloured: Tables) -> None:
    answer = by_colour(coloured)
    assert [(int(item["rank"]["N"]), item["pk"]["S"]) for item in answer["Items"]] == [
        (0, "p0"), (0, "p1"), (1, "p0"), (1, "p1"),
    ]  # fmt: skip
    assert answer["Items"][0] == {
        "pk": {"S": "p0"}, "sk": {"N": "0"}, "colour": {"S": "red"}, "rank": {"N": "0"},
    }  # fmt: skip
    backwards = by_colour(coloured, ScanIndexForward=False)
    assert backwards["Items"] == answer["Items"][::-1]


@pytest.mark.parametrize("forward", [True, False])
def test_pages_of_an_index_with_equal_keys_lose_and_repeat_nothing(coloured: Tables, forward: bool) -> None:
    whole = by_colour(coloured, ScanIndexForward=forward)["Items"]
    seen: list[Any] = []
    start: dict[str, Any] = {}
    while True:
        answer = by_colour(coloured, Limit=1, ScanIndexForward=forward, **start)
        seen += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            break
        assert answer["LastEvaluatedKey"].keys() == {"pk", "sk", "colour", "rank"}
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert seen == whole


def test_an_index_follows_its_items(coloured: Tables) -> None:
    coloured(
        "UpdateItem",
        TableName="things",
        Key=key("p0", 0),
        UpdateExpression="SET colour = :c",
        ExpressionAttributeValues={":c": {"S": "blue"}},
    )
    coloured("UpdateItem", TableName="things", Key=key("p1", 1), UpdateExpression="REMOVE colour")
    coloured("DeleteItem", TableName="things", Key=key("p0", 2))
    assert [item["sk"]["N"] for item in by_colour(coloured)["Items"]] == ["3"]
    assert [item["sk"]["N"] for item in by_colour(coloured, "blue")["Items"]] == ["0", "4", "5"]


def test_an_index_without_a_sort_key_is_a_partition(coloured: Tables) -> None:
    answer = coloured(
        "Query",
        TableName="things",
        IndexName="byOwner",
        KeyConditionExpression="#o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": "me"}},
    )
    assert answer["Count"] == 6
    assert answer["Items"][0]["extra"] == {"S": "o"}


def test_a_scan_of_an_index_sees_only_what_is_in_it(coloured: Tables) -> None:
    assert coloured("Scan", TableName="things", IndexName="byColour")["Count"] == 6
    seen = []
    start: dict[str, Any] = {}
    while True:
        answer = coloured("Scan", TableName="things", IndexName="byOwner", Limit=4, **start)
        seen += numbers(answer)
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert sorted(seen) == [0, 1, 2, 3, 4, 5]


def test_a_local_index_fetches_from_the_table_what_it_lacks(coloured: Tables) -> None:
    members = {
        "TableName": "things",
        "IndexName": "byRank",
        "KeyConditionExpression": "pk = :pk AND #r >= :one",
        "ExpressionAttributeNames": {"#r": "rank"},
        "ExpressionAttributeValues": {":pk": {"S": "p0"}, ":one": {"N": "1"}},
        "ReturnConsumedCapacity": "INDEXES",
    }
    plain = coloured("Query", **members)
    assert plain["Items"][0].keys() == {"pk", "sk", "rank", "note"}
    assert plain["ConsumedCapacity"]["LocalSecondaryIndexes"] == {"byRank": {"CapacityUnits": 0.5}}
    assert plain["ConsumedCapacity"]["Table"] == {"CapacityUnits": 0.0}
    whole = coloured("Query", **members, Select="ALL_ATTRIBUTES")
    assert whole["Items"][0]["extra"] == {"S": "o"}
    assert whole["ConsumedCapacity"]["Table"] == {"CapacityUnits": 1.0}
    some = coloured("Query", **members, ProjectionExpression="extra")
    assert some["Items"] == [{"extra": {"S": "o"}}, {"extra": {"S": "o"}}]


def test_writes_consume_what_their_indexes_do(indexed: Tables) -> None:
    item = {**key("a"), "colour": {"S": "red"}, "rank": {"N": "1"}}
    made = indexed("PutItem", TableName="things", Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert made == {
        "TableName": "things",
        "CapacityUnits": 3.0,
        "Table": {"CapacityUnits": 1.0},
        "LocalSecondaryIndexes": {"byRank": {"CapacityUnits": 1.0}},
        "GlobalSecondaryIndexes": {"byColour": {"CapacityUnits": 1.0}},
    }
    same = indexed("PutItem", TableName="things", Item=item, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert same["CapacityUnits"] == 1.0
    moved = indexed(
        "PutItem", TableName="things", Item={**item, "colour": {"S": "blue"}}, ReturnConsumedCapacity="INDEXES"
    )["ConsumedCapacity"]
    assert moved["GlobalSecondaryIndexes"] == {"byColour": {"CapacityUnits": 2.0}}


# Refusals ----------------------------------------------------------------------------------------------------------

START = "The provided starting key is invalid: "
INVALID = "One or more parameter values were invalid: "
QUERIES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"KeyConditionExpression": None}, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
    ({"IndexName": "absent"}, "The table does not have the specified index: absent"),
    ({"IndexName": "byColour", "ConsistentRead": True}, "Consistent reads are not supported on global secondary indexes"),
    ({"KeyConditionExpression": "sk = :pk"}, "Query condition missed key schema element: pk"),
    ({"FilterExpression": "sk = :pk"}, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"),
    # Source: https://github.com/pynamodb/PynamoDB/issues/50, https://github.com/clarkie/dynogels/issues/184
    ({"ExclusiveStartKey": {"pk": {"S": "a"}}}, "The provided starting key is invalid"),
    ({"ExclusiveStartKey": {"pk": {"S": "a"}, "sk": {"S": "a"}}}, START + "The provided key element does not match the schema"),
    ({"ExclusiveStartKey": {"pk": {"S": "a"}, "sk": {}}}, START + "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"ExclusiveStartKey": key("b")}, "The provided starting key is outside query boundaries based on provided conditions"),
    (
        {"ExclusiveStartKey": key("a", 1), "KeyConditionExpression": "pk = :pk AND sk > :n", "ExpressionAttributeValues": {**PK, ":n": {"N": "5"}}},
        "The provided starting key does not match the range key predicate",
    ),
    ({"Select": "ALL_PROJECTED_ATTRIBUTES"}, INVALID + "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"),
    ({"Select": "SPECIFIC_ATTRIBUTES"}, INVALID + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"),
    ({"Select": "COUNT", "ProjectionExpression": "x"}, INVALID + "Cannot specify the ProjectionExpression when choosing to get only the Count"),
    (
        {"ExpressionAttributeValues": {**PK, ":x": {"S": "x"}}},
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}",
    ),
    (
        {"IndexName": "byColour", "KeyConditionExpression": "colour = :pk", "Select": "ALL_ATTRIBUTES"},
        INVALID + "Select type ALL_ATTRIBUTES is not supported for global secondary index byColour because its projection type is not ALL",
    ),
    (
        {"IndexName": "byColour", "KeyConditionExpression": "colour = :pk", "ProjectionExpression": "note, pk"},
        INVALID + "Global secondary index byColour does not project [note]",
    ),
    (
        {"IndexName": "byColour", "KeyConditionExpression": "colour = :pk", "FilterExpression": "note = :pk AND attribute_exists(extra)"},
        INVALID + "Secondary index byColour does not project one or more filter attributes: [extra, note]",
    ),
)  # fmt: skip

SCANS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"Segment": 1}, "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"),
    ({"TotalSegments": 1}, "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"),
    (
        {"Segment": 1, "TotalSegments": 1},
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 1 is not less than TotalSegments: 1",
    ),
    (
        {"ExpressionAttributeValues": PK},
        "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null",
    ),
    ({"FilterExpression": ""}, "Invalid FilterExpression: The expression can not be empty;"),
    ({"ExclusiveStartKey": {"x": {"S": "a"}}}, START + "The provided key element does not match the schema"),
)  # fmt: skip


@pytest.mark.parametrize(("members", "message"), QUERIES)
def test_a_query_that_does_not_fit_is_refused(indexed: Tables, members: dict[str, Any], message: str) -> None:
    request = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": PK, **members}
    given = {name: value for name, value in request.items() if value is not None}
    error = indexed.refused("Query", TableName="things", **given)
    assert (error.code, error.message) == ("ValidationException", message)


@pytest.mark.parametrize(("members", "message"), SCANS)
def test_a_scan_that_does_not_fit_is_refused(indexed: Tables, members: dict[str, Any], message: str) -> None:
    error = indexed.refused("Scan", TableName="things", **members)
    assert (error.code, error.message) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("operation", "members", "where"),
    [
        ("GetItem", {"Key": key("a"), "ProjectionExpression": "x, pk.y"}, "Key: pk"),
        ("GetItem", {"Key": key("a"), "ProjectionExpression": "colour[1]"}, "IndexKey: colour"),
        ("Scan", {"FilterExpression": "attribute_exists(sk.x)"}, "Key: sk"),
        (
            "UpdateItem",
            {"Key": key("a"), "UpdateExpression": "SET #r.x = #r", "ExpressionAttributeNames": {"#r": "rank"}},
            "IndexKey: rank",
        ),
    ],
)
def test_keys_have_no_inside(indexed: Tables, operation: str, members: dict[str, Any], where: str) -> None:
    assert indexed.message(operation, TableName="things", **members) == (
        f"Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: {where}"
    )


# A law: whatever was written, an index and its table tell the same --------------------------------------------------

WRITES = st.lists(
    st.tuples(
        st.sampled_from(("put", "delete", "recolour")),
        st.sampled_from("xyz"),
        st.integers(0, 2),
        st.sampled_from(("red", "blue", "")),
        st.integers(0, 2),
    ),
    max_size=25,
)


@settings(max_examples=examples(40), deadline=None)
@given(writes=WRITES)
def test_an_index_always_agrees_with_its_table(writes: list[Any]) -> None:
    made = Tables()
    made(
        "CreateTable",
        TableName="things",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("pk", "S"), ("sk", "N"), ("colour", "S"), ("rank", "N"))
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byColour",
                "KeySchema": [
                    {"AttributeName": "colour", "KeyType": "HASH"},
                    {"AttributeName": "rank", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for action, pk, sk, colour, rank in writes:
        if action == "put":
            made.put(pk=pk, sk=sk, rank=rank, **({"colour": colour} if colour else {}))
        elif action == "delete":
            made("DeleteItem", TableName="things", Key=key(pk, sk))
        elif colour:
            made(
                "UpdateItem",
                TableName="things",
                Key=key(pk, sk),
                UpdateExpression="SET colour = :c",
                ExpressionAttributeValues={":c": {"S": colour}},
            )
    items = made("Scan", TableName="things")["Items"]
    expected = sorted(map(str, (item for item in items if "colour" in item and "rank" in item)))
    entries = made("Scan", TableName="things", IndexName="byColour")["Items"]
    described = made("DescribeTable", TableName="things")["Table"]
    made.world.close()
    assert sorted(map(str, entries)) == expected
    assert described["ItemCount"] == len(items)
    assert described["GlobalSecondaryIndexes"][0]["ItemCount"] == len(expected)
    assert (described["TableSizeBytes"] == 0) is (not items)
