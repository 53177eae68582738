"""OrderValidation: read-only audit of every order that is placed, beside the workflow. It writes one line and changes nothing."""

from typing import Any

from ordering.envelope import data_of
from ordering.journal import count, log
from ordering.schema import EventInvalid
from ordering.validation import faults_of


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return audit(event)


def audit(event: dict[str, Any]) -> dict[str, Any]:
    """What the audit found: the faults that ValidateOrder would find too."""
    try:
        order = data_of(event)
    except EventInvalid as fault:
        found = list(fault.faults)
        order = event["detail"].get("data") or {}
    else:
        found = [str(fault) for fault in faults_of(order)]
    log("order audited", orderId=order.get("orderId"), valid=not found, faults=found)
    count("OrdersAudited", 1, valid=str(not found).lower())
    return {"orderId": order.get("orderId"), "valid": not found, "faults": found}
