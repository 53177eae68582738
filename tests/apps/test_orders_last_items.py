"""64 buyers at once want the last items, each from a thread with clients of its own, on a real server."""

import random
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from ordering import keep
from ordering.values import from_item
from tests.apps.order_world import wired_to
from tests.server_process import ServerProcess

BUYERS = 64
SHELF = {"P-1": 40, "P-2": 25, "P-3": 7}
CREDENTIALS = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}


@pytest.fixture
def url() -> Iterator[str]:
    server = ServerProcess(None)
    server.start()
    yield server.url
    server.kill()


def client(url: str) -> Any:
    config = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=BUYERS, read_timeout=60)
    return boto3.client("dynamodb", endpoint_url=url, config=config, **CREDENTIALS)  # type: ignore[call-overload]  # keywords by name


def table(db: Any, name: str, key: str) -> None:
    db.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
    )
    db.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})


@pytest.mark.server
def test_the_last_items_go_to_as_many_as_there_are_and_no_counter_falls_below_zero(url: str) -> None:
    db = client(url)
    table(db, "Orders", "orderId")
    table(db, "Inventory", "productId")
    for product, units in SHELF.items():
        counters = {"available": units, "reserved": 0, "shipped": 0, "start": units, "received": 0}
        item = {"productId": {"S": product}, **{name: {"N": str(value)} for name, value in counters.items()}}
        db.put_item(TableName="Inventory", Item=item)
    module = wired_to("check_inventory", db=db)
    dice = random.Random(64)
    orders: list[dict[str, Any]] = [
        {
            "orderId": f"O-{n}",
            "totalAmount": 1,
            "items": [
                {"productId": product, "quantity": dice.randint(1, 3), "price": 1}
                for product in dice.sample(sorted(SHELF), dice.randint(1, 3))
            ],
        }
        for n in range(BUYERS)
    ]
    answers: dict[str, dict[str, Any]] = {}
    start = threading.Barrier(BUYERS)

    def buy(order: dict[str, Any]) -> None:
        start.wait()
        while order["orderId"] not in answers:
            try:
                answers[order["orderId"]] = module.check(order)
            except keep.TooManyRaces:  # The workflow repeats the step.
                continue

    buyers = [threading.Thread(target=buy, args=(order,)) for order in orders]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join()

    won = [order for order in orders if answers[order["orderId"]]["inventoryStatus"] == "AVAILABLE"]
    assert 0 < len(won) < BUYERS
    left: dict[str, int] = {}
    for product, units in SHELF.items():
        shelf = from_item(db.get_item(TableName="Inventory", Key={"productId": {"S": product}})["Item"])
        taken = sum(line["quantity"] for order in won for line in order["items"] if line["productId"] == product)
        assert (shelf["available"], shelf["reserved"]) == (units - taken, taken)
        assert shelf["available"] >= 0
        left[product] = shelf["available"]
    for order in orders:
        if order not in won:  # Refused only for want of stock: it asks for more of something than there can have been.
            assert answers[order["orderId"]]["unavailableItems"]
    assert min(left.values()) < 3
    db.close()
