"""Loops of functions: how often a call's causes have been calls of the same function.

The trace header that a function hands on names the functions through which its chain of causes has gone, each with how often:
``Lineage=a87bd80c:2|68fd508a:5``. A call that would be the seventeenth of its function in one chain is a loop.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html ("approximately 16 times in the same chain of
requests"); https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader (Lineage)
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from interstate.base.numbers import whole_number

CALLS_MAX = 16
_FUNCTIONS_MAX = 32
"""Of a chain through more functions, those that were met last are remembered."""


@lru_cache(maxsize=4096)
def mark_of(function: str) -> str:
    """What stands for a function's ARN in a lineage."""
    return hashlib.sha256(function.encode()).hexdigest()[:8]


def is_loop(lineage: str, function: str) -> bool:
    """Whether a call of the function, caused by this chain, is one too many."""
    return _read(lineage).get(mark_of(function), 0) >= CALLS_MAX


def with_call(lineage: str, function: str) -> str:
    """The chain with one more call of the function."""
    counts, mark = _read(lineage), mark_of(function)
    counts[mark] = counts.pop(mark, 0) + 1
    return _write(counts)


def joined(lineages: Iterable[str]) -> str:
    """The chain of a call that has several causes (the messages of a batch): the longest of each."""
    counts: dict[str, int] = {}
    for lineage in lineages:
        for mark, count in _read(lineage).items():
            counts[mark] = max(count, counts.get(mark, 0))
    return _write(counts)


def _read(lineage: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in lineage.split("|"):
        mark, _, text = part.rpartition(":")
        count = whole_number(text)
        if mark and count is not None:
            counts[mark] = count
    return counts


def _write(counts: dict[str, int]) -> str:
    return "|".join(f"{mark}:{count}" for mark, count in list(counts.items())[-_FUNCTIONS_MAX:])
