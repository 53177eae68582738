"""Which Retrier or Catcher an error meets, and how long a Retrier waits.

Source: https://states-language.net/#errors and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (States.TaskFailed stands for every error but
a timeout; neither Retry nor Catch sees States.Runtime).
"""

from collections.abc import Sequence
from datetime import timedelta

from interstate.base.ids import Entropy
from interstate.core.asl.definition import Catcher, Retrier
from interstate.core.asl.errors import ALL, BRANCH_FAILED, HEARTBEAT_TIMEOUT, RUNTIME, TASK_FAILED, TIMEOUT

DELAY_S_MAX = 31_622_400
"""A year and a day: no execution waits longer (a Standard execution ends after a year)."""


def names_of(error: str | None, *, heartbeat: bool = False, of_branch: bool = False) -> frozenset[str]:
    """The names under which ErrorEquals may know an error; empty where nothing can meet it."""
    if error == RUNTIME:
        return frozenset()
    names = {ALL}
    if error is not None:
        names.add(error)
    if error != TIMEOUT:
        names.add(TASK_FAILED)
    if heartbeat:
        names.add(HEARTBEAT_TIMEOUT)
    if of_branch:
        names.add(BRANCH_FAILED)
    return frozenset(names)


def retrier_for(retry: Sequence[Retrier], used: Sequence[int], names: frozenset[str]) -> int | None:
    """The first Retrier that knows the error, where it has attempts left; a Retrier that is used up lets nobody else try."""
    for at, retrier in enumerate(retry):
        if not names.isdisjoint(retrier.error_equals):
            attempts = used[at] if at < len(used) else 0
            return at if attempts < retrier.attempts_max else None
    return None


def catcher_for(catch: Sequence[Catcher], names: frozenset[str]) -> Catcher | None:
    """The first Catcher that knows the error."""
    for catcher in catch:
        if not names.isdisjoint(catcher.error_equals):
            return catcher
    return None


def delay(retrier: Retrier, used: int, entropy: Entropy) -> timedelta:
    """How long to wait before the next attempt, after ``used`` retries: interval x rate^used, bounded, jittered."""
    try:
        seconds = retrier.interval_s * retrier.backoff_rate**used
    except OverflowError:
        seconds = float(DELAY_S_MAX)
    seconds = min(seconds, retrier.delay_s_max or DELAY_S_MAX, DELAY_S_MAX)
    if retrier.jitter == "FULL":
        seconds *= entropy.fraction()
    return timedelta(seconds=seconds)


def counted(used: Sequence[int], at: int) -> tuple[int, ...]:
    """The counts with one more use of Retrier ``at``."""
    counts = [*used, *([0] * (at + 1 - len(used)))]
    counts[at] += 1
    return tuple(counts)
