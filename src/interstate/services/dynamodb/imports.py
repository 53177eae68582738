"""New tables from objects of S3: DynamoDB JSON (the lines of an export) or CSV.

The table is CREATING while bounded steps read the objects under a prefix, one after another. A line that is no item counts
as an error and is told nowhere else; items of one key replace one another in an order that nobody promises.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html
"""

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from interstate.base.arn import caller_of
from interstate.base.errors import NotImplementedHere, ServiceError, ValidationException
from interstate.core.tables.creation import AttributeDefinition, IndexWish, KeyElement, RequestUnits, Units
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.keys import check_index_keys, key_of_item
from interstate.core.tables.schema import TableDefinition
from interstate.core.tables.values import ITEM_BYTES_MAX, Item, checked_item
from interstate.services.dynamodb.errors import ResourceInUseException
from interstate.services.dynamodb.locate import check_name, table_arn
from interstate.services.dynamodb.restores import opened
from interstate.services.dynamodb.stored import Change, load, replace
from interstate.services.dynamodb.tables import CreateTable, SSESpecification, made, new_definition
from interstate.services.dynamodb.transfers import LIST_MAX, digest, ended, found, listed, new_arn, repeated, scope_of
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLES, ITEM_TRANSFERS, ItemTable, ItemTransfer, decode_item

LINES_MAX = 500
KIND = "IMPORT"


class BucketSource(msgspec.Struct, frozen=True, rename="pascal"):
    s3_bucket: str = msgspec.field(name="S3Bucket")
    s3_bucket_owner: str | None = msgspec.field(name="S3BucketOwner", default=None)
    s3_key_prefix: str = msgspec.field(name="S3KeyPrefix", default="")


class CsvOptions(msgspec.Struct, frozen=True, rename="pascal"):
    delimiter: str = ","
    header_list: list[str] | None = None


class FormatOptions(msgspec.Struct, frozen=True, rename="pascal"):
    csv: CsvOptions | None = None


