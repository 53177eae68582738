"""Dead letters in their forms: where they came from, what broke, whether they may be tried again, and what becomes of them."""

import json
from typing import Any

import pytest
from ordering import letters
from ordering.envelope import entry
from ordering.values import to_item
from tests.apps.order_world import NOW, OrderWorld, wired_to

RULE = "arn:aws:events:us-east-1:000000000000:rule/orders/PaymentProcessedRule"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:HandlePaymentFailureFunction:$LATEST"
TOPIC = "arn:aws:sns:us-east-1:000000000000:InventoryAlertTopic"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:"
DATA = {"orderId": "O-1", "customerId": "C-1", "paymentMethod": "card", "amount": 1, "currency": "GBP"}


def event_of(**changes: Any) -> dict[str, Any]:
    made = entry("Payment Completed", DATA, bus="orders", now=NOW)
    detail = json.loads(made["Detail"])
    detail["data"] |= changes
    return {"id": "e", "source": "payment.service", "detail-type": "Payment Completed", "detail": detail}


def record(
    body: Any, *, source: str = "", message_id: str = "m-1", queue: str = "order-rules-dlq", **attributes: str
) -> Any:
    system = {"SentTimestamp": "1767225600000", **({"DeadLetterQueueSourceArn": source} if source else {})}
    return {
        "messageId": message_id,
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": system,
        "messageAttributes": {name: {"stringValue": value, "dataType": "String"} for name, value in attributes.items()},
        "eventSourceARN": QUEUE + queue,
    }


def by_rule(code: str = "THROTTLING", message: str = "slow", **changes: Any) -> Any:
    return record(event_of(**changes), RULE_ARN=RULE, TARGET_ARN="t", ERROR_CODE=code, ERROR_MESSAGE=message)


