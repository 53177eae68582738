"""PartiQL statements. Source: DynamoDB Developer Guide, PartiQL for DynamoDB."""

from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, key

MALFORMED = "Statement wasn't well formed, can't be processed: "
NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"


def n(number: int) -> dict[str, str]:
    return {"N": str(number)}


def s(text: str) -> dict[str, str]:
    return {"S": text}


@pytest.fixture
def filled(indexed: Tables) -> Tables:
    for pk in ("a", "b"):
        for sk in range(4):
            indexed.put(pk=pk, sk=sk, rank=10 - sk, owner="odd" if sk % 2 else "even", note=f"{pk}{sk}")
    extra = {"doc": {"M": {"x": n(1)}}, "list": {"L": [n(1), s("two")]}, "set": {"SS": ["x", "y"]}}
    indexed("PutItem", TableName="things", Item={**key("c", 0), **extra, "nil": {"NULL": True}})
    return indexed


def run(tables: Tables, statement: str, *parameters: Any, **members: Any) -> Any:
    more = {"Parameters": list(parameters)} if parameters else {}
    return tables("ExecuteStatement", Statement=statement, **more, **members)


def places(answer: Any) -> list[str]:
    return [item["pk"]["S"] + item["sk"]["N"] for item in answer["Items"]]


# Source of each: ql-reference.select.html, ql-operators.html, ql-functions.*.html
SELECTED: tuple[tuple[str, list[str]], ...] = (
    ("SELECT * FROM things WHERE pk = 'a' AND sk = 1", ["a1"]),
    ("select * from \"things\" where \"pk\" = 'a' and \"sk\" = 1", ["a1"]),
    ("SELECT * FROM things WHERE pk = 'a' AND sk = 9", []),
    ("SELECT * FROM things WHERE pk = 'a' AND sk = 1 AND rank = 1", []),
    ("SELECT * FROM things WHERE pk = 'a'", ["a0", "a1", "a2", "a3"]),
    ("SELECT * FROM things WHERE 'a' = pk AND 1 < sk", ["a2", "a3"]),
    ("SELECT * FROM things WHERE pk = 'a' AND sk >= 1 AND sk < 3", ["a1", "a2"]),
    ("SELECT * FROM things WHERE pk = 'a' AND sk BETWEEN 1 AND 2", ["a1", "a2"]),
    ("SELECT * FROM things WHERE pk = 'a' AND sk IN [0, 3]", ["a0", "a3"]),
    ("SELECT * FROM things WHERE pk IN ['b', 'a'] AND sk = 2", ["b2", "a2"]),
    ("SELECT * FROM things WHERE pk IN ('b', 'b') AND sk <= 0", ["b0"]),
    ("SELECT * FROM things WHERE pk = 'a' ORDER BY sk DESC", ["a3", "a2", "a1", "a0"]),
    ("SELECT * FROM things WHERE pk = 'a' ORDER BY sk ASC", ["a0", "a1", "a2", "a3"]),
    ("SELECT * FROM things WHERE note = 'a1' OR note = 'b2'", ["a1", "b2"]),
    ("SELECT * FROM things WHERE NOT (pk = 'a' OR pk = 'b')", ["c0"]),
    ("SELECT * FROM things WHERE pk <> 'a' AND pk != 'b'", ["c0"]),
    ("SELECT * FROM things WHERE begins_with(note, 'a') AND rank > 9", ["a0"]),
    ("SELECT * FROM things WHERE contains(\"set\", 'x')", ["c0"]),
    ("SELECT * FROM things WHERE attribute_type(doc, 'M')", ["c0"]),
    ("SELECT * FROM things WHERE size(list) = 2", ["c0"]),
    ("SELECT * FROM things WHERE doc.x = 1 AND list[1] = 'two'", ["c0"]),
    ("SELECT * FROM things WHERE nil IS NULL", ["c0"]),
    ("SELECT * FROM things WHERE note IS MISSING", ["c0"]),
    ("SELECT * FROM things WHERE nil IS NOT MISSING", ["c0"]),
    ("SELECT * FROM things WHERE doc = {'x': 1}", ["c0"]),
    ("SELECT * FROM things WHERE \"set\" = <<'y', 'x'>>", ["c0"]),
    ("SELECT * FROM things WHERE list = [1, 'two']", ["c0"]),
    ("SELECT * FROM \"things\".\"byOwner\" WHERE owner = 'odd' AND pk = 'a'", ["a1", "a3"]),
    ("SELECT * FROM things.byRank WHERE pk = 'a' AND rank < 9", ["a3", "a2"]),
    ("SELECT * FROM things WHERE sk = -1", []),
    ("SELECT * FROM things WHERE pk = 'it''s'", []),
)  # fmt: skip


