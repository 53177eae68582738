"""What handlers decide before and after they talk to AWS."""

import hashlib
import json
from typing import Any

import pytest
from allocate_warehouse.app import handler as allocate_warehouse
from auto_reorder.app import noting
from complete_shipment.app import created, seconds_between
from customer_notification.app import notification
from generate_shipping_label.app import label
from get_order_status.app import presented
from handle_inventory_shortage.app import reason_of as shortage_reason
from handle_order_validation_failure.app import reason_of
from handle_partial_inventory.app import transaction
from notification_sender.app import message
from order_validation.app import audit
from ordering import keep
from ordering.accepting import fingerprint
from ordering.payment import charge_key, signature, signed
from ordering.places import WAREHOUSE_ELSEWHERE, warehouse_for
from ordering.records import each_record, moment_of
from ordering.reserving import answer, answered_before, found
from ordering.settling import paid
from ordering.stock import judge
from ordering.web import BadBody, body_of, now_of
from packing_instruction.app import packing
from select_carrier.app import CARRIERS, ranking
from validate_order.app import record

LINES = [{"productId": "A", "quantity": 2, "price": 1.5}, {"productId": "B", "quantity": 3, "price": 1.0}]
ORDER: dict[str, Any] = {"orderId": "O-1", "customerId": "C-1", "items": LINES, "totalAmount": 6.0}
NOW = "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("country", "house"), [("GB", "LONDON"), ("KR", "SEOUL"), ("US", "NEW-JERSEY"), (None, WAREHOUSE_ELSEWHERE)]
)
def test_the_nearest_house_packs(country: str | None, house: str) -> None:
    assert warehouse_for(country) == house
    order = {"shippingAddress": {"country": country}} if country else {}
    assert allocate_warehouse({"order": order}, None) == {"warehouse": house}


def test_a_label_follows_from_the_order() -> None:
    order = {
        **ORDER,
        "shippingAddress": {"street": "세종대로 110", "city": "서울", "country": "KR", "zipCode": "04524"},
    }
    check = hashlib.sha256(b"O-1").hexdigest()[:4].upper()
    assert label(order) == {
        "labelId": "LBL-O-1",
        "barcode": f"*O-1/{check}*",
        "text": "C-1\n세종대로 110\n04524 서울\nKR",
    }
    assert label(ORDER)["text"] == "C-1"
    assert label({**order, "shippingAddress": {"name": "이서연"}})["text"] == "이서연"


@pytest.mark.parametrize(
    ("units", "box", "boxes"),
    [(1, "S", 1), (10, "S", 1), (11, "M", 1), (51, "L", 1), (200, "L", 1), (201, "L", 2), (80_995, "L", 405)],
)
def test_units_go_into_the_smallest_box_that_holds_them(units: int, box: str, boxes: int) -> None:
    found = packing([{"quantity": units}])
    assert (found["box"], found["boxes"]) == (box, boxes)


@pytest.mark.parametrize(
    ("country", "units", "first"),
    [("GB", 10, "continental"), ("KR", 10, "swift"), ("GB", 5_000, "harbor"), (None, 1, "swift")],
)
def test_a_carrier_is_chosen_by_country_and_size_and_the_others_follow(
    country: str | None, units: int, first: str
) -> None:
    order = ranking(country, units)
    assert order[0] == first
    assert sorted(order) == sorted(CARRIERS)


def test_a_refused_reservation_is_judged_on_the_counters_that_it_found() -> None:
    refused = keep.Refused(
        [
            {"Code": "None"},
            {"Code": "None"},
            {"Code": "ConditionalCheckFailed", "Item": {"available": {"N": "1"}}},
        ]
    )
    stock = found(LINES, refused)
    assert stock == {"A": 2, "B": 1}
    told = answer(judge(LINES, stock), 4)
    assert (told["statusCode"], told["inventoryStatus"], told["reservedItems"]) == (400, "PARTIAL", [])
    assert [line["quantity"] for line in told["availableItems"]] == [2, 1]
    assert told["unavailableItems"] == [
        {"productId": "B", "quantity": 3, "price": 1, "availableQuantity": 1, "shortfall": 2}
    ]


