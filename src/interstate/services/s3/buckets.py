"""Buckets: create, list, look at, delete; and their tags.

Source: S3 API Reference; answers of the service.
"""

import re
from typing import Any

import msgspec

from interstate.base.arn import DEFAULT_REGION
from interstate.core.objects.names import is_bucket_name
from interstate.services.s3.errors import (
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    IllegalLocationConstraintException,
    InvalidBucketName,
    InvalidLocationConstraint,
    NoSuchBucket,
    NoSuchTagSet,
    NotFound,
)
from interstate.services.s3.locate import bucket_at
from interstate.services.s3.tagging import TagList, tags_of
from interstate.store.ports import Work
from interstate.store.records.s3 import (
    BUCKETS,
    BUCKETS_OF_ACCOUNT,
    OBJECTS_FROM,
    UPLOADS_OF_BUCKET,
    Bucket,
)

BUCKETS_LISTED_MAX = 10_000
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d\Z")


class CreateBucketConfiguration(msgspec.Struct, frozen=True, rename="pascal"):
    location_constraint: str = ""
    tags: list[dict[str, str]] = msgspec.field(default_factory=list)


class CreateBucket(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str
    create_bucket_configuration: CreateBucketConfiguration = CreateBucketConfiguration()


class BucketRequest(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str


class ListBuckets(msgspec.Struct, frozen=True, rename="pascal"):
    max_buckets: int = BUCKETS_LISTED_MAX
    continuation_token: str = ""
    prefix: str = ""
    bucket_region: str = ""


class PutBucketTagging(msgspec.Struct, frozen=True, rename="pascal"):
    bucket: str
    tagging: TagList


def create_bucket(request: CreateBucket, work: Work) -> dict[str, Any]:
    """Create a bucket in the caller's region.

    In us-east-1 the owner who creates his bucket again is answered as if for the first time.

    Raises:
        InvalidBucketName: no bucket may have the name.
        IllegalLocationConstraintException: the location is not the caller's region.
        BucketAlreadyOwnedByYou: the caller has it, elsewhere than in us-east-1.
        BucketAlreadyExists: another account has it.
    """
    region = work.caller.region
    _check_location(request.create_bucket_configuration.location_constraint, region)
    if not is_bucket_name(request.bucket):
        raise InvalidBucketName(request.bucket)
    there = work.get(BUCKETS, request.bucket)
    if there is not None:
        if there.account != work.caller.account:
            raise BucketAlreadyExists(request.bucket)
        if not (there.region == region == DEFAULT_REGION):
            raise BucketAlreadyOwnedByYou(request.bucket)
        return _created(there)
    tags = tags_of(request.create_bucket_configuration.tags)
    bucket = Bucket(request.bucket, work.caller.account, region, work.now, tags)
    work.put(BUCKETS, bucket)
    return _created(bucket)


def _created(bucket: Bucket) -> dict[str, Any]:
    location = f"/{bucket.name}" if bucket.region == DEFAULT_REGION else f"http://{bucket.name}.s3.amazonaws.com/"
    return {"Location": location}


def _check_location(location: str, region: str) -> None:
    wanted = {"EU": "eu-west-1"}.get(location, location)
    if region == DEFAULT_REGION:
        if not wanted:
            return
        if wanted == DEFAULT_REGION or not _REGION.match(wanted):
            raise InvalidLocationConstraint(location)
    if wanted != region:
        raise IllegalLocationConstraintException(location, region)


def delete_bucket(request: BucketRequest, work: Work) -> None:
    """Delete an empty bucket.

    Raises:
        NoSuchBucket: there is none.
        BucketNotEmpty: it holds objects.
    """
    bucket = bucket_at(request.bucket, work)
    if work.select(OBJECTS_FROM, limit=1, bucket=bucket.name, first=""):
        raise BucketNotEmpty(bucket.name)
    for upload in work.select(UPLOADS_OF_BUCKET, limit=1000, bucket=bucket.name, key="", id=""):
        work.call(
            "s3", "AbortMultipartUpload", {"Bucket": bucket.name, "Key": upload.object_key, "UploadId": upload.id}
        )
    work.delete(BUCKETS, bucket.name)


def head_bucket(request: BucketRequest, work: Work) -> dict[str, Any]:
    """The bucket's region, when there is such a bucket.

    Raises:
        NotFound: there is none; HEAD tells no more.
    """
    try:
        bucket = bucket_at(request.bucket, work)
    except NoSuchBucket:
        raise NotFound from None
    return {"BucketRegion": bucket.region, "AccessPointAlias": False, "BucketArn": f"arn:aws:s3:::{bucket.name}"}


def get_bucket_location(request: BucketRequest, work: Work) -> dict[str, Any]:
    """The bucket's region; none is told for us-east-1."""
    region = bucket_at(request.bucket, work).region
    return {} if region == DEFAULT_REGION else {"LocationConstraint": region}


def list_buckets(request: ListBuckets, work: Work) -> dict[str, Any]:
    """The caller's buckets in order of their names."""
    account = work.caller.account
    after = request.continuation_token or request.prefix[:-1]
    found: list[Bucket] = []
    while len(found) <= request.max_buckets:
        page = work.select(BUCKETS_OF_ACCOUNT, limit=1000, account=account, after=after)
        found += [bucket for bucket in page if _is_asked_for(bucket, request)]
        if len(page) < 1000:
            break
        after = page[-1].name
    shown = found[: request.max_buckets]
    answer: dict[str, Any] = {
        "Buckets": [_listed(bucket, told=request != ListBuckets()) for bucket in shown],
        "Owner": {"ID": owner_of(account)},
    }
    if request.prefix:
        answer["Prefix"] = request.prefix
    if len(found) > len(shown):
        answer["ContinuationToken"] = shown[-1].name
    return answer


def _is_asked_for(bucket: Bucket, request: ListBuckets) -> bool:
    return bucket.name.startswith(request.prefix) and request.bucket_region in ("", bucket.region)


def _listed(bucket: Bucket, *, told: bool) -> dict[str, Any]:
    """A paginated request is answered with regions and ARNs, as the service does."""
    shown = {"Name": bucket.name, "CreationDate": bucket.created}
    return {**shown, "BucketRegion": bucket.region, "BucketArn": f"arn:aws:s3:::{bucket.name}"} if told else shown


def owner_of(account: str) -> str:
    """The canonical id of an account: 64 hexadecimal digits that never change."""
    return account.rjust(64, "0")


# Tags --------------------------------------------------------------------------------------------------------------


def get_bucket_tagging(request: BucketRequest, work: Work) -> dict[str, Any]:
    """The bucket's tags.

    Raises:
        NoSuchTagSet: it has none.
    """
    bucket = bucket_at(request.bucket, work)
    if not bucket.tags:
        raise NoSuchTagSet(bucket.name)
    return {"TagSet": [{"Key": key, "Value": value} for key, value in bucket.tags.items()]}


def put_bucket_tagging(request: PutBucketTagging, work: Work) -> None:
    """Replace the bucket's tags."""
    bucket = bucket_at(request.bucket, work)
    work.put(BUCKETS, msgspec.structs.replace(bucket, tags=tags_of(request.tagging.tag_set)))


def delete_bucket_tagging(request: BucketRequest, work: Work) -> None:
    """Take the bucket's tags away."""
    work.put(BUCKETS, msgspec.structs.replace(bucket_at(request.bucket, work), tags={}))
