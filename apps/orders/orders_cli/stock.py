"""Stock: what the shelves hold at the start, and what comes in later."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from orders_cli.invoices import NEVER_STOCKED, STOCKED

# More than all invoices of the data set together ask for (5.7 million units over 500 products), so that a class never turns.
START = 10_000_000
BATCH_MAX = 25  # BatchWriteItem, DynamoDB API Reference


def shelves() -> dict[str, int]:
    """Units at the start, by product: about one product in ten is known and never there."""
    return {**dict.fromkeys(STOCKED, START), **dict.fromkeys(NEVER_STOCKED, 0)}


def seed(db: Any, table: str, stock: Mapping[str, int]) -> int:
    """Put products that are not known yet on the shelves; known ones keep their counters. How many were new."""
    known = {
        item["productId"]["S"]
        for page in db.get_paginator("scan").paginate(
            TableName=table, ProjectionExpression="productId, #start", ExpressionAttributeNames={"#start": "start"}
        )
        for item in page["Items"]
        if "start" in item
    }
    new = [(product, quantity) for product, quantity in stock.items() if product not in known]
    for start in range(0, len(new), BATCH_MAX):
        requests = [
            {"PutRequest": {"Item": item_of(product, units)}} for product, units in new[start : start + BATCH_MAX]
        ]
        pending: Any = {table: requests}
        while pending:
            pending = db.batch_write_item(RequestItems=pending).get("UnprocessedItems")
    return len(new)


def item_of(product: str, units: int) -> dict[str, Any]:
    counters = {"available": units, "reserved": 0, "shipped": 0, "start": units, "received": 0}
    return {"productId": {"S": product}, **{name: {"N": str(value)} for name, value in counters.items()}}


def receive(db: Any, events: Any, table: str, bus: str, arrivals: Iterable[tuple[str, int]], now: datetime) -> None:
    """Units come into the house: the counters rise in one write each, then Stock Received tells those who wait."""
    for product, quantity in arrivals:
        db.update_item(
            TableName=table,
            Key={"productId": {"S": product}},
            UpdateExpression="ADD #available :units, #received :units SET #reserved = if_not_exists(#reserved, :none), "
            "#shipped = if_not_exists(#shipped, :none), #start = if_not_exists(#start, :none)",
            ExpressionAttributeNames={
                f"#{name}": name for name in ("available", "received", "reserved", "shipped", "start")
            },
            ExpressionAttributeValues={":units": {"N": str(quantity)}, ":none": {"N": "0"}},
        )
        answer = events.put_events(Entries=[stock_received(product, quantity, bus, now)])
        if answer["FailedEntryCount"]:
            raise ClientError({"Error": {"Code": "NotPublished", "Message": str(answer["Entries"])}}, "PutEvents")


def stock_received(product: str, quantity: int, bus: str, now: datetime) -> dict[str, str]:
    event_id = str(uuid.uuid4())
    metadata = {
        "eventId": event_id,
        "schemaVersion": "1.0",
        "domain": "inventory",
        "type": "StockReceived",
        "category": "domain",
        "correlationId": product,
        "causationId": event_id,
        "timestamp": now.isoformat(),
    }
    detail = json.dumps({"metadata": metadata, "data": {"productId": product, "quantity": quantity}})
    return {"EventBusName": bus, "Source": "inventory.service", "DetailType": "Stock Received", "Detail": detail}
