"""The ``orders`` command against a running system: what each subcommand shows, and how it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.apps.order_town import Town, town

NEVER_STOCKED = "P-004"

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    patch = pytest.MonkeyPatch()
    patch.setenv("PARTNERS_OPTIONS", "--elsewhere")
    with town(tmp_path_factory.mktemp("ledger")) as built:
        built.open_partners()
        yield built
    patch.undo()


def test_an_order_is_placed_from_a_file_and_followed_to_its_end(shop: Town, tmp_path: Path) -> None:
    order = {
        "orderId": "ORD-FILE",
        "customerId": "CUST-FILE",
        "items": [{"productId": "P-001", "quantity": 2, "price": 9.99}],
        "totalAmount": 19.98,
    }
    (tmp_path / "order.json").write_text(json.dumps(order))
    shown = shop.orders("place", str(tmp_path / "order.json"))
    assert shown.startswith("ORD-FILE accepted\n")
    told = [line.split()[-1] for line in shown.splitlines()[1:-1]]
    assert set(told[:2]) == {"OrderCreated", "OrderValidated"}  # Of one moment: the view hears of either first.
    assert told[2:] == ["PaymentCompleted", "ShipmentCreated"]
    assert "ORD-FILE SHIPPED: swift" in shown
    assert "ORD-FILE accepted" in shop.orders("place", str(tmp_path / "order.json"))
    (tmp_path / "order.json").write_text(json.dumps({**order, "totalAmount": 19.99}))
    assert "Another order has the id ORD-FILE." in shop.orders("place", str(tmp_path / "order.json"))


def test_orders_are_listed_by_customer_and_by_state(shop: Town) -> None:
    for number in range(2):
        shop.orders(
            "place", "--order-id", f"ORD-LIST-{number}", "--customer", "CUST-LIST", "--item", f"P-001:{1 - number}:2"
        )
    listed = json.loads(shop.orders("list", "--customer", "CUST-LIST", "--json"))["orders"]
    assert {order["orderId"]: order["status"] for order in listed} == {"ORD-LIST-0": "SHIPPED"}
    rejected = json.loads(shop.orders("list", "--status", "REJECTED", "--json"))["orders"]
    assert "ORD-LIST-1" in {order["orderId"] for order in rejected}
    assert "Name a customerId, a status, or both." in shop.orders("list")


def test_stock_that_comes_in_ships_what_waited_for_it(shop: Town) -> None:
    shop.orders("place", "--order-id", "ORD-WAIT", "--item", "P-001:1:5", "--item", f"{NEVER_STOCKED}:2:3")
    shop.show_when("ORD-WAIT-B", "BACKORDERED")
    shop.advance("2m")
    assert "1 products received" in shop.orders("receive-stock", f"{NEVER_STOCKED}:5")
    assert shop.show_when("ORD-WAIT-B", "SHIPPED")["totalAmount"] == 6


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "ORD-NONE"), "There is no order ORD-NONE."),
        (("cancel", "ORD-NONE"), "There is no order ORD-NONE."),
        (("place", "--item", "P-001"), "'P-001' is not PRODUCT:QUANTITY:PRICE"),
        (("place", "--customer", "a b"), "customerId must be 1 to 64 letters"),
        (("place", "/nowhere/order.json"), "No such file or directory"),
        (("receive-stock", "P-001:many"), "'P-001:many' is not PRODUCT:UNITS"),
        (("list", "--stack", "nowhere", "--customer", "C"), "there is no stack 'nowhere'"),
    ],
)
def test_what_cannot_be_done_is_said(shop: Town, words: tuple[str, ...], told: str) -> None:
    assert told in shop.orders(*words)


def test_every_promise_holds_after_all_of_it(shop: Town) -> None:
    assert "every promise holds" in shop.orders("verify")
