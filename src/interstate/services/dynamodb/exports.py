"""Exports of tables to buckets of S3, as they were at an instant or by what changed between two.

Bounded steps write one object of compressed lines each; manifests follow the last.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

import gzip
from base64 import b64encode
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any

import msgspec
import orjson

from interstate.base.arn import caller_of
from interstate.base.errors import NotImplementedHere, ServiceError, ValidationException
from interstate.base.time import from_micros, to_iso, to_micros
from interstate.core.tables.keys import Encoded
from interstate.services.dynamodb.backups import TableNotFoundException
from interstate.services.dynamodb.changes import as_it_was, changed_between, last_until
from interstate.services.dynamodb.locate import described_table
from interstate.services.dynamodb.recovery import earliest
from interstate.services.dynamodb.restores import PointInTimeRecoveryUnavailableException
from interstate.services.dynamodb.snapshots import begin, end
from interstate.services.dynamodb.transfers import LIST_MAX, digest, ended, found, listed, new_arn, repeated, scope_of
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    ITEM_TABLES,
    ITEM_TRANSFERS,
    ItemTable,
    ItemTransfer,
    StoredItem,
    decode_item,
    encode_item,
)

FILE_ITEMS_MAX = 1000
KIND = "EXPORT"


class Incremental(msgspec.Struct, frozen=True, rename="pascal"):
    export_from_time: datetime | None = None
    export_to_time: datetime | None = None
    export_view_type: str = "NEW_AND_OLD_IMAGES"


class ExportTableToPointInTime(msgspec.Struct, frozen=True, rename="pascal"):
    table_arn: str
    s3_bucket: str = msgspec.field(name="S3Bucket")
    export_time: datetime | None = None
    client_token: str | None = None
    s3_bucket_owner: str | None = msgspec.field(name="S3BucketOwner", default=None)
    s3_prefix: str | None = msgspec.field(name="S3Prefix", default=None)
    s3_sse_algorithm: str | None = msgspec.field(name="S3SseAlgorithm", default=None)
    s3_sse_kms_key_id: str | None = msgspec.field(name="S3SseKmsKeyId", default=None)
    export_format: str = "DYNAMODB_JSON"
    export_type: str = "FULL_EXPORT"
    incremental_export_specification: Incremental | None = None
    filter_specification: Any = None


class DescribeExport(msgspec.Struct, frozen=True, rename="pascal"):
    export_arn: str


class ListExports(msgspec.Struct, frozen=True, rename="pascal"):
    table_arn: str | None = None
    max_results: int = LIST_MAX
    next_token: str = ""


class Write(msgspec.Struct, frozen=True):
    """Write the items behind a key; ``since`` and ``until`` are numbers of changes."""

    arn: str
    since: int
    until: int
    partition: bytes = b""
    sort: bytes = b""


class ExportConflictException(ServiceError):
    """The token was used for another export."""

    def __init__(self) -> None:
        super().__init__("There was a conflict when writing to the specified S3 bucket: ClientToken was used before")


class ExportNotFoundException(ServiceError):
    """There is no such export."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Export not found: {arn}")


class InvalidExportTimeException(ServiceError):
    """The instant lies outside the table's window."""

    def __init__(self) -> None:
        super().__init__("The specified ExportTime is outside of the point in time recovery window.")


def export_table(request: ExportTableToPointInTime, work: Work) -> dict[str, Any]:
    """Begin an export.

    Raises:
        TableNotFoundException: there is no such table.
        PointInTimeRecoveryUnavailableException: it does not keep its past.
        InvalidExportTimeException: it does not go back so far.
        ExportConflictException: the token was used for another export.
    """
    if request.export_format == "ION":
        raise NotImplementedHere("DynamoDB's exports as ION")
    if request.filter_specification is not None:
        raise NotImplementedHere("DynamoDB's FilterSpecification of exports")
    known = repeated(KIND, request.client_token, digest(request), ExportConflictException(), work)
    if known is not None:
        return {"ExportDescription": _description(known)}
    try:
        table = described_table(request.table_arn, work, "ExportTableToPointInTime")
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise TableNotFoundException(request.table_arn.rpartition("/")[2]) from error
    if table.definition.recovery_since is None:
        raise PointInTimeRecoveryUnavailableException(table.name)
    since, until = _span(request, table, work)
    begin(table, work)
    arn = new_arn(table.arn, "export", work)
    details = _details(request, table, arn, work)
    token = request.client_token or arn
    transfer = ItemTransfer(
        arn, KIND, scope_of(work), table.arn, token, digest(request), work.now, "IN_PROGRESS", details
    )
    work.put(ITEM_TRANSFERS, transfer)
    work.later("dynamodb.export", Write(arn, since, until))
    return {"ExportDescription": _description(transfer)}


