"""A back-order that expires is cancelled and told of, wherever the function dies on the way."""

import pytest
from tests.apps.order_world import NOW, Died, OrderWorld, wired

ORDER = "O-1-B"
EVENT = {"orderId": ORDER, "now": NOW}


def expired(dies_at: int) -> tuple[OrderWorld, int]:
    """The world after the function ended, which died once before its call ``dies_at``."""
    world = OrderWorld()
    item = {
        "orderId": {"S": ORDER},
        "status": {"S": "BACKORDERED"},
        "customerId": {"S": "C-1"},
        "totalAmount": {"N": "3"},
    }
    world.table("PutItem", {"TableName": "Orders", "Item": {**item, "currency": {"S": "GBP"}, "items": {"L": []}}})

    def dies() -> None:
        raise Died

    if dies_at:
        world.plan[dies_at] = dies
    module = wired(world, "expire_back_order")
    world.run(lambda: module.handler(EVENT, None))
    return world, world.calls


def test_it_is_told_of_wherever_the_function_dies() -> None:
    calm, calls = expired(0)
    told = calm.events()
    assert [event.split(" ")[:2] for event in told] == [["Order", "Cancelled"]]
    for dies_at in range(1, calls + 1):
        world, _ = expired(dies_at)
        assert world.order(ORDER)["outcome"] == "CANCELLED"
        assert set(world.events()) == set(told), dies_at
        stored = world.table("Scan", {"TableName": "OrderEvents"})["Items"]
        assert [event["kind"]["S"] for event in stored] == ["Order Cancelled"], dies_at


@pytest.mark.parametrize("outcome", ["SHIPPED"])
def test_one_that_was_shipped_is_left_alone(outcome: str) -> None:
    world = OrderWorld()
    world.table("PutItem", {"TableName": "Orders", "Item": {"orderId": {"S": ORDER}, "outcome": {"S": outcome}}})
    assert wired(world, "expire_back_order").handler(EVENT, None)["outcome"] == outcome
    assert world.events() == []
