"""What a bus logs, by level and detail, into the log groups that deliveries name.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-logs-schema.html, .../eb-event-bus-logs.html
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.core.events.bus_log import LEVELS, RECORD_BYTES_MAX, Settings, record
from interstate.runtime.testing import World
from interstate.services.events import SERVICE as EVENTS
from interstate.services.events.bus_logs import STREAM
from interstate.services.logs import SERVICE as LOGS
from interstate.services.sqs import SERVICE as SQS

BUS = "arn:aws:events:us-east-1:000000000000:event-bus/shop"
GROUP = "/aws/vendedlogs/events/event-bus/shop"
GROUP_ARN = f"arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}"
GONE = "arn:aws:sqs:us-east-1:000000000000:gone"


class Logged:
    """A bus whose logs of all types go to one group."""

    def __init__(self) -> None:
        self.world = World([EVENTS, SQS, LOGS])
        self("events", "CreateEventBus", Name="shop")
        self("logs", "CreateLogGroup", logGroupName=GROUP)
        to = self(
            "logs",
            "PutDeliveryDestination",
            name="to",
            deliveryDestinationConfiguration={"destinationResourceArn": GROUP_ARN},
        )
        for kind in ("ERROR", "INFO", "TRACE"):
            self("logs", "PutDeliverySource", name=kind, resourceArn=BUS, logType=f"{kind}_LOGS")
            arn = to["deliveryDestination"]["arn"]
            self("logs", "CreateDelivery", deliverySourceName=kind, deliveryDestinationArn=arn)

    def __call__(self, service: str, operation: str, **request: Any) -> Any:
        return self.world.call(service, operation, request)

    def level(self, level: str, detail: str = "NONE") -> None:
        self("events", "UpdateEventBus", Name="shop", LogConfig={"Level": level, "IncludeDetail": detail})

    def rule(self, *targets: dict[str, Any]) -> None:
        self("events", "PutRule", Name="r", EventBusName="shop", EventPattern='{"source":["shop"]}')
        rows = [{"Id": f"t{at}", **target} for at, target in enumerate(targets)]
        self("events", "PutTargets", Rule="r", EventBusName="shop", Targets=rows)

    def queue(self, name: str) -> str:
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": arn}
        policy = dumps({"Version": "2012-10-17", "Statement": [allow]})
        self("sqs", "CreateQueue", QueueName=name, Attributes={"Policy": policy})
        return arn

    def put(self, source: str = "shop", detail: str = '{"n":1}') -> dict[str, Any]:
        entry = {"Source": source, "DetailType": "Placed", "Detail": detail, "EventBusName": "shop"}
        answer: dict[str, Any] = self("events", "PutEvents", Entries=[entry])["Entries"][0]
        self.world.run_due()
        return answer

    def records(self) -> list[dict[str, Any]]:
        if not self("logs", "DescribeLogStreams", logGroupName=GROUP)["logStreams"]:
            return []
        found = self("logs", "GetLogEvents", logGroupName=GROUP, logStreamName=STREAM, startFromHead=True)
        records = [loads(event["message"]) for event in found["events"]]
        assert all(isinstance(one, dict) for one in records)
        return records  # type: ignore[return-value]  # each is an object: asserted

    def kinds(self) -> list[str]:
        return [one["message_type"] for one in self.records()]


@pytest.fixture
def logged() -> Iterator[Logged]:
    logged = Logged()
    yield logged
    logged.world.close()


def test_levels_choose_what_is_logged(logged: Logged) -> None:
    logged.rule({"Arn": logged.queue("q")})
    logged.put()
    logged.level("OFF")
    logged.put()
    logged.level("ERROR")
    logged.put()
    assert logged.kinds() == []
    logged.level("INFO")
    logged.put()
    info = ["EVENT_RECEIPT", "EVENT_INGEST_SUCCESS", "RULE_MATCH", "INVOCATION_SUCCESS"]
    assert logged.kinds() == info
    logged.level("TRACE")
    logged.put()
    assert logged.kinds()[len(info) :] == [
        *("EVENT_RECEIPT", "EVENT_INGEST_SUCCESS", "RULE_MATCH_START", "RULE_MATCH"),
        *("INVOCATION_START", "INVOCATION_ATTEMPT_START", "INVOCATION_ATTEMPT_SUCCESS", "INVOCATION_SUCCESS"),
    ]


def test_a_record_has_aws_members(logged: Logged) -> None:
    queue = logged.queue("q")
    logged.rule({"Arn": queue})
    logged.level("INFO")
    event_id = logged.put()["EventId"]
    receipt, _, match, success = logged.records()
    assert receipt == {
        "resource_arn": BUS,
        "message_timestamp_ms": 1_767_225_600_000,
        "event_bus_name": "shop",
        "request_id": receipt["request_id"],
        "event_id": event_id,
        "message_type": "EVENT_RECEIPT",
        "log_level": "INFO",
        "details": {
            "caller_account_id": "000000000000",
            "source_time_ms": 1_767_225_600_000,
            "source": "shop",
            "detail_type": "Placed",
            "resources": [],
        },
    }
    rule = "arn:aws:events:us-east-1:000000000000:rule/shop/r"
    assert match["details"] == {
        "rule_arn": rule,
        "target_arns": [queue],
        "invocation_ids": [success["invocation_id"]],
    }
    assert success["details"] == {
        "rule_arn": rule,
        "target_arn": queue,
        "total_attempts": 1,
        "final_invocation_status": "SUCCESS",
        "ingestion_to_start_latency_ms": 0,
        "ingestion_to_complete_latency_ms": 0,
        "ingestion_to_success_latency_ms": 0,
    }


def test_full_detail_shows_event_and_input(logged: Logged) -> None:
    logged.rule({"Arn": logged.queue("q"), "InputPath": "$.detail"})
    logged.level("INFO", "FULL")
    logged.put()
    receipt, *_, success = logged.records()
    assert receipt["details"]["event_detail"] == '{"n":1}'
    assert success["details"]["target_input"] == '{"n":1}'
    assert success["details"]["target_response_body"]


def test_errors_are_logged_at_every_level(logged: Logged) -> None:
    dead = logged.queue("dead")
    logged.rule({"Arn": GONE, "DeadLetterConfig": {"Arn": dead}})
    logged.level("ERROR")
    logged.put()
    records = logged.records()
    kinds = ["INVOCATION_ATTEMPT_PERMANENT_FAILURE", "INVOCATION_FAILURE", "INVOCATION_DLQ"]
    assert [one["message_type"] for one in records] == kinds
    assert records[0]["error"] == {"error_message": "The specified queue does not exist.", "aws_service": "sqs"}
    assert records[1]["details"]["final_invocation_status"] == "FAILURE"
    assert records[2]["details"]["final_invocation_status"] == "SENT_TO_DLQ"
    assert {one["log_level"] for one in records} == {"ERROR"}


def test_attempts_are_told_by_kind(logged: Logged) -> None:
    logged.rule({"Arn": logged.queue("q"), "RetryPolicy": {"MaximumRetryAttempts": 1}})
    logged.level("ERROR")
    logged.world.catalog.faults.add({"target": "sqs:*", "error": "RequestThrottled"})
    logged.put()
    logged.world.advance(timedelta(minutes=5))
    attempts = [one for one in logged.records() if "ATTEMPT" in one["message_type"]]
    assert [one["message_type"] for one in attempts] == ["INVOCATION_ATTEMPT_THROTTLE"] * 2
    assert [one["details"]["attempt_type"] for one in attempts] == ["FIRST", "RETRY"]
    assert [one["details"]["attempt_count"] for one in attempts] == [1, 2]


def test_what_is_not_taken_and_what_no_rule_wants_is_logged(logged: Logged) -> None:
    logged.level("INFO")
    logged.put(detail="?")
    logged.put(source="else")
    assert logged.kinds() == [
        "EVENT_INGEST_FAILURE",
        "EVENT_RECEIPT",
        "EVENT_INGEST_SUCCESS",
        "NO_STANDARD_RULES_MATCHED",
    ]
    assert logged.records()[0]["error"]["error_message"] == "Detail is malformed."


def test_a_delivery_chooses_types_and_fields_and_ends(logged: Logged) -> None:
    for delivery in logged("logs", "DescribeDeliveries")["deliveries"]:
        logged("logs", "DeleteDelivery", id=delivery["id"])
    to = logged("logs", "GetDeliveryDestination", name="to")["deliveryDestination"]["arn"]
    made = logged(
        "logs",
        "CreateDelivery",
        deliverySourceName="ERROR",
        deliveryDestinationArn=to,
        recordFields=["event_id", "message_type"],
    )["delivery"]
    logged.rule({"Arn": GONE})
    logged.level("TRACE")
    event_id = logged.put()["EventId"]
    assert logged.records() == [
        {"event_id": event_id, "message_type": "INVOCATION_ATTEMPT_PERMANENT_FAILURE"},
        {"event_id": event_id, "message_type": "INVOCATION_FAILURE"},
    ]
    for operation, name in (("DeleteDeliverySource", "ERROR"), ("DeleteDeliveryDestination", "to")):
        with pytest.raises(ServiceError) as refusal:
            logged("logs", operation, name=name)
        assert refusal.value.code == "ConflictException"
    logged("logs", "DeleteDelivery", id=made["id"])
    logged.put()
    assert len(logged.records()) == 2
    logged("logs", "DeleteDeliverySource", name="ERROR")
    logged("logs", "DeleteDeliveryDestination", name="to")
    assert logged("logs", "DescribeDeliveryDestinations")["deliveryDestinations"] == []


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("PutDeliverySource", {"name": "x", "resourceArn": BUS, "logType": "EVENT_LOGS"}, "ValidationException"),
        ("PutDeliverySource", {"name": "x", "resourceArn": BUS, "logType": "INFO_LOGS"}, "ConflictException"),
        ("PutDeliverySource", {"name": "x", "resourceArn": GONE, "logType": "INFO_LOGS"}, "NotImplemented"),
        (
            "PutDeliveryDestination",
            {"name": "x", "deliveryDestinationConfiguration": {"destinationResourceArn": "arn:aws:s3:::b"}},
            "NotImplemented",
        ),
        (
            "CreateDelivery",
            {"deliverySourceName": "none", "deliveryDestinationArn": GROUP_ARN},
            "ResourceNotFoundException",
        ),
        ("GetDelivery", {"id": "none"}, "ResourceNotFoundException"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_deliveries_that_cannot_be_are_refused(
    logged: Logged, operation: str, request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(ServiceError) as refusal:
        logged("logs", operation, **request_)
    assert refusal.value.code == code


def test_a_record_that_is_too_large_loses_its_detail() -> None:
    settings = Settings(3, full=True)
    long = "x" * RECORD_BYTES_MAX
    made = record(
        "EVENT_RECEIPT",
        bus_arn=BUS,
        event_id="e",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        settings=settings,
        details={"source": "s", "event_detail": long},
    )
    assert made["details"] == {"source": "s"}
    assert made["dropped_fields"] == ["event_detail"]


def test_every_type_has_a_level() -> None:
    assert set(LEVELS.values()) == {"ERROR", "INFO", "TRACE"}
    assert all(Settings(3).wants(kind) for kind in LEVELS)
    assert {kind for kind in LEVELS if Settings(1).wants(kind)} == {k for k, v in LEVELS.items() if v == "ERROR"}


KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize("key", [KEY, KEY.rpartition("/")[2], "alias/mine", KEY.replace(KEY.split(":")[5], "alias/m")])
def test_a_key_is_kept_and_taken_away(logged: Logged, key: str) -> None:
    changed = logged("events", "UpdateEventBus", Name="shop", KmsKeyIdentifier=key)
    assert changed["KmsKeyIdentifier"] == key
    logged("events", "UpdateEventBus", Name="shop", KmsKeyIdentifier="")
    assert "KmsKeyIdentifier" not in logged("events", "DescribeEventBus", Name="shop")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"KmsKeyIdentifier": "nothing"}, "Parameter KmsKeyIdentifier is not valid."),
        ({"DeadLetterConfig": {"Arn": GONE + ".fifo"}}, "FIFO queues cannot be dead-letter queues."),
        ({"DeadLetterConfig": {"Arn": BUS}}, "Provided Arn is not in correct format."),
        ({"DeadLetterConfig": {"Arn": GONE.replace("us-east-1", "eu-west-1")}}, "must be in the same Region."),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(logged: Logged, settings: dict[str, Any], words: str) -> None:
    for operation, name in (("CreateEventBus", "other"), ("UpdateEventBus", "shop")):
        with pytest.raises(ServiceError) as refusal:
            logged("events", operation, Name=name, **settings)
        assert refusal.value.code == "ValidationException"
        assert words in refusal.value.message
