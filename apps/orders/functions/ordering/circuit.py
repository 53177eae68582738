"""The circuit breaker of a partner: who fails again and again is left alone, and asked again when it is well.

Theory of operation
-------------------
A circuit is one item of the CircuitState table, shared by all workers and changed by conditional writes alone:

* ``CLOSED``     the partner is asked. Each failure (no answer, 5xx) counts one up, each answer, a refusal too, sets the count to
  nothing; the failure that makes it ``failures_max`` opens the circuit.
* ``OPEN``       nobody asks the partner: ``CircuitOpen`` at once. Requests that may wait are laid in the CircuitArchive table, one
  for each circuit and order; the Task that made one waits on its token, and a timeout is its failure. (A parcel goes with
  another carrier meanwhile: nothing waits for a carrier.)
* ``HALF_OPEN``  one trial is under way: a request of the archive, or a look at the partner's health where none waits.

Each opening has a number, its ``generation``, and one execution of CircuitWorkflow, named after both: it waits ``wait_s``, makes the
trial, and waits again or closes the circuit and replays the archive. Its name makes starting it idempotent, so whoever finds the
circuit open starts it too: an opener that died in between leaves no circuit open for ever.

A request that is laid aside while the circuit closes could miss the replay. So who lays one aside looks again afterwards, and takes
its own request back where the circuit is closed by then; the replay begins after the closing write, so one of the two finds it.

What was asked before the circuit opened may have been done. It is asked again under the same key (``payment.charge_key``), so neither
trial nor replay does anything twice.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from ordering.journal import count, log
from ordering.partner import PartnerRefused, PartnerUnavailable
from ordering.values import Plain, from_item, to_item, to_value

STATES = os.environ.get("CIRCUIT_STATE_TABLE", "CircuitState")
ARCHIVE = os.environ.get("CIRCUIT_ARCHIVE_TABLE", "CircuitArchive")
WORKFLOW_ARN = os.environ.get("CIRCUIT_WORKFLOW_ARN", "")

CLOSED, OPEN, HALF_OPEN = "CLOSED", "OPEN", "HALF_OPEN"
# The archive is read page by page, a page for each call of the replay.
PAGE = 25

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Circuit:
    """One partner's: it opens after ``failures_max`` failures in a row, and is tried again every ``wait_s``."""

    name: str
    failures_max: int
    wait_s: int


PAYMENT = Circuit("payment", failures_max=3, wait_s=30)
CARRIERS = tuple(Circuit(name, failures_max=5, wait_s=60) for name in ("swift", "continental", "harbor"))
CIRCUITS = {circuit.name: circuit for circuit in (PAYMENT, *CARRIERS)}


class CircuitOpen(PartnerUnavailable):
    """The partner was not asked: its circuit is open."""


# Asking ------------------------------------------------------------------------------------------------------------


def through(db: Any, states: Any, circuit: Circuit, ask: Callable[[], T]) -> T:
    """What the partner answers, if its circuit is closed.

    Raises:
        CircuitOpen: nobody was asked.
        PartnerUnavailable: as ``ask`` raised it; it is counted.
        PartnerRefused: as ``ask`` raised it; the partner is well.
    """
    found = load(db, circuit)
    if state_of(found) != CLOSED:
        raise CircuitOpen(f"the circuit of {circuit.name} is {state_of(found)}")
    try:
        answer = ask()
    except PartnerRefused:
        answered(db, circuit, found)
        raise
    except PartnerUnavailable:
        failed(db, states, circuit)
        raise
    answered(db, circuit, found)
    return answer


def load(db: Any, circuit: Circuit) -> Plain:
    """The circuit as it is now; empty before its first failure."""
    answer = db.get_item(TableName=STATES, Key=to_item({"circuit": circuit.name}), ConsistentRead=True)
    return from_item(answer.get("Item") or {})


def state_of(found: Mapping[str, Any]) -> str:
    state: str = found.get("state", CLOSED)
    return state


def answered(db: Any, circuit: Circuit, found: Mapping[str, Any]) -> None:
    """The failures were not in a row. Nothing is written where there were none."""
    if found.get("failures"):
        _write(db, circuit, "SET failures = :none", "#state = :closed", {":none": 0, ":closed": CLOSED})


