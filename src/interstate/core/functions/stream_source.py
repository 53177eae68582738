"""Batches of a stream: which records go together, and what comes after a call.

Theory of operation
-------------------
A mapping reads a stream in *lanes* (ParallelizationFactor): a record's key tells its lane, so the changes of one item stay in
order. A lane has one call under way. What it has in hand is a queue of *parts*: the batch that was read, or what is left
of it after failures; the first part is called again until it succeeded or was given up, then the next one. Everything up to
the lane's ``after`` is done.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from interstate.base.json import BrokenJSON, loads
from interstate.base.time import to_iso
from interstate.core.functions.event_source import BrokenReport

STATE_BYTES_MAX = 1 << 20  # Source: services-ddb-windows: "state of up to 1 MB".
_WAIT_FIRST = timedelta(milliseconds=500)
_WAIT_MAX = timedelta(minutes=1)


def lane_of(keys: bytes, lanes: int) -> int:
    """The lane of an item's changes, by its key."""
    return 0 if lanes == 1 else int.from_bytes(blake2b(keys, digest_size=8).digest()) % lanes


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many failures; it doubles up to a minute."""
    return min(_WAIT_FIRST * (1 << min(attempts - 1, 10)), _WAIT_MAX) if attempts > 0 else _WAIT_FIRST


def halves(numbers: Sequence[int]) -> tuple[int, int]:
    """Where a batch is cut in two: the last number of the first half, and that of the second."""
    middle = (len(numbers) + 1) // 2
    return numbers[middle - 1], numbers[-1]


def first_failed(answer: str, numbers: Collection[str]) -> str | None:
    """The lowest sequence number that a function reports as failed; None when all went well.

    Raises:
        BrokenReport: the answer is no report, or names a number that is not in the batch.
    """
    try:
        document = loads(answer)
    except BrokenJSON as error:
        raise BrokenReport(answer) from error
    if not document:
        return None
    if not isinstance(document, dict):
        raise BrokenReport(answer)
    items = document.get("batchItemFailures")
    if items is None or items == []:
        return None
    if not isinstance(items, list):
        raise BrokenReport(answer)
    found = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in items]
    if not all(isinstance(number, str) and number in numbers for number in found):
        raise BrokenReport(answer)
    return min((str(number) for number in found), key=int)


def window_start(at: datetime, size_s: int) -> datetime:
    """The beginning of the tumbling window that an instant lies in; windows are aligned with the epoch."""
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % size_s, UTC)


def window_members(start: datetime, size_s: int, state: dict[str, Any], *, final: bool, early: bool) -> dict[str, Any]:
    """What an event tells of its window."""
    return {
        "window": {"start": _second(start), "end": _second(start + timedelta(seconds=size_s))},
        "state": state,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def state_of(answer: str) -> dict[str, Any]:
    """The state that a function hands to its next call in the window."""
    try:
        document = loads(answer)
    except BrokenJSON:
        return {}
    state = document.get("state") if isinstance(document, dict) else None
    return state if isinstance(state, dict) else {}


def failure_record(
    *,
    request_id: str,
    function_arn: str,
    condition: str,
    attempts: int,
    executed_version: str,
    function_error: str | None,
    batch: dict[str, Any],
    at: datetime,
) -> dict[str, Any]:
    """What a destination gets of records that were given up; they themselves are not in it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    return {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": executed_version,
            "functionError": function_error,
        },
        "version": "1.0",
        "timestamp": to_iso(at),
        "DDBStreamBatchInfo": batch,
    }


def batch_info(shard: str, numbers: Sequence[str], first: datetime, last: datetime, stream: str) -> dict[str, Any]:
    """Which records a failure is about."""
    return {
        "shardId": shard,
        "startSequenceNumber": numbers[0],
        "endSequenceNumber": numbers[-1],
        "approximateArrivalOfFirstRecord": _second(first),
        "approximateArrivalOfLastRecord": _second(last),
        "batchSize": len(numbers),
        "streamArn": stream,
    }
