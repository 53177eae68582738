"""Tasks that call topics, buses, tables and the API itself. Sources: answers recorded from Step Functions."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.wire.codec import Wire
from interstate.wire.model import load

ROLE = "arn:aws:iam::000000000000:role/r"
BASE = "arn:aws:states:us-east-1:000000000000"
TABLE = {
    "TableName": "items",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def run(world: World, resource: str, parameters: Any, given: Any = None, **more: Any) -> dict[str, Any]:
    """How an execution of one Task ends."""
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True, **more}
    definition = dumps({"StartAt": "T", "States": {"T": task}})
    request = {"name": "m", "definition": definition, "roleArn": ROLE}
    machine = world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    started = world.call(
        "stepfunctions", "StartExecution", {"stateMachineArn": machine, "name": "e", "input": dumps(given)}
    )
    world.run_due()
    ended: dict[str, Any] = world.call("stepfunctions", "DescribeExecution", started)
    world.call("stepfunctions", "DeleteStateMachine", {"stateMachineArn": machine})
    return ended


def output(ended: dict[str, Any]) -> Any:
    assert ended["status"] == "SUCCEEDED", ended
    return loads(ended["output"])


def bodies(world: World, name: str) -> list[Any]:
    request = {"QueueUrl": f"http://localhost/000000000000/{name}", "MaxNumberOfMessages": 10}
    return [loads(message["Body"]) for message in world.call("sqs", "ReceiveMessage", request).get("Messages", [])]


def test_events_name_the_execution_that_sent_them(world: World) -> None:
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:*", "Resource": "*"}
    policy = dumps({"Version": "2012-10-17", "Statement": [allowed]})
    world.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": policy}})
    world.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source":["shop"]}'})
    target = {"Id": "t", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
    world.call("events", "PutTargets", {"Rule": "r", "Targets": [target]})
    entry = {"Source": "shop", "DetailType": "d", "Detail": {"id.$": "$.id"}, "Resources": ["mine"]}
    answer = output(run(world, "events:putEvents", {"Entries": [entry]}, {"id": 7}))
    assert (answer["FailedEntryCount"], list(answer)) == (0, ["FailedEntryCount", "Entries"])
    world.run_due()
    (event,) = bodies(world, "q")
    assert event["detail"] == {"id": 7}
    assert event["resources"] == ["mine", f"{BASE}:stateMachine:m", f"{BASE}:execution:m:e"]


def test_an_event_that_is_refused_fails_the_task_with_all_answers(world: World) -> None:
    entries = [{"Source": "shop", "DetailType": "d", "Detail": {}}, {"DetailType": "d", "Detail": {}}]
    ended = run(world, "events:putEvents", {"Entries": entries})
    assert ended["error"] == "EventBridge.FailedEntry"
    cause = loads(ended["cause"])
    assert isinstance(cause, dict)
    assert cause["FailedEntryCount"] == 1
    assert cause["Entries"][1]["ErrorCode"] == "InvalidArgument"


def test_a_topic_gets_json_as_text_and_attributes(world: World) -> None:
    topic = world.call("sns", "CreateTopic", {"Name": "t"})["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    world.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": dumps({"Statement": [statement]})}})
    subscription = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q"}
    world.call("sns", "Subscribe", subscription)
    attributes = {"customerId": {"DataType": "String", "StringValue.$": "$.customer"}}
    parameters = {"TopicArn": topic, "Message": {"text.$": "$.text"}, "MessageAttributes": attributes}
    answer = output(run(world, "sns:publish", parameters, {"customer": "c-1", "text": "hello"}))
    world.run_due()
    (message,) = bodies(world, "q")
    assert (loads(message["Message"]), message["MessageId"]) == ({"text": "hello"}, answer["MessageId"])
    assert message["MessageAttributes"]["customerId"]["Value"] == "c-1"


def test_a_topic_that_is_not_there_is_told_by_the_sdks_name(world: World) -> None:
    ended = run(world, "sns:publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:no", "Message": "x"})
    assert ended["error"] == "SNS.NotFoundException"
    assert "(Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: " in ended["cause"]


def test_an_item_is_written_once_and_read(world: World) -> None:
    world.call("dynamodb", "CreateTable", TABLE)
    world.run_due()
    put = {
        "TableName": "items",
        "Item": {"id": {"S.$": "$.id"}, "n": {"N": "1"}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    assert output(run(world, "dynamodb:putItem", put, {"id": "a"}))["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_a_condition_that_fails_can_be_caught(world: World) -> None:
    world.call("dynamodb", "CreateTable", TABLE)
    world.run_due()
    item = {"TableName": "items", "Item": {"id": {"S": "a"}, "n": {"N": "1"}}}
    world.call("dynamodb", "PutItem", item)
    put = {**item, "ConditionExpression": "attribute_not_exists(id)"}
    ended = run(world, "dynamodb:putItem", put)
    assert ended["error"] == "DynamoDB.ConditionalCheckFailedException"
    assert ended["cause"].startswith("The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; ")
    sdk = run(world, "aws-sdk:dynamodb:putItem", put)
    assert sdk["status"] == "FAILED"


def test_a_refused_call_leaves_nothing_and_the_rest_of_the_step_stays(world: World) -> None:
    ended = run(world, "aws-sdk:sqs:deleteQueue", {"QueueUrl": "http://localhost/000000000000/no"})
    assert ended["error"] == "Sqs.QueueDoesNotExistException"
    assert ended["cause"].startswith(
        "The specified queue does not exist. (Service: Sqs, Status Code: 400, Request ID: "
    )


def test_a_result_that_is_too_large_fails_the_task(world: World) -> None:
    world.call("sqs", "CreateQueue", {"QueueName": "q"})
    url = "http://localhost/000000000000/q"
    for _ in range(2):
        world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x" * 140_000})
    ended = run(world, "aws-sdk:sqs:receiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 2})
    assert ended["error"] == "States.DataLimitExceeded"
    assert ended["cause"].startswith("The state/task 'aws-sdk:sqs' returned a result with a size exceeding")


@pytest.mark.parametrize(("pattern", "status"), [("", "SUCCEEDED"), (".waitForTaskToken", "RUNNING")])
def test_a_child_is_started_without_waiting(world: World, pattern: str, status: str) -> None:
    child = dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    request = {"name": "child", "definition": child, "roleArn": ROLE}
    arn = world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    parameters = {"StateMachineArn": arn, "Name": "c", "Input": {"token.$": "$$.Task.Token"} if pattern else {}}
    ended = run(world, f"states:startExecution{pattern}", parameters)
    assert ended["status"] == status
    if not pattern:
        assert output(ended)["ExecutionArn"] == f"{BASE}:execution:child:c"
    (listed,) = world.call("stepfunctions", "ListExecutions", {"stateMachineArn": arn})["executions"]
    assert listed["status"] == "SUCCEEDED"


def test_a_child_that_cannot_be_started_fails_the_task(world: World) -> None:
    ended = run(world, "states:startExecution.sync", {"StateMachineArn": f"{BASE}:stateMachine:no"})
    assert ended["error"] == "StepFunctions.StateMachineDoesNotExistException"


def test_an_execution_can_stop_itself(world: World) -> None:
    ended = run(world, "aws-sdk:sfn:stopExecution", {"ExecutionArn.$": "$$.Execution.Id", "Error": "Enough"})
    assert (ended["status"], ended["error"]) == ("ABORTED", "Enough")


MALFORMED = [
    ("events:putEvents", {"Entries": "x"}),
    ("events:putEvents", {"Entries": [1, {"Resources": "mine"}]}),
    ("sqs:sendMessage", {"QueueUrl": "http://[", "MessageBody": "x"}),
    ("sqs:sendMessage", {"QueueUrl": 5, "MessageBody": "x"}),
    ("sns:publish", {"TopicArn": [], "Message": "x"}),
    ("dynamodb:putItem", {"TableName": "items", "Item": {"id": 1}}),
    ("states:startExecution", {"StateMachineArn": None}),
    ("aws-sdk:sfn:startSyncExecution", {"StateMachineArn": {"a": 1}}),
    ("aws-sdk:cloudwatchlogs:putLogEvents", {"LogEvents": {}}),
]


@pytest.mark.parametrize(("resource", "parameters"), MALFORMED)
def test_what_no_service_takes_fails_the_task_and_nothing_else(world: World, resource: str, parameters: Any) -> None:
    world.catalog.validate = Wire(
        load()
    ).check  # As in a server: requests inside the store are checked by the model too.
    ended = run(world, resource, {name + ".$": f"$.{name}" for name in parameters}, parameters)
    assert ended["status"] == "FAILED"
    assert ended["error"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, {"ChecksumCRC32": "hnEfWw==", "ChecksumType": "FULL_OBJECT"}),
        (
            {"ChecksumAlgorithm": "SHA1"},
            {"ChecksumSHA1": "Vus6xo9oNrr3ldfWy/PCqKAQv28=", "ChecksumType": "FULL_OBJECT"},
        ),
    ],
)
def test_what_is_put_carries_a_crc32_unless_another_checksum_is_named(
    world: World, given: dict[str, str], told: dict[str, str]
) -> None:
    # Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-dataintegrity.html
    world.call("s3", "CreateBucket", {"Bucket": "bucket"})
    put = output(
        run(world, "aws-sdk:s3:putObject", {"Bucket": "bucket", "Key": "k", "Body": {"Dict": "Value"}, **given})
    )
    assert {name: value for name, value in put.items() if name.startswith("Checksum")} == told
    read = output(run(world, "aws-sdk:s3:getObject", {"Bucket": "bucket", "Key": "k"}))
    assert not [name for name in read if name.startswith("Checksum")]


def test_a_body_is_written_as_json_and_s3_has_a_second_request_id(world: World) -> None:
    world.call("s3", "CreateBucket", {"Bucket": "bucket"})
    output(run(world, "aws-sdk:s3:putObject", {"Bucket": "bucket", "Key": "k", "Body": "text data"}))
    read = output(run(world, "aws-sdk:s3:getObject", {"Bucket": "bucket", "Key": "k"}))
    assert (read["Body"], read["ContentLength"]) == ('"text data"', 11)
    ended = run(world, "aws-sdk:s3:getObject", {"Bucket": "bucket", "Key": "none"})
    assert ended["error"] == "S3.NoSuchKeyException"
    assert re.search(r"\(Service: S3, Status Code: 404, Request ID: \S+, Extended Request ID: \S+\)$", ended["cause"])
