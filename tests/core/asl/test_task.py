"""Task: what it asks for, what the history says, and what it does with each answer."""

import random
from datetime import timedelta
from typing import Any

import pytest
from tests.core.asl.driving import EXECUTION_ARN, NOW, Run

from interstate.core.asl.vocabulary import ActivityStarted, Heartbeat, TaskFailed, TaskSubmitted, TaskSucceeded

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
SERVICE = "arn:aws:states:::lambda:invoke"
CALLBACK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
ACTIVITY = "arn:aws:states:us-east-1:000000000000:activity:a"
END = {"Type": "Pass", "End": True}


def run(resource: str, given: Any = None, **fields: Any) -> Run:
    fields.setdefault("End", True)
    states: dict[str, Any] = {"T": {"Type": "Task", "Resource": resource, **fields}}
    if "Catch" in fields:
        states["F"] = END
    return Run(states, given=given).start()


def test_a_function_is_scheduled_and_started() -> None:
    started = run(FUNCTION, {"x": 1}, TimeoutSeconds=5)
    assert started.story[1:] == [
        "2 <- 0 TaskStateEntered T",
        "3 <- 2 LambdaFunctionScheduled",
        "4 <- 3 LambdaFunctionStarted",
    ]
    assert started.shown[2]["lambdaFunctionScheduledEventDetails"] == {
        "input": '{"x":1}',
        "inputDetails": {"truncated": False},
        "resource": FUNCTION,
        "timeoutInSeconds": 5,
    }
    assert set(started.shown[3]) == {"timestamp", "type", "id", "previousEventId"}
    assert started.tasks[0].input.text == '{"x":1}'
    assert started.timers[0, "timeout"].at == NOW + timedelta(seconds=5)


def test_a_function_answers() -> None:
    started = run(FUNCTION, {"x": 1}, ResultSelector={"r.$": "$.a"}, ResultPath="$.res", OutputPath="$.res")
    started.send(TaskSucceeded(started.tasks[0].visit, '{"a": 2}'))
    assert started.story[4:] == [
        "5 <- 4 LambdaFunctionSucceeded",
        "6 <- 5 TaskStateExited T",
        "7 <- 6 ExecutionSucceeded",
    ]
    assert started.shown[4]["lambdaFunctionSucceededEventDetails"] == {
        "output": '{"a": 2}',
        "outputDetails": {"truncated": False},
    }
    assert started.output == {"r": 2}
    assert not started.timers


def test_a_service_shows_type_resource_region_and_parameters() -> None:
    started = run(SERVICE, {"n": "f"}, Parameters={"FunctionName.$": "$.n"}, HeartbeatSeconds=3, TimeoutSeconds=600)
    started.send(TaskSucceeded(1, "1"))
    where = {"resourceType": "lambda", "resource": "invoke"}
    assert started.shown[2]["taskScheduledEventDetails"] == {
        "parameters": '{"FunctionName":"f"}',
        "region": "us-east-1",
        "timeoutInSeconds": 600,
        "heartbeatInSeconds": 3,
        **where,
    }
    assert started.shown[3]["taskStartedEventDetails"] == where
    assert started.shown[4]["taskSucceededEventDetails"] == {
        "output": "1",
        "outputDetails": {"truncated": False},
        **where,
    }


def test_a_token_is_given_out_and_the_submission_noted() -> None:
    started = run(CALLBACK, Parameters={"MessageBody": {"Token.$": "$$.Task.Token"}, "QueueUrl": "q"})
    task = started.tasks[0]
    assert task.token
    assert task.input.value == {"MessageBody": {"Token": task.token}, "QueueUrl": "q"}
    started.send(TaskSubmitted(task.visit, '{"MessageId":"m"}'))
    started.send(TaskSucceeded(task.visit, '"done"'))
    assert started.types[2:] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert started.shown[4]["taskSubmittedEventDetails"] == {
        "output": '{"MessageId":"m"}',
        "outputDetails": {"truncated": False},
        "resourceType": "sqs",
        "resource": "sendMessage.waitForTaskToken",
    }
    assert started.output == "done"


def test_an_activity_starts_when_a_worker_takes_it() -> None:
    started = run(ACTIVITY)
    assert started.types[2:] == ["ActivityScheduled"]
    started.send(ActivityStarted(1, "worker-1"))
    assert started.shown[-1]["activityStartedEventDetails"] == {"workerName": "worker-1"}
    started.send(TaskFailed(1, "E", "C"))
    assert started.types[-2:] == ["ActivityFailed", "ExecutionFailed"]


