"""Executions on a store: what is kept, what is taken back, what waits, what bounds a slice."""

from datetime import timedelta
from typing import Any

import pytest
from tests.services.states.executing import FUNCTION, due, execution, frames, history, start, world

from interstate.base.json import dumps, loads
from interstate.core.asl.vocabulary import Heartbeat, Started, Tasking, TaskSucceeded
from interstate.runtime.testing import World
from interstate.services.states import executor, tasks
from interstate.services.states.compiled import definition_of
from interstate.services.states.errors import InvalidToken, TaskTimedOut
from interstate.store.records.lambda_ import Invocation, InvocationResult
from interstate.store.records.states import EXECUTIONS, FRAMES, FRAMES_OF_EXECUTION, Deliveries, Delivery

END = {"Type": "Pass", "End": True}
QUEUE_TASK = "arn:aws:states:::sqs:sendMessage"


def machine(states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def queue(w: World) -> str:
    url: str = w.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    return url


def bodies(w: World, url: str) -> list[str]:
    received = w.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})
    return [message["Body"] for message in received.get("Messages", [])]


def token_of(w: World, number: int) -> str:
    (token,) = [frame.awaiting.token for frame in frames(w, number) if isinstance(frame.awaiting, Tasking)]
    return token


def stop(w: World, number: int, error: str | None = None, cause: str | None = None) -> None:
    row = execution(w, number)
    w.run(lambda work: executor.stop(row, error, cause, work))


def test_an_execution_that_ends_leaves_its_row_and_its_history() -> None:
    w = world()
    number = start(w, {"A": {"Type": "Pass", "Result": 1, "Next": "B"}, "B": {"Type": "Succeed"}}, {"x": 1})
    row = execution(w, number)
    assert (row.status, row.output, row.stopped) == ("SUCCEEDED", "1", w.now)
    assert [event.id for event in history(w, number)] == [1, 2, 3, 4, 5, 6]
    assert frames(w, number) == []
    assert due(w) == []
    assert (f"execution:{row.arn}", False) in w.wakes


def test_a_wait_is_a_row() -> None:
    w = world()
    number = start(w, {"W": {"Type": "Wait", "Seconds": 60, "End": True}})
    assert [row.due_at - w.now for row in due(w)] == [timedelta(seconds=60)]
    w.advance(timedelta(seconds=59))
    assert execution(w, number).status == "RUNNING"
    w.advance(timedelta(seconds=1))
    assert execution(w, number).status == "SUCCEEDED"


def test_a_stop_takes_everything_back() -> None:
    w = world()
    branches = [machine({f"W{n}": {"Type": "Wait", "Seconds": 60, "End": True}}) for n in range(3)]
    number = start(w, {"P": {"Type": "Parallel", "Branches": branches, "End": True}}, TimeoutSeconds=99)
    assert len(due(w)) == 4
    stop(w, number, "E", "C")
    row = execution(w, number)
    assert (row.status, row.error, row.cause) == ("ABORTED", "E", "C")
    assert due(w) == []
    assert frames(w, number) == []
    last = history(w, number)[-1]
    assert (last.type, last.previous, last.more) == ("ExecutionAborted", 0, {"error": "E", "cause": "C"})
    before = len(history(w, number))
    stop(w, number)
    assert len(history(w, number)) == before


def test_a_failed_branch_takes_its_siblings_back() -> None:
    w = world()
    branches = [
        machine({"W": {"Type": "Wait", "Seconds": 60, "End": True}}),
        machine({"V": {"Type": "Wait", "Seconds": 1, "Next": "F"}, "F": {"Type": "Fail", "Error": "E"}}),
    ]
    catch = [{"ErrorEquals": ["E"], "Next": "Z"}]
    states = {"P": {"Type": "Parallel", "Branches": branches, "Catch": catch, "End": True}}
    number = start(w, {**states, "Z": {"Type": "Wait", "Seconds": 5, "End": True}})
    w.advance(timedelta(seconds=1))
    assert [frame.frame for frame in frames(w, number)] == [0]
    assert len(due(w)) == 1
    w.advance(timedelta(seconds=5))
    assert execution(w, number).status == "SUCCEEDED"


