"""From names to buckets and objects, and the checks that every operation makes.

Bucket names are one space for all accounts. A bucket of another account answers as one that does not exist: there is no policy
that could open it.
"""

from interstate.base.arn import Caller
from interstate.core.objects.names import is_key
from interstate.services.s3.errors import KeyTooLongError, NoSuchBucket, NoSuchKey
from interstate.store.ports import Work
from interstate.store.records.s3 import BUCKETS, OBJECTS, Bucket, Object
from interstate.store.tables import Key


def bucket_at(name: str, work: Work, account: str | None = None) -> Bucket:
    """The caller's bucket, or that of an ``account`` for which a step acts.

    Raises:
        NoSuchBucket: there is none.
    """
    bucket = work.get(BUCKETS, name)
    if bucket is None or bucket.account != (account or work.caller.account):
        raise NoSuchBucket(name)
    return bucket


def object_at(bucket: str, key: str, work: Work, account: str | None = None) -> Object:
    """An object of the caller's bucket, or of an account's.

    Raises:
        NoSuchBucket: there is no such bucket.
        NoSuchKey: it has no such object.
    """
    bucket_at(bucket, work, account)
    found = work.get(OBJECTS, bucket, key)
    if found is None:
        raise NoSuchKey(key)
    return found


def check_key(key: str) -> None:
    """Look whether an object may have the key.

    Raises:
        KeyTooLongError: it is longer than 1,024 bytes.
    """
    if not is_key(key):
        raise KeyTooLongError(len(key.encode("utf-8", "surrogatepass")))


def keys_of_object(request: "HasObject", _caller: Caller) -> list[Key]:
    """Bucket and object: fetched for a whole batch at once."""
    return [Key(BUCKETS, (request.bucket,)), Key(OBJECTS, (request.bucket, request.key))]


class HasObject:
    """A request that names an object."""

    bucket: str
    key: str
