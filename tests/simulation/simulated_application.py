"""The application that simulations run: queues, a topic, rules, a workflow, functions, a table with a stream, a destination."""

import io
import zipfile
from typing import Any, Protocol

from interstate.base.json import dumps

ACCOUNT = "000000000000"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
COUNTERS = ("c0", "c1", "left", "right")
GROUPS = ("g0", "g1", "g2")
VISIBILITY_S = 30
QUEUES: dict[str, dict[str, str]] = {
    "dead": {},
    "work": {"VisibilityTimeout": str(VISIBILITY_S), "RedrivePolicy": "dead 6"},
    "steps.fifo": {"FifoQueue": "true", "VisibilityTimeout": str(VISIBILITY_S)},
    "news-a": {},
    "news-b": {},
    "placed": {},
    "hook-dead": {},
    "tokens": {"VisibilityTimeout": str(VISIBILITY_S)},
    "told": {},
    "inbox-dead": {},
    "inbox": {"VisibilityTimeout": "60", "RedrivePolicy": "inbox-dead 4"},
    "later-dead": {},
    "later-done": {},
    "again": {},
    "mapped": {},
}


class Calls(Protocol):
    """Carries a call out at once."""

    def __call__(self, service: str, operation: str, request: dict[str, Any]) -> Any: ...


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def url(name: str) -> str:
    return f"http://localhost/{ACCOUNT}/{name}"


def machine_arn(name: str = "orders") -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
ARCHIVE_NAME = "all"
ARCHIVE = f"arn:aws:events:{REGION}:{ACCOUNT}:archive/{ARCHIVE_NAME}"
AGAIN_RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/again"
ITEMS = 4
"""Of each distributed Map."""
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:news"


def _function_task(name: str, **members: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": name, "Payload": "{% $states.input %}"},
        **members,
    }


def _call(resource: str, arguments: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, **members}


_ITEM = {
    "StartAt": "Keep",
    "States": {
        "Keep": _call(
            "dynamodb:putItem",
            {
                "TableName": "lines",
                "Item": {"id": {"S": "{% $order & '/' & $string($states.input.line) %}"}},
                "ConditionExpression": "attribute_not_exists(id)",
            },
            Next="Tell",
        ),
        "Tell": _call("sqs:sendMessage", {"QueueUrl": url("told"), "MessageBody": "{% $order & '/line' %}"}, End=True),
    },
}
_BRANCHES = [
    {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 45, "End": True}}},
    {
        "StartAt": "News",
        "States": {
            "News": _call("sns:publish", {"TopicArn": TOPIC, "Message": "{% 'order ' & $order %}"}, Next="Slow"),
            "Slow": _function_task(
                "slow", TimeoutSeconds=300, Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 9, "IntervalSeconds": 2}],
                End=True,
            ),
        },
    },
]  # fmt: skip
DEFINITION = {
    "QueryLanguage": "JSONata",
    "StartAt": "Begin",
    "States": {
        "Begin": {
            "Type": "Pass",
            "Assign": {"order": "{% $exists($states.input.detail) ? $states.input.id : $states.input.id %}", "paid": 0},
            "Output": {"id": "{% $states.input.id %}"},
            "Next": "Pay",
        },
        "Pay": _function_task(
            "pay",
            Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 4, "BackoffRate": 2}],
            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Unpaid"}],
            Assign={"paid": "{% $paid + 1 %}"},
            Next="Ask",
        ),
        "Unpaid": {"Type": "Fail", "Error": "Unpaid"},
        "Ask": _call(
            "sqs:sendMessage.waitForTaskToken",
            {"QueueUrl": url("tokens"), "MessageBody": {"token": "{% $states.context.Task.Token %}", "order": "{% $order %}"}},
            TimeoutSeconds=1800,
            HeartbeatSeconds=900,
            Catch=[{"ErrorEquals": ["States.ALL"], "Assign": {"answer": "none"}, "Next": "Lines"}],
            Assign={"answer": "{% $states.result.said %}"},
            Next="Lines",
        ),
        "Lines": {
            "Type": "Map",
            "Items": "{% [{'line': 1}, {'line': 2}, {'line': 3}] %}",
            "MaxConcurrency": 2,
            "ItemProcessor": _ITEM,
            "Next": "Both",
        },
        "Both": {"Type": "Parallel", "Branches": _BRANCHES, "Next": "Count"},
        "Count": _call(
            "dynamodb:updateItem",
            {
                "TableName": "counters",
                "Key": {"id": {"S": "done"}},
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            },
            Output={"order": "{% $order %}", "paid": "{% $paid %}", "answer": "{% $answer %}"},
            End=True,
        ),
    },
}  # fmt: skip

MANY = {
    "QueryLanguage": "JSONata",
    "StartAt": "Many",
    "States": {
        "Many": {
            "Type": "Map",
            "Label": "Each",
            "Items": "{% $states.input.items %}",
            "MaxConcurrency": 2,
            "ToleratedFailurePercentage": 100,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Work",
                "States": {
                    "Work": _function_task(
                        "slow", Assign={"item": "{% $states.context.Execution.Input %}"}, Next="Told"
                    ),
                    "Told": _call(
                        "sqs:sendMessage", {"QueueUrl": url("mapped"), "MessageBody": "{% $item %}"}, End=True
                    ),
                },
            },
            "End": True,
        }
    },
}


