"""TestState: one state by itself.

Source: API Reference, TestState, InspectionData; https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html
"""

from datetime import timedelta
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.services.operation import Parked
from interstate.services.states.teststate.request import TestStateRequest as Request
from interstate.services.states.teststate.trial import test_state as try_state

ROLE = "arn:aws:iam::000000000000:role/r"


def answer_of(state: dict[str, Any], given: Any = None, *, world: World | None = None, **more: Any) -> dict[str, Any]:
    request = {"definition": dumps(state), "input": dumps(given or {}), "inspectionLevel": "DEBUG"}
    answer: dict[str, Any] = (world or World()).call("stepfunctions", "TestState", {**request, **more})
    return answer


def inspection(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: loads(text) if isinstance(text, str) else text for name, text in answer["inspectionData"].items()}


def refused(state: dict[str, Any], **more: Any) -> ServiceError:
    with pytest.raises(ServiceError) as error:
        answer_of(state, **more)
    return error.value


UNSUPPORTED = (
    "TestState API does not support Map or Parallel states. "
    "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"
)
NO_TOKEN = (
    "Invalid Context object provided: Context object contains 'Task' when state is not a Task state with a "
    "'.sync' or '.waitForTaskToken' service integration pattern"
)
PASS = {"Type": "Pass", "InputPath": "$.a", "Parameters": {"x.$": "$.b"}, "ResultPath": "$.r", "Next": "Elsewhere"}
TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}, "End": True}
MAP = {
    "Type": "Map",
    "ItemsPath": "$.items",
    "ItemProcessor": {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}},
    "End": True,
}


def test_a_pass_state_shows_each_step_of_its_data() -> None:
    answer = answer_of(PASS, {"a": {"b": 1}})
    assert (answer["status"], answer["nextState"]) == ("SUCCEEDED", "Elsewhere")
    assert loads(answer["output"]) == {"a": {"b": 1}, "r": {"x": 1}}
    assert inspection(answer) == {
        "input": {"a": {"b": 1}},
        "afterInputPath": {"b": 1},
        "afterParameters": {"x": 1},
        "afterResultSelector": {"x": 1},
        "afterResultPath": {"a": {"b": 1}, "r": {"x": 1}},
    }


def test_info_shows_no_inspection() -> None:
    assert answer_of(PASS, {"a": {"b": 1}}, inspectionLevel="INFO").keys() == {"output", "status", "nextState"}


def test_a_mocked_task_is_not_called() -> None:
    answer = answer_of({**TASK, "ResultSelector": {"p.$": "$.Payload"}}, mock={"result": '{"Payload": "x"}'})
    assert loads(answer["output"]) == {"p": "x"}
    assert inspection(answer)["afterParameters"] == {"FunctionName": "f"}


def test_a_task_that_fails_and_is_caught_tells_by_whom() -> None:
    catch = [{"ErrorEquals": ["A"], "Next": "X"}, {"ErrorEquals": ["States.ALL"], "Next": "Y"}]
    answer = answer_of({**TASK, "Catch": catch}, mock={"errorOutput": {"error": "B", "cause": "c"}})
    assert (answer["status"], answer["nextState"], answer["error"], answer["cause"]) == ("CAUGHT_ERROR", "Y", "B", "c")
    assert loads(answer["output"]) == {"Error": "B", "Cause": "c"}
    assert answer["inspectionData"]["errorDetails"] == {"catchIndex": 1}


