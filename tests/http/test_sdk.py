"""The real SDK against the served application, one call a protocol, and what goes wrong on the way."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import msgspec
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError, TransientError
from interstate.wire.model import Models
from interstate.wire.signature import read_credentials

from .conftest import Site

SESSION = boto3.session.Session()


def client(site: Site, service: str, key: str = "test", secret: str = "test", region: str = "ap-northeast-2") -> Any:
    return SESSION.client(
        service,  # type: ignore[call-overload] # the name is a parameter here
        endpoint_url=site.url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )


CALLS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("sqs", "SendMessage", {"QueueUrl": "http://q/0/a", "MessageBody": "주문"}, {"MessageId": "m", "MD5OfMessageBody": "x"}),
    (
        "sns",
        "Publish",
        {"TopicArn": "t", "Message": "m", "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": b"\x00"}}},
        {"MessageId": "m"},
    ),
    (
        "stepfunctions",
        "StartExecution",
        {"stateMachineArn": "arn:aws:states:m", "input": "{}"},
        {"executionArn": "e", "startDate": datetime(2026, 11, 21, tzinfo=UTC)},
    ),
    ("stepfunctions", "StartSyncExecution", {"stateMachineArn": "arn:aws:states:m"}, {"executionArn": "e"}),
    ("events", "PutEvents", {"Entries": [{"Time": datetime(2026, 11, 21, tzinfo=UTC)}]}, {"FailedEntryCount": 0}),
    ("dynamodb", "PutItem", {"TableName": "abc", "Item": {"id": {"B": b"\xff"}}}, {"Attributes": {"id": {"B": b"\xfe"}}}),
    ("lambda", "GetFunction", {"FunctionName": "f:live"}, {"Configuration": {"FunctionName": "f", "Timeout": 3}}),
    ("logs", "PutLogEvents", {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}, {}),
    ("sts", "GetCallerIdentity", {}, {"Account": "000000000000"}),
    ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "k", "Value": "v"}]}, {}),
    ("cloudformation", "DescribeStacks", {"StackName": "s"}, {"Stacks": [{"StackName": "s", "StackStatus": "x"}]}),
    ("apigateway", "CreateRestApi", {"name": "n"}, {"id": "i", "createdDate": datetime(2026, 11, 21, tzinfo=UTC)}),
    ("apigatewayv2", "CreateApi", {"Name": "n", "ProtocolType": "HTTP"}, {"ApiId": "i", "CreatedDate": datetime(2026, 11, 21, tzinfo=UTC)}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "params", "answer"), CALLS, ids=lambda value: str(value)[:20])
def test_the_sdk_calls_the_engine_and_reads_its_answer(
    site: Site, service: str, operation: str, params: dict[str, Any], answer: dict[str, Any]
) -> None:
    site.engine.answer = lambda *_: answer
    sdk = client(site, service)
    method = next(name for name, named in sdk.meta.method_to_api_mapping.items() if named == operation)
    got = getattr(sdk, method)(**params)
    metadata = got.pop("ResponseMetadata")
    assert got == answer
    assert len(metadata["RequestId"]) == 36
    called_service, called, received, caller = site.engine.calls[0]
    assert (called_service, called, received) == (service, operation, params)
    assert msgspec.structs.replace(caller, host="") == Caller("000000000000", "ap-northeast-2", "test")


def test_a_functions_payload_streams_back(site: Site) -> None:
    site.engine.answer = lambda *_: {"StatusCode": 200, "Payload": b'{"ok":true}', "ExecutedVersion": "1"}
    got = client(site, "lambda").invoke(FunctionName="f", Payload=b'{"a":1}', InvocationType="RequestResponse")
    assert (got["Payload"].read(), got["ExecutedVersion"]) == (b'{"ok":true}', "1")
    assert site.engine.calls[0][2] == {
        "FunctionName": "f",
        "InvocationType": "RequestResponse",
        "Payload": b'{"a":1}',
    }


def refusing(error: Exception) -> Any:
    def answer(*_: object) -> Mapping[str, Any] | None:
        raise error

    return answer


class Refusal(NamedTuple):
    service: str
    method: str
    params: dict[str, Any]
    shape: str
    code: str
    status: int


REFUSALS = [
    Refusal("sqs", "purge_queue", {"QueueUrl": "q"}, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400),
    Refusal("sns", "publish", {"Message": "m"}, "NotFoundException", "NotFound", 404),
    Refusal("stepfunctions", "describe_execution", {"executionArn": "e"}, "ExecutionDoesNotExist", "ExecutionDoesNotExist", 400),
    Refusal("lambda", "get_function", {"FunctionName": "f"}, "ResourceNotFoundException", "ResourceNotFoundException", 404),
    Refusal("iam", "get_role", {"RoleName": "r"}, "NoSuchEntityException", "NoSuchEntity", 404),
    Refusal("apigatewayv2", "get_api", {"ApiId": "i"}, "NotFoundException", "NotFoundException", 404),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: f"{case.service}-{case.shape}")
def test_the_sdk_raises_what_the_engine_refuses(site: Site, case: Refusal) -> None:
    site.engine.answer = refusing(ServiceError("no", code=case.shape))
    with pytest.raises(ClientError) as raised:
        getattr(client(site, case.service), case.method)(**case.params)
    response: Any = raised.value.response
    assert (response["Error"]["Code"], response["Error"]["Message"]) == (case.code, "no")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == case.status


def test_errors_have_the_sdks_own_exception_classes(site: Site) -> None:
    site.engine.answer = refusing(ServiceError("no", code="QueueDoesNotExist"))
    sqs = client(site, "sqs")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.purge_queue(QueueUrl="q")


@pytest.mark.parametrize(
    ("service", "method", "params"),
    [
        ("s3", "list_buckets", {}),
        ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": [{"MetricName": "m"}]}),
        ("ssm", "get_parameter", {"Name": "n"}),
        ("sqs", "list_queues", {}),
        ("sns", "list_topics", {}),
        ("lambda", "list_functions", {}),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(
    site: Site, service: str, method: str, params: dict[str, Any]
) -> None:
    sdk = client(site, service)
    operation = sdk.meta.method_to_api_mapping[method]
    site.engine.lacks.add((service, operation))
    with pytest.raises(ClientError, match=f"Interstate does not implement .*{operation}") as raised:
        getattr(sdk, method)(**params)
    response: Any = raised.value.response
    assert response["Error"]["Code"] == "NotImplemented"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_bug_is_an_internal_failure_and_tells_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.engine.answer = refusing(AssertionError("a secret"))
    with pytest.raises(ClientError) as raised:
        client(site, "sqs").purge_queue(QueueUrl="q")
    response: Any = raised.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "a secret" not in str(raised.value)
    assert "PurgeQueue" in caplog.text


def test_a_transient_failure_may_be_tried_again(site: Site) -> None:
    site.engine.answer = refusing(TransientError())
    with pytest.raises(ClientError) as raised:
        client(site, "stepfunctions").list_state_machines()
    response: Any = raised.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 503


@pytest.fixture
def credentials_file() -> str:
    return "[a]\naws_access_key_id = AKID\naws_secret_access_key = secret\naws_account_id = 123456789012\n"


@pytest.mark.parametrize("service", ["sqs", "sns", "lambda", "dynamodb", "apigatewayv2"])
def test_with_credentials_signatures_are_verified(models: Models, credentials_file: str, service: str) -> None:
    site = Site(models, read_credentials(credentials_file))
    method, params = {
        "sqs": ("send_message", {"QueueUrl": f"{site.url}/0/q", "MessageBody": "m"}),
        "sns": ("publish", {"TopicArn": "t", "Message": "a b+c"}),
        "lambda": ("get_function", {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:f"}),
        "dynamodb": ("list_tables", {}),
        "apigatewayv2": ("get_apis", {"MaxResults": "5"}),
    }[service]
    try:
        getattr(client(site, service, "AKID", "secret"), method)(**params)
        assert site.engine.calls[0][3].account == "123456789012"
        with pytest.raises(ClientError, match=r"InvalidSignatureException|SignatureDoesNotMatch"):
            getattr(client(site, service, "AKID", "wrong"), method)(**params)
        with pytest.raises(ClientError, match=r"UnrecognizedClientException|InvalidClientTokenId"):
            getattr(client(site, service, "NOBODY", "secret"), method)(**params)
        assert len(site.engine.calls) == 1
    finally:
        site.stop()


def test_the_installed_models_are_found_without_a_given_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERSTATE_CACHE", str(tmp_path))
    from interstate.wire.model import load  # noqa: PLC0415 - the environment comes first

    load()
    assert list(tmp_path.glob("models-*.msgpack"))
