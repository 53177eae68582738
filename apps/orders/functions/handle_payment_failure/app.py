"""HandlePaymentFailure: no money came. The stock goes back and the order ends PAYMENT_FAILED; money that came after all goes back too.

Called by the order workflow (card), and by a rule for Payment Failed of an invoice, which no workflow waits for.
"""

from typing import Any

from ordering import aws
from ordering.ending import end

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    reason = f"payment failed: {event['reason']}"
    return end(db, events, sqs, event["orderId"], "PAYMENT_FAILED", reason=reason, now=event["now"])
