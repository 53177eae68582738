"""PaymentWebhook, ``POST /payments/webhook``: the provider tells what became of a charge.

It may tell it twice, late, or after we gave up. What it says is written on the order under a condition; then whoever waits is
answered: the workflow's task token (card), the bus (every method), or the customer's account (nothing will be shipped any more).
A webhook that fails half-way is sent again by the provider, so every step here may be repeated.
"""

import json
import os
from typing import Any

from botocore.exceptions import ClientError
from ordering import aws, keep, settling
from ordering.journal import log
from ordering.payment import signed
from ordering.values import to_json
from ordering.web import Answer, BadBody, answer, now_of, text_of

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")
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
    order = settling.capture(db, order_id, key, notice["amount"], now)
    if not settling.take(db, events, sqs, order, now):
        log("late capture goes back", orderId=order_id, key=key)
        return
    result = {"paymentStatus": "SUCCESS", "chargeKey": order["chargeKey"], "amount": order["capturedAmount"]}
    if token := order.get("paymentToken"):
        tell(states.send_task_success, taskToken=token, output=json.dumps(to_json(result)))


def declined(notice: dict[str, Any], now: str) -> None:
    """A decline that may be tried again under a new key; the provider never captures the old one."""
    order_id, attempt = notice["metadata"]["orderId"], notice["metadata"]["attempt"]
    code = notice.get("code", "declined")
    order = settling.decline(db, events, order_id, attempt, code=code, now=now)
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
