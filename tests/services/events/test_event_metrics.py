"""What EventBridge counts, under AWS's dimensions.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html (rules of the default bus by RuleName alone,
others by EventBusName and RuleName; some also for the whole account).
"""

from datetime import timedelta
from typing import Any

from tests.services.events.conftest import Bench, arn

from interstate.base.errors import ServiceError
from interstate.store.records.metrics import POINTS_OF_SERIES, SERIES_OF_NAMESPACE

RULE = (("RuleName", "placed"),)
SHOP = (("EventBusName", "shop"), ("RuleName", "placed"))


def counted(bench: Bench) -> dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float, float]]:
    """Sum and sample count of every metric of AWS/Events that is not of PutEvents itself."""

    def read(work: Any) -> Any:
        found = work.select(
            SERIES_OF_NAMESPACE,
            limit=500,
            account="000000000000",
            region="us-east-1",
            namespace="AWS/Events",
            name="",
            after=0,
        )
        told = {}
        for one in found:
            if not one.name.startswith("PutEvents"):
                span = {"since": work.now - timedelta(days=9), "until": work.now + timedelta(days=1)}
                points = work.select(POINTS_OF_SERIES, limit=500, series=one.id, **span)
                told[one.name, one.dimensions] = (sum(p.total for p in points), sum(p.samples for p in points))
        return told

    found: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float, float]] = bench.world.run(read)
    return found


def test_an_event_that_arrives(bench: Bench) -> None:
    bench.rule("placed", bench.queue("q"), bench.queue("r"))
    bench.rule("second", bench.queue("s"))
    bench.put()
    found = counted(bench)
    sums = {name: value for (name, dimensions), (value, _) in found.items() if dimensions == RULE}
    assert sums == {
        "MatchedEvents": 1,
        "TriggeredRules": 1,
        "InvocationAttempts": 2,
        "SuccessfulInvocationAttempts": 2,
        "Invocations": 2,
        "IngestionToInvocationStartLatency": 0,
        "IngestionToInvocationCompleteLatency": 0,
    }
    assert found["IngestionToInvocationStartLatency", RULE][1] == 2


def test_events_that_travel_together_are_measured_one_by_one(bench: Bench) -> None:
    bench.rule("placed", bench.queue("q"))
    bench("PutEvents", Entries=[{"Source": "shop", "DetailType": "d", "Detail": "{}"}] * 10)
    bench.world.run_due()
    found = counted(bench)
    assert found["Invocations", RULE][0] == 10
    assert found["IngestionToInvocationStartLatency", RULE] == (0, 10)
    assert found["IngestionToInvocationCompleteLatency", ()] == (0, 10)


def test_the_whole_account_is_counted_beside_its_rules(bench: Bench) -> None:
    bench.rule("placed", bench.queue("q"), bench.queue("r"))
    bench.rule("second", bench.queue("s"))
    bench("CreateEventBus", Name="shop")
    bench.rule("placed", bench.queue("t"), bus="shop")
    bench.put()
    bench.put(EventBusName="shop")
    found = counted(bench)
    assert {name: value for (name, dimensions), (value, _) in found.items() if not dimensions} == {
        "MatchedEvents": 2,  # Events, whatever the number of rules that they matched.
        "TriggeredRules": 3,
        "InvocationsCreated": 4,
        "InvocationAttempts": 4,
        "SuccessfulInvocationAttempts": 4,
        "Invocations": 4,
        "IngestionToInvocationStartLatency": 0,
        "IngestionToInvocationCompleteLatency": 0,
    }
    assert found["Invocations", SHOP] == (1, 1)
    assert not [dimensions for _, dimensions in found if dimensions == (("EventBusName", "shop"),)]


def test_an_event_that_is_retried_until_it_arrives(bench: Bench) -> None:
    bench.rule("placed", arn("lambda", "function:f"))
    bench.others.error = ServiceError("later", code="ServiceUnavailable", status=503)
    bench.put()
    bench.advance(seconds=2)
    bench.others.error = None
    bench.advance(minutes=5)
    found = {name: value for (name, dimensions), (value, _) in counted(bench).items() if dimensions == RULE}
    assert found["InvocationAttempts"] == found["RetryInvocationAttempts"] + 1 >= 3
    assert found["SuccessfulInvocationAttempts"] == found["Invocations"] == 1
    assert found["IngestionToInvocationStartLatency"] == 0
    assert found["IngestionToInvocationCompleteLatency"] >= 1_000
    assert "FailedInvocations" not in found


def test_an_event_that_fails_for_good(bench: Bench) -> None:
    bench.rule("placed", {"Arn": arn("sqs", "none"), "DeadLetterConfig": {"Arn": bench.queue("dead")}})
    bench.put()
    found = counted(bench)
    assert {name: value for (name, dimensions), (value, _) in found.items() if dimensions == RULE} == {
        "MatchedEvents": 1,
        "TriggeredRules": 1,
        "InvocationAttempts": 1,
        "IngestionToInvocationStartLatency": 0,
        "Invocations": 1,
        "FailedInvocations": 1,
        "InvocationsSentToDlq": 1,
    }
    assert ("FailedInvocations", ()) not in found
    bench.world.call("sqs", "DeleteQueue", {"QueueUrl": "http://localhost/000000000000/dead"})
    bench.put()
    assert counted(bench)["InvocationsFailedToBeSentToDlq", RULE] == (1, 1)


def test_an_event_that_nobody_wants_counts_for_no_rule(bench: Bench) -> None:
    bench.rule("placed", bench.queue("q"))
    bench.put(Source="elsewhere")
    assert counted(bench) == {}