def by_destination(error: str, message: str, payload: Any = None) -> Any:
    body = {
        "version": "1.0",
        "requestContext": {"functionArn": FUNCTION, "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": payload or {"orderId": "O-1"},
        "responsePayload": {"errorType": error, "errorMessage": message},
    }
    return record(body, queue="order-functions-dlq")


NOTICE = {"Type": "Notification", "TopicArn": TOPIC, "Subject": "s", "Message": '{"orderId": "O-1"}'}
NOTICE["MessageAttributes"] = {"customerId": {"Type": "String", "Value": "C-1"}}  # type: ignore[assignment]  # as SNS has it
STREAM = {"requestContext": {"functionArn": FUNCTION, "condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": {}}


@pytest.mark.parametrize(
    ("laid_aside", "form", "origin", "code"),
    [
        (by_rule(), "rule", RULE, "THROTTLING"),
        (record({"a": 1}, RequestID="r", ErrorCode="500", ErrorMessage="x"), "function", "", "500"),
        (by_destination("TooManyRaces", ""), "function", FUNCTION, "TooManyRaces"),
        (record(STREAM), "stream", FUNCTION, "RetryAttemptsExhausted"),
        (record(NOTICE), "topic", TOPIC, ""),
        (record({"orderId": "O-1"}, source=QUEUE + "ShippingQueue"), "queue", QUEUE + "ShippingQueue", ""),
        (record("not json"), "queue", "", ""),
    ],
)
def test_a_letter_tells_its_form_where_it_came_from_and_what_broke(
    laid_aside: Any, form: str, origin: str, code: str
) -> None:
    letter = letters.letter_of(laid_aside)
    assert (letter.form, letter.origin, letter.code) == (form, origin, code)
    assert letters.from_text(letters.to_text(letter, more=1)) == letter


@pytest.mark.parametrize(
    ("laid_aside", "name", "kind"),
    [
        (by_destination("PartnerUnavailable", "POST http://pay/refunds: timed out"), "PaymentTimeout", "RETRYABLE"),
        (by_destination("PaymentTimeout", ""), "PaymentTimeout", "RETRYABLE"),
        (record({"orderId": "O-1"}, source=QUEUE + "PaymentProcessingQueue"), "PaymentTimeout", "RETRYABLE"),
        (record({"orderId": "O-1"}, source=QUEUE + "PaymentReversalQueue"), "PaymentTimeout", "RETRYABLE"),
        (by_destination("InventoryServiceDown", ""), "InventoryServiceDown", "RETRYABLE"),
        (by_destination("TooManyRaces", ""), "InventoryServiceDown", "RETRYABLE"),
        (record({"orderId": "O-1"}, source=QUEUE + "PartialInventoryQueue"), "InventoryServiceDown", "RETRYABLE"),
        (by_destination("OrderInvalid", "totalAmount is required"), "InvalidOrderData", "PERMANENT"),
        (by_rule(code="INVALID_JSON"), "InvalidOrderData", "PERMANENT"),
        (by_rule(amount="many"), "InvalidOrderData", "PERMANENT"),
        (record("not json", source=QUEUE + "PaymentProcessingQueue"), "InvalidOrderData", "PERMANENT"),
        (by_destination("CustomerNotFound", "C-1"), "CustomerNotFound", "PERMANENT"),
        (by_destination("Other", "customer C-1 is unknown"), "CustomerNotFound", "PERMANENT"),
        (by_destination("ZeroDivisionError", "division by zero"), "UNKNOWN", "UNKNOWN"),
        (by_rule(code="NO_PERMISSIONS", message="no"), "UNKNOWN", "UNKNOWN"),
        (record({"orderId": "O-1"}, source=QUEUE + "ShippingQueue"), "UNKNOWN", "UNKNOWN"),
    ],
)
def test_each_letter_has_its_class(laid_aside: Any, name: str, kind: str) -> None:
    assert letters.class_of(letters.letter_of(laid_aside)) == (name, kind)


@pytest.mark.parametrize(
    "laid_aside", [by_rule(), by_destination("x", ""), record(NOTICE), record({"order": {"orderId": "O-1"}})]
)
def test_a_letter_tells_its_order(laid_aside: Any) -> None:
    assert letters.order_id_of(letters.letter_of(laid_aside)) == "O-1"


def test_an_event_that_dies_again_is_the_same_letter_whatever_id_its_bus_gave_it() -> None:
    again = by_rule()
    again["body"] = again["body"].replace('"id": "e"', '"id": "f"')
    assert letters.fingerprint(letters.letter_of(by_rule())) == letters.fingerprint(letters.letter_of(again))
    other = letters.letter_of(by_destination("x", "", {"orderId": "O-2"}))
    assert letters.fingerprint(other) != letters.fingerprint(letters.letter_of(by_destination("x", "")))


@pytest.fixture
def world() -> OrderWorld:
    return OrderWorld()


def processor(world: OrderWorld) -> Any:
    names = {"db": "dynamodb", "events": "events", "functions": "lambda", "sns": "sns", "sqs": "sqs"}
    return wired_to("dlq_processor", **{name: world.client(service) for name, service in names.items()})


def test_the_retryable_wait_longer_each_time_until_their_retries_are_used_up(world: OrderWorld) -> None:
    made = processor(world)
    for death in range(4):
        laid_aside = by_destination("TooManyRaces", "") | {"messageId": f"m-{death}"}
        assert made.handler({"Records": [laid_aside]}, None) == {"batchItemFailures": []}
    sent = world.sent("SendMessage")
    assert [request.get("DelaySeconds") for request in sent] == [30, 120, 480, None]
    (alert,) = world.sent("Publish")
    assert json.loads(alert["Message"])["critical"] == "its retries are used up"
    assert json.loads(sent[3]["MessageBody"])["errorClass"] == "InventoryServiceDown"


def test_a_letter_that_is_read_twice_is_counted_once(world: OrderWorld) -> None:
    made = processor(world)
    for _ in range(3):
        made.handler({"Records": [by_destination("TooManyRaces", "")]}, None)
    assert [request["DelaySeconds"] for request in world.sent("SendMessage")] == [30, 30, 30]


@pytest.mark.parametrize(
    ("laid_aside", "paid", "critical"),
    [
        (by_destination("OrderInvalid", ""), False, ""),
        (by_destination("OrderInvalid", ""), True, "the order is paid"),
        (by_destination("ZeroDivisionError", ""), False, "nobody knows what broke"),
        (record({"a": 1}, RequestID="r", ErrorCode="TooManyRaces", ErrorMessage=""), False, ""),
    ],
)
def test_the_rest_is_parked_and_a_person_is_called_when_it_is_critical(
    world: OrderWorld, laid_aside: Any, paid: bool, critical: str
) -> None:
    order = {"orderId": "O-1", **({"capturedAt": NOW} if paid else {})}
    world.table("PutItem", {"TableName": "Orders", "Item": to_item(order)})
    processor(world).handler({"Records": [laid_aside]}, None)
    (parked,) = world.sent("SendMessage")
    assert "DelaySeconds" not in parked
    alerts = [json.loads(request["Message"])["critical"] for request in world.sent("Publish")]
    expected = critical or ("it has no way back" if laid_aside["messageAttributes"] else "")
    assert alerts == ([expected] if expected else [])


def test_each_form_goes_back_where_it_came_from(world: OrderWorld) -> None:
    made = processor(world)
    world_answer = world.answer

    def answer(service: str, operation: str, request: dict[str, Any]) -> Any:
        told = world_answer(service, operation, request)
        return {"QueueUrl": f"url/{request['QueueName']}"} if operation == "GetQueueUrl" else told

    world.answer = answer  # type: ignore[method-assign]  # queues have names here
    to_queue = record({"orderId": "O-1"}, source=QUEUE + "ShippingQueue", channels="a")
    for laid_aside in (by_rule(), by_destination("x", ""), record(NOTICE), to_queue):
        text = letters.to_text(letters.letter_of(laid_aside))
        assert made.handler({"Records": [record(text, queue="order-retries")]}, None) == {"batchItemFailures": []}
    ((put,),) = [request["Entries"] for request in world.sent("PutEvents")]
    assert (put["EventBusName"], put["Source"], put["DetailType"]) == (
        "payments",
        "payment.service",
        "Payment Completed",
    )
    (call,) = world.sent("Invoke")
    assert (call["FunctionName"], call["InvocationType"], call["Payload"]) == (FUNCTION, "Event", b'{"orderId": "O-1"}')
    (publish,) = world.sent("Publish")
    assert publish["MessageAttributes"] == {"customerId": {"DataType": "String", "StringValue": "C-1"}}
    (send,) = world.sent("SendMessage")
    assert (send["QueueUrl"], send["MessageBody"]) == ("url/ShippingQueue", '{"orderId": "O-1"}')
    assert send["MessageAttributes"] == {"channels": {"DataType": "String", "StringValue": "a"}}


def test_a_letter_without_a_way_back_fails_alone(world: OrderWorld) -> None:
    good, bad = letters.to_text(letters.letter_of(by_rule())), "{}"
    batch = [
        record(bad, queue="order-retries", message_id="bad"),
        record(good, queue="order-retries", message_id="good"),
    ]
    assert processor(world).handler({"Records": batch}, None) == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert world.sent("PutEvents")
