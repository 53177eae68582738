"""What Lambda answers, word by word, where users have published it."""

from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import loads


def refused(cloud: Any, operation: str, **members: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as error:
        cloud.call(operation, **members)
    return error.value.code, error.value.message


def test_an_unknown_runtime_is_told_with_those_that_functions_are_created_with(cloud: Any) -> None:
    """Source: https://github.com/awslabs/amazon-redshift-monitoring/pull/25: runtimes of old are not among them."""
    cloud.create("Pay")
    code, message = refused(cloud, "UpdateFunctionConfiguration", FunctionName="Pay", Runtime="cobol")
    assert code == "InvalidParameterValueException"
    assert message.startswith(
        "Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
    )
    assert message.endswith("] or be a valid ARN")
    assert "python3.13" in message
    assert "python2.7" not in message


def test_a_runtime_newer_than_the_told_ones_is_taken(cloud: Any) -> None:
    """Source: botocore's model lambda/2015-03-31, Runtime."""
    assert cloud.create("Pay", Runtime="python3.15")["Runtime"] == "python3.15"


@pytest.mark.parametrize("operation", ["ListLayers", "ListLayerVersions"])
def test_layers_are_looked_for_by_known_runtimes(cloud: Any, operation: str) -> None:
    """Source: Lambda API Reference, ListLayers (CompatibleRuntime, valid values)."""
    name = {} if operation == "ListLayers" else {"LayerName": "l"}
    code, message = refused(cloud, operation, CompatibleRuntime="cobol", **name)
    assert code == "ValidationException"
    assert "Value 'cobol' at 'compatibleRuntime' failed to satisfy constraint: Member must satisfy enum" in message


def test_a_version_that_aliases_point_to_stays(cloud: Any) -> None:
    """Source: https://github.com/karl-cardenas-coding/go-lambda-cleanup/issues/45, https://github.com/zappa/Zappa/issues/960."""
    cloud.create("Pay", Publish=True)
    cloud.world.run_due()
    cloud.call("CreateAlias", FunctionName="Pay", Name="live", FunctionVersion="1")
    assert refused(cloud, "DeleteFunction", FunctionName="Pay", Qualifier="1") == (
        "ResourceConflictException",
        "Unable to delete version because the following aliases reference it: [live]",
    )


def test_levels_belong_to_logs_in_json(cloud: Any) -> None:
    """Source: https://github.com/aws/aws-cdk/pull/28045."""
    text = (
        'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the '
        'LogFormat to "Json" and try again.'
    )
    cloud.create("Pay")
    cloud.world.run_due()
    levels = {"ApplicationLogLevel": "DEBUG"}
    for config in (levels, {"LogFormat": "Text", **levels}):
        assert refused(cloud, "UpdateFunctionConfiguration", FunctionName="Pay", LoggingConfig=config) == (
            "InvalidParameterValueException",
            text,
        )
    cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", LoggingConfig={"LogFormat": "JSON"})
    cloud.world.run_due()
    changed = cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", LoggingConfig=levels)
    assert changed["LoggingConfig"]["ApplicationLogLevel"] == "DEBUG"


def test_a_permission_can_ask_that_the_call_came_through_a_url(cloud: Any) -> None:
    """Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html (lambda:InvokedViaFunctionUrl)."""
    cloud.create("Pay")
    request = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}
    added = cloud.call("AddPermission", FunctionName="Pay", InvokedViaFunctionUrl=True, **request)
    statement = loads(added["Statement"])
    assert isinstance(statement, dict)
    assert statement["Condition"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}


def test_the_runtime_version_that_there_is_can_be_chosen(cloud: Any) -> None:
    """Source: Lambda API Reference, PutRuntimeManagementConfig, GetRuntimeManagementConfig (RuntimeVersionArn)."""
    cloud.create("Pay")
    arn = cloud.call("GetFunctionConfiguration", FunctionName="Pay")["RuntimeVersionConfig"]["RuntimeVersionArn"]
    request = {"FunctionName": "Pay", "UpdateRuntimeOn": "Manual"}
    put = cloud.call("PutRuntimeManagementConfig", RuntimeVersionArn=arn, **request)
    assert put["RuntimeVersionArn"] == arn
    assert cloud.call("GetRuntimeManagementConfig", FunctionName="Pay") == put
    assert (
        refused(cloud, "PutRuntimeManagementConfig", RuntimeVersionArn=arn[:-1] + "z", **request)[0] == "NotImplemented"
    )
    auto = cloud.call("PutRuntimeManagementConfig", FunctionName="Pay", UpdateRuntimeOn="Auto")
    assert "RuntimeVersionArn" not in auto


@pytest.mark.parametrize(
    ("source", "members", "code"),
    [
        ("arn:aws:s3:::bucket", {}, "InvalidParameterValueException"),
        ("arn:aws:sns:us-east-1:000000000000:topic", {}, "InvalidParameterValueException"),
        ("arn:aws:kinesis:us-east-1:000000000000:stream/s", {}, "InvalidParameterValueException"),
        (
            "arn:aws:kinesis:us-east-1:000000000000:stream/s",
            {"StartingPosition": "AT_TIMESTAMP"},
            "InvalidParameterValueException",
        ),
    ],
)
def test_a_mapping_reads_from_what_lambda_reads_from(
    cloud: Any, source: str, members: dict[str, str], code: str
) -> None:
    """Source: Lambda API Reference, CreateEventSourceMapping (EventSourceArn, StartingPosition)."""
    cloud.create("Pay")
    found, message = refused(cloud, "CreateEventSourceMapping", FunctionName="Pay", EventSourceArn=source, **members)
    assert found == code
    if not members and "kinesis" in source:
        assert "Value null at 'startingPosition'" in message
    elif code.startswith("Invalid"):
        assert message == "Unrecognized event source."


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_an_answer_has_the_id_by_which_the_function_knows_the_call(cloud: Any, kind: str) -> None:
    """Source: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html (aws_request_id), Invoke's x-amzn-RequestId."""
    cloud.create("Pay", lambda event: event)
    cloud.world.run_due()
    answer = cloud.world.call("lambda", "Invoke", {"FunctionName": "Pay", "InvocationType": kind})
    cloud.world.run_due()
    assert answer["_RequestId"] == cloud.calls[-1].request_id
