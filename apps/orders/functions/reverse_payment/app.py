"""ReversePayment, consumer of PaymentReversalQueue: give back what was, or may have been, taken of an order that ended without a shipment.

The provider is asked through its circuit. While that is open, or the provider does not answer, the message waits, each time longer, up to
a quarter of an hour; one that was received too often is a dead letter, which DlqProcessor puts back. The order has ``reversal`` DUE until it
is done: `orders verify` tells of those.
"""

import json
from typing import Any

from ordering import aws, circuit, keep, partner, payment, settling
from ordering.journal import log
from ordering.records import each_record, moment_of
from ordering.values import Plain

db = aws.client("dynamodb")
sqs = aws.client("sqs")
states = aws.client("stepfunctions")

DELAY_S, DELAY_S_MAX = 5, 900


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return each_record(event, consume)


def consume(record: dict[str, Any]) -> None:
    try:
        reverse(json.loads(record["body"])["orderId"], moment_of(record))
    except partner.PartnerUnavailable:
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        delay = min(DELAY_S * 2 ** min(receives - 1, 10), DELAY_S_MAX)
        sqs.change_message_visibility(
            QueueUrl=settling.REVERSALS_URL, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=delay
        )
        raise


def reverse(order_id: str, now: str) -> None:
    """The order owes nothing any more; safe to repeat.

    Raises:
        PartnerRefused: the provider does not give it back; a person must look.
        PartnerUnavailable: nobody knows; the caller is repeated.
    """
    order = keep.load(db, order_id)
    if not keep.owes(order):
        return
    order = circuit.through(db, states, circuit.PAYMENT, lambda: settled(order, now))
    keep.update(db, keep.changing(order_id, {"reversal": "DONE", "reversedAt": now}, once=("reversedAt",)))
    log("reversed", orderId=order_id, refunded=order.get("refundedAt") is not None)


def settled(order: Plain, now: str) -> Plain:
    """The order with its charge closed, and what was captured refunded."""
    if not order.get("capturedAt"):
        found = payment.close_charges(order)
        if found is None:
            return order
        order = settling.capture(db, order["orderId"], found["key"], found["amount"], now)
    return payment.give_back(db, order, now)