def one_slice(w: World, number: int) -> executor.InHand:
    """The first slice of an execution, whatever the batch that started it had the time for."""

    def run(work: Any) -> executor.InHand:
        row = work.get(EXECUTIONS, number)
        for frame in work.select(FRAMES_OF_EXECUTION, limit=10, execution=number, after=-1):
            work.delete(FRAMES, number, frame.frame)
        in_hand = executor.InHand(row, definition_of(row, work), work)
        in_hand.run([(0, Started())])
        return in_hand

    found: executor.InHand = w.run(run)
    return found


LOOP = {
    "L": {"Type": "Choice", "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "L"}], "Default": "S"},
    "S": {"Type": "Succeed"},
}


def test_a_slice_has_two_hundred_transitions_at_most() -> None:
    w = world()
    number = start(w, LOOP, {"go": True}, run=False)
    found = one_slice(w, number)
    # On a busy machine the batch's time is over before.
    assert executor.FOLD_TRANSITIONS_MAX <= found.transitions <= executor.SLICE_TRANSITIONS_MAX
    rest = dumps({"execution": number, "events": [[0, {"type": "go"}]]}).encode()
    assert execution(w, number).status == "FAILED" or rest in {row.body for row in due(w)}


def test_long_data_make_short_slices() -> None:
    w = world()
    states: dict[str, Any] = {f"P{n}": {"Type": "Pass", "Next": f"P{n + 1}"} for n in range(100)}
    number = start(w, {**states, "P100": END}, {"x": "x" * 200_000}, run=False)
    assert one_slice(w, number).bytes < executor.SLICE_HISTORY_BYTES_MAX + 500_000


def test_an_endless_loop_ends_at_its_25000th_event_and_disturbs_nobody() -> None:
    w = world()
    loop = start(w, LOOP, {"go": True}, run=False)
    other = start(w, {"A": END}, run=False)
    first = due(w)[:1]
    w._do(first[0])
    assert execution(w, loop).status == "RUNNING"
    w._do(due(w)[0])
    w.run_due()
    assert execution(w, other).status == "SUCCEEDED"
    assert execution(w, loop).error == "States.Runtime"
    assert len(history(w, loop)) == 25_000


def test_an_endless_loop_can_be_stopped() -> None:
    w = world()
    number = start(w, LOOP, {"go": True}, kind="EXPRESS", run=False)
    w._do(due(w)[0])
    stop(w, number)
    assert execution(w, number).status == "ABORTED"
    w.run_due()
    assert due(w) == []


@pytest.mark.slow
def test_an_endless_express_loop_lets_the_clock_move_and_ends_after_five_minutes() -> None:
    w = world()
    number = start(w, LOOP, {"go": True}, kind="EXPRESS")
    assert [row.due_at - w.now for row in due(w)] == [timedelta(seconds=1), timedelta(minutes=5)]
    w.advance(timedelta(minutes=5) - timedelta(seconds=1))
    assert execution(w, number).status == "RUNNING"
    w.advance(timedelta(seconds=1))
    assert execution(w, number).status == "TIMED_OUT"
    w.run_due()
    assert due(w) == []


def test_a_map_of_many_items_keeps_their_order_over_slices() -> None:
    w = world()
    items = [f"item {n}" for n in range(700)]
    inner = {"P": {"Type": "Pass", "Parameters": {"at.$": "$$.Map.Item.Index", "v.$": "$"}, "End": True}}
    number = start(w, {"M": {"Type": "Map", "ItemProcessor": machine(inner), "End": True}}, items)
    output = loads(execution(w, number).output or "")
    assert output == [{"at": n, "v": item} for n, item in enumerate(items)]
    assert frames(w, number) == []


def test_a_task_inside_the_store_is_done_in_the_same_commit() -> None:
    w = world()
    url = queue(w)
    task = {
        "Type": "Task",
        "Resource": QUEUE_TASK,
        "Parameters": {"QueueUrl": url, "MessageBody.$": "$.m"},
        "End": True,
    }
    number = start(w, {"T": task}, {"m": "hello"})
    assert execution(w, number).status == "SUCCEEDED"
    assert bodies(w, url) == ["hello"]
    assert [event.type for event in history(w, number)][2:5] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]


def waiting_for_a_token(w: World, **fields: Any) -> int:
    url = queue(w)
    parameters = {"QueueUrl": url, "MessageBody": {"t.$": "$$.Task.Token"}}
    task = {
        "Type": "Task",
        "Resource": f"{QUEUE_TASK}.waitForTaskToken",
        "Parameters": parameters,
        "End": True,
        **fields,
    }
    return start(w, {"T": task})


