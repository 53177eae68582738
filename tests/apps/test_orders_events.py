import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ordering.announce import closed, ending, original
from ordering.envelope import KINDS, data_of, entry, expired
from ordering.schema import SCHEMAS, EventInvalid, check, faults_of

PLACED: dict[str, Any] = {
    "orderId": "ORD-1",
    "customerId": "CUST-1",
    "items": [{"productId": "P-1", "quantity": -2, "price": 0}],
    "totalAmount": 1,
}
NOW = "2026-01-01T00:00:00+00:00"


def test_every_event_has_a_schema_and_every_schema_an_event() -> None:
    names = {f"{kind.lower().replace(' ', '-')}-1.0.json" for kind in KINDS}
    assert {path.name for path in SCHEMAS.iterdir()} == names


@pytest.mark.parametrize("path", sorted(SCHEMAS.iterdir()), ids=lambda path: path.stem)
def test_a_schema_uses_only_what_our_validator_knows(path: Any) -> None:
    schema = json.loads(path.read_text())
    assert list(faults_of(schema, {}, "data"))
    everything = dict.fromkeys(schema["properties"])
    assert list(faults_of(schema, everything, "data"))


def test_an_event_has_metadata_and_data() -> None:
    sent = entry("Order Placed", PLACED, bus="orders", now=NOW)
    detail = json.loads(sent["Detail"])
    assert (sent["EventBusName"], sent["Source"], sent["DetailType"]) == ("orders", "ecommerce.orders", "Order Placed")
    assert detail["data"] == PLACED
    assert set(detail["metadata"]) == {
        "eventId",
        "schemaVersion",
        "domain",
        "type",
        "category",
        "correlationId",
        "causationId",
        "timestamp",
    }


def test_the_same_happening_is_the_same_event() -> None:
    def event_id(**words: str) -> str:
        return str(json.loads(entry("Order Placed", PLACED, bus="orders", **words)["Detail"])["metadata"]["eventId"])

    assert event_id(now=NOW) == event_id(now="2027-01-01T00:00:00+00:00")
    assert event_id(now=NOW) != event_id(now=NOW, key="back-order")


def test_a_producer_cannot_send_what_the_schema_does_not_allow() -> None:
    with pytest.raises(
        EventInvalid, match=r"Order Placed 1\.0: data\.customerId is required; data\.items must have at least 1 items"
    ):
        entry("Order Placed", {"orderId": "ORD-1", "items": [], "totalAmount": 1}, bus="orders", now=NOW)


def test_a_consumer_refuses_what_the_schema_does_not_allow() -> None:
    with pytest.raises(EventInvalid, match="data must be of type object"):
        data_of({"detail-type": "Order Placed", "detail": {"metadata": {}}})


@pytest.mark.parametrize(("lives", "age", "over"), [(None, 10**6, False), (60, 59, False), (60, 61, True)])
def test_an_event_lives_for_its_time(lives: int | None, age: int, over: bool) -> None:
    metadata: dict[str, Any] = {"timestamp": NOW}
    if lives is not None:
        metadata["timeToLive"] = lives
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=age)
    assert expired({"detail": {"metadata": metadata}}, now) is over


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("CANCELLED", "Order Cancelled"),
        ("REJECTED", "Order Validation Failed"),
        ("OUT_OF_STOCK", "Order Failed"),
        ("PAYMENT_FAILED", "Order Failed"),
    ],
)
def test_an_order_that_ends_without_a_shipment_has_one_event(outcome: str, kind: str) -> None:
    order = {"orderId": "ORD-1", "outcome": outcome, "reason": "so", "items": [], "orderedAmount": 5, "totalAmount": 3}
    sent = ending(order, NOW)
    data = json.loads(sent["Detail"])["data"]
    assert sent["DetailType"] == kind
    assert data["order"] == {"orderId": "ORD-1", "items": [], "totalAmount": 5}
    assert closed(order) == {"orderId": "ORD-1", "outcome": outcome, "reason": "so", "customerId": "UNKNOWN"}


def test_the_original_order_is_what_was_placed() -> None:
    item = {**PLACED, "orderedAmount": 9, "totalAmount": 4, "reservation": "RESERVED", "currency": "GBP"}
    assert original(item) == {**PLACED, "totalAmount": 9, "currency": "GBP"}


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"type": "integer"}, 1.5, "it must be of type integer"),
        ({"type": "integer"}, True, "it must be of type integer"),
        ({"enum": ["a"]}, "b", "it must be one of ['a']"),
        ({"minimum": 0}, -1, "it must be at least 0"),
        ({"exclusiveMinimum": 0}, 0, "it must be above 0"),
        ({"pattern": "^[A-Z]$"}, "a", "it must match ^[A-Z]$"),
        ({"items": {"type": "string"}}, ["a", 1], "it[1] must be of type string"),
    ],
)
def test_each_keyword_finds_its_fault(schema: Any, value: Any, fault: str) -> None:
    assert list(faults_of(schema, value, "it")) == [fault]


def test_an_unknown_keyword_is_an_error_of_the_schema() -> None:
    with pytest.raises(KeyError, match="maxLength"):
        list(faults_of({"maxLength": 3}, "abc", "it"))


def test_valid_data_passes() -> None:
    check("Order Placed", "1.0", PLACED)
