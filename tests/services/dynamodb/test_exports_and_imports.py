"""Exports to and imports from buckets. Source: DynamoDB Developer Guide, Export to and import from Amazon S3."""

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, definitions, key, key_schema

from interstate.runtime.testing import World
from interstate.services.dynamodb import SERVICES, exports, imports
from interstate.services.s3 import SERVICES as S3

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/things"


@pytest.fixture
def stored() -> Iterator[Tables]:
    """``things`` with point-in-time recovery, and a bucket ``lake``."""
    made = Tables()
    made.world.close()
    made.world = World((*SERVICES, *S3))
    made("CreateTable", TableName="things", AttributeDefinitions=definitions("pk", "sk"),
         KeySchema=key_schema("pk", "sk"), BillingMode="PAY_PER_REQUEST")  # fmt: skip
    recovery = {"PointInTimeRecoveryEnabled": True}
    made("UpdateContinuousBackups", TableName="things", PointInTimeRecoverySpecification=recovery)
    made.world.call("s3", "CreateBucket", {"Bucket": "lake"})
    yield made
    made.world.close()


def put_object(tables: Tables, name: str, text: bytes) -> None:
    tables.world.call("s3", "PutObject", {"Bucket": "lake", "Key": name, "Body": text})


def objects(tables: Tables, prefix: str = "") -> dict[str, bytes]:
    listed = tables.world.call("s3", "ListObjectsV2", {"Bucket": "lake", "Prefix": prefix}).get("Contents", [])
    names = [one["Key"] for one in listed]
    return {name: tables.world.call("s3", "GetObject", {"Bucket": "lake", "Key": name})["Body"] for name in names}


def lines(tables: Tables, prefix: str) -> list[Any]:
    return [
        json.loads(line)
        for name, text in objects(tables, prefix).items()
        if name.endswith(".json.gz")
        for line in gzip.decompress(text).splitlines()
    ]


def exported(tables: Tables, **more: Any) -> Any:
    request = {"TableArn": ARN, "S3Bucket": "lake", **more}
    arn = tables("ExportTableToPointInTime", **request)["ExportDescription"]["ExportArn"]
    tables.world.run_due()
    return tables("DescribeExport", ExportArn=arn)["ExportDescription"]


CREATION: dict[str, Any] = {
    "TableName": "copy", "AttributeDefinitions": definitions("pk", "sk"), "KeySchema": key_schema("pk", "sk"),
    "BillingMode": "PAY_PER_REQUEST",
}  # fmt: skip


def imported(tables: Tables, **more: Any) -> Any:
    request = {
        "S3BucketSource": {"S3Bucket": "lake", "S3KeyPrefix": "in/"}, "InputFormat": "DYNAMODB_JSON",
        "TableCreationParameters": CREATION, **more,
    }  # fmt: skip
    started = tables("ImportTable", **request)["ImportTableDescription"]
    assert started["ImportStatus"] == "IN_PROGRESS"
    tables.world.run_due()
    return tables("DescribeImport", ImportArn=started["ImportArn"])["ImportTableDescription"]


def test_an_export_holds_the_table_of_its_instant(stored: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "FILE_ITEMS_MAX", 2)
    for sk in range(5):
        stored.put(pk="a", sk=sk)
    then = stored.world.now
    stored.world.advance(timedelta(minutes=1))
    stored("DeleteItem", TableName="things", Key=key("a", 1))
    stored.put(pk="a", sk=9)
    told = exported(stored, ExportTime=then, S3Prefix="out")
    assert (told["ExportStatus"], told["ItemCount"]) == ("COMPLETED", 5)
    folder = told["ExportManifest"].rpartition("/")[0]
    assert folder.startswith("out/AWSDynamoDB/")
    found = lines(stored, folder + "/data/")
    assert sorted(line["Item"]["sk"]["N"] for line in found) == ["0", "1", "2", "3", "4"]
    manifests = objects(stored, folder + "/manifest")
    summary = json.loads(manifests[told["ExportManifest"]])
    assert (summary["itemCount"], summary["outputFormat"]) == (5, "DYNAMODB_JSON")
    files = [json.loads(line) for line in manifests[summary["manifestFilesS3Key"]].splitlines()]
    assert sum(file["itemCount"] for file in files) == 5
    assert {file["dataFileS3Key"] for file in files} == set(objects(stored, folder + "/data/"))


def test_an_incremental_export_holds_what_changed(stored: Tables) -> None:
    for sk in range(4):
        stored.put(pk="a", sk=sk, n=1)
    start = stored.world.now
    stored.world.advance(timedelta(minutes=10))
    stored.put(pk="a", sk=0, n=2)
    stored("DeleteItem", TableName="things", Key=key("a", 1))
    stored.put(pk="b", sk=0)
    stored.put(pk="c", sk=0)
    stored("DeleteItem", TableName="things", Key=key("c", 0))
    stored.world.advance(timedelta(minutes=10))
    end = stored.world.now
    stored.world.advance(timedelta(minutes=10))
    stored.put(pk="a", sk=2, n=3)
    span = {"ExportFromTime": start, "ExportToTime": end}
    told = exported(stored, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=span)
    assert told["ExportStatus"] == "COMPLETED"
    found = {line["Keys"]["pk"]["S"] + line["Keys"]["sk"]["N"]: line for line in lines(stored, "AWSDynamoDB/")}
    assert found.keys() == {"a0", "a1", "b0"}
    assert (found["a0"]["OldImage"]["n"], found["a0"]["NewImage"]["n"]) == ({"N": "1"}, {"N": "2"})
    assert "NewImage" not in found["a1"]
    assert "OldImage" not in found["b0"]


