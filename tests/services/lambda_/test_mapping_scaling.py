"""Queues into functions: how many batches at once, groups in order, and the end of the process in each phase.

Sources: Lambda Developer Guide, "Configuring scaling behavior for SQS event source mappings", "Handling errors for an SQS event
source in Lambda"; SQS Developer Guide, "FIFO queue delivery logic".
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import Crash
from interstate.store.records.lambda_ import BATCHES_IN_HAND, PACES, InvocationResult

SECOND = timedelta(seconds=1)


def mapped(cloud: Any, handler: Any = lambda _event: None, queue: str = "orders", **settings: Any) -> str:
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if queue.endswith(".fifo") else {}
    arn = cloud.queue(queue, VisibilityTimeout="30", **fifo)
    cloud.create("Ship", handler)
    uuid: str = cloud.call("CreateEventSourceMapping", EventSourceArn=arn, FunctionName="Ship", **settings)["UUID"]
    return uuid


def in_hand(cloud: Any, uuid: str) -> int:
    count: int = cloud.world.run(lambda work: work.scalar(BATCHES_IN_HAND, mapping=uuid))
    return count


def level(cloud: Any, uuid: str) -> int:
    pace = cloud.world.run(lambda work: work.get(PACES, uuid))
    return 5 if pace is None else int(pace.level)


def tick(cloud: Any) -> None:
    """A second in which no function answers."""
    cloud.world.now += SECOND
    cloud.world.run_due(effects=False)


def read(text: Any) -> Any:
    return loads(text)


def calls_due(cloud: Any) -> list[Any]:
    return [row for row in cloud.world._due_rows(effects=True) if row.kind == "lambda.invoke"]


def put(cloud: Any, group: str, *bodies: str) -> None:
    for body in bodies:
        request = {"QueueUrl": "http://localhost/000000000000/q.fifo", "MessageBody": body, "MessageGroupId": group}
        cloud.world.call("sqs", "SendMessage", request)


def test_it_starts_with_five_batches_and_adds_five_a_second(cloud: Any) -> None:
    uuid = mapped(cloud, BatchSize=1)
    cloud.send("orders", *map(str, range(40)))
    cloud.world.run_due(effects=False)
    seen = [in_hand(cloud, uuid)]
    for _ in range(3):
        tick(cloud)
        seen.append(in_hand(cloud, uuid))
    assert seen == [5, 10, 15, 20]
    cloud.world.run_due()
    assert cloud.depth("orders") == 0
    assert level(cloud, uuid) == 5, "nothing waits any more"
    cloud.world.advance(31 * SECOND)
    assert cloud.world.next_due() is None, "an idle mapping looks at nothing"


def test_the_maximum_concurrency_is_never_exceeded(cloud: Any) -> None:
    uuid = mapped(cloud, BatchSize=1, ScalingConfig={"MaximumConcurrency": 7})
    cloud.send("orders", *map(str, range(40)))
    cloud.world.run_due(effects=False)
    for _ in range(5):
        tick(cloud)
    assert in_hand(cloud, uuid) == 7


def test_errors_scale_down(cloud: Any) -> None:
    def fail(_event: Any) -> None:
        raise ValueError

    uuid = mapped(cloud, fail, BatchSize=1)
    cloud.send("orders", "a", "b")
    cloud.world.run_due()
    assert level(cloud, uuid) == 3
    cloud.send("orders", "c", "d", "e")
    cloud.world.run_due()
    assert level(cloud, uuid) == 2, "never below two"


def test_calls_that_wait_in_line_for_a_worker_stop_the_growth(cloud: Any) -> None:
    def late(_key: str, _body: Any) -> InvocationResult:
        cloud.world.now += 3 * SECOND
        return InvocationResult("null", duration_ms=10.0)

    uuid = mapped(cloud, BatchSize=1)
    cloud.send("orders", *map(str, range(30)))
    cloud.world.run_due(effects=False)
    for _ in range(2):
        tick(cloud)
    cloud.world.performers["lambda.invoke"] = late
    before = level(cloud, uuid)
    cloud.world._do(calls_due(cloud)[0])
    assert (before, level(cloud, uuid)) == (15, 14)


def test_a_throttled_batch_is_tried_again_without_being_received_again(cloud: Any) -> None:
    refused = 3

    def sometimes(_event: Any) -> None:
        nonlocal refused
        if refused:
            refused -= 1
            raise InterruptedError("TooManyRequestsException")

    uuid = mapped(cloud, sometimes)
    cloud.send("orders", "a")
    cloud.world.run_due()
    assert in_hand(cloud, uuid) == 1
    cloud.world.advance(7 * SECOND)
    assert len(cloud.calls) == 4, "after one, two and four seconds"
    assert {call.request_id for call in cloud.calls} == {cloud.calls[0].request_id}
    assert (cloud.depth("orders"), in_hand(cloud, uuid)) == (0, 0)


def test_a_batch_that_stays_throttled_is_let_go_when_its_visibility_ends(cloud: Any) -> None:
    def refuse(_event: Any) -> None:
        raise InterruptedError("TooManyRequestsException")

    uuid = mapped(cloud, refuse)
    dead = cloud.queue("dead")
    policy = {"RedrivePolicy": dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2})}
    url = "http://localhost/000000000000/orders"
    cloud.world.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": policy})
    cloud.send("orders", "a")
    cloud.world.run_until_idle()
    assert [message["Body"] for message in cloud.received("dead")] == ["a"]
    assert (cloud.depth("orders"), in_hand(cloud, uuid)) == (0, 0)


def test_dead_letters_in_front_do_not_hide_what_is_behind_them(cloud: Any) -> None:
    seen: list[str] = []
    uuid = mapped(cloud, lambda event: seen.extend(record["body"] for record in event["Records"]), Enabled=False)
    dead = cloud.queue("dead")
    url = "http://localhost/000000000000/orders"
    cloud.send("orders", *["bad"] * 300)
    for _ in range(30):
        cloud.world.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 5})
    policy = {"RedrivePolicy": dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1})}
    cloud.world.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": policy})
    cloud.world.advance(6 * SECOND)
    cloud.send("orders", "good")
    cloud.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    cloud.world.run_due()
    assert seen == ["good"]
    assert cloud.depth("dead") == 300


# FIFO ---------------------------------------------------------------------------------------------------------------


def test_a_group_has_one_batch_in_flight_and_groups_go_side_by_side(cloud: Any) -> None:
    uuid = mapped(cloud, queue="q.fifo", BatchSize=2, Enabled=False)
    put(cloud, "a", *"123456")
    put(cloud, "b", *"xyz")
    cloud.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    cloud.world.run_due(effects=False)
    rows = [read(row.body) for row in calls_due(cloud)]
    bodies = [[record["body"] for record in read(row["payload"])["Records"]] for row in rows]
    assert bodies == [["1", "2"], ["x", "y"]]
    cloud.world.run_due()
    seen = [record["body"] for call in cloud.calls for record in read(call.payload)["Records"]]
    assert [body for body in seen if body in "123456"] == list("123456")
    assert [body for body in seen if body in "xyz"] == list("xyz")
    assert cloud.depth("q.fifo") == 0


def test_a_failed_batch_holds_back_its_group_only(cloud: Any) -> None:
    seen: list[str] = []

    def handle(event: Any) -> None:
        bodies = [record["body"] for record in event["Records"]]
        seen.extend(bodies)
        if "bad" in bodies and seen.count("bad") == 1:
            raise ValueError

    mapped(cloud, handle, queue="q.fifo", BatchSize=1)
    put(cloud, "a", "bad", "after")
    put(cloud, "b", "other")
    cloud.world.run_due()
    assert sorted(seen) == ["bad", "other"]
    cloud.world.advance(31 * SECOND)
    assert [body for body in seen if body != "other"] == ["bad", "bad", "after"]


def test_a_reported_failure_stops_its_group_until_it_is_visible_again(cloud: Any) -> None:
    batches: list[list[str]] = []

    def handle(event: Any) -> Any:
        batches.append([record["body"] for record in event["Records"]])
        failed = [record for record in event["Records"] if record["body"] in ("2", "3") and len(batches) == 1]
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}

    uuid = mapped(
        cloud, handle, queue="q.fifo", BatchSize=3, FunctionResponseTypes=["ReportBatchItemFailures"], Enabled=False
    )
    put(cloud, "a", *"1234")
    cloud.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    cloud.world.run_due()
    assert batches == [["1", "2", "3"]]
    cloud.world.advance(31 * SECOND)
    assert batches[1:] == [["2", "3", "4"]]


def test_large_messages_of_a_group_are_split_over_payloads(cloud: Any) -> None:
    uuid = mapped(cloud, queue="q.fifo", Enabled=False)
    put(cloud, "a", *[f"{number}" * 1_000_000 for number in range(8)])
    cloud.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    cloud.world.run_due()
    assert [len(read(call.payload)["Records"]) for call in cloud.calls] == [6, 2]


def test_a_fifo_queue_takes_no_batching_window(cloud: Any) -> None:
    with pytest.raises(ServiceError) as refused:
        mapped(cloud, queue="q.fifo", MaximumBatchingWindowInSeconds=5)
    assert refused.value.message == "Batching window is not supported for FIFO queues"


# The end of the process ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["orders", "q.fifo"])
def test_no_message_is_lost_whenever_the_process_ends(make_cloud: Any, tmp_path: Path, name: str) -> None:
    """Whichever commit the process dies before: each message is handled, and one that was deleted does not come again."""
    after = 1
    while True:
        cloud = make_cloud(tmp_path / str(after))
        handled: list[str] = []
        failing = {"c"}

        def handle(event: Any, handled: list[str] = handled, failing: set[str] = failing) -> None:
            bodies = [record["body"] for record in event["Records"]]
            if failing & set(bodies):
                failing.clear()
                raise ValueError
            handled += bodies

        mapped(cloud, handle, queue=name, BatchSize=2)
        world = cloud.world
        world.crash_before_commit = world.commits + after
        sent = []
        crashed = False
        try:
            for body in "abcdef":
                request = {"QueueUrl": f"http://localhost/000000000000/{name}", "MessageBody": body}
                world.call("sqs", "SendMessage", {**request, **({"MessageGroupId": "g"} if name == "q.fifo" else {})})
                sent.append(body)
                world.run_due()
            world.run_until_idle()
        except Crash:
            crashed = True
        cloud.world = world.restart()
        cloud.world.recover()
        cloud.world.run_until_idle()
        assert set(sent) <= set(handled), after
        assert cloud.depth(name) == 0
        first = [body for number, body in enumerate(handled) if body not in handled[:number]]
        if name == "q.fifo":
            assert first == sorted(first), after
        cloud.world.close()
        if not crashed:
            break
        after += 1
    assert after > 15
