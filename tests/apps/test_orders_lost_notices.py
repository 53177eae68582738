"""The provider told, and nobody heard: before anything is given up for want of a word from outside, the provider is asked.

A notice is lost for good where a backup is put back that was taken before it: the provider told the original, and tells no other.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from ordering import circuit, keep, partner, payment, settling
from tests.apps.order_world import EVENT, NOW, Died, OrderWorld, wired

LINES = [{"productId": "A", "quantity": 2, "price": 3.0}]
AMOUNT = 6.0
PLACED = {
    "status": "VALIDATED", "customerId": "C-1", "currency": "GBP", "totalAmount": 6, "startedAt": NOW, "reservation": "RESERVED",
    "reservedItems": LINES, "items": LINES,
}  # fmt: skip


class Desk:
    """One order whose provider is asked, and who asks."""

    def __init__(self, method: str = "card") -> None:
        self.world = OrderWorld()
        self.world.stock(A=10)
        self.confirming, self.reversing, self.pays, self.invoices, self.webhook, self.failing, self.cancelling = (
            wired(self.world, name)
            for name in (
                "confirm_payment",
                "reverse_payment",
                "process_payment",
                "capture_invoice",
                "payment_webhook",
                "handle_payment_failure",
                "cancel_order",
            )
        )
        self.down = False
        partner.call = self.call
        db = self.world.client("dynamodb")
        keep.update(db, keep.changing("O-1", {**PLACED, "paymentMethod": method}))
        counters = "SET available = :eight, reserved = :two"
        values = {":eight": {"N": "8"}, ":two": {"N": "2"}}
        self.world.table(
            "UpdateItem",
            {
                "TableName": "Inventory",
                "Key": {"productId": {"S": "A"}},
                "UpdateExpression": counters,
                "ExpressionAttributeValues": values,
            },
        )

    def call(self, method: str, url: str, body: dict[str, Any] | None = None, **_: Any) -> dict[str, Any]:
        if self.down:
            raise partner.PartnerUnavailable("down")
        return self.world.partner_call(method, url, body)

    def ask(self, token: str = "t") -> None:
        self.pays.pay("O-1", AMOUNT, "GBP", token)

    def decide(self, attempt: int = 0, what: str = "captures") -> None:
        """The provider decides, and whoever it tells is gone."""
        key = payment.charge_key("O-1", attempt)
        self.world.charges.setdefault(key, {"amount": "6.00", "captures": 0, "orderId": "O-1", "attempt": attempt})
        self.world.charges[key][what] = 1

    def confirm(self) -> str:
        status: str = self.run(lambda: self.confirming.confirm("O-1", NOW))["paymentStatus"]
        return status

    def fail(self) -> None:
        self.run(partial(self.failing.handler, {"orderId": "O-1", "reason": "States.Timeout", "now": NOW}, None))

    def cancel(self) -> int:
        event = {**EVENT, "pathParameters": {"orderId": "O-1"}}
        answer: int = self.run(lambda: self.cancelling.handler(event, None))["statusCode"]
        return answer

    def invoice(self, **more: Any) -> list[dict[str, Any]]:
        """One message of PaymentProcessingQueue; what failed of it."""
        return self.consume(self.invoices, {"orderId": "O-1", "amount": AMOUNT, "currency": "GBP", **more})

    def reverse(self) -> list[dict[str, Any]]:
        return self.consume(self.reversing, {"orderId": "O-1"})

    def consume(self, consumer: Any, body: dict[str, Any], receives: int = 1) -> list[dict[str, Any]]:
        attributes = {"ApproximateReceiveCount": str(receives), "SentTimestamp": "1767225600000"}
        record = {"messageId": "m", "receiptHandle": "r", "body": json.dumps(body), "attributes": attributes}
        failures: list[dict[str, Any]] = self.run(partial(consumer.handler, {"Records": [record]}, None))[
            "batchItemFailures"
        ]
        return failures

    def run(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                return step()
            except Died:
                continue

    @property
    def order(self) -> dict[str, Any]:
        return self.world.order("O-1")

    def sent(self, queue: str) -> list[dict[str, Any]]:
        return [each for each in self.world.sent("SendMessage") if each["QueueUrl"] == queue]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    call = partner.call
    yield
    partner.call = call


@pytest.fixture
def desk() -> Desk:
    return Desk()


# What the provider knows when nobody heard of it: what becomes of the order, and of later money.
KNOWN: dict[str, tuple[list[tuple[int, str]], str, set[str]]] = {
    "captured": ([(0, "captures")], "SUCCESS", set()),
    "pending": ([], "FAILED", {"O-1-charge-0"}),
    "declined": ([(0, "declined")], "FAILED", {"O-1-charge-1"}),
    "declined, then captured": ([(0, "declined"), (1, "captures")], "SUCCESS", set()),
    "declined twice": ([(0, "declined"), (1, "declined")], "FAILED", {"O-1-charge-2"}),
}


@pytest.mark.parametrize("known", KNOWN)
def test_before_an_order_fails_for_a_timeout_the_provider_is_asked(desk: Desk, known: str) -> None:
    decided, status, called_off = KNOWN[known]
    desk.ask()
    for attempt, what in decided:
        desk.decide(attempt, what)
    assert desk.confirm() == status
    assert desk.confirm() == status, "a repeated call answers the same"
    assert desk.world.voided == called_off
    if status == "SUCCESS":
        assert desk.order["capturedAmount"] == 6
        assert {text.split()[1] for text in desk.world.events()} == {"Completed"}
        return
    desk.fail()
    assert desk.order["outcome"] == "PAYMENT_FAILED"
    assert desk.world.broken() == []


def test_a_charge_that_never_reached_the_provider_is_called_off_before_it_comes(desk: Desk) -> None:
    desk.down = True
    with pytest.raises(partner.PartnerUnavailable):
        desk.ask()
    desk.down = False
    assert desk.confirm() == "FAILED"
    with pytest.raises(partner.PartnerRefused):
        payment.charge("O-1", 0, AMOUNT, "GBP")
    assert desk.world.charges == {}


def test_who_cannot_ask_does_not_decide(desk: Desk) -> None:
    desk.ask()
    desk.down = True
    with pytest.raises(partner.PartnerUnavailable):
        desk.confirm()
    assert "outcome" not in desk.order
    assert desk.world.voided == set()


def test_an_order_that_failed_while_the_provider_was_away_gives_the_money_back_when_it_is_there_again(
    desk: Desk,
) -> None:
    desk.ask()
    desk.decide()
    desk.down = True
    desk.fail()
    assert (desk.order["outcome"], desk.order["reversal"]) == ("PAYMENT_FAILED", "DUE")
    assert [json.loads(each["MessageBody"]) for each in desk.sent(settling.REVERSALS_URL)] == [{"orderId": "O-1"}]
    assert desk.reverse() == [{"itemIdentifier": "m"}], "it comes again"
    desk.down = False
    assert desk.reverse() == []
    assert desk.order["reversal"] == "DONE"
    assert desk.world.refunds == {"O-1-charge-0-refund": {"chargeKey": "O-1-charge-0", "amount": "6.00"}}
    assert desk.reverse() == []
    assert desk.world.broken() == []


def test_an_open_circuit_keeps_refunds_in_their_queue_and_asks_nobody(desk: Desk) -> None:
    desk.ask()
    desk.decide()
    desk.down = True
    desk.fail()
    for receives in range(1, circuit.PAYMENT.failures_max + 4):
        assert desk.consume(desk.reversing, {"orderId": "O-1"}, receives)
    assert circuit.state_of(circuit.load(desk.world.client("dynamodb"), circuit.PAYMENT)) == circuit.OPEN
    assert [each["VisibilityTimeout"] for each in desk.world.sent("ChangeMessageVisibility")] == [
        5,
        10,
        20,
        40,
        80,
        160,
    ]
    desk.consume(desk.reversing, {"orderId": "O-1"}, 50)
    assert desk.world.sent("ChangeMessageVisibility")[-1]["VisibilityTimeout"] == 900
    desk.down = False
    assert desk.reverse() == [{"itemIdentifier": "m"}], "the circuit is open still: the provider is left alone"
    assert desk.world.refunds == {}
    db = desk.world.client("dynamodb")
    generation = int(circuit.load(db, circuit.PAYMENT)["generation"])
    circuit.begin_trial(db, circuit.PAYMENT, generation)
    circuit.end_trial(db, circuit.PAYMENT, generation, well=True)
    assert desk.reverse() == []
    assert desk.world.broken() == []


def test_a_sagas_refund_goes_through_the_circuit_too(desk: Desk) -> None:
    refunding = wired(desk.world, "refund_payment")
    partner.call = desk.call
    desk.ask()
    desk.decide()
    desk.confirm()
    desk.down = True
    event = {"orderId": "O-1", "now": NOW}
    for _ in range(circuit.PAYMENT.failures_max):
        with pytest.raises(partner.PartnerUnavailable):
            refunding.handler(event, None)
    desk.down = False
    with pytest.raises(circuit.CircuitOpen):
        refunding.handler(event, None)
    desk.fail()
    assert desk.order["reversal"] == "DUE", "whoever ends the order does it again"


@pytest.mark.parametrize("known", ["captures", "declined", ""])
@pytest.mark.parametrize("method", ["card", "invoice"])
def test_a_cancellation_gives_back_what_nobody_heard_of(method: str, known: str) -> None:
    desk = Desk(method)
    if method == "invoice":
        desk.invoice()
        keep.update(desk.world.client("dynamodb"), keep.changing("O-1", {"status": "AWAITING_PAYMENT"}))
    else:
        desk.ask()
    if known:
        desk.decide(0, known)
    if method == "card":
        assert desk.cancel() == 202
        done = wired(desk.world, "complete_cancellation")
        partner.call = desk.call
        done.handler({"orderId": "O-1", "reason": "x", "now": NOW}, None)
    else:
        assert desk.cancel() == 200
    desk.world.reversals()
    assert (desk.order["outcome"], desk.order["reversal"]) == ("CANCELLED", "DONE")
    assert len(desk.world.refunds) == (known == "captures")
    assert desk.world.broken() == []


def test_an_order_whose_decline_is_known_owes_nothing(desk: Desk) -> None:
    desk.ask()
    desk.webhook.declined({"code": "stolen_card", "metadata": {"orderId": "O-1", "attempt": 0}}, NOW)
    desk.fail()
    assert "reversal" not in desk.order
    assert desk.sent(settling.REVERSALS_URL) == []


# What the provider knows at an invoice's check: what is done about it.
CHECKS = {
    "captures": "PAID",
    "declined": "declined",
    "": "checked again",
    "unknown": "asked again",
    "called off": "PAYMENT_FAILED",
}


@pytest.mark.parametrize("known", CHECKS)
def test_an_invoices_charge_is_looked_after_until_a_word_of_it_comes(known: str) -> None:
    desk = Desk("invoice")
    assert desk.invoice() == []
    (later,) = desk.sent("PaymentProcessingQueue")
    assert (json.loads(later["MessageBody"])["check"], later["DelaySeconds"]) == (1, 300)
    if known in {"captures", "declined"}:
        desk.decide(0, known)
    elif known == "unknown":
        desk.world.charges.clear()
    elif known:
        desk.world.voided.add("O-1-charge-0")
    assert desk.invoice(check=1) == []
    match CHECKS[known]:
        case "PAID":
            assert desk.order["status"] == "PAID"
            assert [text.split()[:2] for text in desk.world.events()] == [["Payment", "Completed"]]
        case "declined":
            assert [text.split()[:2] for text in desk.world.events()] == [["Payment", "Failed"]]
        case "checked again":
            assert desk.sent("PaymentProcessingQueue")[-1]["DelaySeconds"] == 600
        case "asked again":
            assert list(desk.world.charges) == ["O-1-charge-0"]
            assert json.loads(desk.sent("PaymentProcessingQueue")[-1]["MessageBody"])["check"] == 2
        case outcome:
            assert desk.order["outcome"] == outcome
            assert desk.world.broken() == []


@pytest.mark.parametrize("end", ["shipmentClaim", "outcome"])
def test_an_invoice_that_somebody_ships_or_ended_is_not_looked_after(end: str) -> None:
    desk = Desk("invoice")
    desk.invoice()
    keep.update(desk.world.client("dynamodb"), keep.changing("O-1", {end: "SHIPPED"}))
    desk.down = True
    assert desk.invoice(check=1) == [], "nobody is asked"
    assert len(desk.sent("PaymentProcessingQueue")) == 1


@pytest.mark.parametrize("word", ["captured", "declined"])
@pytest.mark.parametrize("by", ["webhook", "check"])
def test_a_word_that_was_noted_and_not_passed_on_is_passed_on(word: str, by: str) -> None:
    """Whoever notes it may die before the bus has it, and the provider takes it for told."""
    call = 0
    while True:
        call += 1
        desk = Desk("invoice")
        desk.invoice()
        desk.decide(0, "declined" if word == "declined" else "captures")
        notice = {"key": "O-1-charge-0", "amount": "6.00", "metadata": {"orderId": "O-1", "attempt": 0}}
        desk.world.plan = {desk.world.calls + call: die}
        with contextlib.suppress(Died):
            if by == "webhook":
                getattr(desk.webhook, word)(notice, NOW)
            else:
                desk.invoices.check({"orderId": "O-1", "amount": AMOUNT, "currency": "GBP", "check": 1}, NOW)
        over = bool(desk.world.plan)
        desk.world.plan = {}
        assert desk.invoice(check=1) == []
        expected = ["Payment", "Completed" if word == "captured" else "Failed"]
        assert [text.split()[:2] for text in desk.world.events()][-1] == expected, call
        assert len(set(desk.world.events())) == 1, "the same event, whoever tells it"
        if over:
            assert call > 2
            return


def test_an_invoice_of_which_no_word_ever_comes_ends_and_its_charge_is_called_off() -> None:
    desk = Desk("invoice")
    desk.invoice()
    desk.invoice(check=desk.invoices.CHECKS_MAX)
    assert desk.order["outcome"] == "PAYMENT_FAILED"
    assert desk.world.broken() == []
    assert desk.world.voided == {"O-1-charge-0"}


@pytest.mark.parametrize("end", ["cancelRequestedAt", "outcome"])
def test_nobody_asks_for_the_money_of_an_invoice_that_ended(end: str) -> None:
    desk = Desk("invoice")
    keep.update(desk.world.client("dynamodb"), keep.changing("O-1", {end: "CANCELLED"}))
    assert desk.invoice() == []
    assert desk.world.charges == {}
    assert desk.sent("PaymentProcessingQueue") == []


# Whatever comes between two calls ---------------------------------------------------------------------------------


def story(desk: Desk) -> None:
    """No word comes, the provider is asked, and the order ends as it says."""
    if desk.confirm() == "SUCCESS":
        return
    desk.fail()
    desk.reverse()


def die() -> None:
    raise Died


@pytest.mark.parametrize("known", ["captures", ""])
@pytest.mark.parametrize("what", ["dies", "captured", "told"])
def test_whatever_comes_between_two_calls_the_money_is_taken_or_given_back(known: str, what: str) -> None:
    """At each call in turn: the function dies, the provider captures what is not called off, or its notice comes after all."""
    call = 0
    while True:
        call += 1
        desk = Desk()
        desk.ask()
        if known:
            desk.decide(0, known)

        def happens(desk: Desk = desk) -> None:
            if what == "dies":
                die()
            if "O-1-charge-0" in desk.world.voided:
                return
            desk.decide()
            if what == "told":
                notice = {"key": "O-1-charge-0", "amount": "6.00", "metadata": {"orderId": "O-1", "attempt": 0}}
                desk.webhook.captured(notice, NOW)

        desk.world.plan = {desk.world.calls + call: happens}
        story(desk)
        over = bool(desk.world.plan)
        desk.world.plan = {}
        if "outcome" in desk.order:
            assert desk.order["outcome"] == "PAYMENT_FAILED"
            assert desk.world.broken() == [], call
        else:
            assert desk.order["capturedAt"], call
            assert desk.world.refunds == {}, call
        if over:
            assert call > 5
            return
