"""PaymentWebhook, ``POST /payments/webhook``: the provider tells what became of a charge.

It may tell it twice, late, or after we gave up. What it says is written on the order under a condition; then whoever waits is
answered: the workflow's task token (card), the bus (every method), or the customer's account (nothing will be shipped any more).
A webhook that fails half-way is sent again by the provider, so every step here may be repeated.
"""

import json
import os
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError
from ordering import aws, keep
from ordering.announce import PAYMENTS_BUS, announce
from ordering.envelope import entry
from ordering.journal import log
from ordering.payment import charge_key, refund_if_due, signed
from ordering.values import Plain, to_json
from ordering.web import Answer, BadBody, answer, now_of, text_of

db = aws.client("dynamodb")
events = aws.client("events")
states = aws.client("stepfunctions")

SECRET = os.environ.get("WEBHOOK_SECRET", "")
# Answers to a token that nobody awaits any more.
STALE = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


def handler(event: dict[str, Any], _context: object) -> Answer:
    try:
        text = text_of(event)
        notice = json.loads(text)
    except (BadBody, ValueError, RecursionError):
        return answer(400, {"message": "The body must be JSON."})
    if not signed(SECRET, text, event.get("headers", {}).get("x-signature", "")):
        return answer(401, {"message": "The signature does not match."})
    act = NOTICES.get(notice.get("type"))
    if act is None:
        return answer(400, {"message": f"Unknown type {notice.get('type')!r}."})
    act(notice, now_of(event))
    return answer(200, {"received": True})


def captured(notice: dict[str, Any], now: str) -> None:
    order_id, key = notice["metadata"]["orderId"], notice["key"]
    values = {
        "capturedAt": now,
        "capturedAmount": Decimal(notice["amount"]),
        "chargeKey": key,
        "paymentStatus": "CAPTURED",
        "status": "PAID",
    }
    first, order = keep.update(db, keep.changing(order_id, values, missing=("capturedAt", "outcome")))
    if not first and "capturedAt" not in order:
        # The order ended without this money; the capture is noted, and goes back.
        del values["status"]
        _, order = keep.update(db, keep.changing(order_id, values, once=values))
    if order.get("outcome") and order["outcome"] not in keep.SHIPPED:
        refund_if_due(db, order, now)
        log("late capture refunded", orderId=order_id, key=key)
        return
    announce(db, events, [entry("Payment Completed", paid(order), bus=PAYMENTS_BUS, now=now, key=key)])
    result = {"paymentStatus": "SUCCESS", "chargeKey": key, "amount": order["capturedAmount"]}
    if token := order.get("paymentToken"):
        tell(states.send_task_success, taskToken=token, output=json.dumps(to_json(result)))


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


def declined(notice: dict[str, Any], now: str) -> None:
    """A decline that may be tried again under a new key; the provider never captures the old one."""
    order_id, attempt = notice["metadata"]["orderId"], notice["metadata"]["attempt"]
    values = {"paymentAttempt": attempt + 1, "paymentStatus": "DECLINED"}
    same = {"paymentAttempt": attempt or None}
    _, order = keep.update(db, keep.changing(order_id, values, missing=("capturedAt",), same=same))
    code = notice.get("code", "declined")
    data = {"orderId": order_id, "customerId": order.get("customerId", "UNKNOWN"), "reason": code}
    data["paymentMethod"] = order.get("paymentMethod", "card")
    announce(db, events, [entry("Payment Failed", data, bus=PAYMENTS_BUS, now=now, key=charge_key(order_id, attempt))])
    # A repeated notice of an older attempt must not fail the token of the attempt that runs now.
    if (token := order.get("paymentToken")) and order.get("tokenAttempt") == attempt:
        if code in FINAL:
            tell(
                states.send_task_success,
                taskToken=token,
                output=json.dumps({"paymentStatus": "FAILED", "reason": code}),
            )
        else:
            tell(states.send_task_failure, taskToken=token, error="PaymentDeclined", cause=code)


def pending(notice: dict[str, Any], _now: str) -> None:
    order = keep.load(db, notice["metadata"]["orderId"])
    if token := order.get("paymentToken"):
        tell(states.send_task_heartbeat, taskToken=token)


def tell(send: Any, **arguments: str) -> None:
    try:
        send(**arguments)
    except ClientError as fault:
        if fault.response["Error"]["Code"] not in STALE:
            raise
        log("nobody waits for this token", code=fault.response["Error"]["Code"])


# Reasons for which a second try would be turned down too.
FINAL = ("stolen_card", "account_closed")
NOTICES = {"charge.captured": captured, "charge.declined": declined, "charge.pending": pending}
