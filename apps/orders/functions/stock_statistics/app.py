"""StockStatistics, consumer of InventoryCheckQueue: which products are asked for, as metrics; at most one line a product and batch."""

import json
from collections import Counter
from typing import Any

from ordering.envelope import data_of
from ordering.journal import count, log
from ordering.records import each_record
from ordering.schema import EventInvalid


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    demand: Counter[str] = Counter()

    def consume(record: dict[str, Any]) -> None:
        try:
            items = data_of(json.loads(record["body"]))["items"]
        except EventInvalid as fault:
            log(
                "not counted", messageId=record["messageId"], fault=str(fault)
            )  # The workflow rejects it; here it asks for nothing.
            return
        for item in items:
            demand[item["productId"]] += item["quantity"]

    answer = each_record(event, consume)
    for product, quantity in sorted(demand.items()):
        count("UnitsAskedFor", quantity, productId=product)
    return answer