def test_a_repeated_reservation_gets_the_first_answer() -> None:
    told = answered_before({"reservation": "RESERVED", "reservedItems": LINES, "totalAmount": 6})
    assert (told["statusCode"], told["inventoryStatus"], told["totalAmount"]) == (200, "AVAILABLE", 6)
    assert told["reservedItems"] == [{**line, "price": line["price"]} for line in LINES]


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ({"outcome": "CANCELLED", "reservation": "RELEASED"}, keep.OrderClosed),
        ({"cancelRequestedAt": NOW, "reservation": "RESERVED"}, keep.OrderCancelled),
    ],
)
def test_nothing_is_reserved_for_an_order_that_ended(order: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        answered_before(order)


def test_a_partial_reservation_is_one_transaction_with_the_back_order() -> None:
    taken, rest = (
        [{**LINES[0]}, {**LINES[1], "quantity": 1}],
        [{**LINES[1], "quantity": 2}, {**LINES[0], "productId": "X"}],
    )
    order, put, first, second, waiting = transaction(ORDER, taken, rest, NOW)
    assert order["Update"]["Key"] == {"orderId": {"S": "O-1"}}
    child = put["Put"]["Item"]
    assert (child["orderId"], child["parentOrderId"], child["status"]) == (
        {"S": "O-1-B"},
        {"S": "O-1"},
        {"S": "BACKORDERED"},
    )
    assert child["totalAmount"] == {"N": "5.00"}
    assert "ADD" not in first["Update"]["UpdateExpression"]
    assert second["Update"]["UpdateExpression"].endswith("ADD #waiting :waiting")
    assert waiting["Update"]["UpdateExpression"] == "ADD #waiting :waiting"
    keys = [json.dumps(action["Update"]["Key"]) for action in (order, first, second, waiting)]
    assert len(set(keys)) == 4  # A transaction may touch an item once.


def test_a_change_of_an_order_names_its_conditions() -> None:
    request = keep.changing(
        "O-1",
        {"status": "PAID", "capturedAt": NOW},
        once=("capturedAt",),
        missing=("outcome",),
        same={"reservation": "RESERVED", "closedAt": None},
    )
    assert request["UpdateExpression"] == "SET #status = :status, #capturedAt = if_not_exists(#capturedAt, :capturedAt)"
    assert request["ConditionExpression"] == (
        "attribute_not_exists(#closedAt) AND attribute_not_exists(#outcome) AND #reservation = :is_reservation"
    )
    assert request["ExpressionAttributeValues"][":is_reservation"] == {"S": "RESERVED"}


def test_closing_gives_back_what_is_reserved_and_stands_on_what_was_read() -> None:
    order = {"orderId": "O-1", "reservation": "RESERVED", "reservedItems": LINES, "capturedAt": NOW}
    change, *releases = keep.closing(order, "PAYMENT_FAILED", "so", NOW)
    assert "#capturedAt = :is_capturedAt" in change["Update"]["ConditionExpression"]
    assert "attribute_not_exists(#cancelRequestedAt)" in change["Update"]["ConditionExpression"]
    assert change["Update"]["ExpressionAttributeValues"][":reservation"] == {"S": "RELEASED"}
    assert len(releases) == 2
    assert len(keep.closing({"orderId": "O-1"}, "REJECTED", "so", NOW)) == 1


def test_a_customer_who_cancelled_in_time_gets_it_whatever_else_happened() -> None:
    assert keep.verdict({"cancelRequestedAt": NOW}, "PAYMENT_FAILED", "x") == ("CANCELLED", "cancelled by the customer")
    assert keep.verdict({"cancelRequestedAt": NOW, "cancelReason": "late"}, "CANCELLED", "x") == ("CANCELLED", "late")
    assert keep.verdict({}, "PAYMENT_FAILED", "x") == ("PAYMENT_FAILED", "x")


def test_an_invoices_payment_carries_what_its_shipment_needs_and_a_cards_does_not() -> None:
    order = {
        **ORDER,
        "currency": "GBP",
        "capturedAmount": 6,
        "acceptedAt": NOW,
        "chargeKey": "k",
        "reservedItems": LINES,
        "backOrderId": "O-1-B",
        "shippingAddress": {"country": "GB"},
    }
    assert paid({**order, "paymentMethod": "invoice"})["reservation"] == {
        "reservedItems": LINES,
        "backOrderId": "O-1-B",
    }
    assert set(paid({**order, "paymentMethod": "card"})) == {
        "orderId",
        "customerId",
        "paymentMethod",
        "currency",
        "amount",
        "chargeKey",
    }


def test_a_webhook_is_believed_when_it_is_signed() -> None:
    assert signed("secret", "body", signature("secret", "body"))
    assert not signed("secret", "body.", signature("secret", "body"))
    assert not signed("other", "body", signature("secret", "body"))
    assert not signed("secret", "body", "")


def test_a_charges_key_changes_with_a_decline_only() -> None:
    assert [charge_key("O-1", attempt) for attempt in (0, 1)] == ["O-1-charge-0", "O-1-charge-1"]


def event(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"detail-type": kind, "detail": {"metadata": {"timestamp": NOW}, "data": data}}


SHIPMENT = {
    "orderId": "O-1",
    "customerId": "C-1",
    "carrier": "swift",
    "trackingNumber": "T",
    "outcome": "PARTIALLY_SHIPPED",
    "shippedBy": "OrderProcessingWorkflow",
    "secondsToShipment": 1.5,
}


def test_a_view_is_presented_with_its_timeline() -> None:
    shown = presented({"orderId": "O-1", "rank": 30, "at_B": "2", "at_A": "1"})
    assert shown == {"orderId": "O-1", "timeline": [{"event": "A", "at": "1"}, {"event": "B", "at": "2"}]}


@pytest.mark.parametrize(
    ("shipper", "channels"), [("OrderProcessingWorkflow", ["push"]), ("FulfillmentWorkflow", ["email", "sms", "push"])]
)
def test_the_workflow_that_shipped_told_by_mail_and_sms_itself(shipper: str, channels: list[str]) -> None:
    note = notification("Shipment Created", {**SHIPMENT, "shippedBy": shipper})
    assert note["channels"] == channels
    assert note["message"] == "Order O-1 is on its way with swift, tracking number T."


def test_both_forms_of_a_message_have_the_key_of_order_event_and_channel() -> None:
    confirmation = event("Payment Completed", {"orderId": "O-1", "customerId": "C-1", "amount": 6, "currency": "GBP"})
    note = {"orderId": "O-1", "customerId": "C-1", "event": "ShipmentCreated", "message": "m"}
    assert message(confirmation, "email")["key"] == "O-1/PaymentCompleted/email"
    assert message(note, "sms") == {
        "key": "O-1/ShipmentCreated/sms",
        "channel": "sms",
        "customerId": "C-1",
        "orderId": "O-1",
        "text": "m",
    }


def test_an_audit_tells_faults_and_changes_nothing() -> None:
    assert audit(event("Order Placed", ORDER))["valid"]
    assert audit(event("Order Placed", {**ORDER, "totalAmount": 1}))["faults"] == [
        "totalAmount must be the sum of the items, 6.0, not 1"
    ]
    assert audit(event("Order Placed", {}))["faults"][0] == "data.orderId is required"


def test_a_shipment_knows_how_long_it_took() -> None:
    assert seconds_between("2026-01-01T00:00:00.250Z", "2026-01-01T00:30:01+00:00") == 1800.75
    assert seconds_between(NOW, "2025-12-31T23:59:59Z") == 0


def test_a_shipments_event_tells_the_country() -> None:
    order = {**ORDER, "shippingAddress": {"country": "KR"}}
    assert created(order, SHIPMENT) == {**SHIPMENT, "country": "KR"}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            {"Error": "OrderInvalid", "Cause": '{"errorMessage": "orderId is required", "errorType": "OrderInvalid"}'},
            "orderId is required",
        ),
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout"),
        ({"Error": "X", "Cause": "plain words"}, "plain words"),
        ({"Error": "X", "Cause": "[1]"}, "[1]"),
        ({}, "unknown"),
    ],
)
def test_the_reason_of_a_rejection_is_what_validation_said(error: dict[str, Any], reason: str) -> None:
    assert reason_of(error) == reason


