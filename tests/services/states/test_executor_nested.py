"""Executions that start, wait for, stop and answer executions, through the API."""

from datetime import timedelta
from typing import Any

from interstate.base.json import dumps, loads
from interstate.runtime.testing import World

ROLE = "arn:aws:iam::000000000000:role/r"


def machine(w: World, name: str, states: dict[str, Any]) -> str:
    definition = dumps({"StartAt": next(iter(states)), "States": states})
    arn: str = w.call("stepfunctions", "CreateStateMachine", {"name": name, "definition": definition, "roleArn": ROLE})[
        "stateMachineArn"
    ]
    return arn


def start(w: World, arn: str, name: str = "e") -> str:
    execution: str = w.call("stepfunctions", "StartExecution", {"stateMachineArn": arn, "name": name})["executionArn"]
    w.run_due()
    return execution


def described(w: World, arn: str) -> dict[str, Any]:
    answer: dict[str, Any] = w.call("stepfunctions", "DescribeExecution", {"executionArn": arn})
    return answer


def sync_task(child: str, **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Input": {"x": 1}, "Name": "child"},
        "End": True,
        **fields,
    }


def waiting_child(w: World) -> str:
    return machine(w, "child", {"W": {"Type": "Wait", "Seconds": 60, "Next": "P"}, "P": {"Type": "Pass", "End": True}})


def child_of(w: World) -> dict[str, Any]:
    return described(w, "arn:aws:states:us-east-1:000000000000:execution:child:child")


def test_a_parent_waits_for_its_child() -> None:
    w = World()
    parent = start(w, machine(w, "parent", {"T": sync_task(waiting_child(w))}))
    assert described(w, parent)["status"] == "RUNNING"
    w.advance(timedelta(seconds=60))
    answer = described(w, parent)
    assert answer["status"] == "SUCCEEDED"
    output = loads(answer["output"])
    assert isinstance(output, dict)
    assert (output["Status"], output["Output"]) == ("SUCCEEDED", {"x": 1})


def test_a_child_is_stopped_with_its_parent() -> None:
    w = World()
    parent = start(w, machine(w, "parent", {"T": sync_task(waiting_child(w))}))
    w.call("stepfunctions", "StopExecution", {"executionArn": parent})
    w.run_due()
    assert child_of(w)["status"] == "ABORTED"
    assert described(w, parent)["status"] == "ABORTED"


def test_a_child_is_stopped_when_a_sibling_of_its_task_fails() -> None:
    w = World()
    fail = {"V": {"Type": "Wait", "Seconds": 5, "Next": "F"}, "F": {"Type": "Fail", "Error": "E"}}
    branches = [
        {"StartAt": "T", "States": {"T": sync_task(waiting_child(w))}},
        {"StartAt": "V", "States": fail},
    ]
    parent = start(w, machine(w, "parent", {"P": {"Type": "Parallel", "Branches": branches, "End": True}}))
    w.advance(timedelta(seconds=5))
    assert described(w, parent)["error"] == "E"
    assert child_of(w)["status"] == "ABORTED"


def test_a_child_that_ended_is_left_alone() -> None:
    w = World()
    child = machine(w, "child", {"P": {"Type": "Pass", "End": True}})
    parent = start(w, machine(w, "parent", {"T": sync_task(child)}))
    assert described(w, parent)["status"] == "SUCCEEDED"
    assert child_of(w)["status"] == "SUCCEEDED"


def test_an_execution_can_stop_itself() -> None:
    w = World()
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:stopExecution",
        "Parameters": {"ExecutionArn.$": "$$.Execution.Id", "Error": "Enough"},
        "Next": "Never",
    }
    execution = start(w, machine(w, "m", {"T": task, "Never": {"Type": "Pass", "End": True}}))
    assert described(w, execution)["error"] == "Enough"
    events = w.call("stepfunctions", "GetExecutionHistory", {"executionArn": execution})["events"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "ExecutionAborted"


def test_a_branch_can_answer_the_token_of_another() -> None:
    w = World()
    url = w.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody.$": "$$.Task.Token"},
        "End": True,
    }
    hear = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sqs:receiveMessage",
        "Parameters": {"QueueUrl": url},
        "Next": "Tell",
    }
    tell = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:sendTaskSuccess",
        "Parameters": {"TaskToken.$": "$.Messages[0].Body", "Output": '{"hi":1}'},
        "End": True,
    }
    branches = [{"StartAt": "Ask", "States": {"Ask": ask}}, {"StartAt": "Hear", "States": {"Hear": hear, "Tell": tell}}]
    execution = start(w, machine(w, "m", {"P": {"Type": "Parallel", "Branches": branches, "End": True}}))
    assert loads(described(w, execution)["output"]) == [{"hi": 1}, {}]


def test_a_machine_that_starts_itself_takes_turns_with_everybody() -> None:
    w = World()
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:again"
    again = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": arn},
        "Next": "Pause",
    }
    machine(w, "again", {"T": again, "Pause": {"Type": "Wait", "Seconds": 1, "End": True}})
    other = machine(w, "other", {"P": {"Type": "Pass", "End": True}})
    w.call("stepfunctions", "StartExecution", {"stateMachineArn": arn})
    first = w._due_rows(effects=False)
    for row in first:
        w._do(row)
    execution = w.call("stepfunctions", "StartExecution", {"stateMachineArn": other, "name": "o"})["executionArn"]
    for _ in range(50):
        for row in w._due_rows(effects=False):
            w._do(row)
        if described(w, execution)["status"] == "SUCCEEDED":
            return
    raise AssertionError("the endless family keeps everybody waiting")


def test_a_token_can_end_a_task_before_its_child_does() -> None:
    w = World()
    url = w.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": url, "MessageBody.$": "$.token"},
        "ResultPath": None,
        "Next": "W",
    }
    child = machine(w, "child", {"S": send, "W": {"Type": "Wait", "Seconds": 60, "End": True}})
    given = {"StateMachineArn": child, "Input": {"token.$": "$$.Task.Token"}, "Name": "child"}
    parent = start(w, machine(w, "parent", {"T": sync_task(child, Parameters=given)}))
    (message,) = w.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    w.call("stepfunctions", "SendTaskSuccess", {"taskToken": message["Body"], "output": '"early"'})
    w.run_due()
    assert described(w, parent)["output"] == '"early"'
    assert child_of(w)["status"] == "RUNNING"
    w.advance(timedelta(seconds=60))
    assert child_of(w)["status"] == "SUCCEEDED"
