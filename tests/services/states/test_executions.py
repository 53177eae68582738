"""Executions through the API. Sources: API Reference; messages as recorded from Step Functions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import START, World
from interstate.services.states.starting import StartSyncExecution
from interstate.services.states.synchronous import start_sync_execution
from interstate.store.records.states import EXECUTIONS
from interstate.store.tables import Scalar

ROLE = "arn:aws:iam::000000000000:role/r"
BASE = "arn:aws:states:us-east-1:000000000000"
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"r": 1}, "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Bad", "Cause": "because"}}}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("stepfunctions", operation, request)


def create(world: World, definition: Any, name: str = "m", **more: Any) -> str:
    request = {"name": name, "definition": dumps(definition), "roleArn": ROLE, **more}
    arn: str = call(world, "CreateStateMachine", **request)["stateMachineArn"]
    return arn


def start(world: World, machine: str, **more: Any) -> str:
    arn: str = call(world, "StartExecution", stateMachineArn=machine, **more)["executionArn"]
    world.run_due()
    return arn


def refused(world: World, operation: str, **request: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        call(world, operation, **request)
    return caught.value.code, caught.value.message


def test_an_execution_is_described_with_its_end(world: World) -> None:
    machine = create(world, PASS)
    arn = start(world, machine, name="e", input='{"x": 1}')
    assert arn == f"{BASE}:execution:m:e"
    assert call(world, "DescribeExecution", executionArn=arn) == {
        "executionArn": arn,
        "stateMachineArn": machine,
        "name": "e",
        "status": "SUCCEEDED",
        "startDate": START,
        "stopDate": START,
        "input": '{"x": 1}',
        "inputDetails": {"included": True},
        "output": '{"r":1}',
        "outputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }
    described = call(world, "DescribeExecution", executionArn=arn, includedData="METADATA_ONLY")
    assert "input" not in described
    assert described["outputDetails"] == {"included": False}


def test_a_failed_execution_tells_error_and_cause(world: World) -> None:
    arn = start(world, create(world, FAIL))
    described = call(world, "DescribeExecution", executionArn=arn)
    assert (described["status"], described["error"], described["cause"]) == ("FAILED", "Bad", "because")
    assert described["redriveStatus"] == "REDRIVABLE"


def test_starting_again_under_one_name_is_idempotent_while_it_runs(world: World) -> None:
    machine = create(world, WAIT)
    first = call(world, "StartExecution", stateMachineArn=machine, name="e", input='{"a": 1}')
    world.now += timedelta(seconds=5)
    assert call(world, "StartExecution", stateMachineArn=machine, name="e", input='{"a":1}') == first
    already = ("ExecutionAlreadyExists", f"Execution Already Exists: '{BASE}:execution:m:e'")
    assert refused(world, "StartExecution", stateMachineArn=machine, name="e", input="{}") == already
    world.advance(timedelta(seconds=60))
    assert refused(world, "StartExecution", stateMachineArn=machine, name="e", input='{"a": 1}') == already
    assert len(call(world, "ListExecutions", stateMachineArn=machine)["executions"]) == 1


def test_a_machine_that_was_created_again_has_its_names_free(world: World) -> None:
    machine = create(world, PASS)
    first = start(world, machine, name="e", input="1")
    call(world, "DeleteStateMachine", stateMachineArn=machine)
    world.advance(timedelta(days=60))
    create(world, PASS)
    assert start(world, machine, name="e", input="2") == first
    assert call(world, "DescribeExecution", executionArn=first)["input"] == "2"
    world.advance(timedelta(days=60))  # The first is forgotten by now, the second is not.
    assert call(world, "DescribeExecution", executionArn=first)["input"] == "2"
    assert len(call(world, "ListExecutions", stateMachineArn=machine)["executions"]) == 1


BROKEN = [
    (
        "not JSON",
        "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
    ),
    ("{'not': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
    ("", "Invalid execution input."),
    ('{"a": 1', "Unexpected end-of-input"),
    ("NaN", "Invalid value"),
    ("[" * 100_000, "Document nesting depth exceeds the maximum allowed"),
    ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value"),
    ("[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Object or Array entries"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN, ids=[text[:10] for text, _ in BROKEN])
def test_input_that_is_no_json_is_refused(world: World, text: str, reason: str) -> None:
    machine = create(world, PASS)
    assert refused(world, "StartExecution", stateMachineArn=machine, input=text) == (
        "InvalidExecutionInput",
        f"Invalid State Machine Execution Input: '{reason}'",
    )
    assert call(world, "ListExecutions", stateMachineArn=machine) == {"executions": []}


@pytest.mark.parametrize("text", ['"text"', "null", "[1]", "1"])
def test_any_json_is_input(world: World, text: str) -> None:
    assert start(world, create(world, PASS), input=text)


@pytest.mark.parametrize("definition", [WAIT, PASS, FAIL])
def test_an_execution_is_stopped_before_it_came_to_its_first_state(world: World, definition: Any) -> None:
    """What is answered holds, however busy the server was: the first slice was still due."""
    machine = create(world, definition)
    world.work_s = 0.0
    arn = call(world, "StartExecution", stateMachineArn=machine)["executionArn"]
    call(world, "StopExecution", executionArn=arn, error="E", cause="C")
    world.run_due()
    found = call(world, "DescribeExecution", executionArn=arn)
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "E", "C")
    events = call(world, "GetExecutionHistory", executionArn=arn)["events"]
    assert [event["type"] for event in events] == ["ExecutionStarted", "ExecutionAborted"]
    world.run_until_idle()
    assert call(world, "GetExecutionHistory", executionArn=arn)["events"] == events


def test_stopping_aborts_and_stopping_again_changes_nothing(world: World) -> None:
    arn = start(world, create(world, WAIT))
    world.now += timedelta(seconds=5)
    stopped = call(world, "StopExecution", executionArn=arn, error="E", cause="C")
    assert stopped == {"stopDate": world.now}
    described = call(world, "DescribeExecution", executionArn=arn)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "E", "C")
    world.now += timedelta(seconds=5)
    assert call(world, "StopExecution", executionArn=arn) == stopped
    last = call(world, "GetExecutionHistory", executionArn=arn, reverseOrder=True, maxResults=1)["events"][0]
    assert last["type"] == "ExecutionAborted"
    world.advance(timedelta(seconds=120))
    assert call(world, "DescribeExecution", executionArn=arn)["status"] == "ABORTED"


@pytest.mark.parametrize(
    "operation", ["DescribeExecution", "StopExecution", "GetExecutionHistory", "DescribeStateMachineForExecution"]
)
def test_an_execution_that_is_not_there_is_refused(world: World, operation: str) -> None:
    arn = f"{BASE}:execution:m:no"
    assert refused(world, operation, executionArn=arn) == (
        "ExecutionDoesNotExist",
        f"Execution Does Not Exist: '{arn}'",
    )
    assert refused(world, operation, executionArn="no") == ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: no'")
    assert refused(world, operation, executionArn=f"{BASE}:express:m:e:u") == (
        "InvalidArn",
        "Invalid Arn: 'Resource type not valid in this context: express'",
    )


def test_executions_are_listed_newest_first_by_status_in_pages(world: World) -> None:
    machine = create(world, WAIT)
    arns = [start(world, machine) for _ in range(5)]
    call(world, "StopExecution", executionArn=arns[1])
    first = call(world, "ListExecutions", stateMachineArn=machine, maxResults=2)
    second = call(world, "ListExecutions", stateMachineArn=machine, maxResults=3, nextToken=first["nextToken"])
    assert [row["executionArn"] for row in first["executions"] + second["executions"]] == arns[::-1]
    assert "nextToken" not in second
    aborted = call(world, "ListExecutions", stateMachineArn=machine, statusFilter="ABORTED")["executions"]
    assert [row["executionArn"] for row in aborted] == [arns[1]]
    running = call(world, "ListExecutions", stateMachineArn=machine, statusFilter="RUNNING", maxResults=3)
    assert [row["executionArn"] for row in running["executions"]] == [arns[4], arns[3], arns[2]]
    assert refused(world, "ListExecutions", stateMachineArn=f"{BASE}:stateMachine:no")[0] == "StateMachineDoesNotExist"
    assert refused(world, "ListExecutions", stateMachineArn=machine, nextToken="?")[0] == "InvalidToken"


def chain(length: int) -> Any:
    states: dict[str, Any] = {f"S{i}": {"Type": "Pass", "Next": f"S{i + 1}"} for i in range(length)}
    return {"StartAt": "S0", "States": {**states, f"S{length}": {"Type": "Wait", "Seconds": 1, "End": True}}}


@pytest.mark.parametrize("size", [1, 2, 7, 50, 1000])
def test_history_comes_in_pages_that_join_in_both_directions(world: World, size: int) -> None:
    arn = start(world, create(world, chain(20)))
    world.advance(timedelta(seconds=1))
    ids: dict[bool, list[int]] = {}
    for backwards in (False, True):
        ids[backwards], token = [], None
        while True:
            more: dict[str, Any] = {"nextToken": token} if token else {}
            answer = call(
                world, "GetExecutionHistory", executionArn=arn, maxResults=size, reverseOrder=backwards, **more
            )
            assert len(answer["events"]) <= size
            ids[backwards] += [event["id"] for event in answer["events"]]
            token = answer.get("nextToken")
            if token is None:
                break
    assert ids[False] == list(range(1, 44 + 1))
    assert ids[True] == ids[False][::-1]


def test_history_can_leave_the_data_out(world: World) -> None:
    arn = start(world, create(world, PASS), input='{"secret": 1}')
    events = call(world, "GetExecutionHistory", executionArn=arn, includeExecutionData=False)["events"]
    assert "secret" not in str(events)
    assert "secret" in str(call(world, "GetExecutionHistory", executionArn=arn)["events"])


# Express ---------------------------------------------------------------------------------------------------------


def test_a_synchronous_execution_answers_with_its_end(world: World) -> None:
    machine = create(world, PASS, type="EXPRESS")
    answer = call(world, "StartSyncExecution", stateMachineArn=machine, name="e", input='{"x":1}')
    assert answer.pop("executionArn").startswith(f"{BASE}:express:m:e:")
    assert answer == {
        "stateMachineArn": machine,
        "name": "e",
        "startDate": START,
        "stopDate": START,
        "status": "SUCCEEDED",
        "input": '{"x":1}',
        "inputDetails": {"included": True},
        "output": '{"r":1}',
        "outputDetails": {"included": True},
        "billingDetails": {"billedDurationInMilliseconds": 100, "billedMemoryUsedInMB": 64},
    }


def test_a_synchronous_execution_answers_with_its_failure(world: World) -> None:
    answer = call(world, "StartSyncExecution", stateMachineArn=create(world, FAIL, type="EXPRESS"))
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Bad", "because")
    assert "output" not in answer


def test_a_synchronous_execution_that_needs_nothing_from_outside_is_over_in_its_call(world: World) -> None:
    request = StartSyncExecution(create(world, PASS, type="EXPRESS"))
    outcome = world.run(lambda work: start_sync_execution(request, work))
    assert isinstance(outcome, dict)  # Not parked: one commit, no due row.
    assert outcome["status"] == "SUCCEEDED"


def test_a_synchronous_execution_leaves_nothing_behind(world: World) -> None:
    call(world, "StartSyncExecution", stateMachineArn=create(world, PASS, type="EXPRESS"))
    assert world.run(lambda work: work.scalar(Scalar("SELECT COUNT(*) FROM states_executions", (EXECUTIONS,)))) == 0


def test_a_caller_who_waited_too_long_is_told_and_the_execution_goes_on(world: World) -> None:
    machine = create(world, WAIT, type="EXPRESS")
    code, message = refused(world, "StartSyncExecution", stateMachineArn=machine, name="e")
    assert code == "ServiceUnavailable"
    assert message.startswith(f"The execution has not ended yet: '{BASE}:express:m:e:")
    running = Scalar("SELECT COUNT(*) FROM states_executions WHERE status = 'RUNNING'", (EXECUTIONS,))
    assert world.run(lambda work: work.scalar(running)) == 1
    world.advance(timedelta(seconds=60))
    assert world.run(lambda work: work.scalar(running)) == 0


def test_only_express_machines_run_synchronously_and_only_standard_ones_are_listed(world: World) -> None:
    unsupported = ("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
    assert refused(world, "StartSyncExecution", stateMachineArn=create(world, PASS)) == unsupported
    express = create(world, PASS, "x", type="EXPRESS")
    assert refused(world, "ListExecutions", stateMachineArn=express) == unsupported
    one, two = (call(world, "StartExecution", stateMachineArn=express, name="e")["executionArn"] for _ in range(2))
    assert one != two


# Tasks -----------------------------------------------------------------------------------------------------------


def task(resource: str, parameters: Any, **more: Any) -> Any:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True, **more}
    return {"StartAt": "T", "States": {"T": state}}


def ended(world: World, arn: str) -> Any:
    described = call(world, "DescribeExecution", executionArn=arn)
    return loads(described["output"]) if "output" in described else (described["status"], described.get("error"))


def test_a_message_is_sent_in_the_step_and_its_answer_is_the_output(world: World) -> None:
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    parameters = {"QueueUrl": url, "MessageBody": {"id.$": "$.id"}}
    output = ended(world, start(world, create(world, task("sqs:sendMessage", parameters)), input='{"id": 7}'))
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    messages = world.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    assert [(message["Body"], message["MessageId"]) for message in messages] == [('{"id":7}', output["MessageId"])]


def test_a_refusal_can_be_caught_by_its_name(world: World) -> None:
    state = task(
        "sqs:sendMessage",
        {"QueueUrl": "http://localhost/000000000000/no", "MessageBody": "x"},
        Catch=[{"ErrorEquals": ["SQS.QueueDoesNotExistException"], "Next": "Caught"}],
    )
    state["States"]["Caught"] = {"Type": "Pass", "End": True}
    output = ended(world, start(world, create(world, state)))
    assert output["Error"] == "SQS.QueueDoesNotExistException"
    assert output["Cause"].startswith("The specified queue does not exist. (Service: AmazonSQS; Status Code: 400; ")


def test_a_queue_url_that_is_a_host_is_not_found(world: World) -> None:
    arn = start(world, create(world, task("sqs:sendMessage", {"QueueUrl": "nowhere", "MessageBody": "x"})))
    described = call(world, "DescribeExecution", executionArn=arn)
    assert (described["error"], described["cause"]) == (
        "SQS.SdkClientException",
        "Unable to execute HTTP request: nowhere: Name or service not known",
    )


def token_of(world: World, url: str) -> str:
    (message,) = world.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    token: str = loads(message["Body"])["token"]  # type: ignore[index,call-overload]  # as the definition below sends it
    return token


def waiting(world: World) -> tuple[str, str]:
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    parameters = {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}
    arn = start(world, create(world, task("sqs:sendMessage.waitForTaskToken", parameters, HeartbeatSeconds=60)))
    return arn, token_of(world, url)


def test_a_token_answers_the_task_that_waits(world: World) -> None:
    arn, token = waiting(world)
    assert call(world, "DescribeExecution", executionArn=arn)["status"] == "RUNNING"
    assert refused(world, "SendTaskSuccess", taskToken=token, output="{no")[0] == "InvalidOutput"
    assert refused(world, "SendTaskSuccess", taskToken="x", output="{no")[0] == "InvalidToken"
    call(world, "SendTaskSuccess", taskToken=token, output='{"done": true}')
    world.run_due()
    assert ended(world, arn) == {"done": True}
    assert refused(world, "SendTaskSuccess", taskToken=token, output="1") == (
        "TaskTimedOut",
        "Task Timed Out: 'Provided task does not exist anymore'",
    )


def test_a_token_can_bring_a_failure(world: World) -> None:
    arn, token = waiting(world)
    call(world, "SendTaskFailure", taskToken=token, error="Bad", cause="C")
    world.run_due()
    assert ended(world, arn) == ("FAILED", "Bad")


def test_heartbeats_keep_a_task_alive(world: World) -> None:
    arn, token = waiting(world)
    for _ in range(3):
        world.advance(timedelta(seconds=50))
        call(world, "SendTaskHeartbeat", taskToken=token)
    assert call(world, "DescribeExecution", executionArn=arn)["status"] == "RUNNING"
    world.advance(timedelta(seconds=61))
    assert call(world, "DescribeExecution", executionArn=arn)["status"] != "RUNNING"
    assert refused(world, "SendTaskHeartbeat", taskToken=token)[0] == "TaskTimedOut"


@pytest.mark.parametrize("operation", ["SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"])
def test_a_token_that_nobody_gave_out_is_invalid(world: World, operation: str) -> None:
    more = {"output": "1"} if operation == "SendTaskSuccess" else {}
    assert refused(world, operation, taskToken="nonsense", **more) == ("InvalidToken", "Invalid Token: 'Invalid token'")


@pytest.mark.parametrize("definition", [PASS, WAIT])
@pytest.mark.parametrize(("pattern", "as_text"), [(".sync", True), (".sync:2", False)])
def test_a_parent_waits_for_the_end_of_its_child(world: World, definition: Any, pattern: str, *, as_text: bool) -> None:
    child = create(world, definition, "child")
    parent = create(
        world, task(f"states:startExecution{pattern}", {"StateMachineArn": child, "Name": "c", "Input": {"i": 1}})
    )
    arn = start(world, parent)
    world.advance(timedelta(seconds=60))
    output = ended(world, arn)
    assert output["Status"] == "SUCCEEDED"
    assert output["Input"] == ('{"i":1}' if as_text else {"i": 1})
    result = output["Output"]
    assert (loads(result) if as_text else result) == ({"r": 1} if definition is PASS else {"i": 1})


def test_a_childs_failure_fails_its_parents_task(world: World) -> None:
    child = create(world, FAIL, "child")
    arn = start(world, create(world, task("states:startExecution.sync", {"StateMachineArn": child})))
    world.run_due()
    described = call(world, "DescribeExecution", executionArn=arn)
    assert described["error"] == "States.TaskFailed"
    cause = loads(described["cause"])
    assert isinstance(cause, dict)
    assert (cause["Status"], cause["Error"], cause["Cause"]) == ("FAILED", "Bad", "because")


def test_an_sdk_integration_reaches_every_operation_that_is_there(world: World) -> None:
    world.call("sqs", "CreateQueue", {"QueueName": "q"})
    arn = start(world, create(world, task("aws-sdk:sqs:listQueues", {"QueueNamePrefix": "q"})))
    assert list(ended(world, arn)) == ["QueueUrls"]


@pytest.mark.parametrize("definition", [PASS, FAIL, WAIT])
def test_an_express_child_can_be_awaited_through_the_sdk(world: World, definition: Any) -> None:
    child = create(world, definition, "child", type="EXPRESS")
    parent = create(
        world, task("aws-sdk:sfn:startSyncExecution", {"StateMachineArn": child, "Name": "c", "Input": {"i": 1}})
    )
    arn = start(world, parent)
    world.advance(timedelta(seconds=60))
    output = ended(world, arn)
    assert (output["Name"], output["Input"]) == ("c", '{"i":1}')
    assert output["Status"] == ("FAILED" if definition is FAIL else "SUCCEEDED")
    assert output.get("Error") == ("Bad" if definition is FAIL else None)


def test_a_standard_child_cannot_be_awaited_through_the_sdk(world: World) -> None:
    child = create(world, PASS, "child")
    arn = start(world, create(world, task("aws-sdk:sfn:startSyncExecution", {"StateMachineArn": child})))
    assert ended(world, arn) == ("FAILED", "Sfn.StateMachineTypeNotSupportedException")