@pytest.mark.parametrize(("before", "status", "details"), [
    (0, "RETRIABLE", {"retryIndex": 1, "retryBackoffIntervalSeconds": 2}),
    (2, "RETRIABLE", {"retryIndex": 1, "retryBackoffIntervalSeconds": 18}),
    (3, "FAILED", {"retryIndex": 1}),
])  # fmt: skip
def test_a_retrier_counts_from_what_the_caller_says(before: int, status: str, details: dict[str, int]) -> None:
    retry = [{"ErrorEquals": ["A"]}, {"ErrorEquals": ["B"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 3}]
    answer = answer_of(
        {**TASK, "Retry": retry},
        mock={"errorOutput": {"error": "B", "cause": "c"}},
        stateConfiguration={"retrierRetryCount": before},
    )
    assert answer["status"] == status
    assert answer["inspectionData"]["errorDetails"] == details


def test_a_mocked_map_shows_its_items_and_numbers() -> None:
    answer = answer_of({**MAP, "MaxConcurrency": 2}, {"items": [1, 2]}, mock={"result": "[3, 4]"})
    assert loads(answer["output"]) == [3, 4]
    assert inspection(answer) == {
        "input": {"items": [1, 2]},
        "afterInputPath": {"items": [1, 2]},
        "afterItemsPath": [1, 2],
        "maxConcurrency": 2,
        "afterResultSelector": [3, 4],
        "afterResultPath": [3, 4],
    }


def test_a_state_inside_a_machine_is_found_at_any_depth() -> None:
    machine = {"StartAt": "M", "States": {"M": MAP}}
    assert loads(answer_of(machine, 5, stateName="In")["output"]) == 5
    assert refused(machine, stateName="Nobody").message == "State not found in definition"


def test_a_context_object_can_be_made_up() -> None:
    state = {**TASK, "ResultSelector": {"n.$": "$$.Execution.Name"}}
    answer = answer_of(state, mock={"result": "{}"}, context='{"Execution": {"Name": "mine"}}')
    assert loads(answer["output"]) == {"n": "mine"}


def test_variables_are_seen_and_shown() -> None:
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $a + 1 %}", "Assign": {"b": 2}, "End": True}
    answer = answer_of(state, variables='{"a": 1}')
    assert answer["output"] == "2"
    assert inspection(answer)["variables"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("state", "more", "message"),
    [
        (PASS, {"mock": {"result": "1"}}, "State type 'Pass' is not supported when a mock is specified"),
        (
            MAP,
            {},
            UNSUPPORTED,
        ),
        (TASK, {"mock": {"result": "no"}}, "Mocked result must be valid JSON"),
        (
            TASK,
            {"mock": {"result": '{"StatusCode": "x"}'}},
            "Mock result schema validation error: Field 'StatusCode' must be a number",
        ),
        (MAP, {"mock": {"result": "{}"}}, "Mocked result must be an array."),
        (
            MAP,
            {"mock": {"result": "[1]"}, "stateConfiguration": {"mapIterationFailureCount": 2}},
            "Map iteration failure count must be less than or equal to the number of Map iterations",
        ),
        (
            TASK,
            {"mock": {"result": "{}"}, "context": '{"Task": {"Token": "t"}}'},
            NO_TOKEN,
        ),
        (
            TASK,
            {"mock": {"result": "{}"}, "context": '{"Execution": {"Id": 1}}'},
            "Invalid Context object provided: Execution.Id must be a string",
        ),
        (TASK, {}, "RoleArn must be specified when testing a Task state"),
    ],
)
def test_what_does_not_fit_is_refused(state: dict[str, Any], more: dict[str, Any], message: str) -> None:
    assert refused(state, **more).message == message


def test_a_task_without_a_mock_is_carried_out() -> None:
    world = World()
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": url, "MessageBody": "hello"},
        "End": True,
    }
    assert answer_of(state, world=world, roleArn=ROLE)["status"] == "SUCCEEDED"
    (message,) = world.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    assert message["Body"] == "hello"


def test_a_wait_is_waited_for() -> None:
    world = World()
    request = Request(dumps({"Type": "Wait", "Seconds": 5, "End": True}))
    parked = world.run(lambda work: try_state(request, work))
    assert isinstance(parked, Parked)
    assert parked.wake_at == world.now + timedelta(seconds=5)
    world.now += timedelta(seconds=5)
    assert world.run(lambda work: parked.again(work, False)) == {"status": "SUCCEEDED", "output": "{}"}


def test_items_that_a_mocked_map_would_read_are_not_read() -> None:
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Arguments": {"Bucket": "none", "Key": "none"}}
    state = {
        "Type": "Map",
        "QueryLanguage": "JSONata",
        "ItemReader": {**reader, "ReaderConfig": {"InputType": "JSON"}},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "In",
            "States": {"In": {"Type": "Pass", "End": True}},
        },
        "End": True,
    }
    answer = answer_of(state, mock={"result": "[1, 4]"}, stateConfiguration={"mapItemReaderData": "[1, 2]"})
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "[1, 4]")
    failed = answer_of(state, mock={"errorOutput": {"error": "E", "cause": "c"}})
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "E", "c")


def test_a_mocked_result_and_the_items_of_a_path_keep_their_characters() -> None:
    answer = answer_of(MAP, mock={"result": "[3,  4]"}, input='{"items": [1,   2]}')
    assert answer["output"] == "[3,  4]"
    assert answer["inspectionData"]["afterItemsPath"] == "[1,   2]"
