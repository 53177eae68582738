"""The items of a Map Run, from where its cursor stands.

What is read from S3 is pinned when the run first reads: its bytes stay until the run is over, whatever becomes of the object.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import JSON, BrokenJSON, dumps, loads
from interstate.base.time import to_epoch_s
from interstate.core.asl.vocabulary import Datum, MapReading, MapRunSetup
from interstate.core.items.cursor import Cursor
from interstate.core.items.packed import packed_as, unpacked
from interstate.core.items.parquet import parquet_lines
from interstate.core.items.reading import (
    Unreadable,
    csv_columns,
    csv_headers,
    csv_item,
    csv_records,
    is_empty_array,
    json_elements,
    json_lines,
)
from interstate.services.s3 import bodies
from interstate.services.s3.locate import object_at
from interstate.store.ports import Work
from interstate.store.records.s3 import Object

ITEMS_MAX: Final = 100_000_000
"""Source: ItemReader, "MaxItems": up to 100,000,000."""
WINDOW_BYTES: Final = 16_384
GIVEN_PIECE_BYTES: Final = 32_768
ITEM_BYTES_MAX: Final = 8 << 20
"""The longest item that is looked for; its child could not take more than 256 KiB anyway."""
UNPACKED_BYTES_MAX: Final = 64 << 20
"""A packed file is unpacked whole, up to here."""
PARQUET_BYTES_MAX: Final = 16 << 20
WHOLE_BYTES_MAX: Final = 16 << 20
"""A JSON file of which ``ItemsPointer`` picks an array is read whole, up to here."""


class Pair(NamedTuple):
    """An item that is a member of an object."""

    name: str
    value: JSON


Step = tuple[JSON | Pair, Cursor]


def items_from(cursor: Cursor, setup: MapRunSetup, caller: Caller, work: Work) -> Iterator[Step]:
    """Items, each with the cursor behind it; lazily, so that only what is taken is parsed.

    The last element has a cursor at its ``end``. An element may be no item but only a cursor: its item is ``NO_ITEM``.

    Raises:
        Unreadable: what is read is not what it should be.
    """
    if cursor.end:
        return
    if setup.items is not None:
        yield from _inline(cursor, setup)
        return
    reading = setup.reading or GIVEN
    limit = _limit(reading)
    if not cursor.opened:
        cursor = _opened(cursor, reading, caller, work)
        yield NO_ITEM, cursor
    read = _listed if reading.action == "listObjectsV2" and not cursor.many else _read
    if cursor.manifest and not cursor.many:  # It was opened before there were others.
        cursor = msgspec.structs.replace(cursor, many=True)
    while not cursor.end:
        if cursor.many and cursor.offset >= cursor.size:
            cursor = _next_file(cursor, reading, caller, work)
            yield NO_ITEM, cursor
            continue
        for item, behind in read(cursor, reading, caller, work):
            cursor = msgspec.structs.replace(behind, end=True) if behind.taken >= limit else behind
            yield item, cursor
            if cursor.end:
                return


NO_ITEM: Final[Any] = object()
GIVEN: Final = MapReading("", {}, "JSONL")
"""How the items that the state was given are read: they lie as lines in a body, so that a slice reads no more than it takes."""


def put_apart(setup: MapRunSetup, work: Work) -> tuple[MapRunSetup, Cursor]:
    """What is kept of a setup, and where its items begin: those that the state was given lie in a body of their own."""
    if setup.items is None:
        return setup, Cursor()
    given = loads(setup.items)
    assert isinstance(given, list | dict)
    items: list[JSON] = given if isinstance(given, list) else [list(pair) for pair in given.items()]
    data = "".join(f"{Datum(value=item).text}\n" for item in items).encode()
    body = bodies.begin(work) if data else 0
    for at in range(0, len(data), GIVEN_PIECE_BYTES):
        bodies.write(body, at, data[at : at + GIVEN_PIECE_BYTES], work)
    if data:
        bodies.seal(body, len(data), work)
    cursor = Cursor(body=body, size=len(data), end=not data, opened=True, pairs=isinstance(given, dict))
    return msgspec.structs.replace(setup, items=None, given=len(given)), cursor


def items_given(setup: MapRunSetup) -> int | None:
    """How many items the state was given; None where a reader brings them."""
    if setup.items is None:
        return setup.given
    given = loads(setup.items)
    assert isinstance(given, list | dict)
    return len(given)


def release(cursor: Cursor, work: Work) -> None:
    """Let go of the bytes that the run has pinned."""
    for body in (cursor.body, cursor.manifest):
        if body:
            bodies.release(body, work)


def _limit(reading: MapReading) -> int:
    if reading.max_items is None or reading.max_items == 0:
        return ITEMS_MAX
    if reading.max_items < 0:
        raise Unreadable("field MaxItems must be positive")
    return min(reading.max_items, ITEMS_MAX)


def _inline(cursor: Cursor, setup: MapRunSetup) -> Iterator[Step]:
    """The items of a run that began before they lay in a body."""
    assert setup.items is not None
    given = loads(setup.items)
    assert isinstance(given, list | dict)
    items = given if isinstance(given, list) else [Pair(*pair) for pair in given.items()]
    for at in range(cursor.taken, len(items)):
        yield items[at], msgspec.structs.replace(cursor, taken=at + 1, end=at + 1 == len(items))
    if not items:
        yield NO_ITEM, msgspec.structs.replace(cursor, end=True)


# S3 ----------------------------------------------------------------------------------------------------------------


def _opened(cursor: Cursor, reading: MapReading, caller: Caller, work: Work) -> Cursor:
    _limit(reading)
    _check_arguments(reading, caller)
    opened = msgspec.structs.replace(cursor, opened=True)
    if reading.action == "listObjectsV2":
        if reading.transformation != "NONE" and reading.input_type not in {"CSV", "JSON", "JSONL", "PARQUET"}:
            raise Unreadable("The transformation LOAD_AND_FLATTEN needs the InputType of the objects.")
        return msgspec.structs.replace(opened, many=reading.transformation != "NONE")
    if reading.transformation != "NONE":
        raise Unreadable(
            "LOAD_AND_FLATTEN loads the objects of a list: its Resource is arn:aws:states:::s3:listObjectsV2."
        )
    found = _object(reading.arguments.get("Bucket", ""), reading.arguments.get("Key", ""), caller, work)
    if reading.manifest_type == "ATHENA_DATA":
        bodies.use(found.body, work)
        files = len(_athena_files(found.body, found.size, work))
        return msgspec.structs.replace(opened, manifest=found.body, files=files, many=True, end=files == 0)
    if _is_inventory(reading):
        bodies.use(found.body, work)
        return _with_manifest(opened, found, work)
    return _begun(opened, found, reading, work)


def _check_arguments(reading: MapReading, caller: Caller) -> None:
    """What S3 would refuse: another owner than the one expected, a version where there are none.

    Source: Developer Guide, ItemReader: "ExpectedBucketOwner", "VersionId" (which Parquet does not have).
    """
    owner, version = reading.arguments.get("ExpectedBucketOwner"), reading.arguments.get("VersionId")
    if owner is not None and owner != caller.account:
        raise Unreadable("Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)")
    if version is not None and reading.input_type == "PARQUET":
        raise Unreadable("VersionId is not supported for the InputType PARQUET.")
    if version not in {None, "null"}:
        raise Unreadable(
            "The specified version does not exist. (Service: Amazon S3; Status Code: 404; Error Code: NoSuchVersion)"
        )


def _object(bucket: str, key: str, caller: Caller, work: Work) -> Object:
    try:
        return object_at(bucket, key, work, caller.account)
    except ServiceError as error:
        raise Unreadable(f"{error.message} (Service: Amazon S3; Status Code: 404; Error Code: {error.code})") from error


def _is_inventory(reading: MapReading) -> bool:
    return reading.manifest_type == "S3_INVENTORY" or (reading.input_type == "MANIFEST" and not reading.manifest_type)


def _begun(cursor: Cursor, found: Object, reading: MapReading, work: Work) -> Cursor:
    """A file of items is at hand, which may be packed.

    Source: Developer Guide, ItemReader, "InputType": GZIP and ZSTD.
    """
    body, size = found.body, found.size
    parquet = reading.input_type == "PARQUET"
    form = packed_as(bodies.read(body, 0, min(size, 4), work))
    if form is not None:
        if size > UNPACKED_BYTES_MAX:
            raise Unreadable(f"Interstate unpacks files up to {UNPACKED_BYTES_MAX >> 20} MiB.")
        data = unpacked(bodies.read(body, 0, size, work), form, UNPACKED_BYTES_MAX)
        body, size = bodies.store(data, work), len(data)
    elif not parquet:
        bodies.use(body, work)
    if parquet:
        body, size = _rows(body, size, work)
    begun = msgspec.structs.replace(cursor, body=body, size=size, offset=0, lines=parquet)
    if reading.input_type == "CSV":
        begun = _with_headers(begun, reading, work)
    elif reading.input_type == "JSON" and reading.items_pointer:
        begun = _picked(begun, reading.items_pointer, work)
    elif size == 0 and reading.input_type != "JSON":
        begun = msgspec.structs.replace(begun, end=True)
    return msgspec.structs.replace(begun, end=False, offset=begun.size) if cursor.many and begun.end else begun


def _rows(body: int, size: int, work: Work) -> tuple[int, int]:
    """The rows of a Parquet file as a body of JSON Lines."""
    if size > PARQUET_BYTES_MAX:
        raise Unreadable(f"Interstate reads Parquet files up to {PARQUET_BYTES_MAX >> 20} MiB.")
    made, length = bodies.begin(work), 0
    for lines in parquet_lines(bodies.read(body, 0, size, work)):
        bodies.write(made, length, lines, work)
        length += len(lines)
        if length > UNPACKED_BYTES_MAX:
            raise Unreadable(f"Interstate reads Parquet files whose rows have up to {UNPACKED_BYTES_MAX >> 20} MiB.")
    bodies.seal(made, length, work)
    return made, length


def _with_headers(cursor: Cursor, reading: MapReading, work: Work) -> Cursor:
    if reading.header_location == "GIVEN":
        headers = csv_headers(reading.headers)
        return msgspec.structs.replace(cursor, headers=headers, end=cursor.size == 0)
    for window, last in _windows(cursor, work):
        for record, behind in csv_records(window, reading.delimiter, last=last):
            headers = csv_headers([name.removeprefix("\ufeff") for name in record])
            return msgspec.structs.replace(cursor, headers=headers, offset=behind, end=behind >= cursor.size)
    return msgspec.structs.replace(cursor, end=True)


def _with_manifest(cursor: Cursor, found: Object, work: Work) -> Cursor:
    """The manifest of an S3 inventory; its files are CSV without headers, which it names itself.

    AWS reads inventories in CSV alone; here those in Parquet are read as well.

    Source: Developer Guide, ItemReader ("The output format of your Amazon S3 inventory report must be CSV");
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
    """
    manifest = _manifest(found.body, found.size, work)
    if manifest.get("fileFormat", "CSV") not in {"CSV", "Parquet"}:
        raise Unreadable(f"The output format of an S3 inventory must be CSV, not {manifest['fileFormat']}.")
    headers = csv_headers([name.strip() for name in str(manifest.get("fileSchema", "")).split(",")])
    files = len(manifest["files"])
    return msgspec.structs.replace(cursor, manifest=found.body, headers=headers, files=files, many=True, end=files == 0)


def _manifest(body: int, size: int, work: Work) -> dict[str, Any]:
    try:
        value: Any = loads(bodies.read(body, 0, min(size, WHOLE_BYTES_MAX), work).decode())
    except (BrokenJSON, UnicodeDecodeError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("files"), list):
        raise Unreadable("The manifest is not that of an S3 inventory.")
    return value


def _athena_files(body: int, size: int, work: Work) -> list[str]:
    """The data files that an UNLOAD query of Athena wrote: its manifest is a list of their URIs, one a line.

    Source: https://docs.aws.amazon.com/athena/latest/ug/unload.html
    """
    try:
        text = bodies.read(body, 0, min(size, WHOLE_BYTES_MAX), work).decode()
    except UnicodeDecodeError:
        text = ""
    files = [line.strip().strip('"') for line in text.splitlines() if line.strip()]
    if not all(file.startswith("s3://") for file in files):
        raise Unreadable("The manifest is not that of an Athena query.")
    return files


def _next_file(cursor: Cursor, reading: MapReading, caller: Caller, work: Work) -> Cursor:
    """The next of many files, unpacked where it is packed. The one before is let go when the next one is there."""
    following = _following_file(msgspec.structs.replace(cursor, body=0, size=0, offset=0), reading, caller, work)
    if cursor.body:
        bodies.release(cursor.body, work)
    return following


def _following_file(cursor: Cursor, reading: MapReading, caller: Caller, work: Work) -> Cursor:
    if cursor.manifest and cursor.file >= cursor.files:
        return msgspec.structs.replace(cursor, end=True)
    if not cursor.manifest:
        return _next_listed(cursor, reading, caller, work)
    told = msgspec.structs.replace(cursor, file=cursor.file + 1)
    if reading.manifest_type == "ATHENA_DATA":
        uri = _athena_files(cursor.manifest, WHOLE_BYTES_MAX, work)[cursor.file]
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return _begun(told, _object(bucket, key, caller, work), reading, work)
    manifest = _manifest(cursor.manifest, WHOLE_BYTES_MAX, work)
    bucket = str(manifest.get("destinationBucket", "")).rpartition(":")[2]
    form = "PARQUET" if manifest.get("fileFormat") == "Parquet" else "MANIFEST"
    found = _object(bucket, str(manifest["files"][cursor.file].get("key", "")), caller, work)
    return _begun(told, found, msgspec.structs.replace(reading, input_type=form), work)


def _next_listed(cursor: Cursor, reading: MapReading, caller: Caller, work: Work) -> Cursor:
    """The next object of a list, whose items are the list's (LOAD_AND_FLATTEN); those that end with "/" are folders."""
    page = _list(cursor, reading, caller, work, most=1)
    if not page:
        return msgspec.structs.replace(cursor, end=True)
    key = page[0]["Key"]
    told = msgspec.structs.replace(cursor, key=key)
    if key.endswith("/"):
        return told
    return _begun(told, _object(reading.arguments.get("Bucket", ""), key, caller, work), reading, work)


