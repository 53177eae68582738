from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordering.places import COUNTRIES as ISO
from ordering.validation import faults_of, faults_of_form

from orders_cli.invoices import (
    NEVER_STOCKED,
    PRODUCTS,
    STOCKED,
    BadFile,
    Invoice,
    chosen,
    class_of,
    invoice_of,
    order_of,
    read,
    stock_class,
)
from orders_cli.people import COUNTRIES, address_of
from orders_cli.replay import Entry, Pace, entries_of, explained, rank, reason_of
from orders_cli.stock import shelves

DATE = datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


def invoice(**changes: Any) -> Invoice:
    words: dict[str, Any] = {
        "number": "536365",
        "date": DATE,
        "customer": "17850",
        "country": "United Kingdom",
        "quantity": 40,
        "price": Decimal("3.9100"),
    }
    return Invoice(**{**words, **changes})


INVOICES = st.builds(
    Invoice,
    number=st.integers(500_000, 599_999).map(str),
    date=st.just(DATE),
    customer=st.integers(10_000, 20_000).map(str) | st.just("(blank)"),
    country=st.sampled_from([*COUNTRIES, "Unspecified", "European Community"]),
    quantity=st.integers(-100, 81_000),
    price=st.decimals("-2", "40000", places=4),
)


@given(INVOICES)
def test_an_invoice_gets_what_its_class_foretells_from_the_systems_own_validation(given_invoice: Invoice) -> None:
    order = order_of(given_invoice)
    form, all_of_them = faults_of_form(order), faults_of(order)
    found = "REFUSED" if form else "REJECTED" if all_of_them else "ORDER"
    kind = class_of(given_invoice)
    assert found == (kind if kind in {"REFUSED", "REJECTED"} else "ORDER")


@given(INVOICES)
def test_an_orders_stock_class_follows_from_the_products_it_wants(given_invoice: Invoice) -> None:
    items = order_of(given_invoice)["items"]
    there = [item["productId"] in STOCKED for item in items]
    assert {"AVAILABLE": all(there), "SHORT": not any(there), "PARTIAL": any(there) and not all(there)}[
        stock_class(given_invoice)
    ]
    assert 1 <= len(items) <= 4
    assert len({item["productId"] for item in items}) == len(items)
    assert sum(item["quantity"] for item in items) == given_invoice.quantity
    assert order_of(given_invoice) == order_of(given_invoice)


def test_nine_of_ten_invoices_are_available_and_one_in_twenty_is_short() -> None:
    kinds = Counter(stock_class(invoice(number=str(number))) for number in range(500_000, 520_000))
    assert {kind: round(count / 20_000, 2) for kind, count in kinds.items()} == {
        "AVAILABLE": 0.9,
        "PARTIAL": 0.05,
        "SHORT": 0.05,
    }


def test_every_product_is_on_the_shelves_or_known_to_be_missing() -> None:
    assert len(PRODUCTS) == 500
    assert set(shelves()) == set(PRODUCTS)
    assert {product for product, units in shelves().items() if units == 0} == set(NEVER_STOCKED)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"customer": "(blank)"}, "REFUSED"),
        ({"country": "Unspecified"}, "REFUSED"),
        ({"country": "European Community"}, "REFUSED"),
        ({"quantity": 0}, "REJECTED"),
        ({"price": Decimal(0)}, "REJECTED"),
        ({"price": Decimal("0.0049"), "quantity": 1}, "REJECTED"),
        ({"number": "C536365", "quantity": -1}, "CANCELLATION"),
    ],
)
def test_dirty_rows_have_their_class(changes: dict[str, Any], kind: str) -> None:
    assert class_of(invoice(**changes)) == kind


def test_an_order_tells_what_the_invoice_tells() -> None:
    order = order_of(invoice())
    assert (order["orderId"], order["customerId"], order["currency"]) == ("ORD-2010-536365", "CUST-17850", "GBP")
    assert order["totalAmount"] == 156.4
    assert order["timestamp"] == "2010-12-01T08:26:00+00:00"
    assert order["shippingAddress"]["country"] == "GB"