@pytest.mark.parametrize(("statement", "expected"), SELECTED)
def test_select_finds_what_where_says(filled: Tables, statement: str, expected: list[str]) -> None:
    assert sorted(places(run(filled, statement))) == sorted(expected)
    if "ORDER BY" in statement or "IN" in statement:
        assert places(run(filled, statement)) == expected


def test_a_select_without_where_reads_everything(filled: Tables) -> None:
    assert len(run(filled, "SELECT * FROM things")["Items"]) == 9


def test_columns_stand_under_their_last_name(filled: Tables) -> None:
    (item,) = run(filled, "SELECT pk, doc.x, list[1] FROM things WHERE pk = 'c' AND sk = 0")["Items"]
    assert item == {"pk": s("c"), "x": n(1), "_3": s("two")}


def test_parameters_take_the_places_of_question_marks(filled: Tables) -> None:
    answer = run(filled, "SELECT * FROM things WHERE pk = ? AND sk > ?", s("a"), n(2))
    assert places(answer) == ["a3"]
    assert places(run(filled, "SELECT * FROM things WHERE pk IN ?", {"L": [s("c")]})) == ["c0"]


@pytest.mark.parametrize("statement", ["SELECT * FROM things WHERE pk IN ['a', 'b']", "SELECT * FROM things"])
def test_a_limit_gives_pages(filled: Tables, statement: str) -> None:
    everything = places(run(filled, statement))
    found: list[str] = []
    answer = run(filled, statement, Limit=3)
    while True:
        found.extend(places(answer))
        assert len(answer["Items"]) <= 3
        if "NextToken" not in answer:
            break
        assert answer["LastEvaluatedKey"].keys() == {"pk", "sk"}
        answer = run(filled, statement, Limit=3, NextToken=answer["NextToken"])
    assert found == everything
    token = run(filled, statement, Limit=3)["NextToken"]
    other = filled.message("ExecuteStatement", Statement=statement + " ", NextToken=token)
    assert other == "Given NextToken does not belong to this statement"


REFUSED: tuple[tuple[str, str], ...] = (
    ("", MALFORMED + "Expected SELECT, INSERT, UPDATE, DELETE or EXISTS; found: end of statement"),
    ("SELEC * FROM things", MALFORMED + "Expected SELECT, INSERT, UPDATE, DELETE or EXISTS; found: SELEC"),
    ("SELECT * FROM", MALFORMED + "Expected identifier; found: end of statement"),
    ("SELECT * FROM things WHERE", MALFORMED + "Expected identifier; found: end of statement"),
    ("SELECT * FROM things WHERE pk", MALFORMED + "Expected a comparison; found: end of statement"),
    ("SELECT * FROM things things", MALFORMED + "Unexpected word; found: things"),
    ("SELECT * FROM things WHERE pk = 'a", MALFORMED + "Unexpected character: '"),
    ("SELECT * FROM things WHERE pk = upper('a')", MALFORMED + "Unsupported function: upper"),
    ("SELECT * FROM things ORDER BY sk", "Must have WHERE clause in the statement when using ORDER BY clause."),
    (
        "SELECT * FROM things WHERE note = 'a' ORDER BY sk",
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
    ),
    (
        "SELECT * FROM things WHERE pk = 'a' ORDER BY note",
        "Variable reference note in ORDER BY clause must be part of the primary key",
    ),
    ("SELECT * FROM things.absent", "The table does not have the specified index: absent"),
    ("SELECT * FROM things WHERE pk = ?", "Number of parameters in request and statement don't match."),
    ("UPDATE things SET x = 1 WHERE pk = 'a'", NO_KEY),
    ("DELETE FROM things WHERE pk = 'a' AND sk > 1", NO_KEY),
    ("UPDATE things WHERE pk = 'a' AND sk = 1", MALFORMED + "Expected data manipulation"),
    (
        "UPDATE things SET pk = 'b' WHERE pk = 'a' AND sk = 1",
        "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
    ),
    (
        "UPDATE things SET x = set_add(y, <<1>>) WHERE pk = 'a' AND sk = 1",
        "The first operand of set_add must be the attribute that is set",
    ),
    ("INSERT INTO things VALUE 1", MALFORMED + "Expected a tuple of attributes behind VALUE"),
    (
        "INSERT INTO things VALUE {'pk': 'a'}",
        "One or more parameter values were invalid: Missing the key sk in the item",
    ),
    (
        "INSERT INTO things VALUE {'pk': 'a', 'sk': 0, 's': <<1, 'a'>>}",
        MALFORMED + "A set holds texts, numbers or binaries, and one kind of them",
    ),
    (
        "DELETE FROM things WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *",
        MALFORMED + "Unsupported RETURNING clause: ALL NEW *",
    ),
    ("EXISTS(SELECT * FROM things WHERE pk = 'a' AND sk = 1)", "EXISTS is only supported in transactions"),
    ("SELECT * FROM things WHERE pk = '\u00e9\x00' AND \x01", MALFORMED + "Unexpected character: \x01"),
)