def _picked(cursor: Cursor, pointer: str, work: Work) -> Cursor:
    """The array at a JSON pointer as a body of its own; of an object, the array of its names and values."""
    if cursor.size > WHOLE_BYTES_MAX:
        raise Unreadable(f"Interstate picks items by ItemsPointer of files up to {WHOLE_BYTES_MAX >> 20} MiB.")
    try:
        value: JSON = loads(bodies.read(cursor.body, 0, cursor.size, work).decode())
    except (BrokenJSON, UnicodeDecodeError):
        raise Unreadable("The file is not valid JSON.") from None
    for name in pointer.split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise Unreadable(f"The ItemsPointer {pointer} does not point to a value.")
    pairs = isinstance(value, dict)
    if isinstance(value, dict):
        value = [[name, item] for name, item in value.items()]
    if not isinstance(value, list):
        raise Unreadable("Attempting to map over non-iterable node.")
    data = dumps(value).encode()
    bodies.release(cursor.body, work)
    return msgspec.structs.replace(cursor, body=bodies.store(data, work), size=len(data), pairs=pairs)


def _windows(cursor: Cursor, work: Work) -> Iterator[tuple[bytes, bool]]:
    """Windows from where the cursor stands, each longer than the one before; the reader stops at the first that serves."""
    length = WINDOW_BYTES
    while True:
        end = min(cursor.offset + length, cursor.size)
        yield bodies.read(cursor.body, cursor.offset, end, work), end == cursor.size
        if end == cursor.size:
            return
        if length >= ITEM_BYTES_MAX:
            raise Unreadable("An item is too long to be read.")
        length *= 4


