"""Points of a minute are kept for 15 days, and forgotten in bounded steps.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html (metrics retention)
"""

from datetime import timedelta

import msgspec

from interstate.base.time import to_iso
from interstate.store.ports import Work
from interstate.store.records.alarms import OLD_HISTORY
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.records.metrics import OLD_POINTS

KEPT = timedelta(days=15)
HISTORY_KEPT = timedelta(days=30)
"""Of alarms. Source: CloudWatch API Reference, DescribeAlarmHistory."""
SWEEP = "cloudwatch.sweep"
_PLANNED = "cloudwatch.sweep-planned"
_EVERY = timedelta(hours=1)
_ROWS_MAX = 1_000


class MetricSweep(msgspec.Struct, frozen=True):
    """Forget old points; body of the step."""


def plan(work: Work) -> None:
    """Plan the next sweep, when none is."""
    if work.get(SETTINGS, _PLANNED) is None:
        _plan(work, soon=False)


def _plan(work: Work, *, soon: bool) -> None:
    at = work.now if soon else work.now + _EVERY
    work.put(SETTINGS, Setting(_PLANNED, to_iso(at)))
    work.later(SWEEP, MetricSweep(), at=at, yields=soon)


def sweep(_body: MetricSweep, work: Work) -> None:
    """Forget a bounded number of old points; come back at once while there are more."""
    gone = work.erase(OLD_POINTS, limit=_ROWS_MAX, before=work.now - KEPT)
    old = work.erase(OLD_HISTORY, limit=_ROWS_MAX, before=work.now - HISTORY_KEPT)
    _plan(work, soon=_ROWS_MAX in (gone, old))
