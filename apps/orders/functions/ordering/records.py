"""Batches of SQS records: each on its own, and only those that failed come again."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ordering.journal import log


def each_record(event: Mapping[str, Any], consume: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The answer that ReportBatchItemFailures awaits. A record that cannot be consumed keeps nobody else back."""
    failures = []
    for record in event["Records"]:
        try:
            consume(record)
        except Exception as fault:  # noqa: BLE001  # the border: what failed is told to the queue and comes again
            log("record failed", messageId=record["messageId"], fault=f"{type(fault).__name__}: {fault}")
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def moment_of(record: Mapping[str, Any]) -> str:
    """When the record was received first: the platform's time, not this process's."""
    sent = record["attributes"].get("ApproximateFirstReceiveTimestamp") or record["attributes"]["SentTimestamp"]
    return datetime.fromtimestamp(int(sent) / 1000, UTC).isoformat()
