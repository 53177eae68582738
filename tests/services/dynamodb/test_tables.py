"""Tables through the operations. Source: DynamoDB API Reference, CreateTable, UpdateTable, DeleteTable, ListTables."""

from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, definitions, key, key_schema

from interstate.base.arn import Caller
from interstate.services.dynamodb.table_updates import BACKFILL_MAX
from interstate.services.dynamodb.tables import DROP_MAX
from interstate.store.records.dynamodb import INDEX_ENTRIES, ITEM_COUNTS, ITEMS
from interstate.store.tables import Scalar

COUNT_ITEMS = Scalar("SELECT count(*) FROM items", (ITEMS,))
COUNT_ENTRIES = Scalar("SELECT count(*) FROM index_entries", (INDEX_ENTRIES,))
COUNT_COUNTS = Scalar("SELECT count(*) FROM item_counts", (ITEM_COUNTS,))


def counted(tables: Tables, count: Scalar) -> int:
    number: int = tables.world.run(lambda work: work.scalar(count))
    return number


HASH: dict[str, Any] = {"AttributeDefinitions": definitions("pk"), "KeySchema": key_schema("pk")}
ON_DEMAND: dict[str, Any] = {**HASH, "BillingMode": "PAY_PER_REQUEST"}
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}


def test_a_table_is_active_at_once_and_described(indexed: Tables) -> None:
    table = indexed("DescribeTable", TableName="things")["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["TableArn"] == "arn:aws:dynamodb:us-east-1:000000000000:table/things"
    assert table["KeySchema"] == key_schema("pk", "sk")
    assert table["AttributeDefinitions"] == definitions("colour", "owner", "pk", "rank", "sk")
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["CreationDateTime"] == indexed.world.now
    colour, owner = table["GlobalSecondaryIndexes"]
    assert (colour["IndexName"], colour["IndexStatus"], colour["KeySchema"]) == (
        "byColour",
        "ACTIVE",
        key_schema("colour", "rank"),
    )
    assert owner["Projection"] == {"ProjectionType": "ALL"}
    (rank,) = table["LocalSecondaryIndexes"]
    assert rank["IndexArn"] == f"{table['TableArn']}/index/byRank"
    assert rank["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]}


def test_a_provisioned_table_keeps_its_settings(tables: Tables) -> None:
    answer = tables(
        "CreateTable",
        TableName="other",
        **HASH,
        ProvisionedThroughput=UNITS,
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "1234"},
        TableClass="STANDARD_INFREQUENT_ACCESS",
        DeletionProtectionEnabled=True,
        StreamSpecification={"StreamEnabled": False},
        Tags=[{"Key": "team", "Value": "orders"}],
    )
    table = answer["TableDescription"]
    assert table["ProvisionedThroughput"] == {"NumberOfDecreasesToday": 0, **UNITS}
    assert "BillingModeSummary" not in table
    assert table["SSEDescription"] == {
        "Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1234",
    }  # fmt: skip
    assert table["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    assert table["DeletionProtectionEnabled"] is True
    arn = table["TableArn"]
    assert tables("ListTagsOfResource", ResourceArn=arn) == {"Tags": [{"Key": "team", "Value": "orders"}]}


def test_tables_are_listed_by_name_page_by_page(tables: Tables) -> None:
    for name in ("bbb", "aaa", "ccc"):
        tables("CreateTable", TableName=name, **ON_DEMAND)
    first = tables("ListTables", Limit=2)
    assert first == {"TableNames": ["aaa", "bbb"], "LastEvaluatedTableName": "bbb"}
    assert tables("ListTables", ExclusiveStartTableName="bbb") == {"TableNames": ["ccc", "things"]}


def test_accounts_and_regions_do_not_see_one_another(tables: Tables) -> None:
    for caller in (Caller(account="111111111111"), Caller(region="eu-west-1")):
        assert tables.world.call("dynamodb", "ListTables", {}, caller=caller) == {"TableNames": []}


def test_an_existing_table_is_not_made_again(tables: Tables) -> None:
    error = tables.refused("CreateTable", TableName="things", **ON_DEMAND)
    assert (error.code, error.message) == ("ResourceInUseException", "Table already exists: things")


INVALID = "One or more parameter values were invalid: "
GSI = {"IndexName": "byX", "KeySchema": key_schema("colour"), "Projection": {"ProjectionType": "ALL"}}
WITH_COLOUR = {**ON_DEMAND, "AttributeDefinitions": definitions("pk", "colour")}
BROKEN: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "2 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null; Value null at 'keySchema' failed to satisfy constraint: Member must not be null"),
    (HASH, INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
    (
        {**ON_DEMAND, "ProvisionedThroughput": UNITS},
        INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    ),
    (
        {**ON_DEMAND, "AttributeDefinitions": definitions("sk")},
        INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [pk], AttributeDefinitions: [sk]",
    ),
    (
        {**ON_DEMAND, "KeySchema": key_schema("pk", "sk")},
        "Invalid KeySchema: Some index key attribute have no definition",
    ),
    (
        {**ON_DEMAND, "KeySchema": key_schema("pk", "pk")},
        "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    ),
    (
        {**ON_DEMAND, "KeySchema": [{"AttributeName": "pk", "KeyType": "RANGE"}]},
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
    ),
    (
        WITH_COLOUR,
        INVALID + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
    ),
    ({**ON_DEMAND, "GlobalSecondaryIndexes": []}, INVALID + "List of GlobalSecondaryIndexes is empty"),
    (
        {**ON_DEMAND, "LocalSecondaryIndexes": [GSI]},
        INVALID + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
    ),
    ({**WITH_COLOUR, "GlobalSecondaryIndexes": [GSI, GSI]}, INVALID + "Duplicate index name: byX"),
    (
        {**WITH_COLOUR, "GlobalSecondaryIndexes": [{**GSI, "ProvisionedThroughput": UNITS}]},
        INVALID + "ProvisionedThroughput should not be specified for index: byX when BillingMode is PAY_PER_REQUEST",
    ),
    (
        {**WITH_COLOUR, "GlobalSecondaryIndexes": [{**GSI, "Projection": {}}]},
        INVALID + "Unknown ProjectionType: null",
    ),
    (
        {**WITH_COLOUR, "GlobalSecondaryIndexes": [{**GSI, "Projection": {"ProjectionType": "ALL", "NonKeyAttributes": ["x"]}}]},
        INVALID + "ProjectionType is ALL, but NonKeyAttributes is specified",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("members", "message"), BROKEN)
def test_a_table_that_cannot_be_is_refused(tables: Tables, members: dict[str, Any], message: str) -> None:
    error = tables.refused("CreateTable", TableName="other", **members)
    assert (error.code, error.message) == ("ValidationException", message)
    assert tables("ListTables") == {"TableNames": ["things"]}


@pytest.mark.parametrize("name", ["ab", "x" * 256])
def test_names_have_3_to_255_characters(tables: Tables, name: str) -> None:
    message = tables.message("CreateTable", TableName=name, **ON_DEMAND)
    assert message == "TableName must be at least 3 characters long and at most 255 characters long"


def test_names_have_no_other_characters(tables: Tables) -> None:
    message = tables.message("DescribeTable", TableName="abc;")
    assert message.endswith("Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")


@pytest.mark.parametrize("operation", ["DescribeTable", "DeleteTable", "DescribeTimeToLive"])
def test_a_missing_table_is_named(tables: Tables, operation: str) -> None:
    error = tables.refused(operation, TableName="absent")
    assert (error.code, error.message) == (
        "ResourceNotFoundException",
        "Requested resource not found: Table: absent not found",
    )


@pytest.mark.parametrize("feature", ["GlobalTableSourceArn", "VectorIndexes"])
def test_absent_features_are_refused_by_name(tables: Tables, feature: str) -> None:
    error = tables.refused("CreateTable", TableName="other", **ON_DEMAND, **{feature: {}})
    assert error.code == "NotImplemented"
    assert feature in error.message


# Deletion ----------------------------------------------------------------------------------------------------------


def test_a_deleted_table_is_gone_at_once_and_leaves_nothing(indexed: Tables) -> None:
    for sk in range(DROP_MAX + 10):
        indexed.put(pk="a", sk=sk, owner="me")
    assert indexed("DeleteTable", TableName="things")["TableDescription"]["TableStatus"] == "DELETING"
    assert indexed("ListTables") == {"TableNames": []}
    indexed.world.run_due()
    for count in (COUNT_ITEMS, COUNT_ENTRIES, COUNT_COUNTS):
        assert counted(indexed, count) == 0


def test_a_new_table_of_an_old_name_sees_no_old_items(tables: Tables) -> None:
    tables.put(pk="a", sk=0)
    tables("DeleteTable", TableName="things")
    members = {"AttributeDefinitions": definitions("pk", "sk"), "KeySchema": key_schema("pk", "sk")}
    tables("CreateTable", TableName="things", BillingMode="PAY_PER_REQUEST", **members)
    assert tables.get("a") is None
    assert tables("DescribeTable", TableName="things")["Table"]["ItemCount"] == 0


def test_a_protected_table_is_not_deleted(tables: Tables) -> None:
    tables("UpdateTable", TableName="things", DeletionProtectionEnabled=True)
    assert "currently protected against deletion" in tables.message("DeleteTable", TableName="things")
    tables("UpdateTable", TableName="things", DeletionProtectionEnabled=False)
    tables("DeleteTable", TableName="things")


# Updates -----------------------------------------------------------------------------------------------------------


def test_billing_changes_both_ways(tables: Tables) -> None:
    message = tables.message("UpdateTable", TableName="things", BillingMode="PROVISIONED")
    assert message == INVALID + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED"
    table = tables("UpdateTable", TableName="things", BillingMode="PROVISIONED", ProvisionedThroughput=UNITS)
    assert table["TableDescription"]["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert table["TableDescription"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    unchanged = tables.message("UpdateTable", TableName="things", ProvisionedThroughput=UNITS)
    assert unchanged.startswith("The provisioned throughput for the table will not change.")
    table = tables("UpdateTable", TableName="things", BillingMode="PAY_PER_REQUEST")
    assert table["TableDescription"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 0


def test_an_update_must_change_something(tables: Tables) -> None:
    assert tables.message("UpdateTable", TableName="things").startswith("At least one of ProvisionedThroughput,")


def new_index(tables: Tables) -> Any:
    return tables(
        "UpdateTable",
        TableName="things",
        AttributeDefinitions=definitions("colour"),
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "late",
                    "KeySchema": key_schema("colour"),
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )["TableDescription"]


def test_a_new_index_takes_up_what_is_there_in_steps(tables: Tables) -> None:
    count = BACKFILL_MAX * 2 + 1
    for sk in range(count):
        tables.put(pk="a", sk=sk, **({"colour": "red"} if sk else {}))
    (index,) = new_index(tables)["GlobalSecondaryIndexes"]
    assert (index["IndexStatus"], index["Backfilling"]) == ("CREATING", True)
    tables.put(pk="b", sk=0, colour="red")  # Written while the index is being made.
    tables("DeleteItem", TableName="things", Key=key("a", count - 1))
    tables.world.run_due()
    table = tables("DescribeTable", TableName="things")["Table"]
    (index,) = table["GlobalSecondaryIndexes"]
    assert (table["TableStatus"], index["IndexStatus"], index["ItemCount"]) == ("ACTIVE", "ACTIVE", count - 1)
    assert "Backfilling" not in index
    found = tables("Scan", TableName="things", IndexName="late", Select="COUNT")
    assert found["Count"] == count - 1


def test_an_index_goes_with_its_entries(tables: Tables) -> None:
    tables.put(pk="a", sk=0, colour="red")
    new_index(tables)
    tables.world.run_due()
    tables("UpdateTable", TableName="things", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "late"}}])
    tables.world.run_due()
    assert counted(tables, COUNT_ENTRIES) == 0
    message = tables.message("Scan", TableName="things", IndexName="late")
    assert message == "The table does not have the specified index: late"
    gone = tables.refused(
        "UpdateTable", TableName="things", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "late"}}]
    )
    assert gone.code == "ResourceNotFoundException"