@pytest.mark.parametrize(("statement", "message"), REFUSED)
def test_a_statement_that_is_none_is_refused(filled: Tables, statement: str, message: str) -> None:
    error = filled.refused("ExecuteStatement", Statement=statement)
    assert (error.code, error.message) == ("ValidationException", message)


def test_a_parameter_too_many_is_refused(filled: Tables) -> None:
    request = {"Statement": "SELECT * FROM things", "Parameters": [n(1)]}
    assert filled.message("ExecuteStatement", **request).startswith("Number of parameters in request and statement")


# Writes ------------------------------------------------------------------------------------------------------------


def test_insert_makes_an_item_once(tables: Tables) -> None:
    item = "{'pk': 'a', 'sk': 0, 'yes': TRUE, 'nil': null, 'l': [1, -2.50, {'deep': <<'x'>>}], 'b': ?}"
    assert run(tables, f"INSERT INTO things VALUE {item}", {"B": b"\x01"}) == {"Items": []}
    assert tables.get("a") == {
        **key("a"), "yes": {"BOOL": True}, "nil": {"NULL": True}, "b": {"B": b"\x01"},
        "l": {"L": [n(1), {"N": "-2.5"}, {"M": {"deep": {"SS": ["x"]}}}]},
    }  # fmt: skip
    error = tables.refused("ExecuteStatement", Statement="INSERT INTO \"things\" VALUE {'pk': 'a', 'sk': 0}")
    assert (error.code, error.message) == ("DuplicateItemException", "Duplicate primary key exists in table")


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ("SET note = 'new'", {"note": s("new")}),
        ("SET rank = rank + 1", {"rank": n(10)}),
        ("SET rank = rank - 1 SET note = 'x'", {"rank": n(8), "note": s("x")}),
        ("SET rank = 1, note = 'x'", {"rank": n(1), "note": s("x")}),
        ("SET l = [1] REMOVE note", {"l": {"L": [n(1)]}, "note": None}),
        ("REMOVE note REMOVE rank", {"rank": None, "note": None}),
        ("SET l = list_append([1], [2])", {"l": {"L": [n(1), n(2)]}}),
        ("SET s = set_add(s, <<1, 2>>)", {"s": {"NS": ["1", "2"]}}),
        ("SET s = set_delete(s, <<1>>)", {}),
        ("SET m = {'a': {'b': 1}}", {"m": {"M": {"a": {"M": {"b": n(1)}}}}}),
        ("SET rank = if_not_exists(rank, 1)", {}),
    ],
)
def test_update_changes_one_item(filled: Tables, change: str, changed: Any) -> None:
    before = filled.get("a", 1)
    answer = run(filled, f"UPDATE things {change} WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *")
    expected = {name: value for name, value in {**before, **changed}.items() if value is not None}
    assert filled.get("a", 1) == expected
    assert answer == {"Items": [expected]}


@pytest.mark.parametrize(
    ("returning", "expected"),
    [
        ("", []),
        ("RETURNING MODIFIED OLD *", [{"rank": n(9)}]),
        ("RETURNING MODIFIED NEW *", [{"rank": n(1)}]),
    ],
)
def test_update_returns_what_it_is_asked_for(filled: Tables, returning: str, expected: Any) -> None:
    answer = run(filled, f"UPDATE things SET rank = 1 WHERE pk = 'a' AND sk = 1 {returning}")
    assert answer == {"Items": expected}


def test_where_is_also_the_condition(filled: Tables) -> None:
    for statement in (
        "UPDATE things SET rank = 1 WHERE pk = 'a' AND sk = 1 AND rank = 100",
        "UPDATE things SET rank = 1 WHERE pk = 'absent' AND sk = 1",
        "DELETE FROM things WHERE pk = 'a' AND sk = 1 AND rank = 100",
    ):
        error = filled.refused("ExecuteStatement", Statement=statement)
        assert (error.code, error.message) == ("ConditionalCheckFailedException", "The conditional request failed")
    assert filled.get("absent", 1) is None


def test_delete_takes_one_item_away(filled: Tables) -> None:
    old = filled.get("a", 1)
    answer = run(filled, "DELETE FROM things WHERE pk = 'a' AND sk = 1 RETURNING ALL OLD *")
    assert answer == {"Items": [old]}
    assert run(filled, "DELETE FROM things WHERE pk = 'a' AND sk = 1") == {"Items": []}


