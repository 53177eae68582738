"""How the values of a period are spread, and the statistics that need to know.

A spread is a list of (value, how often). Up to ``DISTINCT_MAX`` values are kept as they are; beyond, values that are within one
percent of each other become one, as CloudWatch's own percentiles are approximations.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
import re
from collections.abc import Iterable, Sequence

import msgspec

Spread = list[tuple[float, float]]

DISTINCT_MAX = 200
_WIDTH = math.log(1.01)
_NAME = re.compile(r"(p|tm|wm|tc|ts)(\d{1,3}(?:\.\d{1,10})?)")
_RANGE = re.compile(r"(TM|WM|TC|TS|PR)\((-?[\d.]+%?)?:(-?[\d.]+%?)?\)")


class Extended(msgspec.Struct, frozen=True):
    """One extended statistic. ``low`` and ``high`` bound it: as shares of the values (0 to 1), or as values."""

    kind: str  # p, tm, wm, tc, ts, pr
    low: float | None
    high: float | None
    by_share: bool = True


def parse_statistic(text: str) -> Extended | None:
    """Read ``p99``, ``tm90``, ``IQM``, ``TM(10%:90%)``, ``PR(:300)``; None when it is none."""
    if text == "IQM":
        return Extended("tm", 0.25, 0.75)
    named = _NAME.fullmatch(text)
    if named is not None:
        share = float(named.group(2)) / 100
        if not 0 <= share <= 1 or (share == 0 and named.group(1) != "p"):
            return None
        return Extended(named.group(1), None, share)
    found = _RANGE.fullmatch(text)
    if found is None or (found.group(2) is None and found.group(3) is None):
        return None
    kind, low, high = found.group(1).lower(), found.group(2), found.group(3)
    ends = [end for end in (low, high) if end is not None]
    shares = [end.endswith("%") for end in ends]
    if len(set(shares)) > 1 or (kind == "pr" and shares[0]):
        return None
    try:
        first, last = (None if end is None else float(end.rstrip("%")) for end in (low, high))
    except ValueError:
        return None
    if shares[0]:
        first, last = (None if end is None else end / 100 for end in (first, last))
        if any(end is not None and not 0 <= end <= 1 for end in (first, last)):
            return None
    if first is not None and last is not None and first >= last:
        return None
    return Extended(kind, first, last, by_share=shares[0])


def joined(one: Iterable[tuple[float, float]], other: Iterable[tuple[float, float]]) -> Spread:
    """Two spreads as one, bounded."""
    counts = dict(one)
    for value, weight in other:
        counts[value] = counts.get(value, 0.0) + weight
    if len(counts) <= DISTINCT_MAX:
        return list(counts.items())
    coarse: dict[float, float] = {}
    for value, weight in counts.items():
        near = rounded(value)
        coarse[near] = coarse.get(near, 0.0) + weight
    return list(coarse.items())


def rounded(value: float) -> float:
    """The value that stands for all that are within a percent of it."""
    if value == 0:
        return 0.0
    return math.copysign(math.exp(round(math.log(abs(value)) / _WIDTH) * _WIDTH), value)


def statistic(wanted: Extended, spread: Sequence[tuple[float, float]]) -> float | None:
    """An extended statistic of a spread; None when nothing is left to count."""
    ordered = sorted((value, weight) for value, weight in spread if weight > 0)
    total = sum(weight for _, weight in ordered)
    if not ordered:
        return None
    if wanted.kind == "p":
        return _percentile(ordered, total, wanted.high or 0.0)
    if wanted.kind == "pr":
        inside = sum(weight for value, weight in ordered if _within(value, wanted))
        return 100 * inside / total
    kept = _between(ordered, total, wanted)
    if wanted.kind == "wm":
        low, high = (kept[0][0], kept[-1][0]) if kept else (0.0, 0.0)
        kept = [(min(max(value, low), high), weight) for value, weight in ordered]
    weights = sum(weight for _, weight in kept)
    if wanted.kind == "tc":
        return weights
    amount = sum(value * weight for value, weight in kept)
    if wanted.kind == "ts":
        return amount
    return amount / weights if weights else None


def _percentile(ordered: Sequence[tuple[float, float]], total: float, share: float) -> float:
    """The least value that is not below so many of all values, interpolated between neighbours."""
    place = share * (total - 1)
    passed = 0.0
    for number, (value, weight) in enumerate(ordered):
        last = passed + weight - 1
        if place <= last or number == len(ordered) - 1:
            return value
        if place < last + 1:
            return value + (ordered[number + 1][0] - value) * (place - last)
        passed += weight
    return ordered[-1][0]


def _within(value: float, wanted: Extended) -> bool:
    return (wanted.low is None or value > wanted.low) and (wanted.high is None or value <= wanted.high)


def _between(ordered: Sequence[tuple[float, float]], total: float, wanted: Extended) -> Spread:
    """What lies between the bounds."""
    if not wanted.by_share:
        return [(value, weight) for value, weight in ordered if _within(value, wanted)]
    first, last = (wanted.low or 0.0) * total, (1.0 if wanted.high is None else wanted.high) * total
    kept: Spread = []
    passed = 0.0
    for value, weight in ordered:
        inside = min(passed + weight, last) - max(passed, first)
        if inside > 0:
            kept.append((value, inside))
        passed += weight
    return kept
