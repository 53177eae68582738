"""Streams of tables into functions: order, retries, bisecting, destinations, windows.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.services.lambda_.conftest import Cloud

from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.services.dynamodb import SERVICES as DYNAMODB


class Feed:
    """A table whose stream feeds the function Project."""

    def __init__(self, directory: Path | None = None) -> None:
        self.cloud = Cloud(*DYNAMODB, directory=directory)
        self.world = self.cloud.world
        self.events: list[Any] = []
        self.answer: Any = None
        self.fails: set[str] = set()
        self.cloud.create("Project", self._handle)
        self.world.call(
            "dynamodb",
            "CreateTable",
            {
                "TableName": "orders",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
                "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            },
        )
        self.world.run_due()
        self.stream = self.world.call("dynamodb", "DescribeTable", {"TableName": "orders"})["Table"]["LatestStreamArn"]

    def map(self, **settings: Any) -> str:
        request = {
            "EventSourceArn": self.stream,
            "FunctionName": "Project",
            "StartingPosition": "TRIM_HORIZON",
            **settings,
        }
        uuid: str = self.cloud.call("CreateEventSourceMapping", **request)["UUID"]
        self.world.run_due()
        return uuid

    def _handle(self, event: Any) -> Any:
        self.events.append(event)
        if self.fails.intersection(keys_of(event)):
            raise ValueError(self.fails)
        return self.answer(event) if callable(self.answer) else self.answer

    def put(self, *ids: str, **attributes: str) -> None:
        for one in ids:
            item = {"id": {"S": one}, **{name: {"S": value} for name, value in attributes.items()}}
            self.world.call("dynamodb", "PutItem", {"TableName": "orders", "Item": item})

    def put_together(self, *ids: str) -> None:
        """In one commit, so that one look finds all."""
        items = [{"Put": {"TableName": "orders", "Item": {"id": {"S": one}}}} for one in ids]
        self.world.call("dynamodb", "TransactWriteItems", {"TransactItems": items})

    def run(self) -> None:
        self.world.run_due()

    @property
    def batches(self) -> list[list[str]]:
        return [keys_of(event) for event in self.events]


def keys_of(event: Any) -> list[str]:
    return [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]


@pytest.fixture
def feed() -> Iterator[Feed]:
    feed = Feed()
    yield feed
    feed.world.close()


def test_a_function_gets_the_records_of_a_stream_in_their_order(feed: Feed) -> None:
    feed.map()
    feed.put_together("a", "b", "c")
    feed.put("a", state="paid")
    feed.run()
    assert [key for batch in feed.batches for key in batch] == ["a", "b", "c", "a"]
    last = feed.events[-1]["Records"][-1]
    assert (last["eventName"], last["eventSource"], last["eventSourceARN"]) == ("MODIFY", "aws:dynamodb", feed.stream)
    assert last["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "state": {"S": "paid"}}
    assert last["dynamodb"]["OldImage"] == {"id": {"S": "a"}}
    assert isinstance(last["dynamodb"]["ApproximateCreationDateTime"], int | float)


def test_the_horizon_is_what_the_stream_keeps_and_latest_what_comes(feed: Feed) -> None:
    feed.put("before")
    feed.map(StartingPosition="LATEST")
    feed.put("after")
    feed.run()
    assert feed.batches == [["after"]]
    feed.cloud.create("Other", feed.events.append)
    feed.map(FunctionName="Other")
    assert feed.batches[1:] == [["before", "after"]]


def test_batches_have_at_most_their_size(feed: Feed) -> None:
    feed.put_together("a", "b", "c", "d", "e")
    feed.map(BatchSize=2)
    assert feed.batches == [["a", "b"], ["c", "d"], ["e"]]


def test_a_window_gathers_until_it_ends_or_the_batch_is_full(feed: Feed) -> None:
    feed.map(BatchSize=3, MaximumBatchingWindowInSeconds=10)
    feed.put("a")
    feed.run()
    feed.world.advance(timedelta(seconds=9))
    assert feed.batches == []
    feed.world.advance(timedelta(seconds=1))
    assert feed.batches == [["a"]]
    feed.put("b", "c", "d")
    feed.run()
    assert feed.batches[1:] == [["b", "c", "d"]]


def test_a_failed_batch_holds_up_what_comes_after_it(feed: Feed) -> None:
    feed.map()
    feed.fails = {"a"}
    feed.put("a")
    feed.run()
    feed.put("b")
    feed.run()
    assert feed.batches == [["a"]]
    feed.fails = set()
    feed.world.advance(timedelta(seconds=1))
    assert feed.batches == [["a"], ["a"], ["b"]]


def test_records_that_were_tried_too_often_go_to_the_destination(feed: Feed) -> None:
    queue = feed.cloud.queue("failures")
    feed.map(MaximumRetryAttempts=2, DestinationConfig={"OnFailure": {"Destination": queue}})
    feed.fails = {"a"}
    feed.put("a")
    feed.world.advance(timedelta(seconds=30))
    assert feed.batches == [["a"]] * 3
    (message,) = feed.cloud.received("failures")
    record: Any = loads(message["Body"])
    number = feed.events[0]["Records"][0]["dynamodb"]["SequenceNumber"]
    context = record["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetryAttemptsExhausted", 3)
    assert context["functionArn"] == "arn:aws:lambda:us-east-1:000000000000:function:Project"
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    batch = record["DDBStreamBatchInfo"]
    assert (batch["startSequenceNumber"], batch["endSequenceNumber"], batch["batchSize"]) == (number, number, 1)
    assert batch["streamArn"] == feed.stream
    feed.put("b")
    feed.run()
    assert feed.batches[-1] == ["b"]


def test_a_batch_is_cut_in_two_until_the_bad_record_is_alone(feed: Feed) -> None:
    queue = feed.cloud.queue("failures")
    feed.put_together("a", "b", "bad", "d")
    feed.fails = {"bad"}
    feed.map(
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    feed.world.advance(timedelta(seconds=60))
    assert feed.batches == [["a", "b", "bad", "d"], ["a", "b"], ["bad", "d"], ["bad"], ["d"]]
    assert feed.cloud.depth("failures") == 1


def test_a_report_moves_the_lane_to_its_first_failed_record(feed: Feed) -> None:
    feed.put_together("a", "b", "c")
    seen = []

    def report(event: Any) -> Any:
        seen.append(keys_of(event))
        if len(seen) > 1:
            return {"batchItemFailures": []}
        second = event["Records"][1]["dynamodb"]["SequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": second}]}

    feed.answer = report
    feed.map(FunctionResponseTypes=["ReportBatchItemFailures"])
    feed.world.advance(timedelta(seconds=5))
    assert seen == [["a", "b", "c"], ["b", "c"]]


BROKEN = [123, "", None]


@pytest.mark.parametrize("identifier", BROKEN)
def test_a_report_that_is_none_fails_the_batch(feed: Feed, identifier: Any) -> None:
    feed.put("a")
    feed.answer = {"batchItemFailures": [{"itemIdentifier": identifier}]}
    feed.map(FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1)
    feed.world.advance(timedelta(seconds=5))
    assert feed.batches == [["a"], ["a"]]


@pytest.mark.parametrize("answer", [None, {}, [], {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_an_empty_report_is_a_success(feed: Feed, answer: Any) -> None:
    feed.put("a")
    feed.answer = answer
    feed.map(FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1)
    feed.world.advance(timedelta(seconds=5))
    assert feed.batches == [["a"]]


def test_records_that_are_too_old_are_given_up(feed: Feed) -> None:
    queue = feed.cloud.queue("failures")
    uuid = feed.map(
        Enabled=False, MaximumRecordAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    feed.put("old")
    feed.world.advance(timedelta(seconds=61))
    feed.put("new")
    feed.cloud.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    feed.run()
    assert feed.batches == [["new"]]
    (message,) = feed.cloud.received("failures")
    record: Any = loads(message["Body"])
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"


def test_what_no_filter_wants_is_passed_over(feed: Feed) -> None:
    feed.map(FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["REMOVE"]}'}]})
    feed.put("a")
    feed.world.call("dynamodb", "DeleteItem", {"TableName": "orders", "Key": {"id": {"S": "a"}}})
    feed.run()
    assert [record["eventName"] for event in feed.events for record in event["Records"]] == ["REMOVE"]


def test_changes_of_one_item_stay_in_order_over_several_lanes(feed: Feed) -> None:
    feed.map(Enabled=False, ParallelizationFactor=4, BatchSize=3)
    (uuid,) = [one["UUID"] for one in feed.cloud.call("ListEventSourceMappings")["EventSourceMappings"]]
    for step in range(5):
        feed.put(*"abcdefgh", step=str(step))
    feed.cloud.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True)
    feed.run()
    seen: dict[str, list[str]] = {}
    for event in feed.events:
        for record in event["Records"]:
            image = record["dynamodb"]["NewImage"]
            seen.setdefault(image["id"]["S"], []).append(image["step"]["S"])
    assert seen == {key: list("01234") for key in "abcdefgh"}


def test_a_tumbling_window_carries_its_state_and_ends_with_a_call_of_its_own(feed: Feed) -> None:
    feed.answer = lambda event: {"state": {"count": event["state"].get("count", 0) + len(event["Records"])}}
    feed.map(TumblingWindowInSeconds=60)
    feed.put("a", "b")
    feed.run()
    feed.world.advance(timedelta(seconds=30))
    feed.put("c")
    feed.run()
    feed.world.advance(timedelta(seconds=30))
    last = feed.events[-1]
    assert (last["isFinalInvokeForWindow"], last["Records"], last["state"]) == (True, [], {"count": 3})
    assert last["window"] == {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"}
    feed.put("d")
    feed.run()
    assert feed.events[-1]["state"] == {}
    assert feed.events[-1]["window"]["start"] == "2026-01-01T00:01:00Z"


def test_throttles_do_not_count_as_attempts(feed: Feed) -> None:
    def refuse(_event: Any) -> Any:
        if len(feed.events) < 4:
            raise InterruptedError("TooManyRequestsException")

    feed.answer = refuse
    feed.map(MaximumRetryAttempts=0)
    feed.put("a")
    feed.world.advance(timedelta(seconds=30))
    assert feed.batches == [["a"]] * 4


def test_a_mapping_that_was_stopped_goes_on_where_it_was(feed: Feed) -> None:
    uuid = feed.map()
    feed.put("a")
    feed.run()
    assert feed.cloud.call("UpdateEventSourceMapping", UUID=uuid, Enabled=False)["State"] == "Disabling"
    feed.put("b")
    feed.run()
    assert feed.batches == [["a"]]
    assert feed.cloud.call("UpdateEventSourceMapping", UUID=uuid, Enabled=True)["State"] == "Enabling"
    feed.run()
    assert feed.batches == [["a"], ["b"]]
    assert feed.cloud.call("DeleteEventSourceMapping", UUID=uuid)["State"] == "Deleting"
    feed.put("c")
    feed.run()
    assert len(feed.batches) == 2


def test_a_crash_repeats_the_call_and_loses_no_record(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.map()
    feed.put("a", "b")
    feed.world.run_due(effects=False)
    feed.world = feed.world.restart()
    feed.run()
    assert [key for batch in feed.batches for key in batch] == ["a", "b"]


# Settings, code, a part of the message.
REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"StartingPosition": None}, "InvalidParameterValueException", "Value null at 'startingPosition'"),
    ({"StartingPosition": "AT_TIMESTAMP"}, "InvalidParameterValueException", "Unsupported starting position for arn type"),
    ({"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s"}, "InvalidParameterValueException",
     "Stream not found: "),
    ({"MaximumRecordAgeInSeconds": 5}, "InvalidParameterValueException", "MaximumRecordAgeInSeconds"),
    ({"TumblingWindowInSeconds": 5, "ParallelizationFactor": 2}, "InvalidParameterValueException", "Tumbling windows"),
    ({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:events:::b"}}}, "InvalidParameterValueException", "invalid"),
    ({"ScalingConfig": {"MaximumConcurrency": 5}}, "InvalidParameterValueException", "ScalingConfig"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "code", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_stream_that_cannot_be_read_so_is_refused(
    feed: Feed, settings: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        feed.map(**settings)
    assert refused.value.code == code
    assert message in refused.value.message


def test_a_second_mapping_of_the_same_pair_is_refused(feed: Feed) -> None:
    uuid = feed.map()
    with pytest.raises(ServiceError) as refused:
        feed.map()
    assert refused.value.code == "ResourceConflictException"
    assert refused.value.message.endswith(f"Please update or delete the existing mapping with UUID {uuid}")
