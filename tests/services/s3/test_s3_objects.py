"""Buckets and objects, by calls.

Source: S3 API Reference, the operations named; "Error responses" for codes and messages.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.store.records.s3 import BODIES, PIECES
from interstate.store.tables import Select

MIB = 1 << 20


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.call("s3", "CreateBucket", {"Bucket": "bucket"})
    yield world
    world.close()


def put(world: World, key: str, body: bytes = b"x", **more: Any) -> Any:
    return world.call("s3", "PutObject", {"Bucket": "bucket", "Key": key, "Body": body, **more})


def get(world: World, key: str, **more: Any) -> Any:
    return world.call("s3", "GetObject", {"Bucket": "bucket", "Key": key, **more})


def refused(world: World, operation: str, **request: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        world.call("s3", operation, request)
    return caught.value.code


def test_an_object_comes_back_with_what_was_put_beside_it(world: World) -> None:
    put(world, "k", b"hello", ContentType="text/plain", Metadata={"Colour": "red"})
    found = get(world, "k")
    assert (found["Body"], found["ContentType"], found["Metadata"]) == (b"hello", "text/plain", {"colour": "red"})
    assert found["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert get(world, "k", Range="bytes=1-2")["ContentRange"] == "bytes 1-2/5"


def test_refusals_have_the_codes_of_s3(world: World) -> None:
    put(world, "k")
    assert refused(world, "GetObject", Bucket="bucket", Key="no") == "NoSuchKey"
    assert refused(world, "GetObject", Bucket="no-such", Key="no") == "NoSuchBucket"
    assert refused(world, "HeadObject", Bucket="bucket", Key="no") == "404"
    assert refused(world, "DeleteBucket", Bucket="bucket") == "BucketNotEmpty"
    assert refused(world, "CreateBucket", Bucket="Bad_Name") == "InvalidBucketName"
    assert refused(world, "GetObject", Bucket="bucket", Key="k", Range="bytes=9-") == "InvalidRange"
    assert refused(world, "PutObject", Bucket="bucket", Key="k", IfNoneMatch="*") == "PreconditionFailed"
    assert refused(world, "PutObject", Bucket="bucket", Key="k", Body=b"x", ChecksumCRC32="AAAAAA==") == "BadDigest"
    assert refused(world, "PutObject", Bucket="bucket", Key="k" * 1025) == "KeyTooLongError"
    assert refused(world, "UploadPart", Bucket="bucket", Key="k", UploadId="no", PartNumber=1) == "NoSuchUpload"


def test_a_bucket_of_another_account_is_not_there(world: World) -> None:
    other = Caller("111111111111")
    with pytest.raises(ServiceError) as caught:
        world.call("s3", "ListObjectsV2", {"Bucket": "bucket"}, caller=other)
    assert caught.value.code == "NoSuchBucket"
    with pytest.raises(ServiceError) as caught:
        world.call("s3", "CreateBucket", {"Bucket": "bucket"}, caller=other)
    assert caught.value.code == "BucketAlreadyExists"


def test_a_range_of_a_composed_object_reads_across_its_parts(world: World) -> None:
    first, second = bytes(range(256)) * (5 * MIB // 256), b"the end"
    upload = world.call("s3", "CreateMultipartUpload", {"Bucket": "bucket", "Key": "big"})["UploadId"]
    told = {"Bucket": "bucket", "Key": "big", "UploadId": upload}
    parts = [
        {
            "PartNumber": number,
            "ETag": world.call("s3", "UploadPart", {**told, "PartNumber": number, "Body": body})["ETag"],
        }
        for number, body in ((1, first), (2, second))
    ]
    assert refused(world, "CompleteMultipartUpload", **told, MultipartUpload={"Parts": parts[::-1]}) == (
        "InvalidPartOrder"
    )
    done = world.call("s3", "CompleteMultipartUpload", {**told, "MultipartUpload": {"Parts": parts}})
    assert done["ETag"].endswith('-2"')
    size = len(first) + len(second)
    assert get(world, "big", Range=f"bytes={len(first) - 2}-{len(first) + 2}")["Body"] == first[-2:] + second[:3]
    assert get(world, "big", PartNumber=2)["ContentRange"] == f"bytes {len(first)}-{size - 1}/{size}"
    world.call("s3", "CopyObject", {"Bucket": "bucket", "Key": "copy", "CopySource": "bucket/big"})
    world.call("s3", "DeleteObject", {"Bucket": "bucket", "Key": "big"})
    world.run_due()
    assert get(world, "copy")["Body"] == first + second


def test_a_small_part_before_the_last_is_refused(world: World) -> None:
    upload = world.call("s3", "CreateMultipartUpload", {"Bucket": "bucket", "Key": "k"})["UploadId"]
    told = {"Bucket": "bucket", "Key": "k", "UploadId": upload}
    parts = [
        {"PartNumber": at, "ETag": world.call("s3", "UploadPart", {**told, "PartNumber": at, "Body": b"x"})["ETag"]}
        for at in (1, 2)
    ]
    assert refused(world, "CompleteMultipartUpload", **told, MultipartUpload={"Parts": parts}) == "EntityTooSmall"


def test_bytes_that_nothing_names_are_erased(world: World) -> None:
    put(world, "k", b"x" * 10 * MIB)
    put(world, "k", b"y")
    world.run_due()
    assert get(world, "k")["Body"] == b"y"
    left = world.run(lambda work: work.select(Select(PIECES, "body > 0", "body, start"), limit=99))
    assert [piece.data for piece in left] == [b"y"]
    assert world.run(lambda work: len(work.select(Select(BODIES, "id > 0", "id"), limit=99))) == 1


def test_objects_survive(tmp_path: Path) -> None:
    world = World(directory=tmp_path)
    world.call("s3", "CreateBucket", {"Bucket": "bucket"})
    put(world, "k", b"kept")
    again = world.restart()
    assert get(again, "k")["Body"] == b"kept"
    again.close()
