"""What became of a charge, written on the order and told: by the provider's webhook, or by whoever asked because no notice came.

Money that comes when the order has ended without a shipment goes back. That is left to ReversePayment and its queue, so that nobody who
ends an order waits for the provider, and no refund is lost while it does not answer (or while its circuit is open).
"""

import json
import os
from decimal import Decimal
from typing import Any

from ordering import keep
from ordering.announce import PAYMENTS_BUS, announce
from ordering.envelope import entry
from ordering.journal import log
from ordering.payment import charge_key
from ordering.values import Plain

REVERSALS_URL = os.environ.get("PAYMENT_REVERSAL_QUEUE_URL", "PaymentReversalQueue")


def capture(db: Any, order_id: str, key: str, amount: Any, now: str) -> Plain:
    """The order with its capture noted, also when it ended without this money."""
    values = {
        "capturedAt": now,
        "capturedAmount": Decimal(str(amount)),
        "chargeKey": key,
        "paymentStatus": "CAPTURED",
        "status": "PAID",
    }
    first, order = keep.update(db, keep.changing(order_id, values, missing=("capturedAt", "outcome")))
    if not first and "capturedAt" not in order:
        del values["status"]
        _, order = keep.update(db, keep.changing(order_id, values, once=values))
    return order


def take(db: Any, events: Any, sqs: Any, order: Plain, now: str) -> bool:
    """Whether the order goes on with the money that was captured; it is told on the bus, else it goes back. Safe to repeat."""
    if order.get("outcome") and order["outcome"] not in keep.SHIPPED:
        reverse_later(sqs, order)
        return False
    kind = entry("Payment Completed", paid(order), bus=PAYMENTS_BUS, now=now, key=order["chargeKey"])
    announce(db, events, [kind])
    return True


def paid(order: Plain) -> Plain:
    """Payment Completed: for an invoice with all that its shipment needs, since no workflow holds the order."""
    names = ["orderId", "customerId", "paymentMethod", "currency"]
    if order.get("paymentMethod") == "invoice":
        names.append("shippingAddress")
    data = {name: order[name] for name in names if name in order}
    if order.get("paymentMethod") == "invoice":
        data["acceptedAt"] = order.get("acceptedAt") or order["startedAt"]
        data["reservation"] = {name: order[name] for name in ("reservedItems", "backOrderId") if name in order}
    return {**data, "amount": order["capturedAmount"], "chargeKey": order["chargeKey"]}


def decline(db: Any, events: Any, order_id: str, attempt: int, *, code: str, now: str) -> Plain:
    """The order with its decline noted, and told; the provider never captures this key. Safe to repeat."""
    values = {"paymentAttempt": attempt + 1, "paymentStatus": "DECLINED"}
    same = {"paymentAttempt": attempt or None}
    _, order = keep.update(db, keep.changing(order_id, values, missing=("capturedAt",), same=same))
    data = {"orderId": order_id, "customerId": order.get("customerId", "UNKNOWN"), "reason": code}
    data["paymentMethod"] = order.get("paymentMethod", "card")
    announce(db, events, [entry("Payment Failed", data, bus=PAYMENTS_BUS, now=now, key=charge_key(order_id, attempt))])
    return order


def reverse_later(sqs: Any, order: Plain) -> None:
    """Have what was taken, or may still be taken, of an order that ended without a shipment given back. Safe to repeat."""
    if keep.owes(order):
        sqs.send_message(QueueUrl=REVERSALS_URL, MessageBody=json.dumps({"orderId": order["orderId"]}))
        log("its money goes back", orderId=order["orderId"])
