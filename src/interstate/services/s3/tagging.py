"""Tags of buckets and objects.

Source: S3 API Reference, PutObjectTagging (10 tags an object, keys of 128 and values of 256 characters), PutBucketTagging (50).
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from interstate.services.s3.errors import InvalidArgument, InvalidTag
from interstate.services.s3.locate import object_at
from interstate.store.ports import Work
from interstate.store.records.s3 import OBJECTS

OBJECT_TAGS_MAX, BUCKET_TAGS_MAX = 10, 50
KEY_LENGTH_MAX, VALUE_LENGTH_MAX = 128, 256


class TagList(msgspec.Struct, frozen=True, rename="pascal"):
    """A ``Tagging`` document."""

    tag_set: list[dict[str, str]] = msgspec.field(default_factory=list)


class ObjectTagging(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str
    key: str


class PutObjectTagging(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str
    key: str
    tagging: TagList


def tags_of(tags: Sequence[dict[str, str]], limit: int = BUCKET_TAGS_MAX) -> dict[str, str]:
    """Tags as they are kept.

    Raises:
        InvalidTag: a key comes twice, or a key or value is too long or AWS's own.
    """
    found: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if key in found:
            raise InvalidTag("Cannot provide multiple Tags with the same key", TagKey=key)
        if not 0 < len(key) <= KEY_LENGTH_MAX:
            raise InvalidTag("The TagKey you have provided is invalid", TagKey=key)
        if len(value) > VALUE_LENGTH_MAX:
            raise InvalidTag("The TagValue you have provided is invalid", TagKey=key, TagValue=value)
        if key.startswith("aws:"):
            raise InvalidTag("System tags cannot be added/updated by requester", TagKey=key)
        found[key] = value
    if len(found) > limit:
        raise InvalidTag(f"Object tags cannot be greater than {limit}")
    return found


def tags_of_header(text: str) -> dict[str, str]:
    """Tags of the header ``x-amz-tagging``: ``key1=value1&key2=value2``.

    Raises:
        InvalidArgument: the header is no query string.
    """
    if not text:
        return {}
    pairs = parse_qsl(text, keep_blank_values=True)
    if not pairs:
        raise InvalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
                              "without tag name duplicates.", "x-amz-tagging", text)  # fmt: skip
    return tags_of([{"Key": key, "Value": value} for key, value in pairs], OBJECT_TAGS_MAX)


def get_object_tagging(request: ObjectTagging, work: Work) -> dict[str, Any]:
    """An object's tags; none is an empty set."""
    found = object_at(request.bucket, request.key, work)
    return {"TagSet": [{"Key": key, "Value": value} for key, value in found.tags.items()]}


def put_object_tagging(request: PutObjectTagging, work: Work) -> dict[str, Any]:
    """Replace an object's tags; the object itself, and when it was modified, stay."""
    found = object_at(request.bucket, request.key, work)
    tags = tags_of(request.tagging.tag_set, OBJECT_TAGS_MAX)
    work.put(OBJECTS, msgspec.structs.replace(found, tags=tags))
    return {}


def delete_object_tagging(request: ObjectTagging, work: Work) -> dict[str, Any]:
    """Take an object's tags away."""
    found = object_at(request.bucket, request.key, work)
    work.put(OBJECTS, msgspec.structs.replace(found, tags={}))
    return {}
