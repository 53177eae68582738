"""ProcessPayment: leave the task's token on the order, then ask the provider for the money. The webhook answers the token.

The token and the capture are written on one item, so that whichever comes second sees the other: a capture finds the newest token,
and a repeated call that finds the capture answers its own token.

While the provider's circuit is open it is not asked. The request waits in the archive, and the Task on its token, until the circuit
is closed and the archive replayed, or the Task's time is over.
"""

import json
from typing import Any

from ordering import aws, circuit, keep, payment
from ordering.journal import log
from ordering.values import to_json, to_value

db = aws.client("dynamodb")
states = aws.client("stepfunctions")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return pay(event["orderId"], event["amount"], event["currency"], event["taskToken"])


def pay(order_id: str, amount: Any, currency: str, token: str) -> dict[str, Any]:
    """Whether the provider was ``asked``; where not, the order is paid already or the request ``waits`` for the circuit to close.

    Raises:
        OrderCancelled, OrderClosed: no money is taken for such an order.
        PartnerUnavailable: the same charge may be asked for again.
        PartnerRefused: the provider takes no such charge.
    """
    request = keep.changing(order_id, {"paymentToken": token}, missing=("cancelRequestedAt", "outcome"))
    request["UpdateExpression"] += ", #tokenAttempt = if_not_exists(#paymentAttempt, :zero)"
    request["ExpressionAttributeNames"] |= {"#tokenAttempt": "tokenAttempt", "#paymentAttempt": "paymentAttempt"}
    request["ExpressionAttributeValues"][":zero"] = to_value(0)
    held, order = keep.update(db, request)
    if not held:
        if order.get("outcome"):
            raise keep.OrderClosed(order["outcome"])
        raise keep.OrderCancelled(order.get("cancelRequestedAt", ""))
    if order.get("capturedAt"):
        result = {"paymentStatus": "SUCCESS", "chargeKey": order["chargeKey"], "amount": order["capturedAmount"]}
        states.send_task_success(taskToken=token, output=json.dumps(to_json(result)))
        return {"asked": False}
    if not ask(order_id, order["tokenAttempt"], amount, currency, token):
        return {"asked": False, "waits": True}
    log("charge asked for", orderId=order_id, attempt=order["tokenAttempt"], amount=amount)
    return {"asked": True}


def ask(order_id: str, attempt: int, amount: Any, currency: str, token: str) -> bool:
    """Whether the provider was asked; else the request waits in the archive."""
    while True:
        try:
            circuit.through(db, states, circuit.PAYMENT, lambda: payment.charge(order_id, attempt, amount, currency))
        except circuit.CircuitOpen:
            request = {"token": token, "amount": amount, "currency": currency}
            if circuit.lay_aside(db, states, circuit.PAYMENT, order_id, request):
                return False
        else:
            return True
