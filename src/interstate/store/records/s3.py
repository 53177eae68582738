"""S3: buckets, objects, the bytes of both, and uploads in parts.

How bytes lie is told in the schema: a body is never changed, pieces are keyed by where they begin, composed bodies list others.
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.store.tables import Select, Table

PIECE_BYTES_MAX = 262_144


class Bucket(msgspec.Struct, frozen=True):
    """A bucket. ``settings`` are what CloudFormation or the caller configured, under the API's names."""

    name: str
    account: str
    region: str
    created: datetime
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    settings: dict[str, Any] = msgspec.field(default_factory=dict)


class Object(msgspec.Struct, frozen=True):
    """An object as it is now. ``headers`` and ``checksums`` stand under the API's member names; ``parts`` is 0 unless uploaded in parts."""

    bucket: str
    object_key: str
    body: int
    size: int
    etag: str  # With its quotes.
    modified: datetime
    headers: dict[str, str]
    metadata: dict[str, str]
    checksums: dict[str, str]
    tags: dict[str, str]
    parts: int = 0


class Body(msgspec.Struct, frozen=True):
    """Bytes that objects and parts name ``uses`` times."""

    id: int
    size: int
    uses: int
    composed: bool = False


class Piece(msgspec.Struct, frozen=True):
    """Bytes of a body from ``start``, at most 256 KiB."""

    body: int
    start: int
    data: bytes


class Segment(msgspec.Struct, frozen=True):
    """A part inside a composed body."""

    body: int
    start: int
    number: int
    size: int
    part: int  # The part's own body.


class Upload(msgspec.Struct, frozen=True):
    """An upload in parts that has not been completed."""

    id: str
    bucket: str
    object_key: str
    started: datetime
    headers: dict[str, str]
    metadata: dict[str, str]
    tags: dict[str, str]
    checksum: str
    checksum_type: str


class Part(msgspec.Struct, frozen=True):
    """A part of an upload; sending its number again replaces it."""

    upload: str
    number: int
    body: int
    size: int
    etag: str
    modified: datetime
    checksums: dict[str, str]


class Erase(msgspec.Struct, frozen=True):
    """Erase a body that nothing names any more; body of the step "s3.erase"."""

    body: int


class AbortParts(msgspec.Struct, frozen=True):
    """Forget the parts of an upload that is over; body of the step "s3.abort_parts"."""

    upload: str


BUCKETS = Table("s3_buckets", Bucket, ("name",), shared=True)
OBJECTS = Table("s3_objects", Object, ("bucket", "object_key"))
BODIES = Table("s3_bodies", Body, ("id",))
PIECES = Table("s3_pieces", Piece, ("body", "start"))
SEGMENTS = Table("s3_segments", Segment, ("body", "start"))
UPLOADS = Table("s3_uploads", Upload, ("id",))
PARTS = Table("s3_parts", Part, ("upload", "number"))

BUCKETS_OF_ACCOUNT = Select(BUCKETS, "account = :account AND name > :after", "name")
OBJECTS_FROM = Select(OBJECTS, "bucket = :bucket AND object_key >= :first", "object_key")
PIECE_AT = Select(PIECES, "body = :body AND start <= :first", "start DESC")
PIECES_IN = Select(PIECES, "body = :body AND start >= :first AND start < :end", "start")
SEGMENTS_IN = Select(SEGMENTS, "body = :body AND start < :end AND start + size > :first", "start")
SEGMENT_NUMBERED = Select(SEGMENTS, "body = :body AND number = :number", "number")
SEGMENTS_OF = Select(SEGMENTS, "body = :body AND start >= :first", "start")
UPLOADS_OF_BUCKET = Select(
    UPLOADS, "bucket = :bucket AND (object_key > :key OR (object_key = :key AND id > :id))", "object_key, id"
)
PARTS_OF_UPLOAD = Select(PARTS, "upload = :upload AND number > :after", "number")
