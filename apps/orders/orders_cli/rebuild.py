"""OrderStatusView from the event store: hold it against the events, or make it anew."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from orders_cli.endpoint import System, Unreachable


@dataclass
class Rebuilt:
    """What one run over the event store found. A difference has ``orderId``, ``attribute``, ``view``, ``events``."""

    orders: int = 0
    written: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)


def rebuild(system: System, *, apply: bool, looked: Callable[[int], None] = lambda _: None) -> Rebuilt:
    """Fold every order's events and compare; with ``apply``, write what differs.

    Raises:
        Unreachable: the function did not answer.
    """
    client, name = system.client("lambda"), system.outputs["RebuildOrderStatusFunctionName"]
    found, position = Rebuilt(), None
    while True:
        try:
            answer = client.invoke(FunctionName=name, Payload=json.dumps({"apply": apply, "next": position}))
            page = json.load(answer["Payload"])
        except (BotoCoreError, ClientError) as fault:
            raise Unreachable(f"{name} does not answer: {fault}") from fault
        if "FunctionError" in answer:
            raise Unreachable(f"{name} failed: {page.get('errorMessage', page)}")
        found.orders += page["orders"]
        found.written += page["written"]
        found.differences += page["differences"]
        looked(found.orders)
        position = page.get("next")
        if position is None:
            return found
