"""The facts for ``orders verify``, from the AWS API and the partners' ledgers."""

import http.client
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from orders_cli.endpoint import System, Unreachable
from orders_cli.invariants import Facts
from orders_cli.rebuild import rebuild
from orders_cli.tables import items_of

DEAD_LETTERS = (
    "inventory-check-dlq",
    "partial-inventory-dlq",
    "payment-processing-dlq",
    "payment-reversal-dlq",
    "shipping-dlq",
    "tracking-update-dlq",
    "email-dlq",
    "sms-dlq",
    "push-dlq",
    "analytics-dlq",
    "order-rules-dlq",
    "order-functions-dlq",
    "order-topics-dlq",
    "order-retries",
    "parked-letters",
    "parked-orders",
)
LEDGER_TIMEOUT_S = 30


def gather(system: System, accepted: Sequence[str] = ()) -> Facts:
    """One look at everything. What is still on its way shows as a violation; look again when it came to rest.

    Raises:
        Unreachable: a partner does not tell its ledger.
    """
    db, outputs = system.client("dynamodb"), system.outputs
    payments, carriers, messages = (ledger(outputs[name]) for name in ("PaymentUrl", "CarrierUrl", "MessageUrl"))
    return Facts(
        orders=list(items_of(db, outputs["OrdersTableName"])),
        products=list(items_of(db, outputs["InventoryTableName"])),
        views=list(items_of(db, outputs["OrderStatusViewName"])),
        events=list(items_of(db, outputs["OrderEventsTableName"])),
        differences=rebuild(system, apply=False).differences,
        charges=payments["charges"],
        refunds=payments["refunds"],
        bookings=carriers["bookings"],
        pickups=carriers["pickups"],
        messages=messages["messages"],
        dead_letters=dead_letters(system),
        running=running(system),
        circuits=list(items_of(db, outputs["CircuitStateTableName"])),
        archived=list(items_of(db, outputs["CircuitArchiveTableName"])),
        accepted=accepted,
    )


def ledger(address: str) -> Any:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=LEDGER_TIMEOUT_S)
    try:
        connection.request("GET", "/ledger")
        return json.load(connection.getresponse())
    except (OSError, ValueError, http.client.HTTPException) as fault:
        raise Unreachable(f"the partner at {address} does not tell its ledger: {fault}") from fault
    finally:
        connection.close()


def dead_letters(system: System) -> dict[str, int]:
    sqs = system.client("sqs")
    counts = {}
    for name in DEAD_LETTERS:
        try:
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except ClientError:
            counts[f"{name} (missing)"] = 1
            continue
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        counts[name] = sum(int(found.get(name, 0)) for name in names)
    return counts


def circuits(system: System) -> list[dict[str, Any]]:
    """Each circuit that ever counted a failure: its state, failures in a row, openings, and what waits for it."""
    db, outputs = system.client("dynamodb"), system.outputs
    waiting = Counter(item["circuit"] for item in items_of(db, outputs["CircuitArchiveTableName"]))
    return [
        {
            "circuit": item["circuit"],
            "state": item["state"],
            "failures": int(item["failures"]),
            "openings": int(item.get("generation", 0)),
            "waiting": waiting[item["circuit"]],
        }
        for item in sorted(items_of(db, outputs["CircuitStateTableName"]), key=lambda item: str(item["circuit"]))
    ]


def running(system: System) -> list[str]:
    """Order workflows that still run, by name; a back-order's clock may."""
    states = system.client("stepfunctions")
    request: dict[str, Any] = {
        "stateMachineArn": system.outputs["OrderProcessingWorkflowArn"],
        "statusFilter": "RUNNING",
        "maxResults": 100,
    }
    found: list[str] = []
    while True:
        page = states.list_executions(**request)
        found += [execution["name"] for execution in page["executions"]]
        if "nextToken" not in page:
            return found
        request["nextToken"] = page["nextToken"]
