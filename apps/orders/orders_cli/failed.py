"""``orders failed``: orders that failed, and a replay of the archive that places them again."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from orders_cli.endpoint import System

# Rules on the bus tell a replay that places orders again by how its name begins (FailedOrdersReplayRule).
PREFIX = "failed-orders-replay"
FAILED = ("OUT_OF_STOCK", "PAYMENT_FAILED")
ENDED = ("COMPLETED", "CANCELLED", "FAILED")
POLL_S = 0.5
AGO = re.compile(r"([0-9]+)([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class BadMoment(ValueError):
    """A text that is no moment."""


def moment(text: str, now: datetime) -> datetime:
    """``now``, a time ago (``90m``, ``7d``), or an ISO 8601 time; without a zone it is UTC.

    Raises:
        BadMoment: something else.
    """
    if text == "now":
        return now
    if found := AGO.fullmatch(text):
        return now - timedelta(**{UNITS[found[2]]: int(found[1])})
    try:
        read = datetime.fromisoformat(text)
    except ValueError as fault:
        raise BadMoment(f"{text!r} is no time: write 90m, 7d, now, or 2026-01-31T12:00:00") from fault
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def failed_orders(system: System, status: str | None) -> list[dict[str, Any]]:
    """The newest failed orders, one page of each kind."""
    kinds = (status,) if status else FAILED
    found = [order for kind in kinds for order in system.api.find(status=kind).body.get("orders", [])]
    return sorted(found, key=lambda order: str(order.get("updatedAt", "")), reverse=True)


def replay(system: System, since: datetime, until: datetime, tell: Callable[[str], None]) -> dict[str, Any]:
    """Replay Order Failed of the window to the one rule that places orders again; the replay when it ended."""
    events, outputs = system.client("events"), system.outputs
    name = f"{PREFIX}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    events.start_replay(
        ReplayName=name,
        Description="orders failed replay",
        EventSourceArn=outputs["FailedOrdersArchiveArn"],
        EventStartTime=since,
        EventEndTime=until,
        Destination={"Arn": outputs["OrdersBusArn"], "FilterArns": [outputs["FailedOrdersReplayRuleArn"]]},
    )
    tell(name)
    while (found := events.describe_replay(ReplayName=name))["State"] not in ENDED:
        time.sleep(POLL_S)
    return dict(found)
