"""StockStatistics, consumer of InventoryCheckQueue: which products are asked for, as metrics; at most one line a product and batch."""

import json
from collections import Counter
from typing import Any

from ordering.envelope import data_of
from ordering.journal import count
from ordering.records import each_record


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    demand: Counter[str] = Counter()

    def consume(record: dict[str, Any]) -> None:
        for item in data_of(json.loads(record["body"]))["items"]:
            if isinstance(item.get("quantity"), int):
                demand[str(item.get("productId"))] += item["quantity"]

    answer = each_record(event, consume)
    for product, quantity in sorted(demand.items()):
        count("UnitsAskedFor", quantity, productId=product)
    return answer
