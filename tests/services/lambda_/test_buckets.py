"""Code from buckets, and records that go into them.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from datetime import timedelta
from typing import Any

import pytest
from tests.services.lambda_.conftest import Cloud, zipped

from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.services.s3 import SERVICES as S3


@pytest.fixture
def cloud() -> Any:
    cloud = Cloud(*S3)
    cloud.world.call("s3", "CreateBucket", {"Bucket": "code"})
    yield cloud
    cloud.world.close()


def test_code_comes_from_a_bucket(cloud: Any) -> None:
    content = zipped(app="def handler(event, context): pass")
    cloud.world.call("s3", "PutObject", {"Bucket": "code", "Key": "a.zip", "Body": content})
    created = cloud.create("Pay", Code={"S3Bucket": "code", "S3Key": "a.zip"})
    assert created["CodeSize"] == len(content)


@pytest.mark.parametrize(
    ("bucket", "key", "words"),
    [
        ("nowhere", "a.zip", "S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"),
        ("code", "b.zip", "S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."),
    ],
)
def test_code_that_is_not_there_is_told_as_s3_tells_it(cloud: Any, bucket: str, key: str, words: str) -> None:
    with pytest.raises(ServiceError) as refused:
        cloud.create("Pay", Code={"S3Bucket": bucket, "S3Key": key})
    assert refused.value.code == "InvalidParameterValueException"
    assert refused.value.message == f"Error occurred while GetObject. {words}"


def test_an_event_that_was_given_up_goes_into_a_bucket(cloud: Any) -> None:
    cloud.create("Pay", lambda _event: 1 // 0)
    destination = {"OnFailure": {"Destination": "arn:aws:s3:::code"}}
    cloud.call(
        "PutFunctionEventInvokeConfig", FunctionName="Pay", MaximumRetryAttempts=0, DestinationConfig=destination
    )
    cloud.call("Invoke", FunctionName="Pay", InvocationType="Event", Payload=b'{"n":1}')
    cloud.world.advance(timedelta(minutes=1))
    (found,) = cloud.world.call("s3", "ListObjectsV2", {"Bucket": "code"})["Contents"]
    assert found["Key"].startswith("aws/lambda/async/Pay/2026/01/01/2026-01-01T00.00.00-")
    record: Any = loads(cloud.world.call("s3", "GetObject", {"Bucket": "code", "Key": found["Key"]})["Body"])
    assert (record["requestPayload"], record["requestContext"]["condition"]) == ({"n": 1}, "RetriesExhausted")