def build(call: Calls) -> None:
    """Create everything."""
    _queues(call)
    _functions(call)
    _tables(call)
    call("sns", "CreateTopic", {"Name": "news"})
    for name in ("news-a", "news-b"):
        wanted = {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": queue_arn(name)}
        call("sns", "Subscribe", {**wanted, "Attributes": {"RawMessageDelivery": "true"}})  # Signatures take time.
    machine = {"name": "orders", "definition": dumps(DEFINITION), "roleArn": ROLE}
    call("stepfunctions", "CreateStateMachine", machine)
    call("stepfunctions", "CreateStateMachine", {"name": "many", "definition": dumps(MANY), "roleArn": ROLE})
    _rules(call)


def _queues(call: Calls) -> None:
    for name, wanted in QUEUES.items():
        attributes = dict(wanted)
        if policy := attributes.pop("RedrivePolicy", None):
            target, count = policy.split()
            attributes["RedrivePolicy"] = dumps(
                {"deadLetterTargetArn": queue_arn(target), "maxReceiveCount": int(count)}
            )
        call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": queue_arn(name)}
        policy = dumps({"Version": "2012-10-17", "Statement": [statement]})
        call("sqs", "SetQueueAttributes", {"QueueUrl": url(name), "Attributes": {"Policy": policy}})


def _functions(call: Calls) -> None:
    for name in ("pay", "slow", "handle", "follow", "later"):
        function = {"FunctionName": name, "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}
        call("lambda", "CreateFunction", {**function, "Code": {"ZipFile": ZIP}})
    destinations = {
        "OnFailure": {"Destination": queue_arn("later-dead")},
        "OnSuccess": {"Destination": queue_arn("later-done")},
    }
    call("lambda", "PutFunctionEventInvokeConfig", {"FunctionName": "later", "DestinationConfig": destinations})
    inbox = {"EventSourceArn": queue_arn("inbox"), "FunctionName": "handle", "BatchSize": 3}
    call("lambda", "CreateEventSourceMapping", {**inbox, "FunctionResponseTypes": ["ReportBatchItemFailures"]})


def _tables(call: Calls) -> None:
    for name in ("counters", "lines"):
        table: dict[str, Any] = {
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        if name == "counters":
            table["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        call("dynamodb", "CreateTable", table)
    stream = call("dynamodb", "DescribeTable", {"TableName": "counters"})["Table"]["LatestStreamArn"]
    follow = {"EventSourceArn": stream, "FunctionName": "follow", "StartingPosition": "TRIM_HORIZON", "BatchSize": 5}
    call("lambda", "CreateEventSourceMapping", follow)
    for name in COUNTERS:
        item = {"id": {"S": name}, "n": {"N": "20" if name in {"left", "right"} else "0"}}
        call("dynamodb", "PutItem", {"TableName": "counters", "Item": item})


def _rules(call: Calls) -> None:
    connection = call(
        "events",
        "CreateConnection",
        {
            "Name": "c",
            "AuthorizationType": "API_KEY",
            "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "secret"}},
        },
    )["ConnectionArn"]
    destination = {
        "Name": "hook",
        "ConnectionArn": connection,
        "InvocationEndpoint": "https://h/",
        "HttpMethod": "POST",
    }
    hook = call("events", "CreateApiDestination", destination)["ApiDestinationArn"]
    call("events", "PutRule", {"Name": "placed", "EventPattern": '{"source": ["shop"]}'})
    targets: list[dict[str, Any]] = [
        {"Id": "orders", "Arn": machine_arn(), "RoleArn": ROLE},
        {"Id": "placed", "Arn": queue_arn("placed")},
    ]
    call("events", "PutTargets", {"Rule": "placed", "Targets": targets})
    call("events", "PutRule", {"Name": "told", "EventPattern": '{"source": ["shop"], "detail-type": ["Told"]}'})
    told = {"Id": "hook", "Arn": hook, "RoleArn": ROLE, "DeadLetterConfig": {"Arn": queue_arn("hook-dead")}}
    call("events", "PutTargets", {"Rule": "told", "Targets": [told]})
    call(
        "events",
        "CreateArchive",
        {"ArchiveName": ARCHIVE_NAME, "EventSourceArn": BUS, "EventPattern": '{"source": ["shop"]}'},
    )
    pattern = {"source": ["shop"], "replay-name": [{"exists": True}]}
    call("events", "PutRule", {"Name": "again", "EventPattern": dumps(pattern)})
    call("events", "PutTargets", {"Rule": "again", "Targets": [{"Id": "again", "Arn": queue_arn("again")}]})


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo("app.py", (2026, 1, 1, 0, 0, 0)), "def handler(event, context): return {}\n")
    return buffer.getvalue()


ZIP = _zip()
