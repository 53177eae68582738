"""What Lambda's asynchronous queue does after an attempt.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: two retries, one minute after the
first attempt and two after the second; throttling and system errors go back to the queue for up to six hours, after one
second first, then exponentially up to five minutes.
"""

from datetime import datetime, timedelta
from enum import Enum

import msgspec

RETRIES_DEFAULT = 2
AGE_MAX_DEFAULT = timedelta(hours=6)
RETRY_WAITS = (timedelta(minutes=1), timedelta(minutes=2))
THROTTLED_WAIT_MAX = timedelta(minutes=5)
THROTTLED = frozenset({"TooManyRequestsException", "ServiceException"})


class Condition(Enum):
    """Why an event leaves the queue, in the words of the records that destinations get."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_CONCURRENCY = "ZeroReservedConcurrency"


class Again(msgspec.Struct, frozen=True):
    """The event is tried again."""

    at: datetime
    counts: bool  # Whether the attempt that has just failed is one of those that are allowed.


class Leave(msgspec.Struct, frozen=True):
    """The event leaves the queue."""

    condition: Condition


class Attempt(msgspec.Struct, frozen=True):
    """An attempt that has ended: the how-many-eth, when, and whether and how it failed."""

    number: int
    accepted: datetime
    ended: datetime
    failed: bool
    refused: str | None = None
    switched_off: bool = False  # The function's reserved concurrency is zero.


def after(attempt: Attempt, *, retries: int | None, age_max: timedelta | None) -> Again | Leave:
    """Retry, or leave: the function succeeded, the retries are used up, or the event would be too old."""
    if not attempt.failed:
        return Leave(Condition.SUCCESS)
    if attempt.refused in THROTTLED and attempt.switched_off:
        # Source: invocation-async-retain-records.html: no retries while the reserved concurrency is zero.
        return Leave(Condition.ZERO_CONCURRENCY)
    latest = attempt.accepted + (AGE_MAX_DEFAULT if age_max is None else age_max)
    if attempt.refused in THROTTLED:
        # Without a count of throttled attempts: each wait is as long as the event is old, so that waits double.
        age = attempt.ended - attempt.accepted
        at = attempt.ended + min(max(age, timedelta(seconds=1)), THROTTLED_WAIT_MAX)
        return Again(at, counts=False) if at <= latest else Leave(Condition.EVENT_AGE_EXCEEDED)
    allowed = RETRIES_DEFAULT if retries is None else retries
    if attempt.number > allowed:
        return Leave(Condition.RETRIES_EXHAUSTED)
    at = attempt.ended + RETRY_WAITS[min(attempt.number, len(RETRY_WAITS)) - 1]
    return Again(at, counts=True) if at <= latest else Leave(Condition.EVENT_AGE_EXCEEDED)
