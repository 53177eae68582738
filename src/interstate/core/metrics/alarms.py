"""Whether an alarm is in alarm: the datapoints of its last periods, and what missing ones mean.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html (evaluation, M out of N),
.../alarms-and-missing-data.html (missing data; when an alarm goes to ALARM with fewer datapoints)
"""

import operator
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
MISSING, IGNORE, BREACHING, NOT_BREACHING = "missing", "ignore", "breaching", "notBreaching"
TREATMENTS = (BREACHING, NOT_BREACHING, IGNORE, MISSING)
EXTRA_PERIODS = 2
"""Periods before the evaluated ones that are looked at, so that a late datapoint still counts."""

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


class Rule(msgspec.Struct, frozen=True):
    """What is compared, how often it must breach, and what missing datapoints count as."""

    comparison: str
    threshold: float
    periods: int  # N
    to_alarm: int  # M
    missing: str = MISSING


class Verdict(msgspec.Struct, frozen=True):
    """The state, why, and the datapoints that were looked at, oldest first."""

    state: str
    reason: str
    used: list[tuple[datetime, float]]


def evaluate(rule: Rule, points: Sequence[tuple[datetime, float | None]], before: str) -> Verdict:
    """The state after these datapoints (oldest first, one a period, None where it is missing)."""
    compare, _ = COMPARISONS[rule.comparison]
    real = [(at, value) for at, value in points if value is not None]
    used = real[-rule.periods :]
    breaching = [point for point in used if compare(point[1], rule.threshold)]
    lacking = rule.periods - len(used)
    if len(breaching) >= rule.to_alarm:
        return Verdict(ALARM, _crossed(rule, used, breaching, ALARM, before), used)
    if not lacking:
        return Verdict(OK, _crossed(rule, used, breaching, OK, before), used)
    state = _with_missing(rule, points, used, breaching, lacking, before)
    if not used:
        return Verdict(state, _unknown(rule), used)
    return Verdict(state, _crossed(rule, used, breaching, state, before, lacking), used)


def _with_missing(  # noqa: PLR0917 what is known
    rule: Rule,
    points: Sequence[tuple[datetime, float | None]],
    used: Sequence[tuple[datetime, float]],
    breaching: Sequence[tuple[datetime, float]],
    lacking: int,
    before: str,
) -> str:
    if rule.missing == BREACHING:
        return ALARM if len(breaching) + lacking >= rule.to_alarm else OK
    if rule.missing == NOT_BREACHING:
        return OK
    if not used:
        return before if rule.missing == IGNORE else INSUFFICIENT
    if len(breaching) < len(used):
        return OK
    if rule.missing == IGNORE:
        return before
    oldest = [at for at, _ in points].index(breaching[0][0])
    return ALARM if len(points) - oldest >= rule.to_alarm else before


def _number(value: float) -> str:
    return repr(float(value))


def _point(at: datetime, value: float) -> str:
    return f"{_number(value)} ({at:%d/%m/%y %H:%M:%S})"


def _crossed(  # noqa: PLR0917 what is told
    rule: Rule,
    used: Sequence[tuple[datetime, float]],
    breaching: Sequence[tuple[datetime, float]],
    state: str,
    before: str,
    lacking: int = 0,
) -> str:
    words = COMPARISONS[rule.comparison][1]
    if state == ALARM:
        shown = list(reversed(breaching)) or list(reversed(used))
        count = f"{len(breaching)} out of the last {rule.periods} datapoints"
        verb = "was" if len(shown) == 1 else "were"
    else:
        others = [point for point in used if point not in breaching]
        shown = list(reversed(others or used))
        count = f"{len(shown)} datapoint{'' if len(shown) == 1 else 's'}"
        verb = "was not" if len(shown) == 1 else "were not"
    listed = ", ".join(_point(at, value) for at, value in shown[:5])
    told = f"Threshold Crossed: {count} [{listed}] {verb} {words} the threshold ({_number(rule.threshold)})"
    if lacking and rule.missing in (BREACHING, NOT_BREACHING):
        treated = "Breaching" if rule.missing == BREACHING else "NonBreaching"
        told += f" and {lacking} missing datapoint{' was' if lacking == 1 else 's were'} treated as [{treated}]"
    if state == ALARM and before != ALARM:
        points = "datapoint" if rule.to_alarm == 1 else "datapoints"
        told += f" (minimum {rule.to_alarm} {points} for OK -> ALARM transition)"
    return told + "."


def _unknown(rule: Rule) -> str:
    count = rule.periods
    if rule.missing in (BREACHING, NOT_BREACHING):
        treated = "Breaching" if rule.missing == BREACHING else "NonBreaching"
        periods = "period" if count == 1 else "periods"
        were = "datapoint was" if count == 1 else "datapoints were"
        return (
            f"Threshold Crossed: no datapoints were received for {count} {periods} and {count} missing {were} treated as "
            f"[{treated}]."
        )
    return f"Insufficient Data: {count} {'datapoint was' if count == 1 else 'datapoints were'} unknown."
