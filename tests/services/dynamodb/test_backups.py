"""Backups, point-in-time recovery and restores. Source: DynamoDB Developer Guide, Backup and restore."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.services.dynamodb.conftest import Tables, definitions, key, key_schema

from interstate.services.dynamodb import backups, restores
from interstate.store.records.dynamodb import ITEM_BACKUPS, ITEM_CHANGES, ITEMS
from interstate.store.tables import Scalar

CHANGES = Scalar("SELECT COUNT(*) FROM item_changes", (ITEM_CHANGES,))
ITEMS_COUNT = Scalar("SELECT COUNT(*) FROM items", (ITEMS,))
ON = {"PointInTimeRecoveryEnabled": True}


def count(tables: Tables, scalar: Scalar) -> int:
    found: int = tables.world.run(lambda work: work.scalar(scalar))
    return found


def items(tables: Tables, table: str) -> dict[tuple[str, int], Any]:
    tables.world.run_due()
    found = tables("Scan", TableName=table)["Items"]
    return {(item["pk"]["S"], int(item["sk"]["N"])): item for item in found}


def backed_up(tables: Tables) -> str:
    arn: str = tables("CreateBackup", TableName="things", BackupName="nightly")["BackupDetails"]["BackupArn"]
    return arn


def recovered(tables: Tables, target: str, **members: Any) -> Any:
    return tables("RestoreTableToPointInTime", SourceTableName="things", TargetTableName=target, **members)


def keep(tables: Tables, **more: Any) -> Any:
    return tables("UpdateContinuousBackups", TableName="things", PointInTimeRecoverySpecification={**ON, **more})


# Backups -----------------------------------------------------------------------------------------------------------


def test_a_backup_is_described_listed_and_deleted(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "COPY_MAX", 1)
    tables.put(pk="a", sk=1)
    made = tables("CreateBackup", TableName="things", BackupName="nightly")["BackupDetails"]
    assert (made["BackupStatus"], made["BackupType"], made["BackupName"]) == ("CREATING", "USER", "nightly")
    arn = made["BackupArn"]
    assert arn.startswith("arn:aws:dynamodb:us-east-1:000000000000:table/things/backup/")
    in_use = tables.refused("DeleteBackup", BackupArn=arn)
    assert in_use.code == "BackupInUseException"
    tables.world.run_due()
    told = tables("DescribeBackup", BackupArn=arn)["BackupDescription"]
    assert told["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    assert told["SourceTableDetails"]["ItemCount"] == 1
    assert told["SourceTableDetails"]["BillingMode"] == "PAY_PER_REQUEST"
    (listed,) = tables("ListBackups")["BackupSummaries"]
    assert (listed["BackupArn"], listed["TableName"]) == (arn, "things")
    gone = tables("DeleteBackup", BackupArn=arn)["BackupDescription"]
    assert gone["BackupDetails"]["BackupStatus"] == "DELETED"
    tables.world.run_due()
    assert tables.refused("DescribeBackup", BackupArn=arn).code == "BackupNotFoundException"
    assert (count(tables, ITEMS_COUNT), count(tables, CHANGES)) == (1, 0)


def test_backups_are_listed_by_table_type_time_and_page(tables: Tables) -> None:
    arns = []
    for _ in range(3):
        arns.append(backed_up(tables))
        tables.world.advance(timedelta(minutes=1))
    first = tables("ListBackups", Limit=2)
    assert [one["BackupArn"] for one in first["BackupSummaries"]] == arns[:2]
    rest = tables("ListBackups", Limit=2, ExclusiveStartBackupArn=first["LastEvaluatedBackupArn"])
    assert [one["BackupArn"] for one in rest["BackupSummaries"]] == arns[2:]
    assert "LastEvaluatedBackupArn" not in rest
    assert tables("ListBackups", TableName="absent")["BackupSummaries"] == []
    assert tables("ListBackups", BackupType="SYSTEM")["BackupSummaries"] == []
    late = tables.world.now - timedelta(seconds=90)
    assert len(tables("ListBackups", TimeRangeLowerBound=late)["BackupSummaries"]) == 1
    assert len(tables("ListBackups", TimeRangeUpperBound=late)["BackupSummaries"]) == 2


def test_a_backup_holds_what_was_there_when_it_began(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "COPY_MAX", 3)
    monkeypatch.setattr(restores, "FILL_MAX", 2)
    for sk in range(10):
        tables.put(pk="a", sk=sk, n=sk)
    before = items(tables, "things")
    arn = backed_up(tables)
    for sk in (0, 1, 9):
        tables.put(pk="a", sk=sk, n=100)
        tables.put(pk="a", sk=sk, n=101)
    tables("DeleteItem", TableName="things", Key=key("a", 5))
    tables.put(pk="b", sk=0)
    tables.world.run_due()
    tables("RestoreTableFromBackup", TargetTableName="copy", BackupArn=arn)
    assert items(tables, "copy") == before
    assert tables("DescribeTable", TableName="copy")["Table"]["ItemCount"] == 10
    assert count(tables, CHANGES) == 0


def test_a_restored_table_has_indexes_and_no_stream(indexed: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restores, "FILL_MAX", 1)
    indexed.put(pk="a", sk=1, owner="me", rank=1, colour="red")
    arn = backed_up(indexed)
    indexed.world.run_due()
    made = indexed("RestoreTableFromBackup", TargetTableName="copy", BackupArn=arn)["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    assert made["RestoreSummary"]["SourceBackupArn"] == arn
    assert made["RestoreSummary"]["RestoreInProgress"] is True
    assert indexed.refused("GetItem", TableName="copy", Key=key("a", 1)).code == "ResourceNotFoundException"
    indexed.world.run_due()
    table = indexed("DescribeTable", TableName="copy")["Table"]
    assert (table["TableStatus"], table["RestoreSummary"]["RestoreInProgress"]) == ("ACTIVE", False)
    assert indexed("Scan", TableName="copy", IndexName="byOwner")["Count"] == 1
    assert indexed("Scan", TableName="copy", IndexName="byRank")["Count"] == 1
    slim = indexed("RestoreTableFromBackup", TargetTableName="slim", BackupArn=arn, GlobalSecondaryIndexOverride=[])
    assert "GlobalSecondaryIndexes" not in slim["TableDescription"]


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("CreateBackup", {"TableName": "absent", "BackupName": "nightly"}, "TableNotFoundException"),
        ("DescribeBackup", {"BackupArn": "absent" * 10}, "BackupNotFoundException"),
        ("DeleteBackup", {"BackupArn": "absent" * 10}, "BackupNotFoundException"),
        ("RestoreTableFromBackup", {"BackupArn": "absent" * 10, "TargetTableName": "copy"}, "BackupNotFoundException"),
        ("DescribeContinuousBackups", {"TableName": "absent"}, "TableNotFoundException"),
        (
            "RestoreTableToPointInTime",
            {"SourceTableName": "things", "TargetTableName": "copy", "UseLatestRestorableTime": True},
            "PointInTimeRecoveryUnavailableException",
        ),
        (
            "RestoreTableToPointInTime",
            {"SourceTableName": "absent", "TargetTableName": "copy", "UseLatestRestorableTime": True},
            "TableNotFoundException",
        ),
        (
            "RestoreTableToPointInTime",
            {"SourceTableName": "things", "TargetTableName": "things", "UseLatestRestorableTime": True},
            "TableAlreadyExistsException",
        ),
        ("RestoreTableToPointInTime", {"TargetTableName": "copy"}, "ValidationException"),
    ],
)
def test_what_cannot_be_copied_is_refused(tables: Tables, operation: str, members: Any, code: str) -> None:
    assert tables.refused(operation, **members).code == code


# Recovery ----------------------------------------------------------------------------------------------------------


def test_recovery_is_off_until_it_is_turned_on(tables: Tables) -> None:
    answer = tables("DescribeContinuousBackups", TableName="things")["ContinuousBackupsDescription"]
    assert answer == {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
    }
    keep(tables)
    answer = tables("DescribeContinuousBackups", TableName="things")["ContinuousBackupsDescription"]
    assert answer["PointInTimeRecoveryDescription"] == {
        "PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 35,
        "EarliestRestorableDateTime": tables.world.now, "LatestRestorableDateTime": tables.world.now,
    }  # fmt: skip


def test_a_table_comes_back_as_it_was(tables: Tables) -> None:
    keep(tables)
    tables.put(pk="a", sk=1, n=1)
    tables.put(pk="a", sk=2, n=1)
    tables.world.advance(timedelta(minutes=1))
    then = tables.world.now
    before = items(tables, "things")
    tables.world.advance(timedelta(minutes=1))
    tables.put(pk="a", sk=1, n=2)
    tables("DeleteItem", TableName="things", Key=key("a", 2))
    tables.put(pk="a", sk=3)
    recovered(tables, "then", RestoreDateTime=then)
    assert items(tables, "then") == before
    recovered(tables, "latest", UseLatestRestorableTime=True)
    assert items(tables, "latest") == items(tables, "things")
    early = tables.world.now - timedelta(hours=1)
    error = tables.refused(
        "RestoreTableToPointInTime", SourceTableName="things", TargetTableName="early", RestoreDateTime=early
    )
    assert error.code == "InvalidRestoreTimeException"


def test_what_is_behind_the_window_is_swept(tables: Tables) -> None:
    keep(tables, RecoveryPeriodInDays=1)
    tables.put(pk="a", sk=1)
    tables.world.advance(timedelta(hours=20))
    tables.put(pk="a", sk=1)
    assert count(tables, CHANGES) == 2
    for _ in range(6):
        tables.world.advance(timedelta(hours=1))
    assert count(tables, CHANGES) == 1
    off = {"PointInTimeRecoveryEnabled": False}
    tables("UpdateContinuousBackups", TableName="things", PointInTimeRecoverySpecification=off)
    tables.world.run_due()
    assert count(tables, CHANGES) == 0


def test_what_a_copy_may_need_is_not_swept(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restores, "FILL_MAX", 1)
    keep(tables, RecoveryPeriodInDays=1)
    for sk in range(3):
        tables.put(pk="a", sk=sk, n=1)
    before = items(tables, "things")
    then = tables.world.now
    tables.world.now += timedelta(seconds=1)
    for sk in range(3):
        tables.put(pk="a", sk=sk, n=2)
    tables.world.now = then + timedelta(days=1)
    recovered(tables, "then", RestoreDateTime=then)
    tables.world.now += timedelta(hours=2)
    assert items(tables, "then") == before


def test_a_table_that_could_be_restored_leaves_a_backup(tables: Tables) -> None:
    keep(tables)
    tables.put(pk="a", sk=1)
    before = items(tables, "things")
    tables("DeleteTable", TableName="things")
    tables.world.run_due()
    (backup,) = tables("ListBackups", BackupType="SYSTEM")["BackupSummaries"]
    assert backup["BackupName"] == "things$DeletedTableBackup"
    tables("RestoreTableFromBackup", TargetTableName="copy", BackupArn=backup["BackupArn"])
    assert items(tables, "copy") == before
    tables.world.advance(timedelta(days=36))
    tables.world.run_due()
    assert tables("ListBackups")["BackupSummaries"] == []


Write = tuple[int, int | None]
WRITES = st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 9))), max_size=12)


@settings(max_examples=examples(25), deadline=None)
@given(before=WRITES, after=WRITES, cut=st.integers(0, 4))
def test_any_copy_is_the_table_of_its_instant(before: list[Write], after: list[Write], cut: int) -> None:
    """A backup, and a restore to an instant, whatever is written while they are made."""
    tables = Tables()
    tables(
        "CreateTable", TableName="things", AttributeDefinitions=definitions("pk", "sk"),
        KeySchema=key_schema("pk", "sk"), BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    keep(tables)

    def write(writes: list[Write]) -> None:
        for sk, number in writes:
            if number is None:
                tables("DeleteItem", TableName="things", Key=key("a", sk))
            else:
                tables.put(pk="a", sk=sk, n=number)
            tables.world.now += timedelta(seconds=1)

    write(before)
    expected = items(tables, "things")
    then = tables.world.now
    arn = backed_up(tables)
    tables.world.now += timedelta(seconds=1)
    write(after[:cut])
    recovered(tables, "then", RestoreDateTime=then)
    write(after[cut:])
    tables.world.run_due()
    tables("RestoreTableFromBackup", TargetTableName="copy", BackupArn=arn)
    assert items(tables, "copy") == items(tables, "then") == expected
    assert tables.world.run(lambda work: work.get(ITEM_BACKUPS, arn)).status == "AVAILABLE"
    tables.world.close()
