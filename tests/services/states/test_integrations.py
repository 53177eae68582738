"""Service integrations: which there are, names, errors. Sources: answers recorded from Step Functions."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.services.states import executing

from interstate.base.arn import caller_of
from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.core.asl.parse_task import parse_resource
from interstate.services.states.integrations import Answered, Failed, Submitted, function_answer
from interstate.services.states.integrations.failures import told
from interstate.services.states.integrations.functions import function_arn
from interstate.services.states.integrations.resources import ACTIONS, OPTIMIZED, SDK_SERVICES, is_here, is_known
from interstate.services.states.integrations.shapes import model_of, to_request, to_result
from interstate.store.records.lambda_ import TaskAnswer

NOW = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)

KNOWN = [
    "arn:aws:states:::lambda:invoke",
    "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "arn:aws:states:::states:startExecution.sync:2",
    "arn:aws:states:::dynamodb:updateItem",
]
UNKNOWN = [
    "arn:aws:states:::dynamodb:query",
    "arn:aws:states:::dynamodb:getItem.waitForTaskToken",
    "arn:aws:states:::sqs:sendMessage.sync",
    "arn:aws:states:::lambda:invoke.sync",
    "arn:aws:states:::nothing:here",
    "arn:aws:states:::aws-sdk:sqs:noSuchAction",
    "arn:aws:states:::aws-sdk:sqs:sendMessage.sync",
    "arn:aws:lambda:us-east-1:000000000000:function:f",
]


@pytest.mark.parametrize("arn", KNOWN)
def test_an_integration_is_known(arn: str) -> None:
    assert is_known(arn)


@pytest.mark.parametrize("arn", UNKNOWN)
def test_what_step_functions_has_not_is_unknown(arn: str) -> None:
    assert not is_known(arn)


ELSEWHERE = [
    "arn:aws:states:::ecs:runTask.sync",
    "arn:aws:states:::bedrock:invokeModel",
    "arn:aws:states:::aws-sdk:secretsmanager:getSecretValue",
    "arn:aws:states:::aws-sdk:cloudformation:createStack",
    "arn:aws:states:::aws-sdk:s3:getObjectTorrent",
    "arn:aws:states:::aws-sdk:scheduler:listTagsForResource",
]


@pytest.mark.parametrize("arn", ELSEWHERE)
def test_what_only_aws_has_may_be_named(arn: str) -> None:
    resource = parse_resource(arn)
    assert resource is not None
    assert is_known(arn)
    assert not is_here(resource)


@pytest.mark.parametrize("arn", ELSEWHERE)
def test_a_task_that_only_aws_can_do_fails_and_says_so(arn: str) -> None:
    state = {"Type": "Task", "Resource": arn, "Parameters": {}, "End": True}
    state |= {"Retry": [{"ErrorEquals": ["States.ALL"]}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]}
    world = executing.world()
    number = executing.start(world, {"A": state, "B": {"Type": "Succeed"}})
    ended = executing.execution(world, number)
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")
    assert f"Interstate does not implement the integration {arn.removeprefix('arn:aws:states:::')}" in str(ended.cause)


def test_every_speaker_has_a_model_and_every_action_an_operation() -> None:
    for speaker in [*OPTIMIZED.values(), *SDK_SERVICES.values()]:
        assert model_of(speaker.botocore).operations
    for service, action in ACTIONS:
        if service in {"apigateway", "http"}:  # Requests, which no model describes.
            continue
        assert action[0].upper() + action[1:] in model_of(OPTIMIZED[service].botocore).operations


REQUESTS: list[tuple[str, str, Any, Any]] = [
    ("sqs", "SendMessage", {"QueueUrl": "u", "MessageBody": {"a": 1}}, {"QueueUrl": "u", "MessageBody": '{"a":1}'}),
    ("sqs", "SendMessage", {"MessageBody": "t", "Unknown": 1, "DelaySeconds": None}, {"MessageBody": "t"}),
    (
        "sns",
        "Publish",
        {"Message": [1], "MessageAttributes": {"a": {"DataType": "String", "StringValue": "x"}}},
        {"Message": "[1]", "MessageAttributes": {"a": {"DataType": "String", "StringValue": "x"}}},
    ),
    (
        "events",
        "PutEvents",
        {"Entries": [{"Detail": {"a": 1}, "Source": "s"}]},
        {"Entries": [{"Detail": '{"a":1}', "Source": "s"}]},
    ),
    (
        "stepfunctions",
        "StartExecution",
        {"StateMachineArn": "a", "Name": "n", "Input": {"a": [1]}},
        {"stateMachineArn": "a", "name": "n", "input": '{"a":[1]}'},
    ),
    (
        "dynamodb",
        "PutItem",
        {"TableName": "t", "Item": {"id": {"S": "x"}, "n": {"L": [{"M": {"a": {"BOOL": True}}}]}}},
        {"TableName": "t", "Item": {"id": {"S": "x"}, "n": {"L": [{"M": {"a": {"BOOL": True}}}]}}},
    ),
    (
        "logs",
        "PutLogEvents",
        {"LogGroupName": "g", "LogEvents": [{"Timestamp": 1}]},
        {"logGroupName": "g", "logEvents": [{"timestamp": 1}]},
    ),
]


@pytest.mark.parametrize(("service", "operation", "parameters", "request_"), REQUESTS)
def test_parameters_become_a_request(service: str, operation: str, parameters: Any, request_: Any) -> None:
    assert to_request(service, operation, parameters) == request_


RESULTS: list[tuple[str, str, Any, Any]] = [
    (
        "stepfunctions",
        "DescribeExecution",
        {"executionArn": "a", "startDate": NOW, "inputDetails": {"included": True}},
        {"ExecutionArn": "a", "StartDate": "2026-11-21T09:00:00.000Z", "InputDetails": {"Included": True}},
    ),
    ("dynamodb", "GetItem", {"Item": {"b": {"B": b"text"}}}, {"Item": {"b": {"B": "text"}}}),
    ("sqs", "ListQueues", {"QueueUrls": ["u"]}, {"QueueUrls": ["u"]}),
]


@pytest.mark.parametrize(("service", "operation", "answer", "result"), RESULTS)
def test_an_answer_becomes_a_result(service: str, operation: str, answer: Any, result: Any) -> None:
    assert to_result(service, operation, answer) == result


FAILURES = [
    (
        "arn:aws:states:::dynamodb:putItem",
        ServiceError("Requested resource not found", code="ResourceNotFoundException"),
        "DynamoDB.ResourceNotFoundException",
        (
            "Requested resource not found (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ResourceNotFoundException; "
            "Request ID: r; Proxy: null)"
        ),
    ),
    (
        "arn:aws:states:::aws-sdk:dynamodb:putItem",
        ServiceError("Requested resource not found", code="ResourceNotFoundException"),
        "DynamoDb.ResourceNotFoundException",
        "Requested resource not found (Service: DynamoDb, Status Code: 400, Request ID: r)",
    ),
    (
        "arn:aws:states:::aws-sdk:dynamodb:putItem",
        ServiceError("no", code="ValidationException"),
        "DynamoDb.DynamoDbException",
        "no (Service: DynamoDb, Status Code: 400, Request ID: r)",
    ),
    (
        "arn:aws:states:::sqs:sendMessage",
        ServiceError("The request must contain the parameter MessageBody.", code="MissingParameter"),
        "SQS.AmazonSQSException",
        (
            "The request must contain the parameter MessageBody. (Service: AmazonSQS; Status Code: 400; Error Code: MissingParameter; "
            "Request ID: r; Proxy: null)"
        ),
    ),
    (
        "arn:aws:states:::sns:publish",
        ServiceError("Topic does not exist", code="NotFoundException"),
        "SNS.NotFoundException",
        "Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: r; Proxy: null)",
    ),
    (
        "arn:aws:states:::states:startExecution",
        ServiceError("State Machine Does Not Exist: 'a'", code="StateMachineDoesNotExist"),
        "StepFunctions.StateMachineDoesNotExistException",
        (
            "State Machine Does Not Exist: 'a' (Service: AWSStepFunctions; Status Code: 400; Error Code: StateMachineDoesNotExist; "
            "Request ID: r; Proxy: null)"
        ),
    ),
]


@pytest.mark.parametrize(
    ("arn", "error", "name", "cause"), FAILURES, ids=[f"{row[0]} {row[1].code}" for row in FAILURES]
)
def test_a_refusal_is_told_as_step_functions_tells_it(arn: str, error: ServiceError, name: str, cause: str) -> None:
    resource = parse_resource(arn)
    assert resource is not None
    assert told(error, resource, "r") == Failed(name, cause)


NEAR = "arn:aws:states:eu-west-1:111111111111:execution:m:e"


@pytest.mark.parametrize(
    ("name", "arn", "qualifier"),
    [
        ("f", "arn:aws:lambda:eu-west-1:111111111111:function:f", None),
        ("f:live", "arn:aws:lambda:eu-west-1:111111111111:function:f", "live"),
        ("222222222222:function:f", "arn:aws:lambda:eu-west-1:222222222222:function:f", None),
        ("arn:aws:lambda:us-east-1:333333333333:function:f", "arn:aws:lambda:us-east-1:333333333333:function:f", None),
        (
            "arn:aws:lambda:us-east-1:333333333333:function:f:$LATEST",
            "arn:aws:lambda:us-east-1:333333333333:function:f",
            "$LATEST",
        ),
    ],
)
def test_a_function_has_many_names(name: str, arn: str, qualifier: str | None) -> None:
    assert function_arn(name, caller_of(NEAR)) == (arn, qualifier)


def answer(form: str, **more: Any) -> TaskAnswer:
    return TaskAnswer(origin_data={"form": form, "label": "lambda"}, request_id="r", **more)


def test_a_function_answers_in_the_form_that_was_asked_for() -> None:
    assert function_answer(answer("plain", ok=True, payload='{"a": 1}'), NOW) == Answered('{"a": 1}')
    envelope = function_answer(answer("envelope", ok=True, payload='{"a": 1}'), NOW)
    assert isinstance(envelope, Answered)
    value = loads(envelope.output)
    assert isinstance(value, dict)
    assert (value["Payload"], value["StatusCode"], value["ExecutedVersion"]) == ({"a": 1}, 200, "$LATEST")
    assert value["SdkResponseMetadata"] == {"RequestId": "r"}
    assert value["SdkHttpMetadata"]["HttpHeaders"]["Content-Length"] == "8"
    assert isinstance(function_answer(answer("token", ok=True, payload="1"), NOW), Submitted)
    assert function_answer(answer("sdk", ok=True, payload="1"), NOW) == Answered(
        '{"ExecutedVersion":"$LATEST","Payload":"1","StatusCode":200}'
    )


def test_a_log_that_was_asked_for_is_in_the_envelope() -> None:
    envelope = function_answer(answer("envelope", ok=True, payload="1", log_tail="log"), NOW)
    assert isinstance(envelope, Answered)
    assert loads(envelope.output)["LogResult"] == "bG9n"  # type: ignore[index,call-overload]  # an object


def test_a_function_error_keeps_its_document() -> None:
    document = '{"errorMessage": "no", "errorType": "Bad"}'
    assert function_answer(answer("plain", ok=False, error="Bad", cause=document), NOW) == Failed("Bad", document)
    assert function_answer(answer("envelope", ok=False, error="Bad", cause=document), NOW) == Failed(
        "Bad", '{"errorMessage":"no","errorType":"Bad"}'
    )


def test_an_answer_that_is_too_large_fails_the_task() -> None:
    failed = function_answer(answer("plain", ok=True, payload='"' + "é" * 131_072 + '"'), NOW)
    assert isinstance(failed, Failed)
    assert failed.error == "States.DataLimitExceeded"
    assert failed.cause is not None
    assert failed.cause.startswith("The state/task 'lambda' returned a result with a size exceeding")
