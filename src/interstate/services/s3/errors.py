"""What S3 refuses, in its words.

Sources: S3 API Reference, "Error responses"; botocore's model for names and statuses; answers of the service.
"""

from collections.abc import Mapping

from interstate.base.errors import ServiceError


class S3Error(ServiceError):
    """A refusal that names its resource in members of the error document."""

    status = 400
    text = ""

    def __init__(self, message: str = "", **members: object) -> None:
        super().__init__(message or type(self).text, members=members)


class NoSuchBucket(S3Error):
    """No such bucket, or not this account's."""

    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket does not exist", BucketName=bucket)


class NoSuchKey(S3Error):
    """The bucket has no such object."""

    status = 404

    def __init__(self, key: str) -> None:
        super().__init__("The specified key does not exist.", Key=key)


class NoSuchUpload(S3Error):
    """The upload was never begun, or it is over."""

    status = 404

    def __init__(self, upload: str) -> None:
        super().__init__(
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
            "completed.",
            UploadId=upload,
        )


class BucketAlreadyOwnedByYou(S3Error):
    """The caller has this bucket already."""

    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "Your previous request to create the named bucket succeeded and you already own it.", BucketName=bucket
        )


class BucketAlreadyExists(S3Error):
    """Another account has this bucket: names are everybody's."""

    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
            "Please select a different name and try again.",
            BucketName=bucket,
        )


class BucketNotEmpty(S3Error):
    """Only an empty bucket can be deleted."""

    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__("The bucket you tried to delete is not empty", BucketName=bucket)


class InvalidBucketName(S3Error):
    """A name that no bucket may have."""

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket is not valid.", BucketName=bucket)


class IllegalLocationConstraintException(S3Error):
    """The location is not the region of the endpoint."""

    def __init__(self, location: str, region: str) -> None:
        what = location or "unspecified"
        super().__init__(
            f"The {what} location constraint is incompatible for the region specific endpoint this request was sent to.",
            Region=region,
        )


class InvalidLocationConstraint(S3Error):
    """No such region, or us-east-1, which is never told."""

    def __init__(self, location: str) -> None:
        super().__init__("The specified location-constraint is not valid", LocationConstraint=location)


class InvalidArgument(S3Error):
    """An argument that the operation does not take."""

    def __init__(self, message: str, name: str, value: object) -> None:
        super().__init__(message, ArgumentName=name, ArgumentValue=value)


class InvalidRange(S3Error):
    """The range lies behind the object's end."""

    status = 416

    def __init__(self, asked: str, size: int) -> None:
        super().__init__("The requested range is not satisfiable", RangeRequested=asked, ActualObjectSize=size)


class InvalidRequest(S3Error):
    """A request that contradicts itself."""


class InvalidTag(S3Error):
    """A tag that is none."""


class InvalidPart(S3Error):
    """A part was never uploaded, or its entity tag is another's."""

    def __init__(self, upload: str, number: int, etag: str) -> None:
        super().__init__(
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
            "specified entity tag may not match the part's entity tag.",
            UploadId=upload,
            PartNumber=number,
            ETag=etag.strip('"'),
        )


class InvalidPartOrder(S3Error):
    """Parts must be listed in ascending order."""

    def __init__(self, upload: str) -> None:
        super().__init__(
            "The list of parts was not in ascending order. Parts must be ordered by part number.", UploadId=upload
        )


class InvalidPartNumber(S3Error):
    """The object has fewer parts."""

    status = 416

    def __init__(self, number: int, count: int) -> None:
        super().__init__(
            "The requested partnumber is not satisfiable", PartNumberRequested=number, ActualPartCount=count
        )


class EntityTooSmall(S3Error):
    """All parts but the last have at least 5 MiB."""

    def __init__(self, size: int, number: int, etag: str) -> None:
        super().__init__(
            "Your proposed upload is smaller than the minimum allowed size",
            ProposedSize=size,
            MinSizeAllowed=5_242_880,
            PartNumber=number,
            ETag=etag.strip('"'),
        )


class EntityTooLarge(S3Error):
    """More than one request may carry, or than an object may hold."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            "Your proposed upload exceeds the maximum allowed size", ProposedSize=size, MaxSizeAllowed=limit
        )


class KeyTooLongError(S3Error):
    """A key has at most 1,024 bytes."""

    def __init__(self, size: int) -> None:
        super().__init__("Your key is too long", Size=size, MaxSizeAllowed=1024)


class MetadataTooLarge(S3Error):
    """User metadata have at most 2 KiB."""

    def __init__(self, size: int) -> None:
        super().__init__(
            "Your metadata headers exceed the maximum allowed metadata size", Size=size, MaxSizeAllowed=2048
        )


class BadDigest(S3Error):
    """The content is not that of the digest which came with it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The {name} you specified did not match {_calculated(name)}.")


def _calculated(name: str) -> str:
    return "what we received" if name == "Content-MD5" else "the calculated checksum"


class InvalidDigest(S3Error):
    """The Content-MD5 is no MD5."""

    def __init__(self, digest: str) -> None:
        super().__init__("The Content-MD5 you specified was invalid.", **{"Content-MD5": digest})


class PreconditionFailed(S3Error):
    """The object is not as the caller's header wants it."""

    status = 412

    def __init__(self, header: str) -> None:
        super().__init__("At least one of the pre-conditions you specified did not hold", Condition=header)


class NotModified(S3Error):
    """The object is what the caller has already."""

    status = 304

    def __init__(self) -> None:
        super().__init__("Not Modified")


class NotFound(S3Error):
    """What HEAD answers for anything that is not there: it has no body to tell more."""

    code = "404"
    status = 404

    def __init__(self) -> None:
        super().__init__("Not Found")


class MalformedXML(S3Error):
    """A document that says nothing."""

    text = "The XML you provided was not well-formed or did not validate against our published schema"


class NoSuchTagSet(S3Error):
    """The bucket has no tags."""

    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The TagSet does not exist", BucketName=bucket)


def shown(error: ServiceError) -> Mapping[str, str]:
    """An error as DeleteObjects lists it."""
    return {"Code": error.code, "Message": error.message}
