"""What an execution's start and end tell the default bus.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from typing import Any

from interstate.base.json import dumps, loads
from interstate.runtime.testing import World

ROLE = "arn:aws:iam::000000000000:role/r"
QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:q"


def told(definition: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """The events that one execution of the machine leaves on the default bus, as a queue receives them."""
    w = World()
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    policy = dumps({"Version": "2012-10-17", "Statement": [allowed]})
    url = w.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": policy}})["QueueUrl"]
    w.call("events", "PutRule", {"Name": "r", "EventPattern": dumps({"source": ["aws.states"]})})
    w.call("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "q", "Arn": QUEUE_ARN}]})
    request = {"name": "m", "definition": dumps(definition), "roleArn": ROLE, **options}
    arn = w.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    w.call("stepfunctions", "StartExecution", {"stateMachineArn": arn, "name": "e", "input": '{"a": 1}'})
    w.run_due()
    found = w.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10}).get("Messages", [])
    events: list[Any] = [loads(message["Body"]) for message in found]
    return sorted(events, key=lambda event: event["detail"]["stopDate"] or 0)


def test_a_standard_execution_tells_its_start_and_its_end() -> None:
    first, last = told({"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": [2], "End": True}}})
    arn = "arn:aws:states:us-east-1:000000000000:execution:m:e"
    for event in (first, last):
        assert event["detail-type"] == "Step Functions Execution Status Change"
        assert (event["source"], event["resources"]) == ("aws.states", [arn])
    at = 1_767_225_600_000
    detail = {
        "executionArn": arn,
        "stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:m",
        "name": "e",
        "status": "RUNNING",
        "startDate": at,
        "stopDate": None,
        "input": '{"a": 1}',
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": None,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is RUNNING and cannot be redriven",
        "error": None,
        "cause": None,
    }
    assert first["detail"] == detail
    assert last["detail"] == {
        **detail,
        "status": "SUCCEEDED",
        "stopDate": at,
        "output": "[2]",
        "outputDetails": {"included": True},
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }


def test_a_failure_is_told_with_its_error() -> None:
    _, last = told({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "C"}}})
    told_of = last["detail"]
    assert (told_of["status"], told_of["error"], told_of["cause"]) == ("FAILED", "E", "C")
    assert told_of["redriveStatus"] == "REDRIVABLE"


def test_an_express_execution_tells_nothing() -> None:
    assert told({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}, type="EXPRESS") == []
