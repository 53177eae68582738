"""Is this an order, and may it be carried out? All faults at once, each with its field.

A fault of *form* (something is missing, or is not what it should be) is refused at the edge: nothing was accepted. A fault of
*content* (a price of 0, a total that does not add up) makes an accepted order REJECTED, so that the customer hears of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ordering.money import TOLERANCE, decimal_of, value_of
from ordering.places import COUNTRIES, CURRENCIES

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# A reservation is one transaction: two actions are the order's own, and 100 is DynamoDB's limit.
ITEMS_MAX = 50
QUANTITY_MAX = 1_000_000
REQUIRED = ("orderId", "customerId", "items", "totalAmount")
PAYMENT_METHODS = ("card", "invoice", "saga")
ADDRESS = ("street", "city", "country", "zipCode")
ADDRESS_CHARS_MAX = 200
ITEM = ("productId", "quantity", "price")
OPTIONAL = ("currency", "timestamp", "paymentMethod")

DEFAULT_CURRENCY = "USD"
DEFAULT_PAYMENT_METHOD = "card"


class OrderInvalid(Exception):
    """The order has faults. Step Functions sees this class's name as the error, and does not retry it."""


@dataclass(frozen=True, slots=True)
class Fault:
    field: str
    message: str
    kind: Literal["form", "content"]

    def __str__(self) -> str:
        return f"{self.field} {self.message}"


def faults_of(order: Any) -> list[Fault]:
    """Every fault of the order, in the order of its fields; empty for a valid one."""
    if not isinstance(order, Mapping):
        return [Fault("order", "must be an object", "form")]
    return [
        *_required(order),
        *_identifiers(order),
        *_items(order),
        *_total(order),
        *_codes(order),
        *_address(order),
        *_timestamp(order),
    ]


def faults_of_form(order: Any) -> list[Fault]:
    return [fault for fault in faults_of(order) if fault.kind == "form"]


def as_known(order: Mapping[str, Any]) -> dict[str, Any]:
    """Of an order without faults of form, what we know and nothing else: events carry no more, and have a bound."""
    known: dict[str, Any] = {name: order[name] for name in (*REQUIRED, *OPTIONAL) if order.get(name) is not None}
    known["items"] = [{name: item[name] for name in ITEM} for item in order["items"]]
    if address := order.get("shippingAddress"):
        known["shippingAddress"] = {name: address[name] for name in ("name", *ADDRESS) if name in address}
    return known


def _required(order: Mapping[str, Any]) -> Iterator[Fault]:
    for name in REQUIRED:
        if order.get(name) is None:
            yield Fault(name, "is required", "form")


def _identifiers(order: Mapping[str, Any]) -> Iterator[Fault]:
    for name in ("orderId", "customerId"):
        value = order.get(name)
        if value is not None and not (isinstance(value, str) and IDENTIFIER.fullmatch(value)):
            yield Fault(name, "must be 1 to 64 letters, digits, '-', '_' or '.'", "form")


def _items(order: Mapping[str, Any]) -> Iterator[Fault]:
    items = order.get("items")
    if items is None:
        return
    if not isinstance(items, list) or not 1 <= len(items) <= ITEMS_MAX:
        yield Fault("items", f"must be a list of 1 to {ITEMS_MAX} items", "form")
        return
    seen: set[str] = set()
    for position, item in enumerate(items):
        place = f"items[{position}]"
        if not isinstance(item, Mapping):
            yield Fault(place, "must be an object", "form")
            continue
        yield from _item(place, item, seen)


def _item(place: str, item: Mapping[str, Any], seen: set[str]) -> Iterator[Fault]:
    product = item.get("productId")
    if not (isinstance(product, str) and IDENTIFIER.fullmatch(product)):
        yield Fault(f"{place}.productId", "is required", "form")
    elif product in seen:
        yield Fault(f"{place}.productId", f"repeats {product}: put its quantities into one item", "content")
    else:
        seen.add(product)
    quantity = item.get("quantity")
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        yield Fault(f"{place}.quantity", "must be a whole number", "form")
    elif not 0 < quantity <= QUANTITY_MAX:
        yield Fault(f"{place}.quantity", f"must be 1 to {QUANTITY_MAX}, not {quantity}", "content")
    price = decimal_of(item.get("price"))
    if price is None:
        yield Fault(f"{place}.price", "must be a number", "form")
    elif price <= 0:
        yield Fault(f"{place}.price", f"must be positive, not {price}", "content")


def _total(order: Mapping[str, Any]) -> Iterator[Fault]:
    if order.get("totalAmount") is None:
        return
    total = decimal_of(order["totalAmount"])
    if total is None:
        yield Fault("totalAmount", "must be a number", "form")
        return
    if total <= 0:
        yield Fault("totalAmount", f"must be positive, not {total}", "content")
    if not (faults := list(_items(order))) or all(fault.kind == "content" for fault in faults):
        expected = value_of(order.get("items") or ())
        if order.get("items") and abs(total - expected) > TOLERANCE:
            yield Fault("totalAmount", f"must be the sum of the items, {expected}, not {total}", "content")


def _codes(order: Mapping[str, Any]) -> Iterator[Fault]:
    currency = order.get("currency", DEFAULT_CURRENCY)
    if not isinstance(currency, str) or currency not in CURRENCIES:
        yield Fault("currency", f"must be a code of ISO 4217, not {currency!r}", "form")
    method = order.get("paymentMethod", DEFAULT_PAYMENT_METHOD)
    if method not in PAYMENT_METHODS:
        yield Fault("paymentMethod", f"must be one of {', '.join(PAYMENT_METHODS)}, not {method!r}", "form")


def _address(order: Mapping[str, Any]) -> Iterator[Fault]:
    address = order.get("shippingAddress")
    if address is None:
        return
    if not isinstance(address, Mapping):
        yield Fault("shippingAddress", "must be an object", "form")
        return
    receiver = address.get("name", "")
    if not isinstance(receiver, str) or len(receiver) > ADDRESS_CHARS_MAX:
        yield Fault("shippingAddress.name", f"must be a text of at most {ADDRESS_CHARS_MAX} characters", "form")
    for name in ADDRESS:
        if not isinstance(address.get(name), str) or not address[name].strip():
            yield Fault(f"shippingAddress.{name}", "is required", "form")
        elif len(address[name]) > ADDRESS_CHARS_MAX:
            yield Fault(f"shippingAddress.{name}", f"must have at most {ADDRESS_CHARS_MAX} characters", "form")
    country = address.get("country")
    if isinstance(country, str) and country.strip() and country not in COUNTRIES:
        yield Fault("shippingAddress.country", f"must be a code of ISO 3166-1, not {country!r}", "form")


def _timestamp(order: Mapping[str, Any]) -> Iterator[Fault]:
    text = order.get("timestamp")
    if text is None:
        return
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        yield Fault("timestamp", "must be an ISO 8601 time with its zone", "form")