def failed(db: Any, states: Any, circuit: Circuit) -> None:
    """Count one failure; the last one that is allowed opens the circuit."""
    after = _write(
        db,
        circuit,
        "SET #state = :closed ADD failures :one",
        "attribute_not_exists(#state) OR #state = :closed",
        {":one": 1, ":closed": CLOSED},
    )
    if after is None or after["failures"] < circuit.failures_max:
        return
    opened = _write(
        db,
        circuit,
        "SET #state = :open ADD generation :one",
        "#state = :closed AND failures >= :max",
        {":one": 1, ":open": OPEN, ":closed": CLOSED, ":max": circuit.failures_max},
    )
    if opened is not None:
        log("circuit opened", circuit=circuit.name, generation=opened["generation"], failures=opened["failures"])
        count("CircuitOpened", circuit=circuit.name)
        watch(states, circuit, opened["generation"])


def watch(states: Any, circuit: Circuit, generation: int) -> None:
    """Have an opening watched until it is closed; safe to repeat."""
    given = {"circuit": circuit.name, "generation": generation, "waitSeconds": circuit.wait_s, "trials": 0}
    try:
        states.start_execution(
            stateMachineArn=WORKFLOW_ARN, name=f"{circuit.name}-{generation}", input=json.dumps(given)
        )
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise


# The archive -------------------------------------------------------------------------------------------------------


def lay_aside(db: Any, states: Any, circuit: Circuit, key: str, request: Mapping[str, Any]) -> bool:
    """Whether a request waits for the circuit to close. Where it is closed by now, the caller has it back and asks itself.

    ``request`` has the ``token`` of the Task that waits. A newer request of the same key takes the place of an older one.
    """
    found = load(db, circuit)
    if state_of(found) == CLOSED:
        return False
    watch(states, circuit, found["generation"])
    db.put_item(TableName=ARCHIVE, Item=to_item({"circuit": circuit.name, "requestId": key, **request}))
    log("request laid aside", circuit=circuit.name, requestId=key)
    count("RequestArchived", circuit=circuit.name)
    now = load(db, circuit)
    if state_of(now) != CLOSED:
        watch(states, circuit, now["generation"])
        return True
    return not drop(db, circuit, key, request["token"])


def waiting(db: Any, circuit: Circuit, limit: int = PAGE) -> list[Plain]:
    """Some of the requests that wait."""
    page = db.query(
        TableName=ARCHIVE,
        KeyConditionExpression="circuit = :circuit",
        ExpressionAttributeValues={":circuit": to_value(circuit.name)},
        ConsistentRead=True,
        Limit=limit,
    )
    return [from_item(item) for item in page["Items"]]


def drop(db: Any, circuit: Circuit, key: str, token: str) -> bool:
    """Whether the request was still there, with this token; it is gone now."""
    try:
        db.delete_item(
            TableName=ARCHIVE,
            Key=to_item({"circuit": circuit.name, "requestId": key}),
            ConditionExpression="#token = :token",
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={":token": to_value(token)},
        )
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


# The trial ---------------------------------------------------------------------------------------------------------


def begin_trial(db: Any, circuit: Circuit, generation: int) -> str:
    """``HALF_OPEN`` where the trial of this opening may go on, also after one that died; else the state as it is."""
    values = {":open": OPEN, ":half": HALF_OPEN, ":generation": generation}
    condition = "(#state = :open OR #state = :half) AND generation = :generation"
    if _write(db, circuit, "SET #state = :half", condition, values) is not None:
        return HALF_OPEN
    return state_of(load(db, circuit))


def end_trial(db: Any, circuit: Circuit, generation: int, *, well: bool) -> None:
    """Close the circuit, or leave it open for another ``wait_s``."""
    values = {":half": HALF_OPEN, ":generation": generation, ":next": CLOSED if well else OPEN}
    change = "SET #state = :next"
    if well:
        change, values = f"{change}, failures = :none", {**values, ":none": 0}
    if _write(db, circuit, change, "#state = :half AND generation = :generation", values) is not None:
        log("circuit tried", circuit=circuit.name, generation=generation, closed=well)
        count("CircuitClosed" if well else "CircuitTrialFailed", circuit=circuit.name)


def _write(db: Any, circuit: Circuit, change: str, condition: str, values: Mapping[str, Any]) -> Plain | None:
    """The circuit after the change; None where the condition did not hold."""
    try:
        written = db.update_item(
            TableName=STATES,
            Key=to_item({"circuit": circuit.name}),
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={name: to_value(value) for name, value in values.items()},
            ReturnValues="ALL_NEW",
        )
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return None
    return from_item(written["Attributes"])
