"""What comes with an object's bytes: content headers, metadata, tags, checksums; and what is refused of it.

Source: S3 API Reference, PutObject; https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.core.objects.checksums import ALGORITHMS, computed, md5, member
from interstate.services.s3.errors import BadDigest, InvalidArgument, InvalidDigest, InvalidRequest, MetadataTooLarge

HEADERS: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "StorageClass",
    "WebsiteRedirectLocation",
)
DEFAULT_TYPE: Final = "binary/octet-stream"
METADATA_BYTES_MAX: Final = 2048
ENCRYPTION: Final = "AES256"
"""Every object of S3 is encrypted so unless told otherwise; what is stored here is as safe as the disk below."""

STORAGE_CLASSES: Final = frozenset(
    {
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "GLACIER_IR",
    }
)
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class Digests(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """The digests that may come with bytes."""

    content_md5: str | None = msgspec.field(name="ContentMD5", default=None)
    checksum_algorithm: str | None = None
    checksum_crc32: str | None = msgspec.field(name="ChecksumCRC32", default=None)
    checksum_crc32c: str | None = msgspec.field(name="ChecksumCRC32C", default=None)
    checksum_crc64nvme: str | None = msgspec.field(name="ChecksumCRC64NVME", default=None)
    checksum_sha1: str | None = msgspec.field(name="ChecksumSHA1", default=None)
    checksum_sha256: str | None = msgspec.field(name="ChecksumSHA256", default=None)


class Content(Digests, frozen=True, rename="pascal", kw_only=True):
    """The members that PutObject, CopyObject and CreateMultipartUpload share."""

    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    content_type: str | None = None
    expires: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    storage_class: str | None = None
    website_redirect_location: str | None = None
    tagging: str = ""
    server_side_encryption: str | None = None
    acl: str | None = msgspec.field(name="ACL", default=None)
    grant_full_control: str | None = None
    grant_read: str | None = None
    grant_read_acp: str | None = msgspec.field(name="GrantReadACP", default=None)
    grant_write_acp: str | None = msgspec.field(name="GrantWriteACP", default=None)
    sse_customer_algorithm: str | None = msgspec.field(name="SSECustomerAlgorithm", default=None)
    object_lock_mode: str | None = None
    object_lock_legal_hold_status: str | None = None


def check_supported(content: Content) -> None:
    """Look whether anything is asked for that is not there.

    Raises:
        NotImplementedHere: access lists, keys of the customer, locks.
        InvalidArgument: a storage class or an encryption that S3 does not have.
    """
    if content.acl not in (None, "private", "bucket-owner-full-control", "bucket-owner-read"):
        raise NotImplementedHere(f"the canned ACL {content.acl} of S3 (objects are their owner's)")
    if content.grant_full_control or content.grant_read or content.grant_read_acp or content.grant_write_acp:
        raise NotImplementedHere("grants of S3 (objects are their owner's)")
    if content.sse_customer_algorithm is not None:
        raise NotImplementedHere("encryption with a customer's key (SSE-C) of S3")
    if content.object_lock_mode is not None or content.object_lock_legal_hold_status is not None:
        raise NotImplementedHere("Object Lock of S3")
    if content.server_side_encryption not in (None, ENCRYPTION):
        if content.server_side_encryption not in ("aws:kms", "aws:kms:dsse"):
            raise InvalidArgument(
                "The encryption method specified is not supported",
                "x-amz-server-side-encryption",
                content.server_side_encryption,
            )
        raise NotImplementedHere("encryption of objects with KMS")
    if content.storage_class is not None and content.storage_class not in STORAGE_CLASSES:
        raise InvalidRequest("The storage class you specified is not valid")
    if content.storage_class in _ARCHIVED:
        raise NotImplementedHere(f"the storage class {content.storage_class} (objects that must be restored first)")


def headers_of(content: Content) -> dict[str, str]:
    """The content headers, as they are given back."""
    told: dict[str, Any] = {
        "CacheControl": content.cache_control,
        "ContentDisposition": content.content_disposition,
        "ContentEncoding": content.content_encoding,
        "ContentLanguage": content.content_language,
        "ContentType": content.content_type or DEFAULT_TYPE,
        "Expires": content.expires,
        "StorageClass": None if content.storage_class == "STANDARD" else content.storage_class,
        "WebsiteRedirectLocation": content.website_redirect_location,
    }
    return {name: value for name, value in told.items() if value is not None}


def metadata_of(content: Content) -> dict[str, str]:
    """The user's metadata, their names in small letters.

    Raises:
        MetadataTooLarge: names and values together are longer than 2 KiB.
    """
    size = sum(len(name.encode()) + len(value.encode()) for name, value in content.metadata.items())
    if size > METADATA_BYTES_MAX:
        raise MetadataTooLarge(size)
    return {name.lower(): value for name, value in content.metadata.items()}


def checksums_of(digests: Digests, data: bytes) -> dict[str, str]:
    """The checksums under which bytes are kept, verified; one that is asked for and not given is computed.

    Raises:
        InvalidDigest: the Content-MD5 is none.
        BadDigest: the bytes are others.
        InvalidRequest: a checksum is none, or of an algorithm that S3 does not have.
    """
    _check_md5(digests.content_md5, data)
    given = {name: value for name in ALGORITHMS if (value := getattr(digests, f"checksum_{name.lower()}")) is not None}
    if len(given) > 1:
        raise InvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    for algorithm, value in given.items():
        _check(algorithm, value, data)
        return {member(algorithm): value}
    asked = digests.checksum_algorithm
    if asked is None:
        return {}
    if asked not in ALGORITHMS:
        raise InvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                             "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")  # fmt: skip
    own = computed(asked, data)
    return {} if own is None else {member(asked): own}


def _check_md5(given: str | None, data: bytes) -> None:
    if given is None:
        return
    try:
        digest = b64decode(given, validate=True)
    except (Base64Error, ValueError):
        raise InvalidDigest(given) from None
    if len(digest) != 16:
        raise InvalidDigest(given)
    if digest != md5(data):
        raise BadDigest("Content-MD5")


_LENGTHS: Final[Mapping[str, int]] = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32}


def _check(algorithm: str, given: str, data: bytes) -> None:
    try:
        digest = b64decode(given, validate=True)
    except (Base64Error, ValueError):
        digest = b""
    if len(digest) != _LENGTHS[algorithm]:
        raise InvalidRequest(f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")
    own = computed(algorithm, data)
    if own is not None and own != given:
        raise BadDigest(algorithm)
