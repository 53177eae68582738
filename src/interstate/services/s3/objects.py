"""Objects: put, delete, copy.

Source: S3 API Reference, PutObject, DeleteObject(s), CopyObject; answers of the service.
"""

from datetime import datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.core.objects.checksums import etag_of
from interstate.core.objects.ranges import Conditions, judge
from interstate.services.s3 import bodies
from interstate.services.s3.content import (
    ENCRYPTION,
    Content,
    check_supported,
    checksums_of,
    headers_of,
    metadata_of,
)
from interstate.services.s3.errors import (
    InvalidArgument,
    InvalidRequest,
    MalformedXML,
    NoSuchKey,
    PreconditionFailed,
    shown,
)
from interstate.services.s3.locate import bucket_at, check_key, object_at
from interstate.services.s3.tagging import tags_of_header
from interstate.store.ports import Work
from interstate.store.records.s3 import OBJECTS, Object

DELETED_AT_ONCE_MAX = 1000
"""Keys of one DeleteObjects. Source: S3 API Reference."""


class PutObject(Content, frozen=True, rename="pascal", kw_only=True):
    bucket: str
    key: str
    body: bytes = b""
    if_match: str | None = None
    if_none_match: str | None = None


class DeleteObject(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str
    key: str
    version_id: str | None = None
    if_match: str | None = None


class Identifier(msgspec.Struct, frozen=True, rename="pascal"):
    key: str = ""
    version_id: str | None = None
    etag: str | None = msgspec.field(name="ETag", default=None)


class Deletion(msgspec.Struct, frozen=True, rename="pascal"):
    objects: list[Identifier] = msgspec.field(default_factory=list)
    quiet: bool = False


class DeleteObjects(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str
    delete: Deletion


class Source(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """Where a copy comes from, and what the caller says of it."""

    copy_source: str
    copy_source_if_match: str | None = None
    copy_source_if_none_match: str | None = None
    copy_source_if_modified_since: datetime | None = None
    copy_source_if_unmodified_since: datetime | None = None


class CopyObject(Content, frozen=True, rename="pascal", kw_only=True):
    bucket: str
    key: str
    copy_source: str
    copy_source_if_match: str | None = None
    copy_source_if_none_match: str | None = None
    copy_source_if_modified_since: datetime | None = None
    copy_source_if_unmodified_since: datetime | None = None
    metadata_directive: str = "COPY"
    tagging_directive: str = "COPY"


def put_object(request: PutObject, work: Work) -> dict[str, Any]:
    """Put a whole object; one of the same key is replaced.

    Raises:
        NoSuchBucket: there is no such bucket.
        PreconditionFailed: ``If-None-Match: *`` and the key is taken, or ``If-Match`` and it is another's.
        BadDigest: the bytes are not those of the digest.
    """
    bucket_at(request.bucket, work)
    check_key(request.key)
    check_supported(request)
    check_write(request.bucket, request.key, request.if_match, request.if_none_match, work)
    checksums = checksums_of(request, request.body)
    put = save(
        Object(
            bucket=request.bucket,
            object_key=request.key,
            body=bodies.store(request.body, work),
            size=len(request.body),
            etag=etag_of(request.body),
            modified=second(work.now),
            headers=headers_of(request),
            metadata=metadata_of(request),
            checksums=checksums,
            tags=tags_of_header(request.tagging),
        ),
        work,
    )
    told = {**checksums, "ChecksumType": "FULL_OBJECT"} if checksums else {}
    return {"ETag": put.etag, "ServerSideEncryption": ENCRYPTION, **told}


def save(new: Object, work: Work) -> Object:
    """Put the record, and let go of the body of the one that was there."""
    old = work.get(OBJECTS, new.bucket, new.object_key)
    if old is not None:
        bodies.release(old.body, work)
    work.put(OBJECTS, new)
    return new


def second(at: datetime) -> datetime:
    """S3 tells times in whole seconds."""
    return at.replace(microsecond=0)


def check_write(bucket: str, key: str, match: str | None, none_match: str | None, work: Work) -> None:
    """The conditions of a write.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    there = work.get(OBJECTS, bucket, key)
    if none_match is not None:
        if none_match != "*":
            raise NotImplementedHere("If-None-Match of a write with anything but * (S3 refuses it too)")
        if there is not None:
            raise PreconditionFailed("If-None-Match")
    if match is not None:
        if there is None:
            raise NoSuchKey(key)
        if judge(Conditions(match=match), there.etag, there.modified) != "ok":
            raise PreconditionFailed("If-Match")


# Deleting ----------------------------------------------------------------------------------------------------------


def delete_object(request: DeleteObject, work: Work) -> dict[str, Any]:
    """Delete an object; that there is none is no error."""
    bucket_at(request.bucket, work)
    _remove(request.bucket, Identifier(request.key, request.version_id, request.if_match), work)
    return {}


def _remove(bucket: str, identifier: Identifier, work: Work) -> None:
    check_version(identifier.version_id)
    there = work.get(OBJECTS, bucket, identifier.key)
    if identifier.etag is not None:
        check_write(bucket, identifier.key, identifier.etag, None, work)
    if there is not None:
        bodies.release(there.body, work)
        work.delete(OBJECTS, bucket, identifier.key)


def check_version(version: str | None) -> None:
    """Buckets have no versions: the one that there is is called null."""
    if version not in (None, "", "null"):
        raise InvalidArgument("Invalid version id specified", "versionId", version)


def delete_objects(request: DeleteObjects, work: Work) -> dict[str, Any]:
    """Delete up to 1,000 objects; what cannot be deleted is listed with its reason.

    Raises:
        MalformedXML: no keys, or too many.
    """
    bucket_at(request.bucket, work)
    wanted = request.delete.objects
    if not 0 < len(wanted) <= DELETED_AT_ONCE_MAX:
        raise MalformedXML
    deleted: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for identifier in wanted:
        try:
            _remove(request.bucket, identifier, work)
        except ServiceError as error:
            errors.append({"Key": identifier.key, **shown(error)})
        else:
            deleted.append({"Key": identifier.key})
    answer: dict[str, Any] = {} if request.delete.quiet else {"Deleted": deleted}
    return {**answer, "Errors": errors} if errors else answer


# Copying -----------------------------------------------------------------------------------------------------------


def copy_object(request: CopyObject, work: Work) -> dict[str, Any]:
    """Copy an object, of any size: the copy names the same bytes.

    Raises:
        NoSuchKey: there is no such source.
        InvalidRequest: onto itself, with nothing changed.
        PreconditionFailed: the source is not as the caller wants it.
    """
    bucket_at(request.bucket, work)
    check_key(request.key)
    check_supported(request)
    source = source_of(request, work)
    replaces = request.metadata_directive == "REPLACE"
    same = (source.bucket, source.object_key) == (request.bucket, request.key)
    if same and not replaces and request.storage_class is None and request.website_redirect_location is None:
        raise InvalidRequest(
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )
    headers = headers_of(request)
    if not replaces:
        kept = {name: value for name, value in source.headers.items() if name not in _OF_THE_COPY}
        headers = {**kept, **{name: headers[name] for name in _OF_THE_COPY if name in headers}}
    bodies.use(source.body, work)
    copy = save(
        msgspec.structs.replace(
            source,
            bucket=request.bucket,
            object_key=request.key,
            modified=second(work.now),
            headers=headers,
            metadata=metadata_of(request) if replaces else source.metadata,
            tags=tags_of_header(request.tagging) if request.tagging_directive == "REPLACE" else source.tags,
        ),
        work,
    )
    result = {"ETag": copy.etag, "LastModified": copy.modified, **copy.checksums}
    return {"CopyObjectResult": result, "ServerSideEncryption": ENCRYPTION}


_OF_THE_COPY = ("StorageClass", "WebsiteRedirectLocation")
"""Headers that are never copied."""


def source_of(request: Source | CopyObject, work: Work) -> Object:
    """The object of ``bucket/key``, percent-encoded, with or without a slash before it.

    Raises:
        InvalidArgument: the source names no bucket and key.
        PreconditionFailed: a condition does not hold.
    """
    path, _, version = request.copy_source.partition("?versionId=")
    check_version(version)
    bucket, slash, key = unquote(path).removeprefix("/").partition("/")
    if not slash or not key:
        raise InvalidArgument(
            "Invalid copy source object key"
            if slash
            else "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            "x-amz-copy-source",
            request.copy_source,
        )
    source = object_at(bucket, key, work)
    verdict = judge(
        Conditions(
            request.copy_source_if_match,
            request.copy_source_if_none_match,
            request.copy_source_if_modified_since,
            request.copy_source_if_unmodified_since,
        ),
        source.etag,
        source.modified,
    )
    if verdict != "ok":
        raise PreconditionFailed(f"x-amz-copy-source-{verdict}")
    return source