# Tags, limits, backups ---------------------------------------------------------------------------------------------


def test_tags_come_and_go(tables: Tables) -> None:
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/things"
    tables("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    tables("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    tables("UntagResource", ResourceArn=arn, TagKeys=["b"])
    assert tables("ListTagsOfResource", ResourceArn=arn) == {"Tags": [{"Key": "a", "Value": "3"}]}


def test_indexes_name_a_hundred_attributes_at_most_together(tables: Tables) -> None:
    """Source: DynamoDB API Reference, Projection, NonKeyAttributes."""
    indexes = [
        {
            "IndexName": f"index{number}",
            "KeySchema": key_schema("colour"),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [f"a{n}" for n in range(20)]},
        }
        for number in range(6)
    ]
    made = {**ON_DEMAND, "TableName": "wide", "AttributeDefinitions": definitions("pk", "colour")}
    assert "NonKeyAttributes" in tables.message("CreateTable", **made, GlobalSecondaryIndexes=indexes)
    tables("CreateTable", **made, GlobalSecondaryIndexes=indexes[:5])


def test_tags_are_fifty_at_most_and_come_once(tables: Tables) -> None:
    arn = tables("DescribeTable", TableName="things")["Table"]["TableArn"]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    tables("TagResource", ResourceArn=arn, Tags=many)
    for tags in ([{"Key": "one more", "Value": ""}], [{"Key": "0", "Value": "a"}] * 2, [{"Key": "aws:a", "Value": ""}]):
        assert tables.refused("TagResource", ResourceArn=arn, Tags=tags).code == "ValidationException"
    assert len(tables("ListTagsOfResource", ResourceArn=arn)["Tags"]) == 50


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("a:b:c:d:e:f/g", "ValidationException"),
        ("arn:aws:dynamodb:us-east-1:000000000000:table/absent", "ResourceNotFoundException"),
    ],
)
def test_tags_belong_to_tables(tables: Tables, arn: str, code: str) -> None:
    assert tables.refused("ListTagsOfResource", ResourceArn=arn).code == code


def test_limits_are_aws_defaults(tables: Tables) -> None:
    assert tables("DescribeLimits")["TableMaxReadCapacityUnits"] == 40_000