def _read(cursor: Cursor, reading: MapReading, _caller: Caller, work: Work) -> Iterator[Step]:
    for window, last in _windows(cursor, work):
        found = False
        for item, behind in _parsed(window, cursor, reading, last=last):
            found = True
            yield item, behind
        if found or last:
            if last and not found:
                yield NO_ITEM, msgspec.structs.replace(cursor, offset=cursor.size, end=not cursor.many)
            return


def _parsed(window: bytes, cursor: Cursor, reading: MapReading, *, last: bool) -> Iterator[Step]:
    taken = cursor.taken

    def behind(offset: int, *, closed: bool = False) -> Cursor:
        at = cursor.size if closed else cursor.offset + offset
        return msgspec.structs.replace(cursor, taken=taken, offset=at, end=at >= cursor.size and not cursor.many)

    if not cursor.lines and (reading.input_type == "CSV" or _is_inventory(reading)):
        columns = csv_columns(cursor.headers)
        for record, end in csv_records(window, reading.delimiter, last=last):
            taken += 1
            yield csv_item(columns, record), behind(end)
    elif cursor.lines or reading.input_type == "JSONL":
        for line in json_lines(window, last=last):
            taken += 1
            yield _member(line.item) if cursor.pairs else line.item, behind(line.next)
    elif not (cursor.offset == 0 and last and is_empty_array(window)):
        for element in json_elements(window, first=cursor.offset == 0, last=last):
            taken += 1
            yield _member(element.item) if cursor.pairs else element.item, behind(element.next, closed=element.closed)


