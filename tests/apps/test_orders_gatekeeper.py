"""What crosses between the contexts, and who is let in: the template's rules on Interstate's own matcher and transformer."""

import asyncio
import base64
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ordering.schema import check
from place_again.app import next_id

from orders_cli.failed import BadMoment, moment
from partners.carriers import Access, Carriers
from partners.faults import Rates

ORDERS = Path(__file__).parents[2] / "apps" / "orders"
TEMPLATE = (ORDERS / "template.yaml").read_text(encoding="utf-8")
CROSSING = re.findall(r"  (\w+Crosses):\n    Type: AWS::Events::Rule", TEMPLATE)
NOW = "2026-01-01T00:00:00+00:00"
DATA: dict[str, dict[str, Any]] = {
    "PaymentCompletedCrosses": {
        "orderId": "O-1",
        "customerId": "C",
        "paymentMethod": "card",
        "amount": 2.5,
        "currency": "GBP",
    },
    "InvoicePaidCrosses": {
        "orderId": "O-1",
        "customerId": "C",
        "paymentMethod": "invoice",
        "amount": 2.5,
        "currency": "GBP",
    },
    "PaymentFailedCrosses": {"orderId": "O-1", "customerId": "C", "paymentMethod": "card", "reason": "no"},
    "ShipmentCreatedCrosses": {
        "orderId": "O-1",
        "customerId": "C",
        "carrier": "swift",
        "trackingNumber": "T",
        "outcome": "SHIPPED",
        "shippedBy": "OrderProcessingWorkflow",
        "secondsToShipment": 1.5,
    },
}


def rule_of(name: str) -> str:
    return TEMPLATE.split(f"  {name}:\n    Type: AWS::Events::Rule")[1].split("\n\n")[0]


def crossed(name: str, event: dict[str, Any]) -> dict[str, Any]:
    """What the rule's InputTransformer makes of the event, as EventBridge fills it in."""
    rule = rule_of(name)
    paths = dict(re.findall(r"^              (\w+): \$\.([\w.]+)$", rule, re.MULTILINE))
    template = " ".join(rule.split("InputTemplate: >-\n")[1].split("          RetryPolicy")[0].split())

    def value(found: re.Match[str]) -> str:
        place: Any = event
        for part in paths[found[1]].split("."):
            place = place[part]
        return json.dumps(place)

    made: dict[str, Any] = json.loads(re.sub(r"<(\w+)>", value, template))
    return made


def test_every_rule_of_the_gatekeeper_is_known_here() -> None:
    assert set(CROSSING) == set(DATA)


@pytest.mark.parametrize("name", CROSSING)
def test_what_crosses_is_translated_and_keeps_its_schema(name: str) -> None:
    metadata = {
        "eventId": "e-1",
        "schemaVersion": "1.0",
        "domain": "payments",
        "type": "T",
        "category": "domain",
        "correlationId": "O-1",
        "causationId": "x",
        "timestamp": NOW,
        "internal": "stays at home",
    }
    data = {**DATA[name], "chargeKey": "O-1-charge-0", "country": "GB"}
    made = crossed(name, {"detail": {"metadata": metadata, "data": data}})
    assert made["detail"]["metadata"]["category"] == "translated"
    assert made["detail"]["metadata"]["eventId"] == made["detail"]["metadata"]["causationId"] == "e-1"
    assert "internal" not in made["detail"]["metadata"]
    check(made["detailType"], "1.0", made["detail"]["data"])
    if name != "InvoicePaidCrosses":  # Its shipment needs all of it.
        assert made["detail"]["data"] == DATA[name]


@pytest.mark.parametrize(
    ("failed", "again"),
    [("ORD-1", "ORD-1-R1"), ("ORD-1-R1", "ORD-1-R2"), ("ORD-R1-B", "ORD-R1-B-R1"), ("O-R9", "O-R10")],
)
def test_an_order_is_placed_again_under_an_id_that_follows_from_its_own(failed: str, again: str) -> None:
    assert next_id(failed) == again


def test_a_moment_is_an_age_or_a_time() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert moment("now", now) == now
    assert moment("1d", now) == moment("2026-01-01", now) == moment("24h", now)
    with pytest.raises(BadMoment, match="'soon' is no time: write 90m"):
        moment("soon", now)


def carriers(folder: Path) -> Carriers:
    made = Carriers(folder / "carriers.jsonl", Rates(), "1", Access("me", "secret-of-the-carriers"))
    for name in ("swift", "continental", "harbor"):
        made.book(name, {"key": "O-1-shipment", "orderId": "O-1", "country": "GB"})
    return made


async def token(made: Carriers) -> str:
    body = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "secret-of-the-carriers"}
    status, answer = await made.handle("POST", "/harbor/token", body)
    assert status == 200
    return str(answer["access_token"])


def test_a_driver_comes_once_for_who_shows_what_the_carrier_wants(tmp_path: Path) -> None:
    async def story() -> None:
        made = carriers(tmp_path)
        basic = base64.b64encode(b"me:secret-of-the-carriers").decode()
        shown = {
            "swift": {"x-api-key": "secret-of-the-carriers"},
            "continental": {"authorization": f"Basic {basic}"},
            "harbor": {"authorization": f"Bearer {await token(made)}"},
        }
        asked = {"key": "O-1-shipment", "orderId": "O-1"}
        for carrier, headers in shown.items():
            path = f"/{carrier}/pickups"
            assert (await made.handle("POST", path, asked))[0] == 401
            assert (await made.handle("POST", path, asked, {"authorization": "Bearer 99999999999.0"}))[0] == 401
            assert (await made.handle("POST", path, asked, headers))[0] == 202
            assert (await made.handle("POST", path, asked, headers))[0] == 200
            assert (await made.handle("POST", path, {**asked, "key": "O-2-shipment"}, headers))[0] == 404
        made.ledger.close()
        again = Carriers(tmp_path / "carriers.jsonl", Rates(), "1")
        again.ledger.close()
        assert [(each["carrier"], each["requests"]) for each in again.report()["pickups"]] == [
            (name, 1) for name in shown
        ]

    asyncio.run(story())


def test_no_token_for_a_stranger(tmp_path: Path) -> None:
    async def story() -> None:
        made = carriers(tmp_path)
        wrong = {"client_id": "me", "client_secret": "no"}
        assert (await made.handle("POST", "/harbor/token", wrong))[0] == 401
        other = {"client_id": "me", "client_secret": "secret-of-the-carriers", "grant_type": "password"}
        assert (await made.handle("POST", "/harbor/token", other))[0] == 400
        made.ledger.close()

    asyncio.run(story())
