"""AWS::S3::Bucket

Properties that say how a bucket is shielded or encrypted are taken: buckets here are their account's alone, and lie in the
store's own files. What would change how a bucket behaves (versions, notifications, lifecycles, websites) is not taken.
"""

from typing import Any, Final

from interstate.base.arn import DEFAULT_REGION
from interstate.core.templates.properties import DOCUMENT, TAGS, TEXT, Members
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType

_TAKEN: Final = {
    "BucketEncryption": DOCUMENT,
    "OwnershipControls": DOCUMENT,
    "PublicAccessBlockConfiguration": DOCUMENT,
}


def _made(making: Making, name: str) -> Made:
    region = making.caller.region
    return Made(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        },
    )


def _create(making: Making) -> Made:
    given = making.get("BucketName")
    name = str(given) if given is not None else making.generated(63).lower()
    request: dict[str, Any] = {"Bucket": name}
    if making.caller.region != DEFAULT_REGION:
        request["CreateBucketConfiguration"] = {"LocationConstraint": making.caller.region}
    making.call("s3", "CreateBucket", request)
    if making.get("Tags"):
        making.call("s3", "PutBucketTagging", {"Bucket": name, "Tagging": {"TagSet": making.get("Tags")}})
    return _made(making, name)


def _update(making: Making, before: Before) -> Made:
    name = before.physical_id
    if before.changed(making, "Tags"):
        making.call("s3", "PutBucketTagging", {"Bucket": name, "Tagging": {"TagSet": making.get("Tags") or []}})
    return _made(making, name)


def _delete(making: Making, before: Before) -> None:
    making.call("s3", "DeleteBucket", {"Bucket": before.physical_id})


def _standing(making: Making) -> str | None:
    """In us-east-1 a bucket that is created again answers as if for the first time."""
    name = making.get("BucketName")
    return name if name and making.has("s3", "HeadBucket", {"Bucket": name}) else None


TYPES: Final = (
    ResourceType(
        name="AWS::S3::Bucket",
        properties=Members({"BucketName": TEXT, "Tags": TAGS, **_TAKEN}),
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=frozenset({"BucketName"}),
        named_by="BucketName",
        standing=_standing,
        reference="the bucket's name",
        attributes=("Arn", "DomainName", "DualStackDomainName", "RegionalDomainName"),
        remark="A bucket that is not empty is not deleted, as on AWS. No versions, notifications, lifecycles or websites.",
    ),
)
