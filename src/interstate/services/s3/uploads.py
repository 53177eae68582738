"""Uploads in parts.

Source: S3 API Reference, CreateMultipartUpload and its siblings; https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.core.objects.checksums import ALGORITHMS, etag_of, etag_of_parts, member, of_parts
from interstate.core.objects.ranges import span_of
from interstate.services.s3 import bodies
from interstate.services.s3.buckets import owner_of
from interstate.services.s3.content import (
    ENCRYPTION,
    Content,
    Digests,
    check_supported,
    checksums_of,
    headers_of,
    metadata_of,
)
from interstate.services.s3.errors import (
    EntityTooLarge,
    EntityTooSmall,
    InvalidArgument,
    InvalidPart,
    InvalidPartOrder,
    InvalidRange,
    InvalidRequest,
    MalformedXML,
    NoSuchUpload,
)
from interstate.services.s3.locate import bucket_at, check_key
from interstate.services.s3.objects import Source, check_write, save, second, source_of
from interstate.services.s3.tagging import tags_of_header
from interstate.store.ports import Work
from interstate.store.records.s3 import (
    PARTS,
    PARTS_OF_UPLOAD,
    UPLOADS,
    UPLOADS_OF_BUCKET,
    AbortParts,
    Object,
    Part,
    Upload,
)

PARTS_MAX = 10_000
PART_BYTES_MIN = 5 << 20
OBJECT_BYTES_MAX = 5 << 40
COPIED_RANGE_BYTES_MAX = 64 << 20
"""A range of an object that is copied byte for byte in one call; a whole object is copied by name, of any size."""
PAGE = 1000


class CreateMultipartUpload(Content, frozen=True, rename="pascal", kw_only=True):
    bucket: str
    key: str
    checksum_type: str = ""


class UploadPart(Digests, frozen=True, rename="pascal", kw_only=True):
    bucket: str
    key: str
    upload_id: str
    part_number: int
    body: bytes = b""


class UploadPartCopy(Source, frozen=True, rename="pascal", kw_only=True):
    bucket: str
    key: str
    upload_id: str
    part_number: int
    copy_source_range: str | None = None


class CompletedPart(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    part_number: int | None = None
    etag: str = msgspec.field(name="ETag", default="")


class CompletedUpload(msgspec.Struct, frozen=True, rename="pascal"):
    parts: list[CompletedPart] = msgspec.field(default_factory=list)


class CompleteMultipartUpload(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    bucket: str
    key: str
    upload_id: str
    multipart_upload: CompletedUpload | None = None
    if_match: str | None = None
    if_none_match: str | None = None


class UploadRequest(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str
    key: str
    upload_id: str


class ListParts(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    bucket: str
    key: str
    upload_id: str
    max_parts: int = PAGE
    part_number_marker: int = 0


class ListMultipartUploads(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    bucket: str
    delimiter: str = ""
    key_marker: str = ""
    upload_id_marker: str = ""
    max_uploads: int = PAGE
    prefix: str = ""


def create_multipart_upload(request: CreateMultipartUpload, work: Work) -> dict[str, Any]:
    """Begin an upload; its parts may come in any order and are paid for until it is completed or aborted."""
    bucket_at(request.bucket, work)
    check_key(request.key)
    check_supported(request)
    if request.checksum_algorithm and request.checksum_algorithm not in ALGORITHMS:
        raise InvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                             "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")  # fmt: skip
    upload = Upload(
        id=work.entropy.text(64) + work.entropy.text(64),
        bucket=request.bucket,
        object_key=request.key,
        started=work.now,
        headers=headers_of(request),
        metadata=metadata_of(request),
        tags=tags_of_header(request.tagging),
        checksum=request.checksum_algorithm or "",
        checksum_type=request.checksum_type or ("COMPOSITE" if request.checksum_algorithm else ""),
    )
    work.put(UPLOADS, upload)
    answer = {"Bucket": upload.bucket, "Key": upload.object_key, "UploadId": upload.id}
    if upload.checksum:
        answer |= {"ChecksumAlgorithm": upload.checksum, "ChecksumType": upload.checksum_type}
    return {**answer, "ServerSideEncryption": ENCRYPTION}


def _upload(bucket: str, key: str, number: str, work: Work) -> Upload:
    bucket_at(bucket, work)
    upload = work.get(UPLOADS, number)
    if upload is None or (upload.bucket, upload.object_key) != (bucket, key):
        raise NoSuchUpload(number)
    return upload


def upload_part(request: UploadPart, work: Work) -> dict[str, Any]:
    """Send a part, or send it again.

    Raises:
        NoSuchUpload: there is no such upload.
        BadDigest: the bytes are not those of the digest.
    """
    upload = _upload(request.bucket, request.key, request.upload_id, work)
    _check_number(request.part_number)
    checksums = checksums_of(request, request.body)
    if not checksums and upload.checksum:
        checksums = checksums_of(Digests(checksum_algorithm=upload.checksum), request.body)
    body = bodies.store(request.body, work)
    etag = etag_of(request.body)
    _save(Part(upload.id, request.part_number, body, len(request.body), etag, second(work.now), checksums), work)
    return {"ETag": etag, "ServerSideEncryption": ENCRYPTION, **checksums}


def _check_number(number: int) -> None:
    if not 1 <= number <= PARTS_MAX:
        raise InvalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", number)


def _save(part: Part, work: Work) -> None:
    old = work.get(PARTS, part.upload, part.number)
    if old is not None:
        bodies.release(old.body, work)
    work.put(PARTS, part)


def upload_part_copy(request: UploadPartCopy, work: Work) -> dict[str, Any]:
    """Make a part of an object, or of a range of it."""
    upload = _upload(request.bucket, request.key, request.upload_id, work)
    _check_number(request.part_number)
    source = source_of(request, work)
    if request.copy_source_range is None:
        bodies.use(source.body, work)
        etag = etag_of(b"") if source.parts else source.etag
        if source.parts:  # The whole has no digest of its own bytes; read it once.
            etag = etag_of(_bytes(source, 0, source.size, work))
        part = Part(upload.id, request.part_number, source.body, source.size, etag, second(work.now), {})
    else:
        span = span_of(request.copy_source_range, source.size)
        if span is None:
            raise InvalidArgument(
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
                "zero-based offsets of the first and last bytes to copy",
                "x-amz-copy-source-range",
                request.copy_source_range,
            )
        if span == "unsatisfiable":
            raise InvalidRange(request.copy_source_range, source.size)
        data = _bytes(source, span.first, span.end, work)
        part = Part(
            upload.id, request.part_number, bodies.store(data, work), len(data), etag_of(data), second(work.now), {}
        )
    _save(part, work)
    return {"CopyPartResult": {"ETag": part.etag, "LastModified": part.modified}, "ServerSideEncryption": ENCRYPTION}


def _bytes(source: Object, first: int, end: int, work: Work) -> bytes:
    if end - first > COPIED_RANGE_BYTES_MAX:
        raise NotImplementedHere(f"copying a range of more than {COPIED_RANGE_BYTES_MAX >> 20} MiB at once")
    return bodies.read(source.body, first, end, work)


# Completing --------------------------------------------------------------------------------------------------------


def complete_multipart_upload(request: CompleteMultipartUpload, work: Work) -> dict[str, Any]:
    """Make one object of the parts that are listed; no byte is moved. Parts that are not listed are forgotten.

    Raises:
        InvalidPart: a part was never uploaded, or is another now.
        InvalidPartOrder: the numbers do not rise.
        EntityTooSmall: a part that is not the last is smaller than 5 MiB.
    """
    upload = _upload(request.bucket, request.key, request.upload_id, work)
    check_write(request.bucket, request.key, request.if_match, request.if_none_match, work)
    listed = request.multipart_upload.parts if request.multipart_upload else []
    if not listed:
        raise MalformedXML
    parts = _chosen(upload, listed, work)
    body = bodies.compose(parts, work)
    if body.size > OBJECT_BYTES_MAX:
        raise EntityTooLarge(body.size, OBJECT_BYTES_MAX)
    checksums = _checksums(upload, parts)
    made = save(
        Object(
            bucket=upload.bucket,
            object_key=upload.object_key,
            body=body.id,
            size=body.size,
            etag=etag_of_parts(part.etag for part in parts),
            modified=second(work.now),
            headers=upload.headers,
            metadata=upload.metadata,
            checksums=checksums,
            tags=upload.tags,
            parts=len(parts),
        ),
        work,
    )
    for part in parts:
        work.delete(PARTS, part.upload, part.number)
    work.delete(UPLOADS, upload.id)
    work.later("s3.abort_parts", AbortParts(upload.id), yields=True)
    answer = {
        "Location": f"http://{made.bucket}.s3.amazonaws.com/{made.object_key}",
        "Bucket": made.bucket,
        "Key": made.object_key,
        "ETag": made.etag,
        "ServerSideEncryption": ENCRYPTION,
        **checksums,
    }
    return {**answer, "ChecksumType": "COMPOSITE"} if checksums else answer


def _chosen(upload: Upload, listed: list[CompletedPart], work: Work) -> list[Part]:
    parts: list[Part] = []
    for wanted in listed:
        number = wanted.part_number
        if number is None:
            raise MalformedXML
        if parts and number <= parts[-1].number:
            raise InvalidPartOrder(upload.id)
        part = work.get(PARTS, upload.id, number)
        if part is None or part.etag.strip('"') != wanted.etag.strip('"'):
            raise InvalidPart(upload.id, number, wanted.etag)
        parts.append(part)
    for part in parts[:-1]:
        if part.size < PART_BYTES_MIN:
            raise EntityTooSmall(part.size, part.number, part.etag)
    return parts


def _checksums(upload: Upload, parts: list[Part]) -> dict[str, str]:
    if not upload.checksum or upload.checksum_type == "FULL_OBJECT":
        return {}
    name = member(upload.checksum)
    composite = of_parts(upload.checksum, [part.checksums.get(name, "") for part in parts])
    return {} if composite is None else {name: composite}


def abort_multipart_upload(request: UploadRequest, work: Work) -> dict[str, Any]:
    """End an upload without an object; its parts go.

    Raises:
        NoSuchUpload: there is no such upload.
    """
    upload = _upload(request.bucket, request.key, request.upload_id, work)
    work.delete(UPLOADS, upload.id)
    work.later("s3.abort_parts", AbortParts(upload.id), yields=True)
    return {}


def abort_parts(body: AbortParts, work: Work) -> None:
    """Forget a page of the parts of an upload that is over. The step "s3.abort_parts"."""
    parts = work.select(PARTS_OF_UPLOAD, limit=100, upload=body.upload, after=0)
    for part in parts:
        bodies.release(part.body, work)
        work.delete(PARTS, part.upload, part.number)
    if len(parts) == 100:
        work.later("s3.abort_parts", body, yields=True)


# Listing -----------------------------------------------------------------------------------------------------------


def list_parts(request: ListParts, work: Work) -> dict[str, Any]:
    """The parts that an upload has so far."""
    upload = _upload(request.bucket, request.key, request.upload_id, work)
    limit = min(request.max_parts, PAGE)
    marker = int(request.part_number_marker or 0)
    found = work.select(PARTS_OF_UPLOAD, limit=limit + 1, upload=upload.id, after=marker)
    shown = found[:limit]
    owner = {"ID": owner_of(work.caller.account)}
    answer: dict[str, Any] = {
        "Bucket": upload.bucket,
        "Key": upload.object_key,
        "UploadId": upload.id,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit,
        "Initiator": owner,
        "Owner": owner,
        "StorageClass": upload.headers.get("StorageClass", "STANDARD"),
    }
    if shown:
        answer["Parts"] = [
            {
                "PartNumber": part.number,
                "LastModified": part.modified,
                "ETag": part.etag,
                "Size": part.size,
                **part.checksums,
            }
            for part in shown
        ]
    if upload.checksum:
        answer |= {"ChecksumAlgorithm": upload.checksum, "ChecksumType": upload.checksum_type}
    return answer


def list_multipart_uploads(request: ListMultipartUploads, work: Work) -> dict[str, Any]:
    """Uploads that are under way, by key."""
    bucket_at(request.bucket, work)
    if request.delimiter:
        raise NotImplementedHere("a delimiter in ListMultipartUploads")
    limit = min(request.max_uploads, PAGE)
    key, number = request.key_marker, request.upload_id_marker
    if key and not number:
        number = "\U0010ffff"  # Without an upload's id, the marker's key is passed over.
    key = max(key, request.prefix) if request.prefix > key else key
    rows = work.select(UPLOADS_OF_BUCKET, limit=limit + 1, bucket=request.bucket, key=key, id=number)
    found = [row for row in rows if row.object_key.startswith(request.prefix)]
    shown = found[:limit]
    owner = {"ID": owner_of(work.caller.account)}
    answer: dict[str, Any] = {
        "Bucket": request.bucket,
        "KeyMarker": request.key_marker,
        "UploadIdMarker": request.upload_id_marker,
        "MaxUploads": limit,
        "IsTruncated": len(found) > limit,
        "NextKeyMarker": shown[-1].object_key if shown else "",
        "NextUploadIdMarker": shown[-1].id if shown else "",
    }
    if request.prefix:
        answer["Prefix"] = request.prefix
    if shown:
        answer["Uploads"] = [
            {
                "Key": row.object_key,
                "UploadId": row.id,
                "Initiated": row.started,
                "StorageClass": row.headers.get("StorageClass", "STANDARD"),
                "Owner": owner,
                "Initiator": owner,
            }
            for row in shown
        ]
    return answer
