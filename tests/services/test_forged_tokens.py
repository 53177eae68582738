"""Tokens, markers and handles that no answer ever held: each is refused, or taken as none; none is a failure of ours."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.runtime.testing import World

HUGE = "9" * 30
BEYOND = "9" * 5000
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
FORGED = [
    "",
    "x",
    "é",
    "²",
    "-1",
    HUGE,
    BEYOND,
    f"{HUGE}/a",
    f"{HUGE}|a",
    f"{HUGE}.1.1",
    "f/1.1",
    "after:1",
    "\x00",
    "=" * 7,
]
FORGED += [
    base64.urlsafe_b64encode(text.encode()).decode() for text in (f"after:{HUGE}", f"1/{HUGE}/a", "after:", "1/-1/a")
]
FORGED += [f"{HUGE}-1-1-a", "1--1-1-a", "-1-1-1-a"]

PLACES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("stepfunctions", "ListStateMachines", "nextToken", {}),
    ("stepfunctions", "ListActivities", "nextToken", {}),
    ("stepfunctions", "ListExecutions", "nextToken", {"stateMachineArn": MACHINE}),
    ("stepfunctions", "ListStateMachineVersions", "nextToken", {"stateMachineArn": MACHINE}),
    ("stepfunctions", "SendTaskSuccess", "taskToken", {"output": "{}"}),
    ("sqs", "ListQueues", "NextToken", {"MaxResults": 1}),
    ("sqs", "DeleteMessage", "ReceiptHandle", {"QueueUrl": "http://localhost/000000000000/q"}),
    (
        "sqs",
        "ChangeMessageVisibility",
        "ReceiptHandle",
        {"QueueUrl": "http://localhost/000000000000/q", "VisibilityTimeout": 1},
    ),
    ("sns", "ListTopics", "NextToken", {}),
    ("events", "ListRules", "NextToken", {}),
    ("events", "ListEventBuses", "NextToken", {}),
    ("lambda", "ListFunctions", "Marker", {}),
    ("lambda", "ListLayers", "Marker", {}),
    ("lambda", "ListLayerVersions", "Marker", {"LayerName": "layer"}),
    ("lambda", "ListEventSourceMappings", "Marker", {}),
    ("logs", "DescribeLogGroups", "nextToken", {}),
    ("logs", "DescribeLogStreams", "nextToken", {"logGroupName": "g", "orderBy": "LastEventTime"}),
    ("logs", "GetLogEvents", "nextToken", {"logGroupName": "g", "logStreamName": "s"}),
    ("logs", "FilterLogEvents", "nextToken", {"logGroupName": "g"}),
    ("dynamodbstreams", "GetRecords", "ShardIterator", {}),
    ("cloudformation", "ListStacks", "NextToken", {}),
    ("cloudformation", "DescribeStacks", "NextToken", {}),
    ("cloudformation", "ListExports", "NextToken", {}),
    ("apigatewayv2", "GetApis", "NextToken", {}),
    ("apigatewayv2", "GetApis", "MaxResults", {}),
    ("apigateway", "GetRestApis", "position", {}),
    ("iam", "ListRoles", "Marker", {}),
]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    world.call("sqs", "CreateQueue", {"QueueName": "q"})
    world.call("logs", "CreateLogGroup", {"logGroupName": "g"})
    world.call("logs", "CreateLogStream", {"logGroupName": "g", "logStreamName": "s"})
    definition = '{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}'
    role = "arn:aws:iam::000000000000:role/r"
    world.call("stepfunctions", "CreateStateMachine", {"name": "m", "definition": definition, "roleArn": role})
    yield world
    world.close()


@pytest.mark.parametrize(
    ("service", "operation", "member", "others"), PLACES, ids=[f"{row[0]}-{row[1]}-{row[2]}" for row in PLACES]
)
def test_a_forged_token_is_refused_or_taken_as_none(
    world: World, service: str, operation: str, member: str, others: dict[str, Any]
) -> None:
    for token in FORGED:
        try:
            world.call(service, operation, {**others, member: token})
        except ServiceError as refused:
            assert refused.status < 500, token  # noqa: PT017 either outcome is fine
