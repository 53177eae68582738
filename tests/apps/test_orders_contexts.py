"""What an operator does: contexts that keep to themselves, failed orders placed again, parked letters, a view made anew."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from tests.apps.order_town import SETTLE_S_MAX, Town, town

from orders_cli import letters
from orders_cli.endpoint import System

CREDENTIALS = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("contexts")) as built:
        yield built


def client(place: Town, service: str) -> Any:
    return boto3.client(service, endpoint_url=place.server.url, **CREDENTIALS)  # type: ignore[call-overload]  # by name


def soon(look: Callable[[], Any]) -> Any:
    """What ``look`` finds, as soon as it finds anything."""
    ends = time.monotonic() + SETTLE_S_MAX
    while not (found := look()):
        assert time.monotonic() < ends
        time.sleep(0.1)
    return found


def seen(place: Town, order_id: str, status: str) -> Any:
    api = System(place.server.url).api
    try:
        return soon(lambda: (order := api.show(order_id).body).get("status") == status and order)
    finally:
        api.close()


def placed(place: Town, order_id: str, product: str, quantity: int, **more: str) -> None:
    api = System(place.server.url).api
    items = [{"productId": product, "quantity": quantity, "price": 1.5}]
    order = {"orderId": order_id, "customerId": "CUST-000001", "items": items, "totalAmount": quantity * 1.5, **more}
    assert api.place(order).status == 202
    api.close()


@pytest.mark.server
@pytest.mark.parametrize(
    ("bus", "source", "let_in"),
    [
        ("orders", "ecommerce.orders", True),
        ("orders", "payment.service", False),
        ("payments", "payment.service", True),
        ("payments", "ecommerce.orders", False),
        ("shipping", "payment.service", False),
        ("domain", "ecommerce.orders", False),
    ],
)
def test_on_a_contexts_bus_only_the_context_speaks(place: Town, bus: str, source: str, let_in: bool) -> None:
    entry = {"EventBusName": bus, "Source": source, "DetailType": "Heard By Nobody", "Detail": "{}"}
    (answer,) = client(place, "events").put_events(Entries=[entry])["Entries"]
    assert answer.get("ErrorCode") == (None if let_in else "AccessDeniedException")


@pytest.mark.server
def test_a_failed_order_is_placed_again_out_of_the_archive(place: Town) -> None:
    placed(place, "ORD-1", "P-004", 3)
    seen(place, "ORD-1", "OUT_OF_STOCK")
    place.orders("receive-stock", "P-004:10")
    assert "completed" in place.orders("failed", "replay", "--since", "1h")
    again = seen(place, "ORD-1-R1", "SHIPPED")
    assert (again["totalAmount"], again["items"][0]["quantity"]) == (4.5, 3)
    assert "ORD-1 " in place.orders("failed", "list")


@pytest.mark.server
def test_a_letter_that_nobody_knows_is_parked_seen_and_sent_again(place: Town) -> None:
    sqs = client(place, "sqs")
    url = sqs.get_queue_url(QueueName="order-functions-dlq")["QueueUrl"]
    functions = client(place, "lambda")
    arn = functions.get_function(FunctionName="OrderValidationFunction")["Configuration"]["FunctionArn"]
    event = {"detail-type": "Order Placed", "detail": {"metadata": {}, "data": {"orderId": "ORD-9"}}}
    letter = {
        "requestContext": {"functionArn": arn, "condition": "RetriesExhausted"},
        "requestPayload": {"event": event},
        "responsePayload": {"errorType": "ZeroDivisionError", "errorMessage": "division by zero"},
    }
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(letter))
    listed = soon(lambda: letters.parked(System(place.server.url)))
    (parked,) = listed
    assert (parked["errorClass"], parked["form"], parked["origin"]) == ("UNKNOWN", "function", arn)
    assert letters.redrive(System(place.server.url), wanted=set(), error_class="PaymentTimeout") == (0, [])
    assert "1 letters sent again" in place.orders("letters", "redrive", parked["id"])
    assert "no letter is parked" in place.orders("letters", "list")
    mails = partial(place.server.control, "GET", "mailbox?recipient=operations@company.com")
    soon(lambda: "Dead letter: UNKNOWN" in json.dumps(mails()))


@pytest.mark.server
def test_a_view_that_was_lost_is_made_anew_from_the_events(place: Town) -> None:
    placed(place, "ORD-2", "P-001", 1)
    before = seen(place, "ORD-2", "SHIPPED")
    assert "no difference, 0 views written" in place.orders("rebuild")
    client(place, "dynamodb").delete_item(TableName="OrderStatusView", Key={"orderId": {"S": "ORD-2"}})
    assert "ORD-2 status: the view says None, the events say SHIPPED" in place.orders("rebuild", "--dry-run")
    assert "1 views written" in place.orders("rebuild")
    assert seen(place, "ORD-2", "SHIPPED") == before


@pytest.mark.server
def test_a_saga_takes_stock_and_money_both_or_neither(place: Town) -> None:
    placed(place, "ORD-S1", "P-001", 2, paymentMethod="saga")
    placed(place, "ORD-S2", "P-004", 500, paymentMethod="saga")
    shipped, short = seen(place, "ORD-S1", "SHIPPED"), seen(place, "ORD-S2", "OUT_OF_STOCK")
    assert shipped["totalAmount"] == 3
    assert short["reason"].startswith("not in stock: ")
    states = client(place, "stepfunctions")
    arns = {each["name"]: each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"]}
    arn = arns["OrderSaga"]
    ended = sorted(each["status"] for each in states.list_executions(stateMachineArn=arn)["executions"])
    assert ended == ["FAILED", "SUCCEEDED"]
    assert "every promise holds" in place.orders("verify")
