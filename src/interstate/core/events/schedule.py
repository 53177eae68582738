"""Schedules of rules: ``rate(5 minutes)``, ``cron(0 12 * * ? *)``, in UTC.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html; what is refused: recorded in
tests/aws/services/events/test_events_schedule.snapshot.json of github.com/localstack/localstack.
"""

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

import msgspec

if TYPE_CHECKING:
    from aws_croniter import AwsCroniter

_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\((.+)\)")
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_COUNT_MAX = 10**9


class InvalidSchedule(ValueError):
    """The expression is no schedule."""


class Rate(msgspec.Struct, frozen=True):
    """Every so often, counted from when the rule was made."""

    every: timedelta


class Cron(msgspec.Struct, frozen=True):
    """At the instants of a cron expression of six fields."""

    expression: str


Schedule = Rate | Cron


def parse_schedule(text: str) -> Schedule:
    """Read a schedule expression.

    Raises:
        InvalidSchedule: the text is none. (1 takes the singular, every other number the plural.)
    """
    rate = _RATE.fullmatch(text)
    if rate is not None:
        count, unit, plural = int(rate[1]), rate[2], bool(rate[3])
        if (count > 1) != plural or count > _COUNT_MAX:
            raise InvalidSchedule(text)
        return Rate(_UNITS[unit] * count)
    cron = _CRON.fullmatch(text)
    if cron is None:
        raise InvalidSchedule(text)
    _croniter(cron[1])
    return Cron(cron[1])


def _croniter(expression: str) -> "AwsCroniter":
    # Imported when the first schedule is read: most instances have none, and start-up is counted in milliseconds.
    from aws_croniter import AwsCroniter  # noqa: PLC0415
    from aws_croniter.exceptions import AwsCroniterExpressionError  # noqa: PLC0415

    try:
        return AwsCroniter(expression)
    except (AwsCroniterExpressionError, ValueError) as error:
        raise InvalidSchedule(expression) from error


def next_after(schedule: Schedule, instant: datetime) -> datetime | None:
    """When the schedule fires next, strictly after ``instant``; None when never again."""
    match schedule:
        case Rate(every=every):
            return instant + every
        case Cron(expression=expression):
            found: datetime | None = _croniter(expression).occurrence(instant).next()
            return found
        case _:
            assert_never(schedule)
