"""CaptureInvoice, consumer of PaymentProcessingQueue: ask the provider for an invoice's money.

An answer means that the provider will report to the webhook, now or later. Without one the message comes again, each time
later; when the queue would give it up, the order ends PAYMENT_FAILED instead (should the money come after all, it goes back).
While the provider's circuit is open it is not asked: the queue is where an invoice waits.
"""

import json
import os
from typing import Any

from ordering import aws, circuit, partner, payment
from ordering.ending import end
from ordering.journal import log
from ordering.records import each_record, moment_of

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")
states = aws.client("stepfunctions")

QUEUE_URL = os.environ.get("PAYMENT_PROCESSING_QUEUE_URL", "")
RECEIVES_MAX = int(os.environ.get("RECEIVES_MAX", "10"))
TRIES = 3
DELAY_S = 5


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return each_record(event, consume)


def consume(record: dict[str, Any]) -> None:
    invoice, receives = json.loads(record["body"]), int(record["attributes"]["ApproximateReceiveCount"])
    try:
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
    charge = (invoice["orderId"], 0, invoice["amount"], invoice["currency"])
    for attempt in range(TRIES):
        try:
            circuit.through(db, states, circuit.PAYMENT, lambda: payment.charge(*charge))
        except circuit.CircuitOpen:
            raise
        except partner.PartnerUnavailable:
            if attempt == TRIES - 1:
                raise
        else:
            log("invoice sent", orderId=invoice["orderId"], amount=invoice["amount"])
            return


def give_up(order_id: str, reason: str, now: str) -> None:
    end(db, events, order_id, "PAYMENT_FAILED", reason=f"payment failed: {reason}", now=now)
