"""Queues into functions: what arrives, what is deleted, what comes back."""

from datetime import timedelta
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.store.records.lambda_ import BATCHES_IN_HAND, MAPPED_QUEUES

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:Ship"


class Line:
    """A queue that feeds the function Ship."""

    def __init__(self, cloud: Any, **settings: Any) -> None:
        self.cloud = cloud
        self.world = cloud.world
        self.batches: list[list[str]] = []
        self.answer: Any = None
        self.fails = False
        self.queue = cloud.queue("orders", VisibilityTimeout="30")
        cloud.create("Ship", self._handle)
        mapping = cloud.call("CreateEventSourceMapping", EventSourceArn=self.queue, FunctionName="Ship", **settings)
        self.uuid = mapping["UUID"]

    def _handle(self, event: Any) -> Any:
        self.batches.append([record["body"] for record in event["Records"]])
        if self.fails:
            raise ValueError
        return self.answer(event) if callable(self.answer) else self.answer

    def send(self, *bodies: str) -> None:
        self.cloud.send("orders", *bodies)

    def run(self) -> None:
        self.world.run_due()

    @property
    def left(self) -> int:
        depth: int = self.cloud.depth("orders")
        return depth


def test_what_a_function_has_handled_is_deleted(cloud: Any) -> None:
    line = Line(cloud)
    line.send("a")
    line.run()
    assert line.batches == [["a"]]
    assert line.left == 0
    assert line.world.run(lambda work: work.scalar(BATCHES_IN_HAND, mapping=line.uuid)) == 0


def test_a_record_has_the_published_shape(cloud: Any) -> None:
    line = Line(cloud)
    attributes = {"kind": {"DataType": "String", "StringValue": "card"}}
    request = {"QueueUrl": "http://localhost/000000000000/orders", "MessageBody": "b", "MessageAttributes": attributes}
    line.world.call("sqs", "SendMessage", request)
    line.run()
    event: Any = loads(cloud.calls[0].payload)
    (record,) = event["Records"]
    # Source: Lambda Developer Guide, "Example Amazon SQS message event (standard queue)".
    assert set(record) == {
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfMessageAttributes", "md5OfBody", "eventSource",
        "eventSourceARN", "awsRegion",
    }  # fmt: skip
    assert record["attributes"] == {
        "SenderId": "000000000000",
        "SentTimestamp": "1767225600000",
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": "1767225600000",
    }
    assert record["messageAttributes"] == {
        "kind": {"stringValue": "card", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
    }
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == (
        "aws:sqs",
        line.queue,
        "us-east-1",
    )


def test_what_lay_there_before_the_mapping_is_taken_in_batches(cloud: Any) -> None:
    line = Line(cloud, Enabled=False, BatchSize=4)
    line.send(*"abcdefghij")
    line.run()
    assert line.batches == []
    cloud.call("UpdateEventSourceMapping", UUID=line.uuid, Enabled=True)
    line.run()
    assert line.batches == [list("abcd"), list("efgh"), list("ij")]
    assert line.left == 0


def test_a_mapping_has_so_many_batches_at_once_and_takes_the_rest_later(cloud: Any) -> None:
    line = Line(cloud, Enabled=False, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    line.send(*"abcde")
    cloud.call("UpdateEventSourceMapping", UUID=line.uuid, Enabled=True)
    line.world.run_due(effects=False)
    assert line.world.run(lambda work: work.scalar(BATCHES_IN_HAND, mapping=line.uuid)) == 2
    line.run()
    assert sorted(body for batch in line.batches for body in batch) == list("abcde")
    assert line.left == 0


def test_a_failed_batch_comes_back_after_its_visibility_timeout(cloud: Any) -> None:
    line = Line(cloud)
    line.fails = True
    line.send("a")
    line.run()
    line.world.advance(timedelta(seconds=29))
    assert (line.batches, line.left) == ([["a"]], 1)
    line.fails = False
    line.world.advance(timedelta(seconds=1))
    assert (line.batches, line.left) == ([["a"], ["a"]], 0)


def test_failures_count_towards_the_queues_redrive_policy(cloud: Any) -> None:
    line = Line(cloud)
    dead = cloud.queue("dead")
    policy = {"RedrivePolicy": dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})}
    line.world.call(
        "sqs", "SetQueueAttributes", {"QueueUrl": "http://localhost/000000000000/orders", "Attributes": policy}
    )
    line.fails = True
    line.send("a")
    line.world.run_until_idle()
    assert len(line.batches) == 3
    assert [message["Body"] for message in cloud.received("dead")] == ["a"]
    assert line.left == 0


def ids(event: Any, *bodies: str) -> list[dict[str, str]]:
    return [{"itemIdentifier": record["messageId"]} for record in event["Records"] if record["body"] in bodies]


