"""Attempts become deliveries, and a history tells in which state it went wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.core.asl.vocabulary import HistoryEvent
from interstate.core.why.chains import Try, chains
from interstate.core.why.failed_state import failed_state

AT = datetime(2026, 1, 1, tzinfo=UTC)


def tries(*outcomes: tuple[int, str]) -> list[Try]:
    return [Try(number, AT + timedelta(seconds=at), outcome) for at, (number, outcome) in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("outcomes", "states"),
    [
        ([], []),
        ([(0, "DELIVERED")], ["delivered"]),
        ([(0, "AGAIN"), (1, "AGAIN")], ["waiting"]),
        ([(0, "AGAIN"), (1, "DELIVERED")], ["delivered"]),
        ([(0, "AGAIN"), (1, "SENT_TO_DLQ"), (0, "DELIVERED")], ["dead letter", "delivered"]),  # Replayed.
        ([(0, "DROPPED"), (0, "DROPPED")], ["dropped", "dropped"]),
        ([(1, "DLQ_AGAIN"), (1, "DLQ_AGAIN"), (1, "SENT_TO_DLQ")], ["dead letter"]),
        ([(0, "DLQ_AGAIN")], ["waiting"]),
        ([(0, "DLQ_REFUSED"), (0, "DELIVERED")], ["dead letter refused", "delivered"]),
        ([(0, "AGAIN"), (1, "GONE")], ["ended with its rule"]),
    ],
)
def test_attempts_are_deliveries(outcomes: list[tuple[int, str]], states: list[str]) -> None:
    assert [chain.state for chain in chains(tries(*outcomes))] == states


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["AGAIN", "DELIVERED", "DROPPED"]))))
def test_no_attempt_is_lost_or_moved(outcomes: list[tuple[int, str]]) -> None:
    given_ = tries(*outcomes)
    found = chains(given_)
    assert [one for chain in found for one in chain.tries] == given_
    for chain in found:
        numbers = [one.number for one in chain.tries]
        assert numbers == sorted(set(numbers))


def history(*events: tuple[int, int, str, str | None]) -> dict[int, HistoryEvent]:
    return {number: HistoryEvent(number, previous, kind, AT, name) for number, previous, kind, name in events}


def test_the_failed_state_is_found_along_the_branch_that_failed() -> None:
    events = history(
        (1, 0, "ExecutionStarted", None),
        (2, 1, "ParallelStateEntered", "Both"),
        (3, 2, "ParallelStateStarted", None),
        (4, 3, "TaskStateEntered", "Charge"),
        (5, 3, "WaitStateEntered", "Pause"),
        (6, 4, "TaskFailed", None),
        (7, 6, "ExecutionFailed", None),
    )
    assert failed_state(events, 7) == "Charge"
    assert failed_state(events, 5) == "Pause"


def test_a_history_that_does_not_reach_back_tells_nothing() -> None:
    assert failed_state(history((7, 6, "ExecutionFailed", None)), 7) is None
