"""The event store and the view that is folded from it, on Interstate's own tables."""

from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ordering import history, view
from ordering.envelope import entry
from ordering.values import to_item
from tests.apps.order_world import NOW, OrderWorld, wired_to

CREATED: dict[str, Any] = {
    "orderId": "O-1",
    "customerId": "C-1",
    "items": [{"productId": "P-1", "quantity": 2, "price": 1.25}],
    "totalAmount": 2.5,
    "currency": "GBP",
    "placedAt": NOW,
    "paymentMethod": "card",
}
PLAIN: dict[str, Any] = {"orderId": "O-1", "customerId": "C-1"}
PAID: dict[str, Any] = {**PLAIN, "paymentMethod": "card", "amount": 2.5, "currency": "GBP"}
SHIPPED: dict[str, Any] = {
    **PLAIN,
    "carrier": "swift",
    "trackingNumber": "T",
    "outcome": "SHIPPED",
    "shippedBy": "OrderProcessingWorkflow",
    "secondsToShipment": 1.5,
}
WAY: list[tuple[str, dict[str, Any], str]] = [
    ("Order Created", CREATED, ""),
    ("Order Validated", PLAIN, ""),
    ("Payment Failed", {**PLAIN, "paymentMethod": "card", "reason": "no"}, "0"),
    ("Payment Completed", PAID, "1"),
    ("Shipment Created", SHIPPED, ""),
]
ENTRIES = [
    entry(kind, data, bus="orders", now=f"2026-01-01T00:00:0{n}+00:00", key=key)
    for n, (kind, data, key) in enumerate(WAY)
]


@pytest.fixture
def world() -> OrderWorld:
    return OrderWorld()


def projecting(world: OrderWorld) -> ModuleType:
    return wired_to("project_order_status", db=world.client("dynamodb"), sns=world.client("sns"))


def kept(world: OrderWorld) -> list[tuple[int, str]]:
    return [(event["version"], event["kind"]) for event in history.read(world.client("dynamodb"), "O-1")]


def test_events_are_kept_once_in_the_order_in_which_they_were_appended(world: OrderWorld) -> None:
    db = world.client("dynamodb")
    history.append(db, ENTRIES[:2])
    history.append(db, ENTRIES[1:4])
    history.append(db, ENTRIES[:4])
    assert kept(world) == [(n + 1, kind) for n, (kind, _, _) in enumerate(WAY[:4])]


def test_what_is_no_change_of_state_is_not_kept(world: OrderWorld) -> None:
    order = {name: CREATED[name] for name in ("orderId", "customerId", "items", "totalAmount")}
    history.append(world.client("dynamodb"), [entry("Order Placed", order, bus="orders", now=NOW)])
    assert kept(world) == []


def test_who_loses_a_version_to_another_writes_the_next(world: OrderWorld) -> None:
    db = world.client("dynamodb")

    def other() -> None:
        history.append(db, ENTRIES[3:4])

    history.append(db, ENTRIES[:2])
    world.plan[3] = other  # Between the look at the newest version and the write.
    history.append(db, ENTRIES[2:3])
    assert kept(world)[2:] == [(3, "Payment Completed"), (4, "Payment Failed")]


def test_a_first_event_that_comes_second_has_the_next_version(world: OrderWorld) -> None:
    db = world.client("dynamodb")
    world.plan[1] = lambda: history.append(db, ENTRIES[3:4])
    history.append(db, ENTRIES[:2])
    assert kept(world) == [(1, "Payment Completed"), (2, "Order Created"), (3, "Order Validated")]


def test_two_who_tell_the_same_event_keep_it_once(world: OrderWorld) -> None:
    db = world.client("dynamodb")
    world.plan[1] = lambda: history.append(db, ENTRIES[:1])
    history.append(db, ENTRIES[:1])
    assert kept(world) == [(1, "Order Created")]


def events_of(world: OrderWorld) -> list[dict[str, Any]]:
    history.append(world.client("dynamodb"), ENTRIES)
    return history.read(world.client("dynamodb"), "O-1")


def test_a_view_tells_how_far_the_order_is_and_a_late_decline_does_not_unship_it(world: OrderWorld) -> None:
    events = events_of(world)
    states = [view.folded(events[: n + 1])["status"] for n in range(len(events))]
    assert states == ["CREATED", "VALIDATED", "PAYMENT_DECLINED", "PAID", "SHIPPED"]
    late = {**events[2], "version": 6, "eventId": "late"}
    assert view.after(view.folded(events), late)["status"] == "SHIPPED"
    ranks = [view.folded(events[: n + 1])["rank"] for n in range(len(events))]
    assert all(before < after for before, after in pairwise(ranks))