def _member(pair: JSON) -> Pair:
    assert isinstance(pair, list)
    name, value = pair
    assert isinstance(name, str)
    return Pair(name, value)


def _list(cursor: Cursor, reading: MapReading, caller: Caller, work: Work, *, most: int | None = None) -> Any:
    request: dict[str, Any] = {"Bucket": reading.arguments.get("Bucket", "")}
    if "Prefix" in reading.arguments:
        request["Prefix"] = reading.arguments["Prefix"]
    after = cursor.key or reading.arguments.get("StartAfter")
    if after:
        request["StartAfter"] = after
    if most is not None:
        request["MaxKeys"] = most
    try:
        answer = work.call("s3", "ListObjectsV2", request, caller=caller)
    except ServiceError as error:
        raise Unreadable(f"{error.message} (Service: Amazon S3; Status Code: 404; Error Code: {error.code})") from error
    return answer.get("Contents", []) if most is not None else answer


def _listed(cursor: Cursor, reading: MapReading, caller: Caller, work: Work) -> Iterator[Step]:
    answer = _list(cursor, reading, caller, work)
    found = answer.get("Contents", [])
    taken = cursor.taken
    for at, entry in enumerate(found):
        taken += 1
        item: JSON = {
            "Etag": entry["ETag"],
            "Key": entry["Key"],
            "LastModified": int(to_epoch_s(entry["LastModified"])),
            "Size": entry["Size"],
            "StorageClass": entry["StorageClass"],
        }
        end = at + 1 == len(found) and not answer["IsTruncated"]
        yield item, msgspec.structs.replace(cursor, taken=taken, key=entry["Key"], end=end)
    if not found:
        yield NO_ITEM, msgspec.structs.replace(cursor, end=True)
