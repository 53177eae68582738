"""The items of a Map Run, from where its cursor stands.

What is read from S3 is pinned when the run first reads: its bytes stay until the run is over, whatever becomes of the object.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from zlib import decompressobj
from zlib import error as zlib_error

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import JSON, BrokenJSON, dumps, loads
from interstate.base.time import to_epoch_s
from interstate.core.asl.vocabulary import Datum, MapReading, MapRunSetup
from interstate.core.items.cursor import Cursor
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
"""A packed file of a manifest is unpacked whole, up to here."""
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
    read = _listed if reading.action == "listObjectsV2" else _read
    while not cursor.end:
        if cursor.manifest and cursor.offset >= cursor.size:
            cursor = _next_file(cursor, caller, work)
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
    if reading.transformation != "NONE":
        raise Unreadable(f"Interstate does not read items with the transformation {reading.transformation}.")
    opened = msgspec.structs.replace(cursor, opened=True)
    if reading.action == "listObjectsV2":
        return opened
    if reading.input_type not in {"CSV", "JSON", "JSONL", "MANIFEST"} or reading.manifest_type == "ATHENA_DATA":
        raise Unreadable(f"Interstate does not read items of the type {reading.manifest_type or reading.input_type}.")
    try:
        found = object_at(reading.arguments.get("Bucket", ""), reading.arguments.get("Key", ""), work, caller.account)
    except ServiceError as error:
        raise Unreadable(f"{error.message} (Service: Amazon S3; Status Code: 404; Error Code: {error.code})") from error
    bodies.use(found.body, work)
    if reading.input_type == "MANIFEST":
        return _with_manifest(opened, found, work)
    opened = msgspec.structs.replace(opened, body=found.body, size=found.size)
    if reading.input_type == "CSV":
        return _with_headers(opened, reading, work)
    if reading.input_type == "JSON" and reading.items_pointer:
        return _picked(opened, reading.items_pointer, work)
    return msgspec.structs.replace(opened, end=found.size == 0 and reading.input_type == "JSONL")


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

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
    """
    manifest = _manifest(found.body, found.size, work)
    if manifest.get("fileFormat", "CSV") != "CSV":
        raise Unreadable(f"Interstate does not read inventories of the format {manifest['fileFormat']}.")
    headers = csv_headers([name.strip() for name in str(manifest.get("fileSchema", "")).split(",")])
    files = len(manifest["files"])
    return msgspec.structs.replace(cursor, manifest=found.body, headers=headers, files=files, end=files == 0)


def _manifest(body: int, size: int, work: Work) -> dict[str, Any]:
    try:
        value: Any = loads(bodies.read(body, 0, min(size, WHOLE_BYTES_MAX), work).decode())
    except (BrokenJSON, UnicodeDecodeError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("files"), list):
        raise Unreadable("The manifest is not that of an S3 inventory.")
    return value


def _next_file(cursor: Cursor, caller: Caller, work: Work) -> Cursor:
    """The next file of a manifest, unpacked where it is packed. The one before is let go when the next one is there."""
    before = cursor.body
    cursor = msgspec.structs.replace(cursor, body=0, size=0, offset=0)
    if cursor.file >= cursor.files:
        if before:
            bodies.release(before, work)
        return msgspec.structs.replace(cursor, end=True)
    manifest = _manifest(cursor.manifest, WHOLE_BYTES_MAX, work)
    bucket = str(manifest.get("destinationBucket", "")).rpartition(":")[2]
    key = str(manifest["files"][cursor.file].get("key", ""))
    try:
        found = object_at(bucket, key, work, caller.account)
    except ServiceError as error:
        raise Unreadable(f"{error.message} (Service: Amazon S3; Status Code: 404; Error Code: {error.code})") from error
    body, size = found.body, found.size
    if key.endswith(".gz"):
        data = _unpacked(bodies.read(body, 0, min(size, UNPACKED_BYTES_MAX), work))
        body, size = bodies.store(data, work), len(data)
    else:
        bodies.use(body, work)
    if before:
        bodies.release(before, work)
    return msgspec.structs.replace(cursor, body=body, size=size, file=cursor.file + 1)


def _unpacked(data: bytes) -> bytes:
    try:
        unpacked = decompressobj(31).decompress(data, UNPACKED_BYTES_MAX + 1)
    except zlib_error:
        raise Unreadable("A file of the manifest is not a valid GZIP file.") from None
    if len(unpacked) > UNPACKED_BYTES_MAX:
        raise Unreadable(f"Interstate unpacks files of a manifest up to {UNPACKED_BYTES_MAX >> 20} MiB.")
    return unpacked


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
                end = cursor.file >= cursor.files
                yield NO_ITEM, msgspec.structs.replace(cursor, offset=cursor.size, end=end)
            return


def _parsed(window: bytes, cursor: Cursor, reading: MapReading, *, last: bool) -> Iterator[Step]:
    taken = cursor.taken

    def behind(offset: int, *, closed: bool = False) -> Cursor:
        at = cursor.offset + offset
        end = closed or (at >= cursor.size and cursor.file >= cursor.files)
        return msgspec.structs.replace(cursor, taken=taken, offset=at, end=end)

    if reading.input_type in {"CSV", "MANIFEST"}:
        columns = csv_columns(cursor.headers)
        for record, end in csv_records(window, reading.delimiter, last=last):
            taken += 1
            yield csv_item(columns, record), behind(end)
    elif reading.input_type == "JSONL":
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


def _listed(cursor: Cursor, reading: MapReading, caller: Caller, work: Work) -> Iterator[Step]:
    request: dict[str, Any] = {"Bucket": reading.arguments.get("Bucket", "")}
    if "Prefix" in reading.arguments:
        request["Prefix"] = reading.arguments["Prefix"]
    after = cursor.key or reading.arguments.get("StartAfter")
    if after:
        request["StartAfter"] = after
    try:
        answer = work.call("s3", "ListObjectsV2", request, caller=caller)
    except ServiceError as error:
        raise Unreadable(f"{error.message} (Service: Amazon S3; Status Code: 404; Error Code: {error.code})") from error
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