def _span(request: ExportTableToPointInTime, table: ItemTable, work: Work) -> tuple[int, int]:
    """The numbers of the changes between which an export looks; a full one looks at the second alone."""
    if request.export_type == "FULL_EXPORT":
        return 0, _number_at(request.export_time or work.now, table, work)
    wish = request.incremental_export_specification
    if wish is None or wish.export_from_time is None:
        raise ValidationException(
            "IncrementalExportSpecification with an ExportFromTime is required for ExportType INCREMENTAL_EXPORT"
        )
    until = wish.export_to_time or work.now
    if until - wish.export_from_time < timedelta(minutes=15):
        raise ValidationException("The export period must be at least 15 minutes long")
    return _number_at(wish.export_from_time, table, work), _number_at(until, table, work)


def _number_at(at: datetime, table: ItemTable, work: Work) -> int:
    if not earliest(table.definition, work.now) <= at <= work.now:
        raise InvalidExportTimeException
    return last_until(table.definition.id, at, work)


def _details(request: ExportTableToPointInTime, table: ItemTable, arn: str, work: Work) -> dict[str, Any]:
    prefix = "" if request.s3_prefix is None else request.s3_prefix.rstrip("/") + "/"
    folder = f"{prefix}AWSDynamoDB/{arn.rpartition('/')[2]}"
    wish = request.incremental_export_specification
    details = {
        "Table": table.definition.unique_id,
        "Id": table.definition.id,
        "Folder": folder,
        "ExportTime": to_micros(request.export_time or work.now),
        "ClientToken": request.client_token,
        "S3Bucket": request.s3_bucket,
        "S3BucketOwner": request.s3_bucket_owner,
        "S3Prefix": request.s3_prefix,
        "S3SseAlgorithm": request.s3_sse_algorithm or "AES256",
        "S3SseKmsKeyId": request.s3_sse_kms_key_id,
        "ExportFormat": request.export_format,
        "ExportType": request.export_type,
        "Items": 0,
        "Bytes": 0,
        "Files": [],
    }
    if request.export_type == "INCREMENTAL_EXPORT" and wish is not None and wish.export_from_time is not None:
        details["From"] = to_micros(wish.export_from_time)
        details["To"] = to_micros(wish.export_to_time or work.now)
        details["View"] = wish.export_view_type
    return details


_SHOWN = (
    "ClientToken", "S3Bucket", "S3BucketOwner", "S3Prefix", "S3SseAlgorithm", "S3SseKmsKeyId", "FailureCode",
    "FailureMessage", "ExportFormat", "ExportType",
)  # fmt: skip


def _description(transfer: ItemTransfer) -> dict[str, Any]:
    details = transfer.details
    answer: dict[str, Any] = {
        "ExportArn": transfer.arn,
        "ExportStatus": transfer.status,
        "StartTime": transfer.started,
        "TableArn": transfer.table_arn,
        "TableId": details["Table"],
        "ExportTime": from_micros(details["ExportTime"]),
        **{name: details[name] for name in _SHOWN if details.get(name) is not None},
    }
    if "From" in details:
        answer["IncrementalExportSpecification"] = {
            "ExportFromTime": from_micros(details["From"]),
            "ExportToTime": from_micros(details["To"]),
            "ExportViewType": details["View"],
        }
    if transfer.ended is not None:
        answer["EndTime"] = transfer.ended
        answer["ItemCount"] = details["Items"]
        answer["BilledSizeBytes"] = details["Bytes"]
    if transfer.status == "COMPLETED":
        answer["ExportManifest"] = f"{details['Folder']}/manifest-summary.json"
    return answer


def describe_export(request: DescribeExport, work: Work) -> dict[str, Any]:
    """An export.

    Raises:
        ExportNotFoundException: there is none.
    """
    missing = ExportNotFoundException(request.export_arn)
    return {"ExportDescription": _description(found(request.export_arn, KIND, missing, work))}


def list_exports(request: ListExports, work: Work) -> dict[str, Any]:
    """The account's exports, page by page."""
    page, more = listed(KIND, request.table_arn, request.max_results, request.next_token, work)
    answer: dict[str, Any] = {
        "ExportSummaries": [
            {"ExportArn": one.arn, "ExportStatus": one.status, "ExportType": one.details["ExportType"]} for one in page
        ]
    }
    if more:
        answer["NextToken"] = page[-1].arn
    return answer


# Steps -------------------------------------------------------------------------------------------------------------


def write(body: Write, work: Work) -> None:
    """Write one object, then the rest; the manifests after the last."""
    transfer = work.get(ITEM_TRANSFERS, body.arn)
    if transfer is None or transfer.status != "IN_PROGRESS":
        return
    try:
        with work.overlay():
            transfer, rest = _file(transfer, body, work)
            if rest is None:
                _manifests(transfer, work)
    except ServiceError as error:
        ended(transfer, work, failure=(f"S3{error.code}", error.message))
        _let_go(transfer, work)
        return
    if rest is None:
        ended(transfer, work)
        _let_go(transfer, work)
    else:
        work.put(ITEM_TRANSFERS, transfer)
        partition, sort = rest
        work.later("dynamodb.export", msgspec.structs.replace(body, partition=partition, sort=sort), yields=True)


