"""What Lambda answers, word by word, where users have published it."""

from typing import Any

import pytest
from tests.services.lambda_.conftest import zipped

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
    ("source", "members"),
    [
        ("arn:aws:s3:::bucket", {}),
        ("arn:aws:sns:us-east-1:000000000000:topic", {}),
        ("arn:aws:kinesis:us-east-1:000000000000:stream/s", {}),
        ("arn:aws:kinesis:us-east-1:000000000000:stream/s", {"StartingPosition": "AT_TIMESTAMP"}),
    ],
)
def test_a_mapping_reads_from_what_lambda_reads_from(cloud: Any, source: str, members: dict[str, str]) -> None:
    """Source: Lambda API Reference, CreateEventSourceMapping (EventSourceArn, StartingPosition)."""
    cloud.create("Pay")
    found, message = refused(cloud, "CreateEventSourceMapping", FunctionName="Pay", EventSourceArn=source, **members)
    assert found == "InvalidParameterValueException"
    if not members and "kinesis" in source:
        assert "Value null at 'startingPosition'" in message
    elif "kinesis" in source:
        assert message == "Need to specify a timestamp"
    else:
        assert message == "Unrecognized event source."


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_an_answer_has_the_id_by_which_the_function_knows_the_call(cloud: Any, kind: str) -> None:
    """Source: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html (aws_request_id), Invoke's x-amzn-RequestId."""
    cloud.create("Pay", lambda event: event)
    cloud.world.run_due()
    answer = cloud.world.call("lambda", "Invoke", {"FunctionName": "Pay", "InvocationType": kind})
    cloud.world.run_due()
    assert answer["_RequestId"] == cloud.calls[-1].request_id


ARN = "arn:aws:lambda:us-east-1:000000000000:function:Pay"
ONLY = "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation."
ZIP = zipped(app="x = 1")
# Operation, parameters beside those of a whole function, a part of the message.
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("UpdateFunctionCode", {"FunctionName": "Pay:1", "ZipFile": ZIP}, ONLY),
    ("UpdateFunctionConfiguration", {"FunctionName": "Pay:live", "Timeout": 5}, ONLY),
    ("PublishVersion", {"FunctionName": f"{ARN}:1"}, ONLY),
    ("UpdateFunctionCode", {"ZipFile": b""}, "Uploaded file must be a non-empty zip"),
    ("UpdateFunctionCode", {"ZipFile": ZIP, "S3Bucket": "bucket", "S3Key": "k"},
     "Please do not provide other FunctionCode parameters when providing a ZipFile."),
    ("UpdateFunctionConfiguration", {"DeadLetterConfig": {"TargetArn": "arn:aws:s3:::b"}}, "arn:aws:s3:::b is invalid"),
    ("UpdateFunctionConfiguration", {"EphemeralStorage": {"Size": 10241}}, "Value '10241' at 'ephemeralStorage.size'"),
    ("UpdateFunctionConfiguration", {"VpcConfig": {"SubnetIds": ["subnet-1"]}},
     "SubnetIds and SecurityIds must coexist or be both empty list."),
    ("DeleteFunction", {"Qualifier": "live"}, "Deletion of aliases is not currently supported."),
    ("AddPermission", {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*", "FunctionUrlAuthType": "NONE"},
     "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"),
    ("AddPermission", {"StatementId": "s", "Action": "lambda:GetFunction", "Principal": "*", "InvokedViaFunctionUrl": True},
     "InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "parameters", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_what_lambda_refuses_of_a_function_is_refused(
    cloud: Any, operation: str, parameters: dict[str, Any], message: str
) -> None:
    """Source: Lambda API Reference; the service's answers, as users report them (named in the code)."""
    cloud.create("Pay", Publish=True)
    cloud.world.run_due()
    cloud.call("CreateAlias", FunctionName="Pay", Name="live", FunctionVersion="1")
    code, told = refused(cloud, operation, **{"FunctionName": "Pay", **parameters})
    assert code == "InvalidParameterValueException"
    assert message in told


@pytest.mark.parametrize("name", ["New:1", "a" * 65, f"arn:aws:lambda:us-east-1:000000000000:function:{'a' * 65}"])
def test_a_new_function_has_a_plain_name_of_64_characters(cloud: Any, name: str) -> None:
    request = {
        "Runtime": "python3.12",
        "Role": "arn:aws:iam::000000000000:role/r",
        "Handler": "a.b",
        "Code": {"ZipFile": ZIP},
    }
    assert refused(cloud, "CreateFunction", FunctionName=name, **request)[0] == "InvalidParameterValueException"


def test_latest_is_changed_under_its_own_qualifier_too(cloud: Any) -> None:
    cloud.create("Pay")
    cloud.world.run_due()
    changed = cloud.call("UpdateFunctionConfiguration", FunctionName="Pay:$LATEST", Timeout=7)
    assert changed["Timeout"] == 7


def test_a_network_taken_away_is_shown_as_empty(cloud: Any) -> None:
    network = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    cloud.create("Pay", VpcConfig=network)
    cloud.world.run_due()
    empty: dict[str, Any] = {"SubnetIds": [], "SecurityGroupIds": []}
    changed = cloud.call("UpdateFunctionConfiguration", FunctionName="Pay", VpcConfig=empty)
    assert changed["VpcConfig"] == {**empty, "VpcId": "", "Ipv6AllowedForDualStack": False}