def test_a_token_answers_once() -> None:
    w = world()
    number = waiting_for_a_token(w)
    token = token_of(w, number)
    w.run(lambda work: tasks.succeed(token, '{"ok": 1}', work))
    with pytest.raises(TaskTimedOut):
        w.run(lambda work: tasks.fail(token, "E", None, work))
    w.run_due()
    assert execution(w, number).output == '{"ok": 1}'
    with pytest.raises(TaskTimedOut):
        w.run(lambda work: tasks.heartbeat(token, work))


@pytest.mark.parametrize("token", ["", "x", "1-0-1", "1-0-1-", "zz-0-1-ab", "1-0-1-ab-", "f" * 30 + "-0-1-ab"])
def test_a_token_that_is_none_of_ours(token: str) -> None:
    w = world()
    with pytest.raises((InvalidToken, TaskTimedOut)) as raised:
        w.run(lambda work: tasks.succeed(token, "1", work))
    assert isinstance(raised.value, TaskTimedOut) == token.startswith("1-0-1-ab")


def test_a_token_with_a_wrong_secret_finds_nobody() -> None:
    w = world()
    number = waiting_for_a_token(w)
    token = token_of(w, number)
    with pytest.raises(TaskTimedOut):
        w.run(lambda work: tasks.succeed(token[:-1] + ("0" if token[-1] != "0" else "1"), "1", work))
    assert execution(w, number).status == "RUNNING"


def test_heartbeats_keep_a_task_alive_and_leave_one_timer() -> None:
    w = world()
    number = waiting_for_a_token(w, HeartbeatSeconds=10)
    token = token_of(w, number)
    for _ in range(4):
        w.advance(timedelta(seconds=8))
        w.run(lambda work: tasks.heartbeat(token, work))
        w.run_due()
        assert len(due(w)) == 1
    w.advance(timedelta(seconds=11))
    row = execution(w, number)
    assert (row.status, row.error) == ("FAILED", "States.Timeout")


def test_a_function_is_called_under_one_request_id_and_anew_for_each_retry() -> None:
    asked: list[Invocation] = []

    def perform(_key: str, body: Invocation) -> InvocationResult:
        asked.append(body)
        if len(asked) < 3:
            return InvocationResult(dumps({"errorType": "Oops", "errorMessage": "no"}), function_error="Unhandled")
        return InvocationResult('{"done": true}')

    w = world(performers={"lambda.invoke": perform})
    retry = [{"ErrorEquals": ["Oops"], "IntervalSeconds": 1}]
    number = start(w, {"T": {"Type": "Task", "Resource": FUNCTION, "Retry": retry, "End": True}}, {"in": 1})
    w.run_until_idle()
    assert execution(w, number).output == '{"done": true}'
    assert [body.payload for body in asked] == ['{"in":1}'] * 3
    assert len({body.request_id for body in asked}) == 3


def test_a_late_answer_changes_nothing() -> None:
    w = world()
    number = start(w, {"T": {"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 5, "Next": "W"}, "W": END})
    w.advance(timedelta(seconds=5))
    assert execution(w, number).error == "States.Timeout"
    before = (execution(w, number), history(w, number))
    late = Deliveries(
        number, [Delivery(0, TaskSucceeded(1, "1")), Delivery(0, Heartbeat(1)), Delivery(9, Heartbeat(1))]
    )
    w.run(lambda work: executor.handle(late, work))
    assert (execution(w, number), history(w, number)) == before


def test_an_express_execution_leaves_no_history_and_ends_after_five_minutes() -> None:
    w = world()
    number = start(w, {"W": {"Type": "Wait", "Seconds": 301, "End": True}}, kind="EXPRESS")
    w.advance(timedelta(seconds=300))
    row = execution(w, number)
    assert (row.status, row.stopped) == ("TIMED_OUT", w.now)
    assert history(w, number) == []
    assert due(w) == []


def test_a_machine_timeout_is_taken_back_at_the_end() -> None:
    w = world()
    number = start(w, {"W": {"Type": "Wait", "Seconds": 5, "End": True}}, TimeoutSeconds=9)
    w.advance(timedelta(seconds=5))
    assert execution(w, number).status == "SUCCEEDED"
    assert due(w) == []
