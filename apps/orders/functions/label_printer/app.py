"""LabelPrinter, consumer of ShippingQueue: each label once. Whoever writes the label's key prints it."""

import json
import os
from typing import Any

from botocore.exceptions import ClientError
from ordering import aws
from ordering.journal import log
from ordering.records import each_record, moment_of
from ordering.values import to_item

db = aws.client("dynamodb")

TABLE = os.environ.get("IDEMPOTENCY_TABLE", "Idempotency")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return each_record(event, consume)


def consume(record: dict[str, Any]) -> None:
    label = json.loads(record["body"])
    item = {"id": f"label#{label['labelId']}", "printedAt": moment_of(record), "barcode": label["barcode"]}
    try:
        db.put_item(TableName=TABLE, Item=to_item(item), ConditionExpression="attribute_not_exists(id)")
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return
    log("label printed", labelId=label["labelId"], text=label["text"])
