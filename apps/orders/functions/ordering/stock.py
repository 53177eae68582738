"""Stock: what can be reserved of an order, and the one transaction that reserves it.

Per product an Inventory item holds ``available``, ``reserved``, ``shipped``, ``start`` and ``received``; every movement changes two
of them by the same quantity, so that available + reserved + shipped = start + received holds after each transaction. The order's
own item is part of the same transaction: a reservation and the word that it was made cannot part.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ordering.money import cents, value_of
from ordering.values import to_item, to_value

Line = dict[str, Any]
Status = Literal["AVAILABLE", "PARTIAL", "UNAVAILABLE"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the stock allows. ``unavailable`` lines carry ``availableQuantity`` and ``shortfall``."""

    status: Status
    available: tuple[Line, ...]
    unavailable: tuple[Line, ...]
    back_order: tuple[Line, ...]


def judge(items: Sequence[Mapping[str, Any]], stock: Mapping[str, int]) -> Judgement:
    """Divide an order into what is there and what is not; ``stock`` tells the available units by product.

    A line of which only a part is there counts in both: that part is available, the shortfall is back-ordered.
    """
    available, unavailable, back_order = [], [], []
    for item in items:
        there = max(0, stock.get(item["productId"], 0))
        taken = min(there, item["quantity"])
        if taken:
            available.append(line(item, taken))
        if taken < item["quantity"]:
            shortfall = item["quantity"] - taken
            unavailable.append({**line(item, item["quantity"]), "availableQuantity": taken, "shortfall": shortfall})
            back_order.append(line(item, shortfall))
    status: Status = "AVAILABLE" if not unavailable else "PARTIAL" if available else "UNAVAILABLE"
    return Judgement(status, tuple(available), tuple(unavailable), tuple(back_order))


def line(item: Mapping[str, Any], quantity: int) -> Line:
    return {"productId": item["productId"], "quantity": quantity, "price": item["price"]}


def payable(lines: Iterable[Mapping[str, Any]]) -> Any:
    return cents(value_of(lines))


# Which counter gives and which takes, by movement.
MOVEMENTS = {
    "reserve": ("available", "reserved"),
    "release": ("reserved", "available"),
    "ship": ("reserved", "shipped"),
}


def movement(kind: str, table: str, lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The transaction's actions that move each line's quantity; a counter that would fall below zero refuses them all."""
    giving, taking = MOVEMENTS[kind]
    return [
        {
            "Update": {
                "TableName": table,
                "Key": to_item({"productId": each["productId"]}),
                "UpdateExpression": "SET #giving = #giving - :quantity, #taking = #taking + :quantity",
                "ConditionExpression": "#giving >= :quantity",
                "ExpressionAttributeNames": {"#giving": giving, "#taking": taking},
                "ExpressionAttributeValues": {":quantity": to_value(each["quantity"])},
            }
        }
        for each in lines
    ]