TIMEOUTS = [
    (FUNCTION, {"TimeoutSeconds": 5}, "LambdaFunctionTimedOut", {}),
    (SERVICE, {"TimeoutSecondsPath": "$.s"}, "TaskTimedOut", {"resourceType": "lambda", "resource": "invoke"}),
    (SERVICE, {"HeartbeatSecondsPath": "$.s"}, "TaskTimedOut", {"resourceType": "lambda", "resource": "invoke"}),
]


@pytest.mark.parametrize(("resource", "fields", "kind", "where"), TIMEOUTS)
def test_a_task_times_out(resource: str, fields: dict[str, Any], kind: str, where: dict[str, str]) -> None:
    started = run(resource, {"s": 5}, **fields)
    started.fire()
    assert started.now == NOW + timedelta(seconds=5)
    details = kind[0].lower() + kind[1:] + "EventDetails"
    assert started.shown[-2][details] == {"error": "States.Timeout", **where}
    assert started.shown[-1]["executionFailedEventDetails"] == {"error": "States.Timeout"}
    assert started.failure == ("States.Timeout", None)


def test_a_caught_timeout_has_an_empty_cause() -> None:
    started = run(FUNCTION, TimeoutSeconds=5, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "F"}])
    started.fire()
    assert started.output == {"Error": "States.Timeout", "Cause": ""}


def test_a_heartbeat_postpones_its_timer_but_not_the_timeout() -> None:
    started = run(CALLBACK, HeartbeatSeconds=10, TimeoutSeconds=25)
    for _ in range(2):
        started.wait(8)
        started.send(Heartbeat(1))
    assert started.timers[0, "heartbeat"].at == NOW + timedelta(seconds=26)
    assert started.fire().timer == "timeout"


CATCHES = [
    ("States.ALL", TaskFailed(1, "Boom", "C"), True),
    ("States.TaskFailed", TaskFailed(1, "Boom", "C"), True),
    ("Boom", TaskFailed(1, "Boom", "C"), True),
    ("Other", TaskFailed(1, "Boom", "C"), False),
    ("States.Timeout", TaskFailed(1, "Boom", "C"), False),
    ("States.HeartbeatTimeout", TaskFailed(1, "Boom", "C"), False),
    ("States.ALL", TaskFailed(1, "States.Runtime", "C"), False),
    ("States.ALL", TaskFailed(1, None, None), True),
]


@pytest.mark.parametrize(("name", "event", "caught"), CATCHES)
def test_a_catcher_knows_errors_by_name(name: str, event: TaskFailed, caught: bool) -> None:
    started = run(FUNCTION, {"a": 1}, Catch=[{"ErrorEquals": [name], "ResultPath": "$.e", "Next": "F"}])
    started.send(event)
    if caught:
        assert started.output == {"a": 1, "e": {"Error": event.error, "Cause": event.cause}}
        assert started.story[4:6] == ["5 <- 4 LambdaFunctionFailed", "6 <- 5 TaskStateExited T"]
    else:
        assert started.failure == (event.error, event.cause)
        assert started.story[4:] == ["5 <- 4 LambdaFunctionFailed", "6 <- 5 ExecutionFailed"]


@pytest.mark.parametrize(("name", "caught"), [("States.HeartbeatTimeout", True), ("States.TaskFailed", False)])
def test_a_catcher_knows_timeouts(name: str, caught: bool) -> None:
    started = run(CALLBACK, HeartbeatSeconds=5, Catch=[{"ErrorEquals": [name], "Next": "F"}])
    started.fire()
    assert started.end is not None
    assert (started.end.status == "SUCCEEDED") is caught


def test_a_retry_waits_longer_each_time_and_then_gives_up() -> None:
    retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 3, "MaxDelaySeconds": 10}]
    started = run(FUNCTION, Retry=retry)
    delays, requests = [], set()
    for _ in range(3):
        requests.add(started.tasks[0].request_id)
        started.send(TaskFailed(started.tasks[0].visit, "E", "C"))
        before = started.now
        assert started.fire().timer == "retry"
        delays.append((started.now - before).total_seconds())
    started.send(TaskFailed(started.tasks[0].visit, "E", "C"))
    assert delays == [2, 6, 10]
    assert len(requests) == 3
    assert started.types[4:] == ["LambdaFunctionFailed", "LambdaFunctionScheduled", "LambdaFunctionStarted"] * 3 + [
        "LambdaFunctionFailed",
        "ExecutionFailed",
    ]
    assert started.story[5] == "6 <- 5 LambdaFunctionScheduled"


