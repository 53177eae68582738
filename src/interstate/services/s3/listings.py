"""Lists of objects: versions 1 and 2.

Source: S3 API Reference, ListObjects, ListObjectsV2.
"""

import base64
from binascii import Error as Base64Error
from typing import Any
from urllib.parse import quote

import msgspec

from interstate.core.objects.listing import Listed, listed
from interstate.services.s3.buckets import owner_of
from interstate.services.s3.errors import InvalidArgument
from interstate.services.s3.locate import bucket_at
from interstate.store.ports import Work
from interstate.store.records.s3 import OBJECTS_FROM, Object

KEYS_MAX = 1000


class ListObjectsV2(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str
    delimiter: str = ""
    encoding_type: str | None = None
    max_keys: int = KEYS_MAX
    prefix: str = ""
    continuation_token: str | None = None
    fetch_owner: bool = False
    start_after: str | None = None


class ListObjects(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str
    delimiter: str = ""
    encoding_type: str | None = None
    marker: str = ""
    max_keys: int = KEYS_MAX
    prefix: str = ""


def list_objects_v2(request: ListObjectsV2, work: Work) -> dict[str, Any]:
    """A page of a bucket's keys, in the order of UTF-8.

    Raises:
        InvalidArgument: a token that was never given out, or a negative number.
    """
    bucket_at(request.bucket, work)
    limit = _limit(request.max_keys)
    after = request.start_after or ""
    if request.continuation_token is not None:
        after = _place(request.continuation_token)
    found = _listed(request, after, limit, work)
    owner = work.caller.account if request.fetch_owner else None
    spelled = _speller(request.encoding_type)
    answer: dict[str, Any] = {
        "IsTruncated": found.last is not None,
        **_shown(found, owner, request.encoding_type),
        "Name": request.bucket,
        "Prefix": spelled(request.prefix),
        "MaxKeys": limit,
        "KeyCount": len(found.entries) + len(found.prefixes),
    }
    if request.delimiter:
        answer["Delimiter"] = spelled(request.delimiter)
    if request.encoding_type:
        answer["EncodingType"] = request.encoding_type
    if request.continuation_token is not None:
        answer["ContinuationToken"] = request.continuation_token
    if request.start_after is not None:
        answer["StartAfter"] = spelled(request.start_after)
    if found.last is not None:
        answer["NextContinuationToken"] = _token(found.last)
    return answer


def list_objects(request: ListObjects, work: Work) -> dict[str, Any]:
    """As version 2, with a marker in place of tokens; the next one is told only where there is a delimiter."""
    bucket_at(request.bucket, work)
    limit = _limit(request.max_keys)
    found = _listed(request, request.marker, limit, work)
    spelled = _speller(request.encoding_type)
    answer: dict[str, Any] = {
        "IsTruncated": found.last is not None,
        "Marker": spelled(request.marker),
        **_shown(found, work.caller.account, request.encoding_type),
        "Name": request.bucket,
        "Prefix": spelled(request.prefix),
        "MaxKeys": limit,
    }
    if request.delimiter:
        answer["Delimiter"] = spelled(request.delimiter)
        if found.last is not None:
            answer["NextMarker"] = spelled(found.last)
    if request.encoding_type:
        answer["EncodingType"] = request.encoding_type
    return answer


def _listed(request: ListObjects | ListObjectsV2, after: str, limit: int, work: Work) -> Listed[Object]:
    if limit == 0:
        return Listed([], [], None)

    def read(first: str, count: int) -> list[tuple[str, Object]]:
        rows = work.select(OBJECTS_FROM, limit=count, bucket=request.bucket, first=first)
        return [(row.object_key, row) for row in rows]

    return listed(read, prefix=request.prefix, delimiter=request.delimiter, after=after, limit=limit)


def _shown(found: Listed[Object], owner: str | None, encoding: str | None) -> dict[str, Any]:
    spelled = _speller(encoding)
    answer: dict[str, Any] = {}
    if found.entries:
        answer["Contents"] = [_entry(row, owner, spelled(row.object_key)) for row in found.entries]
    if found.prefixes:
        answer["CommonPrefixes"] = [{"Prefix": spelled(prefix)} for prefix in found.prefixes]
    return answer


def _entry(row: Object, owner: str | None, key: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Key": key,
        "LastModified": row.modified,
        "ETag": row.etag,
        "Size": row.size,
        "StorageClass": row.headers.get("StorageClass", "STANDARD"),
    }
    if row.checksums:
        entry["ChecksumAlgorithm"] = [name.removeprefix("Checksum") for name in row.checksums]
        composite = any("-" in value for value in row.checksums.values())
        entry["ChecksumType"] = "COMPOSITE" if composite else "FULL_OBJECT"
    if owner is not None:
        entry["Owner"] = {"ID": owner_of(owner)}
    return entry


def _speller(encoding: str | None) -> Any:
    if encoding is None:
        return str
    if encoding != "url":
        raise InvalidArgument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    return lambda text: quote(text, safe="/-_.*~!'()")


def _limit(asked: int) -> int:
    if asked < 0:
        raise InvalidArgument("Argument maxKeys must be an integer between 0 and 2147483647", "maxKeys", asked)
    return min(asked, KEYS_MAX)


def _token(place: str) -> str:
    return base64.urlsafe_b64encode(f"1{place}".encode("utf-8", "surrogatepass")).decode()


def _place(token: str) -> str:
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode("utf-8", "surrogatepass")
    except (Base64Error, ValueError):
        text = ""
    if not text.startswith("1"):
        raise InvalidArgument("The continuation token provided is incorrect", "continuation-token", token)
    return text[1:]
