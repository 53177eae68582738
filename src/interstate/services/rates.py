"""Rates of an account and region, for services that hold callers to them (``--enforce-capacity``).

Theory of operation
-------------------
A rate is a bucket, kept as the instant until which it is spent: one row, whatever the rate. Whether who finds it spent is refused
or waits for its turn is the service's own matter.

Among several nodes each has a bucket of its own, so that calls on one never wait for those on another, and a share of the rate:
as many as have spent of it lately share it alike. They are counted once a second. Calls that reach the nodes unevenly are
therefore held to less than the account's rate on the node that has more of them.
"""

from datetime import datetime, timedelta

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.store.ports import Work
from interstate.store.records.rates import RATES, RATES_OF_NODES, Rate

COUNTED_EVERY = timedelta(seconds=1)
SHARES_FOR = timedelta(seconds=10)
"""A node that spent nothing for so long has no share."""
_NODES_MAX = 256


class ThrottlingException(ServiceError):
    """The account's bucket is empty."""

    def __init__(self) -> None:
        super().__init__("Rate exceeded")


def spent_with(place: Caller, name: str, count: int, per_s: int, work: Work) -> datetime:
    """Until when the bucket is spent once ``count`` more are taken at ``per_s`` a second; nothing is taken yet."""
    rate = _own(place, name, work)
    return max(rate.spent_until, work.now) + timedelta(seconds=count * rate.sharers / per_s)


def spend(place: Caller, name: str, until: datetime, work: Work) -> None:
    """Take what ``spent_with`` has told."""
    work.put(RATES, msgspec.structs.replace(_own(place, name, work), spent_until=until))


def _own(place: Caller, name: str, work: Work) -> Rate:
    """This node's bucket, with how many share the rate."""
    scope = f"{place.account}/{place.region}"
    rate = work.get(RATES, scope, name, work.node)
    if rate is None:
        rate = Rate(scope, name, work.node, work.now, 1, datetime.min.replace(tzinfo=work.now.tzinfo))
    if not work.node or rate.counted_at > work.now - COUNTED_EVERY:
        return rate
    since = work.now - SHARES_FOR
    others = work.select(RATES_OF_NODES, limit=_NODES_MAX, scope=scope, name=name)
    sharers = 1 + sum(one.node != work.node and one.spent_until > since for one in others)
    rate = msgspec.structs.replace(rate, sharers=sharers, counted_at=work.now)
    work.put(RATES, rate)
    return rate
