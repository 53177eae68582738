"""CaptureInvoice, consumer of PaymentProcessingQueue: ask the provider for an invoice's money, and see that a word of it comes.

An answer means that the provider will report to the webhook, now or later. Without one the message comes again, each time
later; when the queue would give it up, the order ends PAYMENT_FAILED instead (should the money come after all, it goes back).
While the provider's circuit is open it is not asked: the queue is where an invoice waits.

A notice may be lost, and no workflow waits for an invoice's. So whoever asked sends itself a message for later (``check``), and asks then what
became of the charge, if nobody told: captured and declined are written as the webhook writes them; one that nobody knows is asked for again.
It goes on until somebody ships the order or ended it, so that a word that was noted and not passed on is passed on, too.
"""

import json
import os
from typing import Any

from ordering import aws, circuit, keep, partner, payment, settling
from ordering.ending import end
from ordering.journal import count, log
from ordering.records import each_record, moment_of

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")
states = aws.client("stepfunctions")

QUEUE_URL = os.environ.get("PAYMENT_PROCESSING_QUEUE_URL", "PaymentProcessingQueue")
RECEIVES_MAX = int(os.environ.get("RECEIVES_MAX", "10"))
TRIES = 3
DELAY_S = 5
# No word after so long: the provider is asked, and again after each further time, at last every quarter of an hour, for four days.
CHECK_S, CHECK_S_MAX = 300, 900
CHECKS_MAX = 390


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return each_record(event, consume)


def consume(record: dict[str, Any]) -> None:
    invoice, receives = json.loads(record["body"]), int(record["attributes"]["ApproximateReceiveCount"])
    try:
        if invoice.get("check"):
            check(invoice, moment_of(record))
        else:
            capture(invoice)
    except partner.PartnerRefused as refusal:
        give_up(invoice["orderId"], str(refusal), moment_of(record))
    except partner.PartnerUnavailable as fault:
        if receives >= RECEIVES_MAX:
            give_up(invoice["orderId"], str(fault), moment_of(record))
            return
        delay = min(DELAY_S * 2 ** (receives - 1), 900)
        sqs.change_message_visibility(
            QueueUrl=QUEUE_URL, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=delay
        )
        raise


def capture(invoice: dict[str, Any]) -> None:
    """Ask for the money, and have it looked after; nothing where the order ended, or is being cancelled."""
    order_id, charge = invoice["orderId"], (invoice["orderId"], 0, invoice["amount"], invoice["currency"])
    open_ = keep.changing(
        order_id, {"tokenAttempt": 0}, once=("tokenAttempt",), missing=("cancelRequestedAt", "outcome")
    )
    held, _ = keep.update(db, open_)
    if not held:
        log("nobody pays for it any more", orderId=order_id)
        return
    for attempt in range(TRIES):
        try:
            circuit.through(db, states, circuit.PAYMENT, lambda: payment.charge(*charge))
        except circuit.CircuitOpen:
            raise
        except partner.PartnerUnavailable:
            if attempt == TRIES - 1:
                raise
        else:
            log("invoice sent", orderId=order_id, amount=invoice["amount"])
            check_later(invoice)
            return


def check_later(invoice: dict[str, Any]) -> None:
    done = int(invoice.get("check", 0))
    body = json.dumps({**invoice, "check": done + 1})
    sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=body, DelaySeconds=min(CHECK_S * (done + 1), CHECK_S_MAX))


def check(invoice: dict[str, Any], now: str) -> None:
    """What became of a charge whose order nobody ships yet."""
    order_id = invoice["orderId"]
    order = keep.load(db, order_id)
    if order.get("shipmentClaim") or order.get("outcome"):
        return
    key = payment.charge_key(order_id, 0)
    if order.get("capturedAt"):
        found = {"status": "captured", "amount": order["capturedAmount"]}
    else:
        found = circuit.through(db, states, circuit.PAYMENT, lambda: payment.look_up(key))
    if found["status"] == "unknown":
        capture(invoice)
        return
    if found["status"] == "voided" or invoice["check"] >= CHECKS_MAX:
        give_up(order_id, "no word of the provider", now)
        return
    if found["status"] == "captured":
        log("captured, and nobody heard of it", orderId=order_id, key=key)
        settling.take(db, events, sqs, settling.capture(db, order_id, key, found["amount"], now), now)
    elif found["status"] == "declined":
        settling.decline(db, events, order_id, 0, code=found.get("code", "declined"), now=now)
    if found["status"] != "pending":
        count("NoticeLost")
    check_later(invoice)


def give_up(order_id: str, reason: str, now: str) -> None:
    end(db, events, sqs, order_id, "PAYMENT_FAILED", reason=f"payment failed: {reason}", now=now)
