"""The whole system, as a user runs it: platform, application, partners, and the ``orders`` command beside them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROVE = Path(__file__).parents[2] / "apps" / "orders" / "scripts" / "prove.py"
COUNTRIES = ("United Kingdom", "Germany", "Japan", "Unspecified")


@pytest.fixture(scope="module")
def invoices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 invoices in the form of the data set, dirty rows and cancellations among them."""
    rows = ["InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice"]
    for number in range(120):
        day, customer = f"12/{1 + number // 60}/2010 {8 + number // 20}:{number % 60:02d}", 17_000 + number % 7
        country = COUNTRIES[(number // 3) % 4 if number % 3 == 0 else 0]
        if number % 11 == 10:
            rows.append(f"C{600_000 + number},{day},{customer},{country},-1,2.5")
        elif number % 13 == 12:
            rows.append(f"{600_000 + number},{day},(blank),{country},3,0")
        elif number % 17 == 16:
            rows.append(f"{600_000 + number},{day},{customer},{country},0,1.5")
        else:
            rows.append(f"{600_000 + number},{day},{customer},{country},{1 + number * 7},{number / 8:.4f}5")
    path = tmp_path_factory.mktemp("invoices") / "invoices.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def prove(invoices: Path, folder: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, str(PROVE), str(invoices), "--folder", str(folder), *options]
    proof = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert proof.stdout, proof.stderr[-2000:]
    facts: dict[str, Any] = json.loads(proof.stdout)
    assert facts["held"], json.dumps(facts, indent=1)[:4000]
    return facts


@pytest.mark.server
@pytest.mark.slow
def test_every_invoice_gets_its_outcome_or_its_refusal_and_every_promise_holds(invoices: Path, tmp_path: Path) -> None:
    facts = prove(invoices, tmp_path, "--invoices", "60", "--kills", "0")
    assert facts["replay"]["open"] == []
    assert facts["replay"]["unexpected"] == []
    assert set(facts["replay"]["outcomes"]) >= {"SHIPPED"}
    assert facts["verify"]["violations"] == []


@pytest.mark.server
@pytest.mark.slow
def test_a_server_that_is_killed_on_the_way_loses_nothing_and_does_nothing_twice(
    invoices: Path, tmp_path: Path
) -> None:
    facts = prove(invoices, tmp_path, "--invoices", "60", "--kills", "2", "--in-flight", "12")
    assert facts["kills"] == 2
    assert facts["orphans"] == []


@pytest.mark.server
@pytest.mark.slow
def test_a_bad_day_leaves_no_order_without_an_outcome(invoices: Path, tmp_path: Path) -> None:
    """Partners fail, answers are lost, and the server is killed on the way."""
    facts = prove(invoices, tmp_path, "--invoices", "40", "--kills", "1", "--chaos", "--message-errors", "0.1")
    assert facts["kills"] == 1
    assert len(facts["lostAnswers"]) >= 4
