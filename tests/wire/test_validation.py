"""Sources: messages of AWS's services to such calls, as their models and SDK issues show them."""

from typing import Any, NamedTuple

import pytest

from interstate.base.errors import ServiceError
from interstate.wire.codec import Wire

LONG = "x" * 81


class Refused(NamedTuple):
    service: str
    operation: str
    params: dict[str, Any]
    code: str
    message: str


REFUSED = [
    Refused(
        "lambda",
        "PutFunctionRecursionConfig",
        {"FunctionName": "f", "RecursiveLoop": "x"},
        "ValidationException",
        "1 validation error detected: Value 'x' at 'recursiveLoop' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Allow, Terminate]",
    ),
    Refused(
        "stepfunctions",
        "StartExecution",
        {"stateMachineArn": "arn", "name": LONG},
        "ValidationException",
        f"1 validation error detected: Value '{LONG}' at 'name' failed to satisfy constraint: "
        "Member must have length less than or equal to 80",
    ),
    Refused(
        "dynamodb",
        "GetItem",
        {"Key": {"id": {"S": "1"}}},
        "ValidationException",
        "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null",
    ),
    Refused(
        "dynamodb",
        "CreateTable",
        {
            "TableName": "orders",
            "AttributeDefinitions": [],
            "KeySchema": [{"AttributeName": "id", "KeyType": "FIRST"}],
        },
        "ValidationException",
        "1 validation error detected: Value 'FIRST' at 'keySchema.1.member.keyType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [HASH, RANGE]",
    ),
    Refused(
        "events",
        "PutRule",
        {"Name": "a b", "ScheduleExpression": "x" * 257},
        "ValidationException",
        "2 validation errors detected: Value 'a b' at 'name' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+; "
        f"Value '{'x' * 257}' at 'scheduleExpression' failed to satisfy constraint: "
        "Member must have length less than or equal to 256",
    ),
    Refused(
        "lambda",
        "CreateFunction",
        {"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Code": {}, "Architectures": ["ppc"]},
        "ValidationException",
        "1 validation error detected: Value '[ppc]' at 'architectures' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]",
    ),
    Refused(  # Long values are told in full. Source: answers recorded from Step Functions.
        "stepfunctions",
        "ListExecutions",
        {"stateMachineArn": "arn", "nextToken": "x" * 3097},
        "ValidationException",
        f"1 validation error detected: Value '{'x' * 3097}' at 'nextToken' failed to satisfy constraint: "
        "Member must have length less than or equal to 3096",
    ),
    Refused(
        "stepfunctions",
        "ListExecutions",
        {"stateMachineArn": "arn", "statusFilter": "succeeded"},
        "ValidationException",
        "1 validation error detected: Value 'succeeded' at 'statusFilter' failed to satisfy constraint: Member must satisfy "
        "enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]",
    ),
    Refused(  # Structures are told as Java's records print themselves. Source: answers recorded from Step Functions.
        "stepfunctions",
        "CreateStateMachineAlias",
        {"name": "a", "routingConfiguration": [{"stateMachineVersionArn": f"arn:{n}", "weight": n} for n in (1, 2, 3)]},
        "ValidationException",
        "1 validation error detected: Value '[RoutingConfigurationListItem(stateMachineVersionArn=arn:1, weight=1), "
        "RoutingConfigurationListItem(stateMachineVersionArn=arn:2, weight=2), "
        "RoutingConfigurationListItem(stateMachineVersionArn=arn:3, weight=3)]' at 'routingConfiguration' failed to satisfy "
        "constraint: Member must have length less than or equal to 2",
    ),
    Refused(
        "sqs",
        "SendMessage",
        {"QueueUrl": "q"},
        "MissingParameter",
        "The request must contain the parameter MessageBody.",
    ),
    Refused(
        "sns",
        "CreateTopic",
        {},
        "ValidationError",
        "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
    ),
    Refused(
        "sqs",
        "SendMessage",
        {"QueueUrl": "q", "MessageBody": 7},
        "SerializationException",
        "NUMBER_VALUE cannot be converted to String",
    ),
    Refused(
        "sqs",
        "SendMessage",
        {"QueueUrl": "q", "MessageBody": "m", "DelaySeconds": "7"},
        "SerializationException",
        "STRING_VALUE cannot be converted to Integer",
    ),
    Refused(
        "sqs",
        "ReceiveMessage",
        {"QueueUrl": "q", "AttributeNames": {"a": 1}},
        "SerializationException",
        "Start of structure or map found where not expected.",
    ),
    Refused(
        "dynamodb",
        "PutItem",
        {"TableName": "orders", "Item": {"id": {"BOOL": "yes"}}},
        "SerializationException",
        "STRING_VALUE cannot be converted to Boolean",
    ),
    Refused(
        "dynamodb",
        "PutItem",
        {"TableName": "orders", "Item": {"id": {"B": "not base64!"}}},
        "SerializationException",
        "Invalid Base64 encoded value",
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.service}-{case.operation}-{case.code}")
def test_what_the_model_forbids_is_refused_in_the_words_of_the_service(wire: Wire, case: Refused) -> None:
    with pytest.raises(ServiceError) as refused:
        wire.check(case.service, case.operation, case.params)
    assert (refused.value.code, refused.value.message) == (case.code, case.message)


def test_a_checked_request_is_never_changed_in_place(wire: Wire) -> None:
    item = {"data": {"B": "aGVsbG8="}, "gone": None}
    params = {"TableName": "orders", "Item": item}
    checked = wire.check("dynamodb", "PutItem", params)
    assert checked["Item"] == {"data": {"B": b"hello"}}
    assert item == {"data": {"B": "aGVsbG8="}, "gone": None}


def test_a_request_that_needs_no_change_is_not_copied(wire: Wire) -> None:
    params = {"QueueUrl": "q", "MessageBody": "m"}
    assert wire.check("sqs", "SendMessage", params) is params


def test_unknown_members_are_let_pass(wire: Wire) -> None:
    params = {"QueueUrl": "q", "MessageBody": "m", "New": {"since": 2030}}
    assert wire.check("sqs", "SendMessage", params) == params


def test_a_null_member_is_an_absent_member(wire: Wire) -> None:
    assert wire.check("sqs", "SendMessage", {"QueueUrl": "q", "MessageBody": "m", "DelaySeconds": None}) == {
        "QueueUrl": "q",
        "MessageBody": "m",
    }


def test_a_request_nested_beyond_reason_is_refused(wire: Wire) -> None:
    value: dict[str, Any] = {"S": "deep"}
    for _ in range(900):
        value = {"L": [value]}
    with pytest.raises(ServiceError) as refused:
        wire.check("dynamodb", "PutItem", {"TableName": "orders", "Item": {"id": value}})
    assert refused.value.code == "SerializationException"


@pytest.mark.parametrize(
    ("service", "operation", "params", "place"),
    [
        ("events", "UntagResource", {"ResourceARN": "arn", "TagKeys": ["a", None]}, "tagKeys"),
        ("dynamodb", "UntagResource", {"ResourceArn": "arn", "TagKeys": [None]}, "tagKeys"),
        ("events", "PutEvents", {"Entries": [None]}, "entries.1.member"),
    ],
)
def test_a_null_in_a_list_is_refused(wire: Wire, service: str, operation: str, params: Any, place: str) -> None:
    with pytest.raises(ServiceError, match="Member must not be null") as refused:
        wire.check(service, operation, params)
    assert refused.value.code == "ValidationException"
    assert f"Value null at '{place}'" in refused.value.message


def test_lambda_looks_at_a_single_runtime_by_itself(wire: Wire) -> None:
    """Source: https://github.com/aws/aws-cli/issues/3789, awslabs/amazon-redshift-monitoring pull request 25."""
    checked = wire.check("lambda", "UpdateFunctionConfiguration", {"FunctionName": "f", "Runtime": "cobol"})
    assert checked["Runtime"] == "cobol"
    with pytest.raises(ServiceError, match="1 validation error detected: Value '\\[cobol\\]' at 'compatibleRuntimes'"):
        wire.check("lambda", "PublishLayerVersion", {"LayerName": "l", "Content": {}, "CompatibleRuntimes": ["cobol"]})


def test_a_sensitive_value_is_not_told(wire: Wire) -> None:
    """Source: https://github.com/trek10inc/serverless-secrets/issues/39, https://github.com/serverless/serverless/issues/3103."""
    request = {"FunctionName": "f", "Environment": {"Variables": {"a": "secret"}}}
    with pytest.raises(ServiceError) as refused:
        wire.check("lambda", "UpdateFunctionConfiguration", request)
    assert refused.value.message == (
        "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy "
        "constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
    )


def test_bounds_of_doubles_are_told_as_doubles(wire: Wire) -> None:
    """As Java prints them; Lambda's weights are the model's only bounded ones here."""
    request = {
        "FunctionName": "f",
        "Name": "live",
        "FunctionVersion": "1",
        "RoutingConfig": {"AdditionalVersionWeights": {"2": 1.5}},
    }
    with pytest.raises(ServiceError, match=r"less than or equal to 1\.0, Member must have value .* equal to 0\.0"):
        wire.check("lambda", "CreateAlias", request)
