"""Invoices of the Online Retail data set as orders; everything follows from the invoice alone.

An invoice tells number, date, customer, country, quantity and mean price. Which products it is for is drawn from its number: among
500 products, of which about one in ten is never stocked. Its class is drawn too: 90 % want only products in stock (AVAILABLE), 5 %
some of each (PARTIAL), 5 % only such as are never there (SHORT). So the outcome of each invoice is known before it is placed,
however many are placed at once.
"""

import csv
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

from orders_cli.people import COUNTRIES, address_of, draw

COLUMNS = ("InvoiceNo", "InvoiceDate", "CustomerID", "Country", "Quantity", "UnitPrice")
PRODUCTS = tuple(f"P-{number:03d}" for number in range(500))
NEVER_STOCKED = tuple(product for product in PRODUCTS if draw(f"product/{product}") % 10 == 0)
STOCKED = tuple(product for product in PRODUCTS if product not in NEVER_STOCKED)
ITEMS_MAX = 4
CURRENCY = "GBP"
INVOICED_PERCENT = 20

Class = Literal["AVAILABLE", "PARTIAL", "SHORT", "REJECTED", "REFUSED", "CANCELLATION"]
# How an order of a class ends when nobody cancels it and its payment is taken.
EXPECTED = {
    "AVAILABLE": "SHIPPED",
    "PARTIAL": "PARTIALLY_SHIPPED",
    "SHORT": "OUT_OF_STOCK",
    "REJECTED": "REJECTED",
}


class BadFile(Exception):
    """The file is no list of invoices."""


@dataclass(frozen=True, slots=True)
class Invoice:
    number: str
    date: datetime
    customer: str
    country: str
    quantity: int
    price: Decimal

    @property
    def cancels(self) -> bool:
        return self.number.startswith("C")

    @property
    def order_id(self) -> str:
        return f"ORD-{self.date.year}-{self.number}"

    @property
    def customer_id(self) -> str | None:
        return None if self.customer in {"", "(blank)"} else f"CUST-{self.customer}"


def read(path: Path) -> Iterator[Invoice]:
    """The file's invoices, in its order.

    Raises:
        BadFile: a column is missing, or a row's date or numbers cannot be read; with the line.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
            raise BadFile(f"{path}: the columns {', '.join(missing)} are missing")
        for row in rows:
            try:
                yield invoice_of(row)
            except (ValueError, InvalidOperation, TypeError) as fault:
                raise BadFile(f"{path}, line {rows.line_num}: {fault}") from fault


def invoice_of(row: Mapping[str, str]) -> Invoice:
    date = datetime.strptime(row["InvoiceDate"], "%m/%d/%Y %H:%M").replace(tzinfo=UTC)
    price = Decimal(row["UnitPrice"]).quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN)
    customer = row["CustomerID"].strip()
    return Invoice(row["InvoiceNo"].strip(), date, customer, row["Country"].strip(), int(row["Quantity"]), price)


def chosen(invoices: Iterable[Invoice], limit: int | None, sample: int | None, seed: int) -> list[Invoice]:
    """The first ``limit`` of them, or ``sample`` drawn by ``seed``, in the file's order."""
    rows = list(invoices)
    if sample is not None and sample < len(rows):
        places = sorted(random.Random(seed).sample(range(len(rows)), sample))
        rows = [rows[place] for place in places]
    return rows[:limit]


def class_of(invoice: Invoice) -> Class:
    """What will become of the invoice."""
    if invoice.cancels:
        return "CANCELLATION"
    if invoice.customer_id is None or invoice.country not in COUNTRIES:
        return "REFUSED"
    if invoice.quantity <= 0 or invoice.price <= 0 or total_of(invoice) <= 0:
        return "REJECTED"
    return stock_class(invoice)


def stock_class(invoice: Invoice) -> Class:
    lot = draw(f"class/{invoice.number}") % 100
    if lot < 90 or (lot < 95 and invoice.quantity < 2):
        return "AVAILABLE"
    return "PARTIAL" if lot < 95 else "SHORT"


def total_of(invoice: Invoice) -> Decimal:
    return (invoice.price * invoice.quantity).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


def order_of(invoice: Invoice, payment_method: str | None = None) -> dict[str, Any]:
    """The order that the invoice is placed as. What the invoice does not tell (customer, country) the order does not either."""
    country = COUNTRIES.get(invoice.country, "")
    order: dict[str, Any] = {
        "orderId": invoice.order_id,
        "items": items_of(invoice),
        "totalAmount": float(total_of(invoice)),
        "currency": CURRENCY,
        "shippingAddress": address_of(invoice.customer, country),
        "timestamp": invoice.date.isoformat(),
        "paymentMethod": payment_method or method_of(invoice),
    }
    if invoice.customer_id:
        order["customerId"] = invoice.customer_id
    return order


def method_of(invoice: Invoice) -> str:
    return "invoice" if draw(f"payment/{invoice.number}") % 100 < INVOICED_PERCENT else "card"


def items_of(invoice: Invoice) -> list[dict[str, Any]]:
    """One to four items of different products, whose quantities add up to the invoice's."""
    lot = random.Random(draw(f"items/{invoice.number}"))
    kind = stock_class(invoice)
    count = max(1, min(1 + lot.randrange(ITEMS_MAX), invoice.quantity))
    if kind == "PARTIAL":
        count = max(2, count)
    products = products_of(kind, count, lot)
    quantities = split(invoice.quantity, count, lot)
    price = float(invoice.price)
    return [
        {"productId": product, "quantity": quantity, "price": price}
        for product, quantity in zip(products, quantities, strict=True)
    ]


def products_of(kind: Class, count: int, lot: random.Random) -> Sequence[str]:
    if kind == "PARTIAL":
        there = lot.randrange(1, count)
        return [*lot.sample(STOCKED, there), *lot.sample(NEVER_STOCKED, count - there)]
    return lot.sample(NEVER_STOCKED if kind == "SHORT" else STOCKED, count)


def split(quantity: int, count: int, lot: random.Random) -> list[int]:
    """``count`` positive whole numbers that add up to ``quantity``; one number when that is not positive."""
    if count == 1:
        return [quantity]
    cuts = sorted(lot.sample(range(1, quantity), count - 1))
    return [end - start for start, end in zip([0, *cuts], [*cuts, quantity], strict=True)]
