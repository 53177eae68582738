"""How an order is kept, and the conditional writes that decide its races.

Theory of operation
-------------------
One item of the Orders table is one order. Whoever wants something of it writes under a condition on the same item, so that of
two who race one is first and the other sees it:

* ``executionArn``  the one execution that processes it (written by the workflow's first state)
* ``reservation``   RESERVED, then SHIPPED or RELEASED, in one transaction with the stock that it moves; RELEASED also tells a
  reservation that comes after a saga was rolled back that it is too late
* ``capturedAt``    the money came (webhook); ``refundedAt``: it went back
* ``cancelRequestedAt``  a cancellation that came before the shipment claim
* ``shipmentClaim`` who ships it; from here it cannot be cancelled by the customer
* ``sagaStatus``    COMMITTED (stock and money are there) or ROLLED_BACK, of an order that is paid by saga
* ``outcome``       one of six, once
* ``tokenAttempt``  written before the provider is asked: from here on there may be a charge, whatever anybody heard of it
* ``reversal``      DUE, in one transaction with an outcome that is no shipment, where money was or may be taken; DONE when the
  provider said that there is no charge any more, or gave it back

Money that arrives for an order whose outcome is not a shipment is refunded by whoever comes second: the webhook sees the outcome,
or the one who writes the outcome sees the capture, because that write has the capture that it read as its condition.
"""

import os
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from ordering.stock import movement
from ordering.values import Plain, from_item, to_item, to_value

ORDERS = os.environ.get("ORDERS_TABLE", "Orders")
INVENTORY = os.environ.get("INVENTORY_TABLE", "Inventory")

SHIPPED = ("SHIPPED", "PARTIALLY_SHIPPED")
OUTCOMES = (*SHIPPED, "REJECTED", "OUT_OF_STOCK", "PAYMENT_FAILED", "CANCELLED")
# An order in one of these has no workflow that would notice a cancellation.
RESTING = ("AWAITING_PAYMENT", "BACKORDERED")

# A race is lost against another writer of the same item; each loss means that somebody else got further.
TRIES_MAX = 10


class OrderCancelled(Exception):
    """The customer cancelled before this step; the workflow compensates."""


class OrderClosed(Exception):
    """The order has its outcome; this step comes too late."""


class TooManyRaces(Exception):
    """Other writers were faster every time; the caller may repeat."""


class Refused(Exception):
    """A transaction was refused; ``reasons`` has a code for each action, ``items`` what the refused ones found."""

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(", ".join(reason.get("Code", "None") for reason in reasons))
        self.codes = [reason.get("Code", "None") for reason in reasons]
        self.items = [from_item(reason.get("Item") or {}) for reason in reasons]