class Creation(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    attribute_definitions: list[AttributeDefinition]
    key_schema: list[KeyElement]
    billing_mode: str = "PROVISIONED"
    provisioned_throughput: Units | None = None
    on_demand_throughput: RequestUnits | None = None
    sse_specification: SSESpecification | None = msgspec.field(name="SSESpecification", default=None)
    global_secondary_indexes: list[IndexWish] | None = None
    vector_indexes: Any = None


class ImportTable(msgspec.Struct, frozen=True, rename="pascal"):
    s3_bucket_source: BucketSource = msgspec.field(name="S3BucketSource")
    input_format: str
    table_creation_parameters: Creation
    client_token: str | None = None
    input_format_options: FormatOptions | None = None
    input_compression_type: str = "NONE"


class DescribeImport(msgspec.Struct, frozen=True, rename="pascal"):
    import_arn: str


class ListImports(msgspec.Struct, frozen=True, rename="pascal"):
    table_arn: str | None = None
    page_size: int = LIST_MAX
    next_token: str = ""


class Read(msgspec.Struct, frozen=True):
    """Read the lines of the object ``key`` from ``line`` on, or of the first one behind ``after``."""

    arn: str
    after: str = ""
    key: str | None = None
    line: int = 0


class ImportConflictException(ServiceError):
    """The token was used for another import."""

    def __init__(self) -> None:
        super().__init__(
            "There was a conflict when importing from the specified S3 source: ClientToken was used before"
        )


class ImportNotFoundException(ServiceError):
    """There is no such import."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Import not found: {arn}")


def import_table(request: ImportTable, work: Work) -> dict[str, Any]:
    """Begin an import into a new table.

    Raises:
        ResourceInUseException: the table exists.
        ImportConflictException: the token was used for another import.
        InvalidInput: the table cannot be.
    """
    _check_supported(request)
    known = repeated(KIND, request.client_token, digest(request), ImportConflictException(), work)
    if known is not None:
        return {"ImportTableDescription": _description(known)}
    creation = request.table_creation_parameters
    check_name(creation.table_name)
    arn = table_arn(creation.table_name, work.caller)
    if work.get(ITEM_TABLES, arn) is not None:
        raise ResourceInUseException(f"Table already exists: {creation.table_name}")
    table = made(arn, msgspec.structs.replace(_definition(creation, work), filling=True), {}, work)
    import_arn = new_arn(arn, "import", work)
    details: dict[str, Any] = {
        "Id": table.definition.id,
        "Table": table.definition.unique_id,
        "Request": msgspec.to_builtins(request),
        "Processed": 0,
        "Imported": 0,
        "Bytes": 0,
        "Errors": 0,
    }
    token = request.client_token or import_arn
    transfer = ItemTransfer(
        import_arn, KIND, scope_of(work), arn, token, digest(request), work.now, "IN_PROGRESS", details
    )
    work.put(ITEM_TRANSFERS, transfer)
    work.later("dynamodb.import", Read(import_arn))
    return {"ImportTableDescription": _description(transfer)}


def _check_supported(request: ImportTable) -> None:
    if request.input_format == "ION":
        raise NotImplementedHere("DynamoDB's imports of ION")
    if request.input_compression_type == "ZSTD":
        raise NotImplementedHere("DynamoDB's imports of ZSTD")
    if request.table_creation_parameters.vector_indexes is not None:
        raise NotImplementedHere("DynamoDB's VectorIndexes")
    options = request.input_format_options
    if options is not None and options.csv is not None and len(options.csv.delimiter) != 1:
        raise ValidationException("The delimiter of CSV must be one character")


def _definition(creation: Creation, work: Work) -> TableDefinition:
    return new_definition(
        CreateTable(
            creation.table_name,
            attribute_definitions=creation.attribute_definitions,
            key_schema=creation.key_schema,
            global_secondary_indexes=creation.global_secondary_indexes,
            billing_mode=creation.billing_mode,
            provisioned_throughput=creation.provisioned_throughput,
            on_demand_throughput=creation.on_demand_throughput,
            sse_specification=creation.sse_specification,
        ),
        work,
    )


def _description(transfer: ItemTransfer) -> dict[str, Any]:
    details = transfer.details
    request = details["Request"]
    answer: dict[str, Any] = {
        "ImportArn": transfer.arn,
        "ImportStatus": transfer.status,
        "TableArn": transfer.table_arn,
        "TableId": details["Table"],
        "ErrorCount": details["Errors"],
        "StartTime": transfer.started,
        "ProcessedSizeBytes": details["Bytes"],
        "ProcessedItemCount": details["Processed"],
        "ImportedItemCount": details["Imported"],
    }
    for name in ("ClientToken", "S3BucketSource", "InputFormat", "InputFormatOptions", "InputCompressionType"):
        if request.get(name) is not None:
            answer[name] = _without_nulls(request[name])
    answer["TableCreationParameters"] = _without_nulls(request["TableCreationParameters"])
    if transfer.ended is not None:
        answer["EndTime"] = transfer.ended
    for name in ("FailureCode", "FailureMessage"):
        if name in details:
            answer[name] = details[name]
    return answer


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


def describe_import(request: DescribeImport, work: Work) -> dict[str, Any]:
    """An import.

    Raises:
        ImportNotFoundException: there is none.
    """
    missing = ImportNotFoundException(request.import_arn)
    return {"ImportTableDescription": _description(found(request.import_arn, KIND, missing, work))}


def list_imports(request: ListImports, work: Work) -> dict[str, Any]:
    """The account's imports, page by page."""
    page, more = listed(KIND, request.table_arn, request.page_size, request.next_token, work)
    answer: dict[str, Any] = {"ImportSummaryList": [_summary(one) for one in page]}
    if more:
        answer["NextToken"] = page[-1].arn
    return answer


def _summary(transfer: ItemTransfer) -> dict[str, Any]:
    request = transfer.details["Request"]
    answer = {
        "ImportArn": transfer.arn,
        "ImportStatus": transfer.status,
        "TableArn": transfer.table_arn,
        "S3BucketSource": _without_nulls(request["S3BucketSource"]),
        "InputFormat": request["InputFormat"],
        "StartTime": transfer.started,
    }
    return answer if transfer.ended is None else {**answer, "EndTime": transfer.ended}


# Steps -------------------------------------------------------------------------------------------------------------


def read(body: Read, work: Work) -> None:
    """Read a bounded number of lines, then the rest; the table is ACTIVE after the last."""
    transfer = work.get(ITEM_TRANSFERS, body.arn)
    if transfer is None or transfer.status != "IN_PROGRESS":
        return
    table = work.get(ITEM_TABLES, transfer.table_arn)
    if table is None or table.definition.id != transfer.details["Id"]:
        ended(transfer, work, failure=("TableDeleted", "The table was deleted while it was filled"))
        return
    request = msgspec.convert(transfer.details["Request"], ImportTable)
    try:
        key = body.key or _next_key(request, body.after, transfer, work)
        if key is None:
            ended(transfer, work)
            opened(table, work)
            return
        lines, size = _lines(request, key, transfer, work)
    except (ServiceError, ValueError, OSError, EOFError, zlib.error) as error:
        code = f"S3{error.code}" if isinstance(error, ServiceError) else "InvalidInput"
        ended(transfer, work, failure=(code, str(error)))
        opened(table, work)
        return
    page = lines[body.line : body.line + LINES_MAX]
    imported = sum(1 for line in page if _put(line, request, table, work))
    counts = {"Processed": len(page), "Imported": imported, "Errors": len(page) - imported}
    if body.line == 0:
        counts["Bytes"] = size
    details = {**transfer.details, **{name: transfer.details[name] + count for name, count in counts.items()}}
    work.put(ITEM_TRANSFERS, msgspec.structs.replace(transfer, details=details))
    if body.line + LINES_MAX < len(lines):
        work.later("dynamodb.import", Read(body.arn, body.after, key, body.line + LINES_MAX), yields=True)
    else:
        work.later("dynamodb.import", Read(body.arn, key), yields=True)


def _next_key(request: ImportTable, after: str, transfer: ItemTransfer, work: Work) -> str | None:
    source = request.s3_bucket_source
    wish = {"Bucket": source.s3_bucket, "Prefix": source.s3_key_prefix, "StartAfter": after, "MaxKeys": 1}
    answer = work.call("s3", "ListObjectsV2", wish, caller=caller_of(transfer.table_arn))
    contents: Sequence[dict[str, Any]] = answer.get("Contents", ())
    return contents[0]["Key"] if contents else None


def _lines(request: ImportTable, key: str, transfer: ItemTransfer, work: Work) -> tuple[list[Any], int]:
    """What an object holds: JSON lines, or rows of CSV by their header."""
    wish = {"Bucket": request.s3_bucket_source.s3_bucket, "Key": key}
    content: bytes = work.call("s3", "GetObject", wish, caller=caller_of(transfer.table_arn))["Body"]
    size = len(content)
    if request.input_compression_type == "GZIP":
        content = gzip.decompress(content)
    if request.input_format == "DYNAMODB_JSON":
        return [line for line in content.split(b"\n") if line.strip()], size
    options = (request.input_format_options or FormatOptions()).csv or CsvOptions()
    rows = list(csv.reader(io.StringIO(content.decode()), delimiter=options.delimiter))
    header = options.header_list or (rows.pop(0) if rows else [])
    return [dict(zip(header, row, strict=False)) for row in rows if row], size


def _put(line: Any, request: ImportTable, table: ItemTable, work: Work) -> bool:
    """Put the item of a line; tells whether it is one."""
    try:
        item, size = checked_item(_item(line, request))
        place = key_of_item(item, table.definition.key)
        for index in table.definition.indexes:
            check_index_keys(item, index)
        if size > ITEM_BYTES_MAX:
            return False
    except (InvalidInput, ValueError, TypeError, AttributeError):
        return False
    before = load(table, place, work)
    old = None if before is None else decode_item(before.item)
    replace(table, Change(place, before, old, item, size), work)
    return True


def _item(line: Any, request: ImportTable) -> Item:
    if isinstance(line, bytes):
        item: Item = orjson.loads(line)["Item"]
        return item
    types = {
        definition.attribute_name: definition.attribute_type
        for definition in request.table_creation_parameters.attribute_definitions
    }
    return {name: {types.get(name, "S"): text} for name, text in line.items() if text != ""}