def test_a_price_has_four_decimals_and_a_total_two_half_even() -> None:
    assert invoice_of(
        {
            "InvoiceNo": "1",
            "InvoiceDate": "1/2/2011 9:05",
            "CustomerID": "1",
            "Country": "EIRE",
            "Quantity": "1",
            "UnitPrice": "0.00005",
        }
    ).price == Decimal("0.0000")
    assert order_of(invoice(price=Decimal("0.0250"), quantity=1))["totalAmount"] == 0.02


def test_country_codes_are_iso_codes() -> None:
    assert set(COUNTRIES.values()) <= ISO


def test_an_address_follows_from_the_customer_and_some_are_korean() -> None:
    assert address_of("17850", "GB") == address_of("17850", "GB")
    cities = {address_of(str(number), "KR")["city"] for number in range(200)}
    assert {"서울", "부산"} < cities


FILE = """InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice
536365,12/1/2010 8:26,17850,United Kingdom,40,3.91
536365,12/1/2010 8:27,17850,United Kingdom,1,3.91
C536379,12/1/2010 9:41,17850,United Kingdom,-1,27.5
536400,12/1/2010 9:51,(blank),Unspecified,0,0
"""


def test_a_file_is_read_and_a_repeated_number_refused(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text(FILE, encoding="utf-8")
    entries = entries_of(read(tmp_path / "file.csv"))
    assert [(entry.kind, entry.repeats) for entry in entries] == [
        (stock_class(invoice()), False),
        ("REFUSED", True),
        ("CANCELLATION", False),
        ("REFUSED", False),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a,b\n1,2\n", "the columns InvoiceNo, InvoiceDate, CustomerID, Country, Quantity, UnitPrice are missing"),
        (FILE.replace("12/1/2010 8:26", "yesterday"), "line 2: time data 'yesterday' does not match format"),
        (FILE.replace(",40,", ",many,"), "line 2: invalid literal"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "file.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=fault):
        list(read(tmp_path / "file.csv"))


def test_a_sample_is_drawn_by_its_seed_and_keeps_the_files_order() -> None:
    rows = [invoice(number=str(number)) for number in range(600_000, 600_100)]
    once, again, other = (chosen(rows, None, 20, seed) for seed in (1, 1, 2))
    assert once == again != other
    assert [row.number for row in once] == sorted(row.number for row in once)
    assert chosen(rows, 5, None, 1) == rows[:5]
    assert chosen(rows, None, 1000, 1) == rows


@pytest.mark.parametrize(
    ("kind", "state", "cancelled_by", "fine"),
    [
        ("AVAILABLE", "SHIPPED", "", True),
        ("AVAILABLE", "PARTIALLY_SHIPPED", "", False),
        ("AVAILABLE", "PAYMENT_FAILED", "", True),
        ("AVAILABLE", "CANCELLED", "", False),
        ("AVAILABLE", "CANCELLED", "C1", True),
        ("AVAILABLE", "REFUSED", "", False),
        ("PARTIAL", "PARTIALLY_SHIPPED", "", True),
        ("PARTIAL", "OUT_OF_STOCK", "", False),
        ("SHORT", "OUT_OF_STOCK", "", True),
        ("SHORT", "PAYMENT_FAILED", "", False),
        ("REJECTED", "REJECTED", "", True),
        ("REFUSED", "REFUSED", "", True),
        ("REFUSED", "SHIPPED", "", False),
        ("CANCELLATION", "REFUSED", "", True),
        ("CANCELLATION", "CANCELS", "", True),
    ],
)
def test_an_end_that_its_class_does_not_explain_is_a_surprise(
    kind: Any, state: str, cancelled_by: str, fine: bool
) -> None:
    assert explained(Entry(invoice(), kind, state=state, cancelled_by=cancelled_by)) is fine


def test_the_pace_follows_the_invoices_dates() -> None:
    later = invoice(date=datetime(2010, 12, 1, 9, 26, tzinfo=UTC))
    assert Pace(None).due_s(later, invoice()) == 0
    assert Pace(1).due_s(later, invoice()) == 3600
    assert Pace(3600).due_s(later, invoice()) == 1


def test_ranks_and_reasons() -> None:
    assert rank([], 0.5) is None
    assert [rank([1.0, 2.0, 3.0, 4.0], share) for share in (0.5, 0.99, 1.0)] == [3.0, 4.0, 4.0]
    assert reason_of({"message": "no", "faults": ["a", "b"]}) == "a; b"
    assert reason_of({"message": "no"}) == "no"
    assert reason_of(None) == "None"