def changing(
    order_id: str,
    values: Mapping[str, Any],
    *,
    once: Iterable[str] = (),
    missing: Iterable[str] = (),
    same: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An UpdateItem request for one order.

    Args:
        order_id: key of the order.
        values: attributes to write.
        once: those of them that keep their first value.
        missing: attributes that must not be there yet.
        same: attributes that must have this value; ``None`` means missing.
    """
    same = dict(same or {})
    kept = set(once)
    absent = {*missing, *(name for name, value in same.items() if value is None)}
    present = {name: value for name, value in same.items() if value is not None}
    sets = [f"#{name} = if_not_exists(#{name}, :{name})" if name in kept else f"#{name} = :{name}" for name in values]
    conditions = [f"attribute_not_exists(#{name})" for name in sorted(absent)]
    conditions += [f"#{name} = :is_{name}" for name in present]
    request: dict[str, Any] = {
        "TableName": ORDERS,
        "Key": to_item({"orderId": order_id}),
        "UpdateExpression": "SET " + ", ".join(sets),
        "ExpressionAttributeNames": {f"#{name}": name for name in (*values, *absent, *present)},
        "ExpressionAttributeValues": {
            **{f":{name}": to_value(value) for name, value in values.items()},
            **{f":is_{name}": to_value(value) for name, value in present.items()},
        },
    }
    if conditions:
        request["ConditionExpression"] = " AND ".join(conditions)
    return request


def action(request: Mapping[str, Any]) -> dict[str, Any]:
    """The request as one action of a transaction, which tells what it found when it is refused."""
    return {"Update": {**request, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}


def update(db: Any, request: Mapping[str, Any]) -> tuple[bool, Plain]:
    """Whether the condition held, and the order after the write (or as it was found)."""
    try:
        written = db.update_item(**request, ReturnValues="ALL_NEW", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        answer: Any = fault.response
        return False, from_item(answer.get("Item") or {})
    return True, from_item(written["Attributes"])


def transact(db: Any, actions: Sequence[Mapping[str, Any]]) -> None:
    """Carry out all actions, or none. A conflict with another transaction is no answer: it is tried again.

    Raises:
        Refused: a condition failed.
        TooManyRaces: other transactions held the same items each time.
    """
    for attempt in range(TRIES_MAX):
        try:
            db.transact_write_items(TransactItems=actions)
        except ClientError as fault:
            if fault.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            refused = Refused(fault.response.get("CancellationReasons") or ())
            if "ConditionalCheckFailed" in refused.codes or "TransactionConflict" not in refused.codes:
                raise refused from None
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        else:
            return
    raise TooManyRaces


def load(db: Any, order_id: str) -> Plain:
    """The order as it is now; empty when there is none."""
    answer = db.get_item(TableName=ORDERS, Key=to_item({"orderId": order_id}), ConsistentRead=True)
    return from_item(answer.get("Item") or {})


def owes(order: Plain) -> bool:
    """Whether an order that ended without a shipment has money to give back, or a charge that nobody knows the end of."""
    if order.get("outcome") in (None, *SHIPPED):
        return False
    return order.get("reversal") == "DUE" or bool(order.get("capturedAt") and not order.get("refundedAt"))


def may_be_charged(order: Plain) -> bool:
    """Whether money is there, or may come: the provider was asked, and neither decline nor an end of the charge is known."""
    if order.get("capturedAt"):
        return not order.get("refundedAt")
    if "tokenAttempt" not in order or order.get("chargeClosedAt"):
        return False
    return int(order.get("paymentAttempt", 0)) <= int(order["tokenAttempt"])


def verdict(order: Plain, outcome: str, reason: str) -> tuple[str, str]:
    """A customer who asked for cancellation in time gets it, whatever else went wrong meanwhile."""
    if not order.get("cancelRequestedAt"):
        return outcome, reason
    return "CANCELLED", order.get("cancelReason", "cancelled by the customer")


def closing(order: Plain, outcome: str, reason: str, now: str) -> list[dict[str, Any]]:
    """The transaction that gives ``order``, as read, its outcome and its stock back."""
    final, reason = verdict(order, outcome, reason)
    held = order.get("reservation") == "RESERVED"
    values = {"outcome": final, "status": final, "reason": reason, "closedAt": now}
    if held:
        values["reservation"] = "RELEASED"
    if may_be_charged(order):
        values["reversal"] = "DUE"
    as_read = {name: order.get(name) for name in AS_READ}
    request = changing(order["orderId"], values, missing=("outcome",), same=as_read)
    return [action(request), *(movement("release", INVENTORY, order["reservedItems"]) if held else ())]


# What decides how an order is closed: whoever changed one of these meanwhile has it read again.
AS_READ = (
    "cancelRequestedAt",
    "reservation",
    "capturedAt",
    "refundedAt",
    "tokenAttempt",
    "paymentAttempt",
    "chargeClosedAt",
)


def close(db: Any, order_id: str, outcome: str, reason: str, now: str) -> Plain:
    """The order with its outcome: ``outcome``, or the one that it got before.

    Raises:
        TooManyRaces: the order changed under each try.
    """
    for _ in range(TRIES_MAX):
        order = load(db, order_id) or {"orderId": order_id}
        if "outcome" in order:
            return order
        actions = closing(order, outcome, reason, now)
        try:
            transact(db, actions)
        except Refused:
            continue
        final, reason = verdict(order, outcome, reason)
        due = {"reversal": "DUE"} if may_be_charged(order) else {}
        return {**order, **due, "outcome": final, "status": final, "reason": reason, "closedAt": now}
    raise TooManyRaces