def record(event: dict[str, Any]) -> dict[str, Any]:
    image = to_item(event)
    return {"dynamodb": {"NewImage": image, "SequenceNumber": str(event["version"])}}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=5), max_size=6))
def test_the_view_comes_out_the_same_however_the_stream_brings_its_records(batches: list[list[int]]) -> None:
    world = OrderWorld()
    projector = projecting(world)
    events = events_of(world)
    for batch in [*batches, [4]]:
        answer = projector.handler({"Records": [record(events[n]) for n in sorted(batch)]}, None)
        assert answer == {"batchItemFailures": []}
    assert view.load(world.client("dynamodb"), "O-1") == view.folded(events)


def test_every_change_is_told_and_told_again_when_the_projection_dies_before_it_is_written(world: OrderWorld) -> None:
    projector = projecting(world)
    events = events_of(world)
    table = world.table

    def broken(operation: str, request: Any) -> Any:
        if operation == "UpdateItem" and request["TableName"] == "OrderStatusView":
            raise OSError("the table is away")
        return table(operation, request)

    world.table = broken  # type: ignore[method-assign]  # away for one call
    records = {"Records": [record(each) for each in events]}
    assert projector.handler(records, None) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    world.table = table  # type: ignore[method-assign]  # back
    assert projector.handler(records, None) == {"batchItemFailures": []}
    assert projector.handler(records, None) == {"batchItemFailures": []}
    told = [len(request["PublishBatchRequestEntries"]) for request in world.sent("PublishBatch")]
    assert told == [5, 5]


def test_a_rebuild_finds_what_differs_and_mends_it(world: OrderWorld) -> None:
    rebuilder = wired_to("rebuild_order_status", db=world.client("dynamodb"))
    projecting(world).project("O-1", events_of(world))
    assert rebuilder.page(apply=False, position=None) == {"orders": 1, "differences": [], "written": 0}

    db = world.client("dynamodb")
    spoilt = {**view.load(db, "O-1"), "status": "LOST", "surplus": 1}
    world.table("PutItem", {"TableName": "OrderStatusView", "Item": to_item(spoilt)})
    found = [
        {"orderId": "O-1", "attribute": "status", "view": "LOST", "events": "SHIPPED"},
        {"orderId": "O-1", "attribute": "surplus", "view": 1, "events": None},
    ]
    assert rebuilder.page(apply=False, position=None)["differences"] == found
    assert rebuilder.page(apply=True, position=None) == {"orders": 1, "differences": found, "written": 1}
    assert rebuilder.page(apply=True, position=None) == {"orders": 1, "differences": [], "written": 0}

    world.table("DeleteItem", {"TableName": "OrderStatusView", "Key": {"orderId": {"S": "O-1"}}})
    assert rebuilder.page(apply=True, position=None)["written"] == 1
    assert view.load(db, "O-1")["status"] == "SHIPPED"


def test_an_order_hears_of_its_back_orders_end_once(world: OrderWorld) -> None:
    follower = wired_to("update_order_status", db=world.client("dynamodb"))
    world.table("PutItem", {"TableName": "Orders", "Item": to_item({"orderId": "O-1-B", "parentOrderId": "O-1"})})
    change = {
        "orderId": "O-1-B",
        "status": "SHIPPED",
        "detail-type": "Shipment Created",
        "detail": {"metadata": {"timestamp": NOW}},
    }
    follower.follow({**change, "status": "PAID"})
    assert kept(world) == []
    follower.follow(change)
    follower.follow(change)
    assert kept(world) == [(1, "Back Order Ended")]
    (event,) = history.read(world.client("dynamodb"), "O-1")
    assert view.after(view.folded([]), event)["backOrderStatus"] == "SHIPPED"


def test_an_orders_first_events_are_written_without_a_look_and_once(world: OrderWorld) -> None:
    db = world.client("dynamodb")
    reads: list[str] = []
    real = history.read

    def counted(*arguments: Any, **options: Any) -> list[Any]:
        reads.append(arguments[1])
        return real(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "read", counted)
        history.append(db, ENTRIES[:2])
        assert reads == []
        history.append(db, ENTRIES[:2])
        assert reads == ["O-1"]
    assert kept(world) == [(1, "Order Created"), (2, "Order Validated")]