def test_an_export_without_a_bucket_fails(stored: Tables) -> None:
    told = exported(stored, S3Bucket="absent")
    assert (told["ExportStatus"], told["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    stored("DeleteTable", TableName="things")  # Nothing holds it any more.


def test_an_export_under_a_token_is_made_once(stored: Tables) -> None:
    first, again = exported(stored, ClientToken="t"), exported(stored, ClientToken="t")
    assert first["ExportArn"] == again["ExportArn"]
    request = {"TableArn": ARN, "S3Bucket": "other", "ClientToken": "t"}
    assert stored.refused("ExportTableToPointInTime", **request).code == "ExportConflictException"
    (listed,) = stored("ListExports")["ExportSummaries"]
    assert listed == {"ExportArn": first["ExportArn"], "ExportStatus": "COMPLETED", "ExportType": "FULL_EXPORT"}


def test_exports_are_listed_page_by_page(stored: Tables) -> None:
    arns = sorted(exported(stored)["ExportArn"] for _ in range(3))
    page = stored("ListExports", MaxResults=2, TableArn=ARN)
    rest = stored("ListExports", MaxResults=2, NextToken=page["NextToken"])
    found = [one["ExportArn"] for one in (*page["ExportSummaries"], *rest["ExportSummaries"])]
    assert (found, "NextToken" in rest) == (arns, False)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"TableArn": ARN + "x"}, "TableNotFoundException"),
        ({"ExportFormat": "ION"}, "NotImplemented"),
        ({"ExportType": "INCREMENTAL_EXPORT"}, "ValidationException"),
    ],
)
def test_an_export_that_cannot_be_is_refused(stored: Tables, members: Any, code: str) -> None:
    request = {"TableArn": ARN, "S3Bucket": "lake", **members}
    assert stored.refused("ExportTableToPointInTime", **request).code == code
    early = {**request, "TableArn": ARN, "ExportFormat": "DYNAMODB_JSON", "ExportType": "FULL_EXPORT"}
    at = stored.world.now - timedelta(days=1)
    assert stored.refused("ExportTableToPointInTime", **early, ExportTime=at).code == "InvalidExportTimeException"


def test_what_was_exported_is_imported(stored: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "FILE_ITEMS_MAX", 3)
    monkeypatch.setattr(imports, "LINES_MAX", 2)
    for sk in range(7):
        stored("PutItem", TableName="things", Item={**key("a", sk), "b": {"B": b"\x00\xff"}, "s": {"NS": ["1"]}})
    exported(stored, S3Prefix="in")
    for name in [name for name in objects(stored, "in/") if not name.endswith(".gz")]:
        stored.world.call("s3", "DeleteObject", {"Bucket": "lake", "Key": name})
    told = imported(stored, InputCompressionType="GZIP")
    assert (told["ImportStatus"], told["ImportedItemCount"], told["ErrorCount"]) == ("COMPLETED", 7, 0)
    before, after = (stored("Scan", TableName=name)["Items"] for name in ("things", "copy"))
    assert before == after
    (listed,) = stored("ListImports")["ImportSummaryList"]
    assert (listed["ImportArn"], listed["ImportStatus"]) == (told["ImportArn"], "COMPLETED")


def test_csv_is_imported_with_its_header(stored: Tables) -> None:
    put_object(stored, "in/1.csv", b"pk;sk;note\na;1;one\na;2;\na;no number;x\n")
    options = {"Csv": {"Delimiter": ";"}}
    told = imported(stored, InputFormat="CSV", InputFormatOptions=options)
    assert (told["ImportedItemCount"], told["ErrorCount"]) == (2, 1)
    assert stored.get("a", 1, "copy") == {**key("a", 1), "note": {"S": "one"}}
    assert stored.get("a", 2, "copy") == key("a", 2)


def test_lines_that_are_no_items_are_counted(stored: Tables) -> None:
    good = b'{"Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}'
    bad = [b"nonsense", b'{"Item":{"pk":{"S":"a"}}}', b"[]", b'{"Item":1}', b'{"Item":{"pk":1,"sk":{"N":"1"}}}']
    put_object(stored, "in/1.json", b"\n".join([good, *bad]))
    told = imported(stored)
    assert (told["ProcessedItemCount"], told["ImportedItemCount"], told["ErrorCount"]) == (6, 1, 5)


def test_what_cannot_be_read_fails_the_import(stored: Tables) -> None:
    put_object(stored, "in/1.gz", b"no archive")
    told = imported(stored, InputCompressionType="GZIP")
    assert (told["ImportStatus"], told["FailureCode"]) == ("FAILED", "InvalidInput")
    creation = {**CREATION, "TableName": "copy2"}
    source = {"S3Bucket": "absent"}
    told = imported(stored, S3BucketSource=source, TableCreationParameters=creation)
    assert told["FailureCode"] == "S3NoSuchBucket"


def test_a_table_that_is_there_is_not_imported_into(stored: Tables) -> None:
    request = {"S3BucketSource": {"S3Bucket": "lake"}, "InputFormat": "CSV",
               "TableCreationParameters": {**CREATION, "TableName": "things"}}  # fmt: skip
    assert stored.refused("ImportTable", **request).code == "ResourceInUseException"
    assert stored.refused("DescribeImport", ImportArn="x" * 40).code == "ImportNotFoundException"
    assert stored.refused("DescribeExport", ExportArn="x" * 40).code == "ExportNotFoundException"
