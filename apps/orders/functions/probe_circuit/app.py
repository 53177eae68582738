"""ProbeCircuit, the steps of CircuitWorkflow: make the one trial of an open circuit, and replay what waited for it.

A trial is a real request of the archive, under the key that it always had, so that it is done once whatever the trial finds out; where
none waits, the partner's health is asked. A replayed request is sent as its function would have sent it; the webhook answers its token.
A request whose order ended meanwhile, or whose Task waits under a newer token, is dropped.
"""

import json
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from ordering import aws, circuit, keep, partner, payment
from ordering.circuit import CIRCUITS, CLOSED, HALF_OPEN, Circuit, CircuitOpen
from ordering.journal import count, log
from ordering.values import Plain, to_json

db = aws.client("dynamodb")
states = aws.client("stepfunctions")

CARRIER_URL = os.environ.get("CARRIER_URL", "http://127.0.0.1:4602")
HEALTH = {
    circuit.PAYMENT.name: f"{payment.PAYMENT_URL}/health",
    **{carrier.name: f"{CARRIER_URL}/{carrier.name}/health" for carrier in circuit.CARRIERS},
}
# Answers to a token that nobody awaits any more.
STALE = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    which = CIRCUITS[event["circuit"]]
    return replay(which) if event["action"] == "replay" else probe(which, event["generation"])


def probe(which: Circuit, generation: int) -> dict[str, Any]:
    """The state after one trial of this opening; of a later opening somebody else takes care."""
    state = circuit.begin_trial(db, which, generation)
    if state != HALF_OPEN:
        return {"state": CLOSED if state == CLOSED else "SUPERSEDED"}
    well = try_out(which)
    circuit.end_trial(db, which, generation, well=well)
    return {"state": CLOSED if well else "OPEN"}


def try_out(which: Circuit) -> bool:
    """Whether the partner answered one request."""
    try:
        for request in circuit.waiting(db, which):
            if order := due(which, request):
                send(which, request, order)
                return True
        partner.call("GET", HEALTH[which.name])
    except partner.PartnerUnavailable as fault:
        log("trial failed", circuit=which.name, fault=str(fault))
        return False
    except partner.PartnerRefused:  # Not a word about its health, but it is there.
        return True
    return True


def replay(which: Circuit) -> dict[str, Any]:
    """Send a page of what waits; whether there is ``more``.

    Raises:
        PartnerUnavailable: it failed again; the caller is repeated, and ends when the circuit has opened anew.
    """
    requests = circuit.waiting(db, which)
    for request in requests:
        if order := due(which, request):
            try:
                circuit.through(db, states, which, partial(send, which, request, order))
            except CircuitOpen:
                return {"more": False}
    return {"more": bool(requests)}


def due(which: Circuit, request: Plain) -> Plain | None:
    """The order whose money is to be asked for. Any other request is answered, where somebody waits, and dropped."""
    key, token = request["requestId"], request["token"]
    order = keep.load(db, key)
    if order.get("paymentToken") == token and not order.get("outcome"):
        if order.get("cancelRequestedAt"):
            refuse(token, "OrderCancelled", order["cancelRequestedAt"])
        elif order.get("capturedAt"):
            result = {"paymentStatus": "SUCCESS", "chargeKey": order["chargeKey"], "amount": order["capturedAmount"]}
            tell(states.send_task_success, {"taskToken": token, "output": json.dumps(to_json(result))})
        else:
            return order
    circuit.drop(db, which, key, token)
    return None


def send(which: Circuit, request: Plain, order: Plain) -> None:
    """Ask for the order's money; then the request is out of the archive.

    Raises:
        PartnerUnavailable: it stays there.
    """
    key, token = request["requestId"], request["token"]
    try:
        payment.charge(key, order["tokenAttempt"], request["amount"], request["currency"])
    except partner.PartnerRefused as refusal:
        refuse(token, "PartnerRefused", str(refusal))
    circuit.drop(db, which, key, token)
    log("request replayed", circuit=which.name, requestId=key)
    count("RequestReplayed", circuit=which.name)


def refuse(token: str, error: str, cause: str) -> None:
    tell(states.send_task_failure, {"taskToken": token, "error": error, "cause": cause})


def tell(answer: Any, arguments: Mapping[str, str]) -> None:
    try:
        answer(**arguments)
    except ClientError as fault:
        if fault.response["Error"]["Code"] not in STALE:
            raise
        log("nobody waits for this token", code=fault.response["Error"]["Code"])
