"""HandleOrderValidationFailure: the order is REJECTED, with every fault as the reason."""

import json
from typing import Any

from ordering import aws, keep
from ordering.ending import end

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    order, customer = event["order"], event["order"].get("customerId")
    if isinstance(customer, str) and customer:
        keep.update(db, keep.changing(order["orderId"], {"customerId": customer}, once=("customerId",)))
    return end(db, events, sqs, order["orderId"], "REJECTED", reason=reason_of(event["error"]), now=event["now"])


def reason_of(error: dict[str, Any]) -> str:
    """The message of the error that the state machine caught; Lambda puts it as JSON into ``Cause``."""
    cause = error.get("Cause") or ""
    try:
        told = json.loads(cause)
    except ValueError:
        return cause or str(error.get("Error", "unknown"))
    return str(told.get("errorMessage", cause)) if isinstance(told, dict) else cause