def _let_go(transfer: ItemTransfer, work: Work) -> None:
    table = work.get(ITEM_TABLES, transfer.table_arn)
    if table is not None and table.definition.id == transfer.details["Id"]:
        end(table, work)


def _file(transfer: ItemTransfer, body: Write, work: Work) -> tuple[ItemTransfer, Encoded | None]:
    details = dict(transfer.details)
    number, behind = details["Id"], (body.partition, body.sort)
    if details["ExportType"] == "FULL_EXPORT":
        snapshot = as_it_was(number, body.until, behind, FILE_ITEMS_MAX, work)
        lines = [b'{"Item":' + row.item + b"}" for row in snapshot.items]
        size, rest = sum(row.size for row in snapshot.items), snapshot.end
    else:
        lines, size, rest = _changed_lines(transfer, body, work)
    if lines:
        text = gzip.compress(b"\n".join(lines) + b"\n", mtime=0)
        name = f"{details['Folder']}/data/{work.entropy.text(26)}.json.gz"
        etag = _put(transfer, name, text, work)
        checksum = b64encode(md5(text, usedforsecurity=False).digest()).decode()
        file = {"itemCount": len(lines), "md5Checksum": checksum, "etag": etag, "dataFileS3Key": name}
        details["Files"] = [*details["Files"], file]
    details["Items"] += len(lines)
    details["Bytes"] += size
    return msgspec.structs.replace(transfer, details=details), rest


def _changed_lines(transfer: ItemTransfer, body: Write, work: Work) -> tuple[list[bytes], int, Encoded | None]:
    table = work.get(ITEM_TABLES, transfer.table_arn)
    assert table is not None, "a table that is exported is not deleted"
    names = table.definition.key.names
    shows_old = transfer.details["View"] == "NEW_AND_OLD_IMAGES"
    behind = (body.partition, body.sort)
    differences, rest = changed_between(transfer.details["Id"], (body.since, body.until), behind, FILE_ITEMS_MAX, work)
    lines = []
    size = 0
    for one in differences:
        image = one.new or one.old
        if image is None:  # It came and went in between.
            continue
        keys = {name: value for name, value in decode_item(image.item).items() if name in names}
        line = b'{"Metadata":{"WriteTimestampMicros":{"N":"%d"}},"Keys":' % to_micros(one.at) + encode_item(keys)
        line += _image(b"OldImage", one.old if shows_old else None) + _image(b"NewImage", one.new)
        lines.append(line + b"}")
        size += image.size
    return lines, size, rest


def _image(name: bytes, row: StoredItem | None) -> bytes:
    return b"" if row is None else b',"' + name + b'":' + row.item


def _put(transfer: ItemTransfer, name: str, text: bytes, work: Work) -> str:
    request = {"Bucket": transfer.details["S3Bucket"], "Key": name, "Body": text}
    answer = work.call("s3", "PutObject", request, caller=caller_of(transfer.table_arn))
    etag: str = answer["ETag"]
    return etag.strip('"')


def _manifests(transfer: ItemTransfer, work: Work) -> None:
    details = transfer.details
    folder = details["Folder"]
    _put(transfer, f"{folder}/_started", b"", work)
    files = b"".join(orjson.dumps(file) + b"\n" for file in details["Files"])
    _put(transfer, f"{folder}/manifest-files.json", files, work)
    summary = {
        "version": "2020-06-30",
        "exportArn": transfer.arn,
        "startTime": to_iso(transfer.started),
        "endTime": to_iso(work.now),
        "tableArn": transfer.table_arn,
        "tableId": details["Table"],
        "exportTime": to_iso(from_micros(details["ExportTime"])),
        "s3Bucket": details["S3Bucket"],
        "s3Prefix": details["S3Prefix"],
        "s3SseAlgorithm": details["S3SseAlgorithm"],
        "s3SseKmsKeyId": details["S3SseKmsKeyId"],
        "manifestFilesS3Key": f"{folder}/manifest-files.json",
        "billedSizeBytes": details["Bytes"],
        "itemCount": details["Items"],
        "outputFormat": details["ExportFormat"],
        "exportType": details["ExportType"],
    }
    text = orjson.dumps(summary)
    _put(transfer, f"{folder}/manifest-summary.json", text, work)
    for name, content in (("manifest-files", files), ("manifest-summary", text)):
        checksum = b64encode(md5(content, usedforsecurity=False).digest())
        _put(transfer, f"{folder}/{name}.md5", checksum, work)
