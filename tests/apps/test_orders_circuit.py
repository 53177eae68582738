"""The circuit breaker of the payment provider: who fails is left alone, what waits is asked for once, and nobody is forgotten.

Source: order system, "Failure": closed, open after N failures in a row, half open for one trial; the archive answers the tokens.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ordering import circuit, keep, partner
from tests.apps.order_world import NOW, Died, OrderWorld, wired

PAYMENT = circuit.PAYMENT
AMOUNT = 6.0
PLACED = {"status": "VALIDATED", "customerId": "C-1", "paymentMethod": "card", "currency": "GBP"}


class Street:
    """Orders that want to pay, a provider that may be down, and the workflow that watches an open circuit."""

    def __init__(self) -> None:
        self.world = OrderWorld()
        self.pays, self.probes, self.invoices, self.webhook = (
            wired(self.world, name)
            for name in ("process_payment", "probe_circuit", "capture_invoice", "payment_webhook")
        )
        self.db, self.states = self.world.client("dynamodb"), self.world.client("stepfunctions")
        self.down = False
        self.deaf = False  # It does what it is asked for, and its answer is lost.
        self.asked = 0
        partner.call = self.call

    def call(self, method: str, url: str, body: dict[str, Any] | None = None, **_: Any) -> dict[str, Any]:
        self.asked += 1
        if self.down:
            raise partner.PartnerUnavailable("down")
        answer = {} if url.endswith("/health") else self.world.partner_call(method, url, body)
        if self.deaf:
            raise partner.PartnerUnavailable("deaf")
        return answer

    def order(self, order_id: str, **values: Any) -> None:
        keep.update(self.db, keep.changing(order_id, {**PLACED, **values}))

    def pay(self, order_id: str, token: str = "") -> str:
        """One attempt of the workflow's state: the function's answer, or its error's name."""
        try:
            answer = self.pays.pay(order_id, AMOUNT, "GBP", token or f"token-{order_id}")
        except (partner.PartnerUnavailable, partner.PartnerRefused, keep.OrderCancelled) as fault:
            return type(fault).__name__
        return "asked" if answer["asked"] else "waits" if answer.get("waits") else "paid"

    def open(self) -> None:
        self.down = True
        for number in range(PAYMENT.failures_max):
            self.order(f"F-{number}")
            assert self.pay(f"F-{number}") == "PartnerUnavailable"
        self.asked = 0

    def watch(self, generation: int = 1) -> str:
        """CircuitWorkflow, from the end of one wait: the probe, then the replay; how it left the circuit."""
        state: str = self.run(lambda: self.probes.probe(PAYMENT, generation))["state"]
        while state == "CLOSED" and self.run(lambda: self.probes.replay(PAYMENT))["more"]:
            pass
        return state

    def run(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                return step()
            except Died:
                continue

    @property
    def state(self) -> str:
        return circuit.state_of(circuit.load(self.db, PAYMENT))

    @property
    def waiting(self) -> list[str]:
        return [request["requestId"] for request in circuit.waiting(self.db, PAYMENT)]

    def started(self) -> list[str]:
        return [request["name"] for request in self.world.sent("StartExecution")]


@pytest.fixture
def street() -> Iterator[Street]:
    call = partner.call
    yield Street()
    partner.call = call


def test_a_partner_that_answers_is_asked_and_nothing_is_written(street: Street) -> None:
    street.order("O-1")
    assert street.pay("O-1") == "asked"
    assert circuit.load(street.db, PAYMENT) == {}


def test_failures_in_a_row_open_the_circuit_and_start_its_watch_once(street: Street) -> None:
    street.open()
    assert street.state == circuit.OPEN
    assert street.started() == ["payment-1"]


def test_failures_that_are_not_in_a_row_open_nothing(street: Street) -> None:
    for number in range(3 * PAYMENT.failures_max):
        street.order(f"O-{number}")
        street.down = number % PAYMENT.failures_max != 0
        street.pay(f"O-{number}")
    assert street.state == circuit.CLOSED


def test_a_refusal_is_an_answer(street: Street) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise partner.PartnerRefused(422, {"message": "no"})

    partner.call = refuse  # The fixture puts it back.
    for number in range(5):
        street.order(f"O-{number}")
        assert street.pay(f"O-{number}") == "PartnerRefused"
    assert street.state == circuit.CLOSED


def test_while_it_is_open_nobody_is_asked_and_requests_wait(street: Street) -> None:
    street.open()
    street.order("O-1")
    assert street.pay("O-1") == "waits"
    assert (street.asked, street.waiting) == (0, ["O-1"])
    assert set(street.started()) == {"payment-1"}, "whoever finds it open has it watched, under the same name"


def test_the_trial_that_fails_leaves_it_open_and_asks_once(street: Street) -> None:
    street.open()
    for name in ("O-1", "O-2"):
        street.order(name)
        street.pay(name)
    assert street.watch() == "OPEN"
    assert (street.asked, street.state, street.waiting) == (1, circuit.OPEN, ["O-1", "O-2"])


def test_the_trial_that_is_answered_closes_it_and_the_archive_is_replayed(street: Street) -> None:
    street.open()
    names = [f"O-{number:02}" for number in range(2 * circuit.PAGE + 3)]
    for name in names:
        street.order(name)
        assert street.pay(name) == "waits"
    street.down = False
    assert street.watch() == "CLOSED"
    assert (street.state, street.waiting, street.asked) == (circuit.CLOSED, [], len(names))
    assert sorted(street.world.charges) == [f"{name}-charge-0" for name in names]
    street.order("P-1")
    assert street.pay("P-1") == "asked"


def test_without_a_request_the_health_of_the_partner_is_the_trial(street: Street) -> None:
    street.open()
    assert street.watch() == "OPEN"
    street.down = False
    assert street.watch() == "CLOSED"


def test_what_was_done_without_an_answer_is_asked_for_under_its_key_and_done_once(street: Street) -> None:
    street.order("O-1")
    street.deaf = True
    for number in range(PAYMENT.failures_max):
        assert street.pay("O-1", f"t-{number}") == "PartnerUnavailable"
    assert street.pay("O-1", "t-last") == "waits"
    street.deaf = False
    assert street.watch() == "CLOSED"
    assert list(street.world.charges) == ["O-1-charge-0"]
    notice = {"key": "O-1-charge-0", "amount": "6.00", "metadata": {"orderId": "O-1", "attempt": 0}}
    street.webhook.captured(notice, NOW)
    assert [each["taskToken"] for each in street.world.sent("SendTaskSuccess")] == ["t-last"]


GONE: dict[str, tuple[dict[str, Any], str, str]] = {
    "cancelled": ({"cancelRequestedAt": NOW}, "SendTaskFailure", "OrderCancelled"),
    "paid": ({"capturedAt": NOW, "chargeKey": "k", "capturedAmount": 6}, "SendTaskSuccess", "SUCCESS"),
    "ended": ({"outcome": "PAYMENT_FAILED"}, "", ""),
    "under a newer token": ({"paymentToken": "newer"}, "", ""),
}


@pytest.mark.parametrize("why", GONE)
def test_who_needs_no_money_any_more_is_answered_and_not_charged(street: Street, why: str) -> None:
    values, told, words = GONE[why]
    street.open()
    street.order("O-1")
    street.pay("O-1")
    keep.update(street.db, keep.changing("O-1", values))
    street.down = False
    assert street.watch() == "CLOSED"
    assert (street.world.charges, street.waiting) == ({}, [])
    answers = [(name, request) for name, request in street.world.asked if "taskToken" in request]
    assert [name for name, _ in answers] == ([told] if told else [])
    assert all(words in str(request) for _, request in answers)


def test_a_replay_that_fails_opens_it_anew_and_another_watch_goes_on(street: Street) -> None:
    street.open()
    for name in ("O-1", "O-2", "O-3"):
        street.order(name)
        street.pay(name)
    street.down = False
    assert street.probes.probe(PAYMENT, 1) == {"state": "CLOSED"}
    street.down = True
    for _ in range(PAYMENT.failures_max):
        with pytest.raises(partner.PartnerUnavailable):
            street.probes.replay(PAYMENT)
    assert street.probes.replay(PAYMENT) == {"more": False}
    assert street.state == circuit.OPEN
    assert street.probes.probe(PAYMENT, 1) == {"state": "SUPERSEDED"}, "the first opening is over"
    street.down = False
    assert street.watch(2) == "CLOSED"
    assert (street.waiting, len(street.world.charges)) == ([], 3)


def test_a_circuit_that_closes_while_a_request_is_laid_aside_forgets_nobody(street: Street) -> None:
    """At each call between finding it open and being laid aside, in turn, the whole watch goes by."""
    for call in range(1, 9):
        again = Street()
        again.open()
        again.order("O-1")
        again.down = False
        again.world.plan = {again.world.calls + call: partial(watched, again)}
        outcome = again.pay("O-1")
        assert again.world.plan == {} or outcome == "waits"
        again.world.plan = {}
        if outcome == "waits" and again.state != circuit.CLOSED:
            again.watch()
        assert list(again.world.charges) == ["O-1-charge-0"], call
        assert again.waiting == [], call


@pytest.mark.parametrize("part", ["pay", "watch"])
def test_wherever_a_function_dies_the_request_is_made_once(part: str) -> None:
    call, calm = partner.call, 0
    try:
        while True:
            street = Street()
            street.open()
            street.order("O-1")
            if part == "watch":
                street.pay("O-1")
                street.down = False
            calm += 1
            street.world.plan = {street.world.calls + calm: die}
            if part == "pay":
                street.run(partial(street.pay, "O-1"))
                street.down = False
            street.watch()
            nobody_died = bool(street.world.plan)
            street.world.plan = {}
            assert list(street.world.charges) == ["O-1-charge-0"], calm
            assert (street.state, street.waiting) == (circuit.CLOSED, []), calm
            if nobody_died:
                assert calm > 5
                return
    finally:
        partner.call = call


def watched(street: Street) -> None:
    street.watch()


def die() -> None:
    raise Died


def test_of_two_probes_at_once_the_later_opening_wins(street: Street) -> None:
    street.open()
    street.down = False
    assert street.watch() == "CLOSED"
    street.down = True
    for number in range(PAYMENT.failures_max):
        street.order(f"G-{number}")
        street.pay(f"G-{number}")
    assert street.started()[-1] == "payment-2"
    circuit.end_trial(street.db, PAYMENT, 1, well=True)
    assert street.state == circuit.OPEN, "a trial of the first opening says nothing about the second"


def test_an_invoice_waits_in_its_queue(street: Street) -> None:
    street.open()
    attributes = {"ApproximateReceiveCount": "2", "SentTimestamp": "1767225600000"}
    body = '{"orderId": "O-1", "amount": 6.0, "currency": "GBP"}'
    record = {"messageId": "m", "receiptHandle": "r", "body": body, "attributes": attributes}
    assert street.invoices.handler({"Records": [record]}, None) == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    assert (street.asked, street.waiting) == (0, [])
    assert [each["VisibilityTimeout"] for each in street.world.sent("ChangeMessageVisibility")] == [10]


def test_a_watch_that_has_ended_is_no_fault(street: Street) -> None:
    class Ended:
        def start_execution(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": ""}}, "StartExecution")

    circuit.watch(Ended(), PAYMENT, 1)
