"""What is said to the payment provider, and what of it is written on the order.

A charge's key is the order and the number of declines before it: only a decline, which the provider promised never to turn into
a capture, makes a new key. Everything unknown (timeouts, 5xx) is repeated under the old one.
"""

import hashlib
import hmac
import os
from decimal import Decimal
from typing import Any

from ordering import keep, partner
from ordering.values import Plain

PAYMENT_URL = os.environ.get("PAYMENT_URL", "http://127.0.0.1:4601")


def charge_key(order_id: str, attempt: int) -> str:
    return f"{order_id}-charge-{attempt}"


def webhook_url() -> str:
    """Where the provider reports to: the template's word, else this API on the endpoint that AWS calls go to."""
    if url := os.environ.get("WEBHOOK_URL"):
        return url
    return f"{os.environ.get('AWS_ENDPOINT_URL', '')}/_apis/{os.environ.get('API_ID', '')}/payments/webhook"


def charge(order_id: str, attempt: int, amount: Any, currency: str) -> dict[str, Any]:
    """Ask for a capture; the provider answers at once that it heard, and later, at the webhook, what became of it.

    Raises:
        PartnerRefused, PartnerUnavailable: as ``partner.call``.
    """
    body = {
        "key": charge_key(order_id, attempt),
        "amount": f"{Decimal(str(amount)):.2f}",
        "currency": currency,
        "webhookUrl": webhook_url(),
        "metadata": {"orderId": order_id, "attempt": attempt},
    }
    return partner.call("POST", f"{PAYMENT_URL}/charges", body)


def look_up(key: str) -> Plain:
    """What became of a charge: its ``status`` is captured, declined, pending, voided, or unknown where nobody asked for it.

    Raises:
        PartnerRefused, PartnerUnavailable: as ``partner.call``.
    """
    try:
        return partner.call("GET", f"{PAYMENT_URL}/charges/{key}")
    except partner.PartnerRefused as refusal:
        if refusal.status != 404:
            raise
        return {"key": key, "status": "unknown"}


def void(key: str) -> Plain:
    """Call a charge off, and what became of it: one that was not captured by now never is, also when it is asked for later.

    Raises:
        PartnerRefused, PartnerUnavailable: as ``partner.call``.
    """
    return partner.call("DELETE", f"{PAYMENT_URL}/charges/{key}")


def close_charges(order: Plain) -> Plain | None:
    """What was captured of an order whose notices may have been lost; None where nothing was, and from now on nothing is.

    A decline that nobody heard of may have been followed by another charge under the next key, so those are looked at too.

    Raises:
        PartnerRefused, PartnerUnavailable: nobody knows yet; the caller is repeated.
    """
    attempt = int(order.get("tokenAttempt", 0))
    while True:
        key = charge_key(order["orderId"], attempt)
        found = look_up(key)
        if found["status"] not in DECIDED:
            found = void(key)
        if found["status"] == "captured":
            return {**found, "key": key}
        if found["status"] != "declined":
            return None
        attempt += 1


DECIDED = ("captured", "declined", "voided")


def give_back(db: Any, order: Plain, now: str) -> Plain:
    """Refund what was captured of an order and is not refunded yet; safe to repeat.

    Raises:
        PartnerRefused, PartnerUnavailable: nobody knows yet; the caller is repeated.
    """
    if not order.get("capturedAt") or order.get("refundedAt"):
        return order
    key, amount = order["chargeKey"], order["capturedAmount"]
    partner.call(
        "POST",
        f"{PAYMENT_URL}/refunds",
        {"key": f"{key}-refund", "chargeKey": key, "amount": f"{Decimal(str(amount)):.2f}"},
    )
    written = {"refundedAt": now, "refundedAmount": amount}
    _, after = keep.update(db, keep.changing(order["orderId"], written, once=written))
    return after


def signature(secret: str, body: str) -> str:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def signed(secret: str, body: str, claimed: str) -> bool:
    return hmac.compare_digest(signature(secret, body), claimed)