# What the function answers, and how many of three messages are left. Source: Lambda Developer Guide, "Success and
# failure conditions" of batch item failures.
REPORTS: list[tuple[Any, int]] = [
    (None, 0),
    ({}, 0),
    ({"batchItemFailures": []}, 0),
    ({"batchItemFailures": None}, 0),
    (lambda event: {"batchItemFailures": ids(event, "b")}, 1),
    (lambda event: {"batchItemFailures": ids(event, "a", "b", "c")}, 3),
    ({"batchItemFailures": [{"itemIdentifier": ""}]}, 3),
    ({"batchItemFailures": [{"itemIdentifier": None}]}, 3),
    ({"batchItemFailures": [{"wrong": "key"}]}, 3),
    ({"batchItemFailures": [{"itemIdentifier": "of-no-message"}]}, 3),
    ("no report", 3),
]


@pytest.mark.parametrize(("answer", "left"), REPORTS, ids=range(len(REPORTS)))
def test_a_report_says_what_has_failed(cloud: Any, answer: Any, left: int) -> None:
    line = Line(cloud, Enabled=False, FunctionResponseTypes=["ReportBatchItemFailures"])
    line.send("a", "b", "c")
    line.answer = answer
    cloud.call("UpdateEventSourceMapping", UUID=line.uuid, Enabled=True)
    line.run()
    assert (line.batches, line.left) == ([["a", "b", "c"]], left)


def test_without_a_report_whatever_is_answered_is_success(cloud: Any) -> None:
    line = Line(cloud)
    line.answer = {"batchItemFailures": [{"itemIdentifier": "x"}]}
    line.send("a")
    line.run()
    assert line.left == 0


def test_a_window_gathers_until_it_ends(cloud: Any) -> None:
    line = Line(cloud, BatchSize=10, MaximumBatchingWindowInSeconds=5)
    line.send("a")
    line.world.advance(timedelta(seconds=3))
    line.send("b")
    line.world.advance(timedelta(seconds=1))
    assert line.batches == []
    line.world.advance(timedelta(seconds=1))
    assert line.batches == [["a", "b"]]
    line.send("c")
    line.world.advance(timedelta(seconds=4))
    assert len(line.batches) == 1, "a new window has begun"
    line.world.advance(timedelta(seconds=1))
    assert line.batches[1:] == [["c"]]


def test_a_full_batch_does_not_wait_for_its_window(cloud: Any) -> None:
    line = Line(cloud, BatchSize=2, MaximumBatchingWindowInSeconds=300)
    line.send("a", "b")
    line.run()
    assert line.batches == [["a", "b"]]


def test_what_the_filters_do_not_want_is_deleted_unseen(cloud: Any) -> None:
    filters = {"Filters": [{"Pattern": '{"body": {"kind": ["card"]}}'}]}
    line = Line(cloud, FilterCriteria=filters)
    line.send('{"kind": "card"}', '{"kind": "invoice"}', "no json")
    line.run()
    assert line.batches == [['{"kind": "card"}']]
    assert line.left == 0


def test_a_message_that_another_receiver_has_taken_meanwhile_is_not_deleted(cloud: Any) -> None:
    line = Line(cloud)

    def slow(_event: Any) -> Any:
        line.world.now += timedelta(seconds=31)
        assert [message["Body"] for message in cloud.received("orders")] == ["a"]

    line.answer = slow
    line.send("a")
    line.run()
    assert line.left == 1


def test_a_deleted_mapping_takes_nothing_more(cloud: Any) -> None:
    line = Line(cloud)
    assert cloud.call("DeleteEventSourceMapping", UUID=line.uuid)["State"] == "Deleting"
    line.send("a")
    line.world.run_until_idle()
    assert (line.batches, line.left) == ([], 1)
    assert line.world.run(lambda work: work.get(MAPPED_QUEUES, line.queue)) is None
    with pytest.raises(ServiceError) as refused:
        cloud.call("GetEventSourceMapping", UUID=line.uuid)
    assert refused.value.code == "ResourceNotFoundException"


def test_mappings_are_listed_by_queue_and_by_function(cloud: Any) -> None:
    line = Line(cloud)
    cloud.create("Other", lambda _event: None)
    other = cloud.call("CreateEventSourceMapping", EventSourceArn=line.queue, FunctionName="Other")["UUID"]

    def listed(**parameters: Any) -> set[str]:
        return {one["UUID"] for one in cloud.call("ListEventSourceMappings", **parameters)["EventSourceMappings"]}

    assert listed() == {line.uuid, other}
    assert listed(EventSourceArn=line.queue) == {line.uuid, other}
    assert listed(FunctionName="Other") == {other}