def test_capacity_is_told(filled: Tables) -> None:
    statement = "SELECT * FROM things WHERE pk = 'a' AND sk = 1"
    answer = run(filled, statement, ReturnConsumedCapacity="TOTAL", ConsistentRead=True)
    assert answer["ConsumedCapacity"] == {"TableName": "things", "CapacityUnits": 1.0}


# Batches and transactions ------------------------------------------------------------------------------------------


def statements(*texts: str) -> list[dict[str, Any]]:
    return [{"Statement": text} for text in texts]


def test_a_broken_statement_fails_alone_in_its_batch(tables: Tables) -> None:
    statements = [{"Statement": "SELECT * FROM things WHERE pk = 'a' AND sk = 1"}, {"Statement": "SELEC"}]
    one, two = tables("BatchExecuteStatement", Statements=statements)["Responses"]
    assert one == {"TableName": "things"}
    assert two["Error"]["Code"] == "ValidationError"
    assert two["Error"]["Message"].startswith("Statement wasn't well formed, can't be processed: ")


def test_a_batch_tells_each_statements_end(tables: Tables) -> None:
    insert = "INSERT INTO things VALUE {'pk': 'a', 'sk': 0}"
    wanted = statements(insert, insert, "INSERT INTO absent VALUE {'pk': 'a'}", "UPDATE nonsense")
    answer = tables("BatchExecuteStatement", Statements=wanted)["Responses"]
    assert answer[0] == {"TableName": "things"}
    assert answer[1]["Error"]["Code"] == "DuplicateItem"
    assert answer[2]["Error"]["Code"] == "ResourceNotFound"
    assert answer[3]["Error"]["Code"] == "ValidationError"
    read = statements("SELECT * FROM things WHERE pk='a' AND sk=0", "SELECT * FROM things WHERE pk='b' AND sk=0",
                      "SELECT * FROM things WHERE pk='a'")  # fmt: skip
    answer = tables("BatchExecuteStatement", Statements=read)["Responses"]
    assert answer[:2] == [{"TableName": "things", "Item": key("a")}, {"TableName": "things"}]
    assert answer[2]["Error"]["Message"] == (
        "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
    )
    assert tables.refused("BatchExecuteStatement", Statements=[*wanted, *read]).code == "ValidationException"


def test_a_transaction_does_all_or_nothing(tables: Tables) -> None:
    one, two = "INSERT INTO things VALUE {'pk': 'a', 'sk': 0}", "INSERT INTO things VALUE {'pk': 'b', 'sk': 0}"
    assert tables("ExecuteTransaction", TransactStatements=statements(one, two)) == {"Responses": []}
    three = "INSERT INTO things VALUE {'pk': 'c', 'sk': 0}"
    error = tables.refused("ExecuteTransaction", TransactStatements=statements(three, one))
    assert error.code == "TransactionCanceledException"
    assert error.message.endswith("[None, DuplicateItem]")
    assert tables.get("c") is None


def test_a_transaction_checks_that_items_exist(tables: Tables) -> None:
    tables.put(pk="a", sk=0, n=1)
    insert = "INSERT INTO things VALUE {'pk': 'c', 'sk': 0}"
    check = "EXISTS(SELECT * FROM things WHERE pk = 'a' AND sk = 0 AND n = 2)"
    error = tables.refused("ExecuteTransaction", TransactStatements=statements(insert, check))
    assert error.message.endswith("[None, ConditionalCheckFailed]")
    tables("ExecuteTransaction", TransactStatements=statements(insert, check.replace("2", "1")))
    assert tables.get("c") is not None


def test_a_transaction_with_a_token_is_done_once(tables: Tables) -> None:
    tables.put(pk="a", sk=0, n=1)
    add = statements("UPDATE things SET n = n + 1 WHERE pk = 'a' AND sk = 0")
    for _ in range(2):
        tables("ExecuteTransaction", TransactStatements=add, ClientRequestToken="t")
    assert tables.get("a") == {**key("a"), "n": n(2)}
    other = statements("UPDATE things SET n = n + 2 WHERE pk = 'a' AND sk = 0")
    error = tables.refused("ExecuteTransaction", TransactStatements=other, ClientRequestToken="t")
    assert error.code == "IdempotentParameterMismatchException"


def test_a_transaction_reads_or_writes(tables: Tables) -> None:
    tables.put(pk="a", sk=0)
    read, write = "SELECT * FROM things WHERE pk='a' AND sk=0", "DELETE FROM things WHERE pk='a' AND sk=0"
    assert tables("ExecuteTransaction", TransactStatements=statements(read)) == {"Responses": [{"Item": key("a")}]}
    error = tables.refused("ExecuteTransaction", TransactStatements=statements(read, write))
    assert error.code == "ValidationException"