def test_each_retrier_counts_for_itself() -> None:
    started = run(FUNCTION, Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["B"], "MaxAttempts": 2}])
    for error in ("A", "B", "B"):
        started.send(TaskFailed(started.tasks[0].visit, error))
        started.fire()
    started.send(TaskFailed(started.tasks[0].visit, "B"))
    assert started.failure == ("B", None)


def test_the_next_state_begins_without_retries() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    states = {
        "T": {"Type": "Task", "Resource": FUNCTION, "Retry": retry, "Next": "U"},
        "U": {
            "Type": "Task",
            "Resource": FUNCTION,
            "Parameters": {"n.$": "$$.State.RetryCount"},
            "Retry": retry,
            "End": True,
        },
    }
    started = Run(states).start()
    started.send(TaskFailed(1, "E"))
    started.fire()
    started.send(TaskSucceeded(started.tasks[0].visit, "{}"))
    assert started.tasks[0].input.value == {"n": 0}
    started.send(TaskFailed(started.tasks[0].visit, "E"))
    started.fire()
    assert started.tasks[0].input.value == {"n": 1}


def test_full_jitter_stays_below_the_delay_and_comes_from_the_seed() -> None:
    retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 8, "JitterStrategy": "FULL"}]
    runs = [run(FUNCTION, Retry=retry) for _ in range(2)]
    for one in runs:
        one.send(TaskFailed(1, "E"))
    first, second = (one.timers[0, "retry"].at - NOW for one in runs)
    assert first == second
    assert timedelta(0) <= first < timedelta(seconds=8)


def test_an_answer_to_an_attempt_that_was_given_up_finds_nobody() -> None:
    started = run(FUNCTION, TimeoutSeconds=5, Retry=[{"ErrorEquals": ["States.Timeout"]}])
    late = started.tasks[0].visit
    started.fire()
    assert started.fire().timer == "retry"
    before = len(started.history)
    started.send(TaskSucceeded(late, "{}"))
    started.send(Heartbeat(late))
    assert len(started.history) == before
    started.send(TaskSucceeded(started.tasks[0].visit, "1"))
    assert started.output == 1


@pytest.mark.parametrize(
    ("resource", "what", "kind"),
    [(FUNCTION, FUNCTION, "LambdaFunctionFailed"), (SERVICE, "lambda", "TaskFailed")],
)
def test_an_answer_beyond_256_kib_is_a_failure(resource: str, what: str, kind: str) -> None:
    started = run(resource, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "F"}])
    started.send(TaskSucceeded(1, f'"{"x" * 262_143}"'))
    assert kind in started.types
    assert started.output == {
        "Error": "States.DataLimitExceeded",
        "Cause": f"The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service limit.",
    }


def test_credentials_are_shown_and_handed_on() -> None:
    role = "arn:aws:iam::1:role/other"
    started = run(FUNCTION, {"role": role}, Credentials={"RoleArn.$": "$.role"})
    assert started.shown[2]["lambdaFunctionScheduledEventDetails"]["taskCredentials"] == {"roleArn": role}
    assert started.tasks[0].role_arn == role


def test_the_same_event_asks_for_the_same_request() -> None:
    assert run(CALLBACK).tasks == run(CALLBACK).tasks
    assert EXECUTION_ARN not in run(CALLBACK).tasks[0].token


def test_many_random_answers_end_once() -> None:
    chance = random.Random(5)
    for _ in range(50):
        started = run(CALLBACK, TimeoutSeconds=60, HeartbeatSeconds=9, Retry=[{"ErrorEquals": ["States.ALL"]}])
        while started.end is None:
            visit = chance.randint(1, 9)
            answers: list[Any] = [TaskSucceeded(visit, "1"), TaskFailed(visit, "E"), Heartbeat(visit)]
            if started.timers and chance.random() < 0.3:
                started.fire()
            else:
                started.send(chance.choice(answers))
        assert sum(kind.startswith("Execution") for kind in started.types) == 2
        assert [event.id for event in started.history] == list(range(1, len(started.history) + 1))


def test_a_fault_of_the_state_shows_no_task() -> None:
    started = Run({"T": {"Type": "Task", "Resource": ACTIVITY, "End": True}})
    started.faults.append(TaskFailed(1, "States.Runtime", "The activity x does not exist.", state_fault=True))
    started.start()
    assert started.types == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]
    assert started.failure == (
        "States.Runtime",
        "An error occurred while executing the state 'T' (entered at the event id #2). The activity x does not exist.",
    )
