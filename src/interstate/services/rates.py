"""Rates of an account and region, for services that hold callers to them (``--enforce-capacity``).

A rate is a bucket, kept as the instant until which it is spent: one row, whatever the rate. Whether who finds it spent is refused
or waits for its turn is the service's own matter.
"""

from datetime import datetime, timedelta

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.store.ports import Work
from interstate.store.records.rates import RATES, Rate


class ThrottlingException(ServiceError):
    """The account's bucket is empty."""

    def __init__(self) -> None:
        super().__init__("Rate exceeded")


def spent_with(place: Caller, name: str, count: int, per_s: int, work: Work) -> datetime:
    """Until when the bucket is spent once ``count`` more are taken at ``per_s`` a second; nothing is taken yet."""
    rate = work.get(RATES, _scope(place), name)
    before = work.now if rate is None else max(rate.spent_until, work.now)
    return before + timedelta(seconds=count / per_s)


def spend(place: Caller, name: str, until: datetime, work: Work) -> None:
    """Take what ``spent_with`` has told."""
    work.put(RATES, Rate(_scope(place), name, until))


def _scope(place: Caller) -> str:
    return f"{place.account}/{place.region}"