def test_a_shortage_says_how_much_of_what() -> None:
    assert shortage_reason([{"productId": "A", "shortfall": 2}]) == "not in stock: 2 of A"
    assert shortage_reason([]) == "not in stock"


def test_a_reorder_is_noted_once_for_each_order() -> None:
    put, addition = noting({"orderId": "O-1", "now": NOW, "unavailableItems": [{"productId": "A", "shortfall": 2}]})
    assert put["Put"]["ConditionExpression"] == "attribute_not_exists(id)"
    assert addition["Update"]["UpdateExpression"] == "ADD toReorder :shortfall"


def test_a_saved_order_keeps_its_ordered_amount_and_gets_the_defaults() -> None:
    kept = record(ORDER, "card", NOW)
    assert (kept["orderedAmount"], kept["totalAmount"], kept["currency"], kept["placedAt"]) == (6.0, 6.0, "USD", NOW)
    assert "shippingAddress" not in kept


def test_one_bad_record_comes_again_alone() -> None:
    def consume(record: dict[str, Any]) -> None:
        json.loads(record["body"])

    records = [{"messageId": "1", "body": "{}"}, {"messageId": "2", "body": "{"}]
    assert each_record({"Records": records}, consume) == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_times_come_from_the_platform() -> None:
    assert moment_of({"attributes": {"SentTimestamp": "1000"}}) == "1970-01-01T00:00:01+00:00"
    assert now_of({"requestContext": {"timeEpoch": 1500}}) == "1970-01-01T00:00:01.500000+00:00"


@pytest.mark.parametrize(
    "request_",
    [{"body": "{"}, {"body": "[]"}, {}, {"body": "/w==", "isBase64Encoded": True}, {"body": "[" * 100_000}],
    ids=["broken", "no object", "empty", "no UTF-8", "too deep"],
)
def test_a_body_that_is_no_json_object_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(BadBody):
        body_of(request_)


def test_the_same_order_has_the_same_fingerprint_in_any_order_of_members() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1}) != fingerprint({"a": 1, "b": 3})
