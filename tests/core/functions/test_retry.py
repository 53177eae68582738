from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.core.functions.retry import Again, Attempt, Condition, Leave, after

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def attempt(number: int, age: timedelta, *, failed: bool = True, refused: str | None = None) -> Attempt:
    return Attempt(number, START, START + age, failed, refused)


# Attempt, retries, age, decision. Source: Lambda Developer Guide, "Error handling for an asynchronous invocation".
CASES = [
    (attempt(1, MINUTE, failed=False), None, None, Leave(Condition.SUCCESS)),
    (attempt(1, timedelta(0)), None, None, Again(START + MINUTE, counts=True)),
    (attempt(2, MINUTE), None, None, Again(START + 3 * MINUTE, counts=True)),
    (attempt(3, 3 * MINUTE), None, None, Leave(Condition.RETRIES_EXHAUSTED)),
    (attempt(1, MINUTE), 0, None, Leave(Condition.RETRIES_EXHAUSTED)),
    (attempt(2, MINUTE), 1, None, Leave(Condition.RETRIES_EXHAUSTED)),
    (attempt(2, MINUTE), None, 2 * MINUTE, Leave(Condition.EVENT_AGE_EXCEEDED)),
    (attempt(1, timedelta(0)), None, MINUTE, Again(START + MINUTE, counts=True)),
    (attempt(1, timedelta(0), refused="TooManyRequestsException"), None, None, Again(START + timedelta(seconds=1), counts=False)),
    (attempt(1, 2 * MINUTE, refused="ServiceException"), 0, None, Again(START + 4 * MINUTE, counts=False)),
    (attempt(1, 60 * MINUTE, refused="TooManyRequestsException"), None, None, Again(START + 65 * MINUTE, counts=False)),
    (attempt(1, 358 * MINUTE, refused="TooManyRequestsException"), None, None, Leave(Condition.EVENT_AGE_EXCEEDED)),
    (attempt(1, timedelta(0), refused="ResourceNotFoundException"), None, None, Again(START + MINUTE, counts=True)),
]  # fmt: skip


@pytest.mark.parametrize(("ended", "retries", "age", "decision"), CASES, ids=range(len(CASES)))
def test_an_attempt_is_followed_by_another_or_by_the_end(
    ended: Attempt, retries: int | None, age: timedelta | None, decision: Again | Leave
) -> None:
    assert after(ended, retries=retries, age_max=age) == decision


@given(
    st.lists(st.sampled_from(["fails", "throttled"]), min_size=400, max_size=400),
    st.integers(0, 2),
    st.integers(60, 21_600),
)
def test_an_event_always_leaves_the_queue_in_time(ends: list[str], retries: int, age_s: int) -> None:
    age = timedelta(seconds=age_s)
    now, number, failures = START, 1, 0
    for end in ends:
        refused = "TooManyRequestsException" if end == "throttled" else None
        failures += refused is None
        decision = after(Attempt(number, START, now, failed=True, refused=refused), retries=retries, age_max=age)
        if isinstance(decision, Leave):
            assert decision.condition is not Condition.SUCCESS
            break
        assert now < decision.at <= START + age
        now, number = decision.at, number + decision.counts
    else:
        pytest.fail("the event stays for ever")
    assert failures <= retries + 1