# Parameters, code, a part of the message.
REFUSALS = [
    ({"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s"}, "InvalidParameterValueException", "startingPosition"),
    ({"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "StartingPosition": "LATEST"},
     "InvalidParameterValueException", "Stream not found: arn:aws:kinesis"),
    ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:nowhere"}, "InvalidParameterValueException", "does not exist"),
    ({"FunctionName": "Nobody"}, "InvalidParameterValueException", "Function does not exist"),
    ({"FunctionName": "Ship"}, "ResourceConflictException", "already exists"),
    ({"FunctionName": "Slow"}, "InvalidParameterValueException",
     "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds"),
    ({"BatchSize": 11}, "InvalidParameterValueException", "Maximum batch window in seconds must be greater than 0"),
    ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": "x"}'}]}}, "InvalidParameterValueException", "filter pattern"),
    ({"MaximumRetryAttempts": 3}, "InvalidParameterValueException", "Unsupported MaximumRetryAttempts parameter"),
    ({"StartingPosition": "LATEST"}, "InvalidParameterValueException", "Unsupported StartingPosition parameter"),
    ({"Topics": ["t"]}, "InvalidParameterValueException", "Unsupported Topics parameter"),
    ({"EventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/c/1", "Topics": ["t"], "StartingPosition": "LATEST"},
     "InvalidParameterValueException", "Cluster not found: arn:aws:kafka"),
    ({"EventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:b:b-1", "Queues": ["q"]},
     "InvalidParameterValueException", "Broker not found: arn:aws:mq"),
    ({"EventSourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:c"},
     "InvalidParameterValueException", "Cluster not found: arn:aws:rds"),
    ({"ProvisionedPollerConfig": {"MinimumPollers": 1}}, "InvalidParameterValueException", "MinimumPollers must be between 2"),
    ({"ProvisionedPollerConfig": {"MinimumPollers": 9, "MaximumPollers": 8}}, "InvalidParameterValueException",
     "MinimumPollers must be less than"),
    ({"ProvisionedPollerConfig": {"MinimumPollers": 2}, "ScalingConfig": {"MaximumConcurrency": 5}},
     "InvalidParameterValueException", "cannot both be specified"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "code", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_mapping_that_cannot_be_is_refused(cloud: Any, parameters: dict[str, Any], code: str, message: str) -> None:
    line = Line(cloud)
    cloud.create("Slow", Timeout=31)
    cloud.create("Other")
    with pytest.raises(ServiceError) as refused:
        cloud.call("CreateEventSourceMapping", **{"EventSourceArn": line.queue, "FunctionName": "Other", **parameters})
    assert refused.value.code == code
    assert message in refused.value.message


def test_large_messages_are_split_over_payloads(cloud: Any) -> None:
    line = Line(cloud, Enabled=False)
    line.send(*["x" * 1_000_000] * 8)
    cloud.call("UpdateEventSourceMapping", UUID=line.uuid, Enabled=True)
    line.run()
    assert [len(batch) for batch in line.batches] == [6, 2]
    assert all(len(call.payload) <= 6 * 1024 * 1024 for call in cloud.calls)


def test_provisioned_pollers_are_shown_changed_and_taken_away(cloud: Any) -> None:
    """Source: Lambda Developer Guide, services-sqs-parameters (ProvisionedPollerConfig)."""
    line = Line(cloud, ProvisionedPollerConfig={"MinimumPollers": 3})

    def shown() -> Any:
        return cloud.call("GetEventSourceMapping", UUID=line.uuid).get("ProvisionedPollerConfig")

    assert shown() == {"MinimumPollers": 3, "MaximumPollers": 200}
    change = {"MinimumPollers": 2, "MaximumPollers": 4}
    cloud.call("UpdateEventSourceMapping", UUID=line.uuid, ProvisionedPollerConfig=change)
    assert shown() == change
    cloud.call("UpdateEventSourceMapping", UUID=line.uuid, ProvisionedPollerConfig={})
    assert shown() is None


def test_provisioned_pollers_may_have_ten_batches_each_at_once(cloud: Any) -> None:
    line = Line(cloud, BatchSize=1, ProvisionedPollerConfig={"MinimumPollers": 2, "MaximumPollers": 2})
    line.send(*map(str, range(30)))
    for _ in range(3):
        line.world.run_due(effects=False)
    batches = line.world.run(lambda work: work.scalar(BATCHES_IN_HAND, mapping=line.uuid))
    assert batches == 20
    line.run()
    assert line.left == 0


def test_a_key_for_filters_is_shown(cloud: Any) -> None:
    key = "arn:aws:kms:us-east-1:000000000000:key/k"
    line = Line(cloud, KMSKeyArn=key, FilterCriteria={"Filters": [{"Pattern": '{"body": ["a"]}'}]})
    assert cloud.call("GetEventSourceMapping", UUID=line.uuid)["KMSKeyArn"] == key


def test_a_mapping_cannot_be_moved_to_a_function_that_the_queue_feeds_already(cloud: Any) -> None:
    line = Line(cloud)
    cloud.create("Other", lambda _event: None)
    other = cloud.call("CreateEventSourceMapping", EventSourceArn=line.queue, FunctionName="Other")["UUID"]
    with pytest.raises(ServiceError) as refused:
        cloud.call("UpdateEventSourceMapping", UUID=other, FunctionName="Ship")
    assert (refused.value.code, line.uuid in refused.value.message) == ("ResourceConflictException", True)
    assert cloud.call("UpdateEventSourceMapping", UUID=other, FunctionName="Other")["UUID"] == other
