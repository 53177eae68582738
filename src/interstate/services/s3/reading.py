"""Objects read: whole, in ranges, by part, under conditions; and what HEAD tells.

Source: S3 API Reference, GetObject, HeadObject; answers of the service.
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.core.objects.ranges import Conditions, Span, judge, span_of
from interstate.services.s3 import bodies
from interstate.services.s3.content import ENCRYPTION
from interstate.services.s3.errors import (
    InvalidPartNumber,
    InvalidRange,
    InvalidRequest,
    NoSuchBucket,
    NoSuchKey,
    NotFound,
    NotModified,
    PreconditionFailed,
)
from interstate.services.s3.locate import object_at
from interstate.services.s3.objects import check_version
from interstate.store.ports import Work
from interstate.store.records.s3 import SEGMENT_NUMBERED, Object

PAGE_BYTES = 1 << 20
"""What a reader that streams takes at a time."""
WHOLE_BYTES_MAX = 128 << 20
"""What a call inside the process may read at once."""


class GetObject(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """``_Streams`` is set by a reader that fetches what does not fit a page by itself, from ``_Rest``."""

    bucket: str
    key: str
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    if_unmodified_since: datetime | None = None
    range: str | None = None
    part_number: int | None = None
    version_id: str | None = None
    checksum_mode: str | None = None
    response_cache_control: str | None = None
    response_content_disposition: str | None = None
    response_content_encoding: str | None = None
    response_content_language: str | None = None
    response_content_type: str | None = None
    response_expires: datetime | None = None
    streams: bool = msgspec.field(name="_Streams", default=False)


class ReadBody(msgspec.Struct, frozen=True, rename="pascal"):
    """Bytes of a body, for a reader that streams."""

    body: int
    first: int
    end: int


_OVERRIDES = (
    ("CacheControl", "response_cache_control"),
    ("ContentDisposition", "response_content_disposition"),
    ("ContentEncoding", "response_content_encoding"),
    ("ContentLanguage", "response_content_language"),
    ("ContentType", "response_content_type"),
    ("Expires", "response_expires"),
)


def get_object(request: GetObject, work: Work) -> dict[str, Any]:
    """An object's bytes, or a range of them, with what was stored beside them.

    Raises:
        NoSuchKey: there is none.
        NotModified: the caller has it already.
        PreconditionFailed: it is not as the caller wants it.
        InvalidRange: the range lies behind its end.
    """
    found, span, answer = _looked_at(request, work)
    for name, field in _OVERRIDES:
        value = getattr(request, field)
        if value is not None:
            answer[name] = value
    size = span.end - span.first
    if request.streams and size > PAGE_BYTES:
        answer["Body"] = bodies.read(found.body, span.first, span.first + PAGE_BYTES, work)
        answer["_Rest"] = (found.body, span.first + PAGE_BYTES, span.end)
        return answer
    if size > WHOLE_BYTES_MAX:
        raise NotImplementedHere(f"reading {size} bytes of an object at once; ask for a range")
    answer["Body"] = bodies.read(found.body, span.first, span.end, work)
    return answer


def head_object(request: GetObject, work: Work) -> dict[str, Any]:
    """What is stored beside an object's bytes.

    Raises:
        NotFound: there is none; HEAD tells no more.
    """
    try:
        return _looked_at(request, work)[2]
    except (NoSuchBucket, NoSuchKey):
        raise NotFound from None


def read_body(request: ReadBody, work: Work) -> dict[str, Any]:
    """The next page for a reader that streams; fewer bytes than asked for when the object has been replaced meanwhile."""
    return {"Data": bodies.read(request.body, request.first, min(request.end, request.first + PAGE_BYTES), work)}


def _looked_at(request: GetObject, work: Work) -> tuple[Object, Span, dict[str, Any]]:
    check_version(request.version_id)
    found = object_at(request.bucket, request.key, work)
    conditions = Conditions(
        request.if_match, request.if_none_match, request.if_modified_since, request.if_unmodified_since
    )
    verdict = judge(conditions, found.etag, found.modified)
    if verdict == "not modified":
        raise NotModified
    if verdict != "ok":
        raise PreconditionFailed(verdict)
    span = _span(request, found, work)
    told = span or Span(0, found.size)
    answer: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": found.modified,
        "ContentLength": told.end - told.first,
        "ETag": found.etag,
        **found.headers,
        "ServerSideEncryption": ENCRYPTION,
        "Metadata": found.metadata,
    }
    if span is not None:
        answer["ContentRange"] = f"bytes {told.first}-{told.end - 1}/{found.size}"
    elif request.checksum_mode == "ENABLED" and found.checksums:
        answer |= {**found.checksums, "ChecksumType": "COMPOSITE" if _is_composite(found) else "FULL_OBJECT"}
    if found.tags:
        answer["TagCount"] = len(found.tags)
    if request.part_number is not None and found.parts:
        answer["PartsCount"] = found.parts
    return found, told, answer


def _is_composite(found: Object) -> bool:
    return any("-" in checksum for checksum in found.checksums.values())


def _span(request: GetObject, found: Object, work: Work) -> Span | None:
    if request.part_number is not None:
        if request.range is not None:
            raise InvalidRequest("Cannot specify both Range header and partNumber query parameter")
        return _span_of_part(request.part_number, found, work)
    if request.range is None:
        return None
    span = span_of(request.range, found.size)
    if span == "unsatisfiable":
        raise InvalidRange(request.range, found.size)
    assert not isinstance(span, str)
    return span


def _span_of_part(number: int, found: Object, work: Work) -> Span | None:
    if not found.parts:
        if number != 1:
            raise InvalidPartNumber(number, 1)
        return Span(0, found.size) if found.size else None
    for segment in work.select(SEGMENT_NUMBERED, limit=1, body=found.body, number=number):
        return Span(segment.start, segment.start + segment.size)
    raise InvalidPartNumber(number, found.parts)
