"""Consumers of queues: which records come again, and what the business counts."""

import json
from typing import Any

import pytest
from business_metrics import app as metrics
from notification_sender import app as sender
from ordering import partner
from ordering.envelope import entry

NOW = "2026-01-01T00:00:00+00:00"


def note(number: int, body: Any = None) -> dict[str, Any]:
    told = {"orderId": f"O-{number}", "customerId": "C", "event": "ShipmentCreated", "message": "on its way"}
    return {
        "messageId": f"m-{number}",
        "body": json.dumps(told if body is None else body),
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:email-queue",
    }


class Gateway:
    """A message gateway that is away, or that refuses whatever holds one of these orders."""

    def __init__(self, *, away: bool = False, refuses: tuple[str, ...] = ()) -> None:
        self.away, self.refuses = away, refuses
        self.sent: list[str] = []

    def call(self, _method: str, _url: str, body: dict[str, Any]) -> dict[str, Any]:
        keys = [each["key"] for each in body["messages"]]
        if self.away:
            raise partner.PartnerUnavailable("away")
        if any(key.split("/")[0] in self.refuses for key in keys):
            raise partner.PartnerRefused(422, {"message": "no"})
        self.sent += keys
        return {}


@pytest.mark.parametrize(
    ("gateway", "again", "sent"),
    [
        (Gateway(), ["m-9"], ["O-1", "O-2", "O-3"]),
        (Gateway(away=True), ["m-9", "m-1", "m-2", "m-3"], []),
        (Gateway(refuses=("O-2",)), ["m-9", "m-2"], ["O-1", "O-3"]),
    ],
)
def test_only_messages_that_the_gateway_did_not_take_come_again(
    monkeypatch: pytest.MonkeyPatch, gateway: Gateway, again: list[str], sent: list[str]
) -> None:
    monkeypatch.setattr(partner, "call", gateway.call)
    records = [note(1), note(9, {"unreadable": True}), note(2), note(3)]
    answer = sender.handler({"Records": records}, None)
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == again
    assert [key.split("/")[0] for key in gateway.sent] == sent


@pytest.mark.parametrize(
    ("kind", "data", "counted"),
    [
        (
            "Shipment Created",
            {
                "carrier": "swift",
                "trackingNumber": "T",
                "outcome": "SHIPPED",
                "shippedBy": "FulfillmentWorkflow",
                "secondsToShipment": 2.5,
            },
            {"OrderEvents": 1, "OrdersEnded": 1, "SecondsUntilShipment": 2.5},
        ),
        (
            "Payment Completed",
            {"paymentMethod": "card", "amount": 9.5, "currency": "GBP"},
            {"OrderEvents": 1, "Revenue": 9.5},
        ),
        (
            "Order Created",
            {
                "items": [{"productId": "P", "quantity": 3, "price": 1}],
                "totalAmount": 3,
                "currency": "GBP",
                "placedAt": NOW,
                "paymentMethod": "card",
            },
            {"OrderEvents": 1, "OrdersCreated": 1, "UnitsOrdered": 3},
        ),
    ],
)
def test_the_business_counts_orders_outcomes_revenue_and_time(
    monkeypatch: pytest.MonkeyPatch, kind: str, data: dict[str, Any], counted: dict[str, float]
) -> None:
    found: dict[str, float] = {}
    monkeypatch.setattr(metrics, "count", lambda name, value=1, **_: found.__setitem__(name, value))
    sent = entry(kind, {"orderId": "O-1", "customerId": "C", **data}, bus="orders", now=NOW)
    change = {"detail-type": kind, "detail": json.loads(sent["Detail"]), "status": "ANY"}
    record = {"messageId": "m", "body": json.dumps(change)}
    assert metrics.handler({"Records": [record]}, None) == {"batchItemFailures": []}
    assert found == counted
