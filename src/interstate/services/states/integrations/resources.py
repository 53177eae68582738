"""Which service integrations there are: tables, and what a Task's Resource means.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html (optimized integrations, patterns) and
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html (names of SDK integrations).
"""

from collections.abc import Mapping
from functools import cache

import msgspec

from interstate.core.asl.definition import Resource
from interstate.core.asl.parse_task import parse_resource
from interstate.services.states.integrations import elsewhere
from interstate.services.states.integrations.shapes import model_of, operation_named

REQUEST, SYNC, SYNC_2, TOKEN = "", ".sync", ".sync:2", ".waitForTaskToken"
SDK = "aws-sdk:"


class Speaker(msgspec.Struct, frozen=True):
    """How a service is called and how its errors are told.

    Optimized integrations speak through the first version of AWS's Java SDK: ``prefix`` opens the names of its modelled errors,
    ``unmodelled`` is the name of all others, ``service`` stands in the cause. SDK integrations speak through the second version.
    """

    botocore: str
    prefix: str
    unmodelled: str
    service: str


OPTIMIZED: Mapping[str, Speaker] = {
    "dynamodb": Speaker("dynamodb", "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"),
    "events": Speaker("events", "EventBridge", "AmazonEventBridgeException", "AmazonEventBridge"),
    "lambda": Speaker("lambda", "Lambda", "AWSLambdaException", "AWSLambda"),
    "sns": Speaker("sns", "SNS", "AmazonSNSException", "AmazonSNS"),
    "sqs": Speaker("sqs", "SQS", "AmazonSQSException", "AmazonSQS"),
    "apigateway": Speaker("apigateway", "ApiGateway", "ApiGateway", "ApiGateway"),
    "http": Speaker("events", "States.Http", "States.Http", "Http"),
    "states": Speaker("stepfunctions", "StepFunctions", "AWSStepFunctionsException", "AWSStepFunctions"),
}

# CloudFormation is left out: its changes need a process beside the store, which a step cannot wait for.
SDK_SERVICES: Mapping[str, Speaker] = {
    name: Speaker(botocore, spoken, f"{spoken}Exception", spoken)
    for name, botocore, spoken in (
        ("apigateway", "apigateway", "ApiGateway"),
        ("apigatewayv2", "apigatewayv2", "ApiGatewayV2"),
        ("cloudwatch", "cloudwatch", "CloudWatch"),
        ("cloudwatchlogs", "logs", "CloudWatchLogs"),
        ("dynamodb", "dynamodb", "DynamoDb"),
        ("dynamodbstreams", "dynamodbstreams", "DynamoDbStreams"),
        ("eventbridge", "events", "EventBridge"),
        ("iam", "iam", "Iam"),
        ("lambda", "lambda", "Lambda"),
        ("pipes", "pipes", "Pipes"),
        ("s3", "s3", "S3"),
        ("scheduler", "scheduler", "Scheduler"),
        ("sfn", "stepfunctions", "Sfn"),
        ("sns", "sns", "Sns"),
        ("sqs", "sqs", "Sqs"),
        ("sts", "sts", "Sts"),
    )
}

# (service, action) of an optimized integration -> its patterns.
ACTIONS: Mapping[tuple[str, str], frozenset[str]] = {
    ("apigateway", "invoke"): frozenset({REQUEST, TOKEN}),
    ("dynamodb", "deleteItem"): frozenset({REQUEST}),
    ("dynamodb", "getItem"): frozenset({REQUEST}),
    ("dynamodb", "putItem"): frozenset({REQUEST}),
    ("dynamodb", "updateItem"): frozenset({REQUEST}),
    ("http", "invoke"): frozenset({REQUEST}),
    ("events", "putEvents"): frozenset({REQUEST, TOKEN}),
    ("lambda", "invoke"): frozenset({REQUEST, TOKEN}),
    ("sns", "publish"): frozenset({REQUEST, TOKEN}),
    ("sqs", "sendMessage"): frozenset({REQUEST, TOKEN}),
    ("states", "startExecution"): frozenset({REQUEST, SYNC, SYNC_2, TOKEN}),
}


def is_known(arn: str) -> bool:
    """Whether a service integration's ARN names one that Step Functions has; ``is_here`` tells which can be carried out."""
    resource = parse_resource(arn)
    if resource is None or resource.kind != "service":
        return False
    if resource.type.startswith(SDK):
        return _is_sdk_action(resource)
    patterns = ACTIONS.get((resource.type, resource.action))
    if patterns is None:
        patterns = frozenset(elsewhere.OPTIMIZED.get(resource.type, {}).get(resource.action, ()))
    return resource.pattern in patterns


def _is_sdk_action(resource: Resource) -> bool:
    """Actions of services that are not here are not looked up: their models are not loaded."""
    if resource.pattern not in {REQUEST, TOKEN}:
        return False
    name = resource.type.removeprefix(SDK)
    speaker = SDK_SERVICES.get(name)
    if speaker is None:
        return name in elsewhere.SDK_SERVICES and resource.action[:1].islower()
    return operation_named(speaker.botocore, resource.action) is not None


def is_here(resource: Resource) -> bool:
    """Whether Interstate can carry out a known service integration."""
    if not resource.type.startswith(SDK):
        return (resource.type, resource.action) in ACTIONS
    speaker = SDK_SERVICES.get(resource.type.removeprefix(SDK))
    if speaker is None:
        return False
    return operation_named(speaker.botocore, resource.action) in _operations_here(speaker.botocore)


@cache
def _operations_here(botocore: str) -> frozenset[str]:
    """The operations that Interstate has of a service."""
    from interstate.services.tables import SERVICES  # noqa: PLC0415 - the tables of all services name this one too

    return frozenset(
        operation.name for service in SERVICES if service.name == botocore for operation in service.operations
    )


def speaker_of(resource: Resource) -> Speaker:
    """Who carries out a service integration."""
    if resource.type.startswith(SDK):
        return SDK_SERVICES[resource.type.removeprefix(SDK)]
    return OPTIMIZED[resource.type]


def has_model(resource: Resource) -> bool:
    """Whether the names of a service integration's parameters are known."""
    if not resource.type.startswith(SDK):
        return resource.type in OPTIMIZED
    speaker = SDK_SERVICES.get(resource.type.removeprefix(SDK))
    return speaker is not None and not model_of(speaker.botocore).metadata.names_only
