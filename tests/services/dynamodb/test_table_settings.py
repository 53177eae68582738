"""States, throughput and other settings of tables. Source: DynamoDB API Reference, TableDescription, UpdateTable."""

from datetime import timedelta
from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, definitions, key_schema

ONE = "One or more parameter values were invalid: "
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
BASE: dict[str, Any] = {"AttributeDefinitions": definitions("pk"), "KeySchema": key_schema("pk")}
ON_DEMAND = {**BASE, "BillingMode": "PAY_PER_REQUEST"}
PROVISIONED = {**BASE, "ProvisionedThroughput": UNITS}
LATE = {
    "IndexName": "late",
    "KeySchema": key_schema("colour"),
    "Projection": {"ProjectionType": "ALL"},
    "ProvisionedThroughput": UNITS,
}


def described(tables: Tables, name: str = "other") -> Any:
    return tables("DescribeTable", TableName=name)["Table"]


def updated(tables: Tables, name: str = "other", **members: Any) -> Any:
    return tables("UpdateTable", TableName=name, **members)["TableDescription"]


def units(read: int, write: int) -> dict[str, int]:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def test_a_table_is_creating_when_it_is_made_and_active_afterwards(tables: Tables) -> None:
    made = tables("CreateTable", TableName="other", **PROVISIONED)["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    assert "WarmThroughput" not in made
    table = described(tables)
    assert table["TableStatus"] == "ACTIVE"
    assert table["WarmThroughput"] == {"ReadUnitsPerSecond": 5, "WriteUnitsPerSecond": 5, "Status": "ACTIVE"}
    assert "BillingModeSummary" not in table


def test_a_table_that_is_paid_per_request_says_since_when(tables: Tables) -> None:
    made = tables("CreateTable", TableName="other", **ON_DEMAND)["TableDescription"]
    assert made["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    table = described(tables)
    assert table["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == table["CreationDateTime"]
    assert table["WarmThroughput"] == {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"}


def test_a_deleted_table_says_little_of_itself(tables: Tables) -> None:
    tables("CreateTable", TableName="other", **PROVISIONED)
    gone = tables("DeleteTable", TableName="other")["TableDescription"]
    assert gone == {
        "TableName": "other", "TableStatus": "DELETING", "TableSizeBytes": 0, "ItemCount": 0,
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, **UNITS}, "DeletionProtectionEnabled": False,
        "TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/other", "TableId": gone["TableId"],
    }  # fmt: skip


def test_warm_throughput_is_updating_and_then_there(tables: Tables) -> None:
    warm = {"ReadUnitsPerSecond": 1000, "WriteUnitsPerSecond": 1200}
    made = tables("CreateTable", TableName="other", **PROVISIONED, WarmThroughput=warm)["TableDescription"]
    assert made["WarmThroughput"] == {**warm, "Status": "UPDATING"}
    assert described(tables)["WarmThroughput"] == {**warm, "Status": "ACTIVE"}
    more = updated(tables, WarmThroughput={"ReadUnitsPerSecond": 2000})["WarmThroughput"]
    assert more == {"ReadUnitsPerSecond": 2000, "WriteUnitsPerSecond": 1200, "Status": "UPDATING"}
    message = tables.message("UpdateTable", TableName="other", WarmThroughput={"ReadUnitsPerSecond": 1})
    assert message == (
        ONE + "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput"
    )


def test_bounds_of_what_is_paid_per_request(tables: Tables) -> None:
    bounds = {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20}
    tables("CreateTable", TableName="other", **ON_DEMAND, OnDemandThroughput=bounds)
    assert described(tables)["OnDemandThroughput"] == bounds
    updated(tables, OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert described(tables)["OnDemandThroughput"] == {"MaxWriteRequestUnits": 20}
    updated(tables, OnDemandThroughput={"MaxWriteRequestUnits": -1})
    assert "OnDemandThroughput" not in described(tables)
    message = tables.message("CreateTable", TableName="third", **PROVISIONED, OnDemandThroughput=bounds)
    assert message == ONE + "OnDemandThroughput cannot be specified when BillingMode is PROVISIONED"


def test_provisioned_units_go_up_at_will_and_down_four_times_a_day(tables: Tables) -> None:
    tables("CreateTable", TableName="other", **BASE, ProvisionedThroughput=units(100, 100))
    for read in (90, 80, 70, 60):
        shown = updated(tables, ProvisionedThroughput=units(read, 100))
    assert shown["TableStatus"] == "UPDATING"
    assert shown["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 4
    assert shown["ProvisionedThroughput"]["LastDecreaseDateTime"] == tables.world.now
    error = tables.refused("UpdateTable", TableName="other", ProvisionedThroughput=units(50, 100))
    assert error.code == "LimitExceededException"
    assert error.message.startswith(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the "
        "first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 "
        "seconds. Number of decreases today: 4."
    )
    updated(tables, ProvisionedThroughput=units(200, 100))  # Up is no matter.
    tables.world.advance(timedelta(hours=1))
    shown = updated(tables, ProvisionedThroughput=units(50, 100))
    assert shown["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 5
    tables.world.advance(timedelta(days=1))
    assert described(tables)["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0


def test_units_of_an_index_change_on_their_own(tables: Tables) -> None:
    tables("CreateTable", TableName="other", **{**PROVISIONED, "AttributeDefinitions": definitions("pk", "colour")},
           GlobalSecondaryIndexes=[LATE])  # fmt: skip
    change = {"IndexName": "late", "ProvisionedThroughput": units(7, 5)}
    (index,) = updated(tables, GlobalSecondaryIndexUpdates=[{"Update": change}])["GlobalSecondaryIndexes"]
    assert index["ProvisionedThroughput"]["ReadCapacityUnits"] == 7
    again = tables.message("UpdateTable", TableName="other", GlobalSecondaryIndexUpdates=[{"Update": change}])
    assert again.startswith("The provisioned throughput for the index late will not change.")


def test_a_table_with_indexes_needs_their_units_too(tables: Tables) -> None:
    index = {name: LATE[name] for name in ("IndexName", "KeySchema", "Projection")}
    tables("CreateTable", TableName="other", **{**ON_DEMAND, "AttributeDefinitions": definitions("pk", "colour")},
           GlobalSecondaryIndexes=[index])  # fmt: skip
    wish: dict[str, Any] = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS}
    message = tables.message("UpdateTable", TableName="other", **wish)
    assert message == ONE + "ProvisionedThroughput must be specified for index: late"
    change = {"Update": {"IndexName": "late", "ProvisionedThroughput": UNITS}}
    updated(tables, **wish, GlobalSecondaryIndexUpdates=[change])
    assert described(tables)["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 5


def test_an_index_that_goes_is_deleting(tables: Tables) -> None:
    tables("CreateTable", TableName="other", **{**PROVISIONED, "AttributeDefinitions": definitions("pk", "colour")},
           GlobalSecondaryIndexes=[LATE])  # fmt: skip
    (index,) = updated(tables, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "late"}}])[
        "GlobalSecondaryIndexes"
    ]
    assert (index["IndexName"], index["IndexStatus"]) == ("late", "DELETING")
    assert "GlobalSecondaryIndexes" not in described(tables)


def test_encryption_names_a_key(tables: Tables) -> None:
    tables("CreateTable", TableName="other", **ON_DEMAND, SSESpecification={"Enabled": True})
    shown = described(tables)["SSEDescription"]
    assert (shown["Status"], shown["SSEType"]) == ("ENABLED", "KMS")
    assert shown["KMSMasterKeyArn"].startswith("arn:aws:kms:us-east-1:000000000000:key/")
    leaving = updated(tables, SSESpecification={"Enabled": False})["SSEDescription"]
    assert leaving == {**shown, "Status": "UPDATING"}
    assert "SSEDescription" not in described(tables)


def test_protection_takes_no_time(tables: Tables) -> None:
    tables("CreateTable", TableName="other", **ON_DEMAND)
    assert updated(tables, DeletionProtectionEnabled=True)["TableStatus"] == "ACTIVE"


def test_an_attribute_is_defined_once(tables: Tables) -> None:
    twice = {**ON_DEMAND, "AttributeDefinitions": definitions("pk", "pk")}
    assert tables.refused("CreateTable", TableName="other", **twice).code == "ValidationException"


def test_insights_are_kept_and_described(indexed: Tables) -> None:
    def told(**index: str) -> Any:
        return indexed("DescribeContributorInsights", TableName="things", **index)

    assert told() == {"TableName": "things", "ContributorInsightsStatus": "DISABLED"}
    answer = indexed("UpdateContributorInsights", TableName="things", ContributorInsightsAction="ENABLE")
    assert answer["ContributorInsightsStatus"] == "ENABLING"
    assert told()["ContributorInsightsStatus"] == "ENABLED"
    assert told()["LastUpdateDateTime"] == indexed.world.now
    assert len(told()["ContributorInsightsRuleList"]) == 4
    assert told(IndexName="byOwner")["ContributorInsightsStatus"] == "DISABLED"
    indexed("UpdateContributorInsights", TableName="things", IndexName="byOwner", ContributorInsightsAction="ENABLE")
    indexed("UpdateContributorInsights", TableName="things", ContributorInsightsAction="DISABLE")
    listed = indexed("ListContributorInsights")["ContributorInsightsSummaries"]
    assert [(one.get("IndexName"), one["ContributorInsightsStatus"]) for one in listed] == [
        (None, "DISABLED"), ("byOwner", "ENABLED"),
    ]  # fmt: skip
    absent = {"TableName": "things", "IndexName": "absent"}
    assert indexed.refused("DescribeContributorInsights", **absent).code == "ResourceNotFoundException"


def test_auto_scaling_is_kept_and_described(tables: Tables) -> None:
    tables("CreateTable", TableName="other", **PROVISIONED)
    target = {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0}}
    wish = {"MinimumUnits": 5, "MaximumUnits": 50, "ScalingPolicyUpdate": target}
    told = tables("UpdateTableReplicaAutoScaling", TableName="other",
                  ProvisionedWriteCapacityAutoScalingUpdate=wish)  # fmt: skip
    (replica,) = told["TableAutoScalingDescription"]["Replicas"]
    kept = replica["ReplicaProvisionedWriteCapacityAutoScalingSettings"]
    assert (kept["MinimumUnits"], kept["MaximumUnits"]) == (5, 50)
    assert kept["ScalingPolicies"][0]["PolicyName"] == "DynamoDBWriteCapacityUtilization:table/other"
    assert replica["ReplicaProvisionedReadCapacityAutoScalingSettings"] == {"AutoScalingDisabled": True}
    assert tables("DescribeTableReplicaAutoScaling", TableName="other") == told
    off = {"AutoScalingDisabled": True}
    tables("UpdateTableReplicaAutoScaling", TableName="other", ProvisionedWriteCapacityAutoScalingUpdate=off)
    (replica,) = tables("DescribeTableReplicaAutoScaling", TableName="other")["TableAutoScalingDescription"]["Replicas"]
    assert replica["ReplicaProvisionedWriteCapacityAutoScalingSettings"] == off
    for members in (
        {"TableName": "things", "ProvisionedWriteCapacityAutoScalingUpdate": wish},
        {"TableName": "other", "ProvisionedWriteCapacityAutoScalingUpdate": {"MinimumUnits": 1}},
        {"TableName": "other", "GlobalSecondaryIndexUpdates": [{"IndexName": "absent"}]},
        {"TableName": "other", "ReplicaUpdates": [{"RegionName": "eu-west-1"}]},
    ):
        assert tables.refused("UpdateTableReplicaAutoScaling", **members).code == "ValidationException"


def test_the_endpoint_is_the_regions(tables: Tables) -> None:
    (endpoint,) = tables("DescribeEndpoints")["Endpoints"]
    assert endpoint == {"Address": "dynamodb.us-east-1.amazonaws.com", "CachePeriodInMinutes": 1440}


@pytest.mark.parametrize(
    "operation", ["EnableKinesisStreamingDestination", "SearchVectors", "StartBulkPutItems", "CreateGlobalTable"]
)
def test_what_is_not_there_is_refused_by_name(tables: Tables, operation: str) -> None:
    error = tables.refused(operation, TableName="things")
    assert error.code == "NotImplemented"
    assert operation in error.message


def test_a_new_index_defines_its_key_in_the_request_and_its_units_never_when_paid_per_request(tables: Tables) -> None:
    """Source: DynamoDB API Reference, UpdateTable, AttributeDefinitions."""
    tables("CreateTable", TableName="other", **ON_DEMAND)
    index = {"IndexName": "late", "KeySchema": key_schema("colour", "pk"), "Projection": {"ProjectionType": "ALL"}}

    def told(names: tuple[str, ...], **more: Any) -> str:
        create = [{"Create": {**index, **more}}]
        return tables.message(
            "UpdateTable",
            TableName="other",
            AttributeDefinitions=definitions(*names),
            GlobalSecondaryIndexUpdates=create,
        )

    assert told(("colour",)) == "Invalid KeySchema: Some index key attribute have no definition"
    assert told(("colour", "pk"), ProvisionedThroughput=UNITS) == (
        ONE + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: late "
        "when BillingMode is PAY_PER_REQUEST"
    )
