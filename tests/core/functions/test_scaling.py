"""How many batches a mapping has in hand. Source: Lambda Developer Guide, "Configuring scaling behavior for SQS"."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from interstate.core.functions.scaling import CONCURRENCY_MOST, Pace, throttled_wait

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_it_grows_by_300_a_minute_up_to_1250() -> None:
    pace = Pace("m").grown(NOW)
    for second in range(1, 61):
        pace = pace.grown(NOW + second * SECOND)
    assert pace.level == 5 + 300
    for second in range(61, 1000):
        pace = pace.grown(NOW + second * SECOND)
    assert pace.level == CONCURRENCY_MOST == 1250


def test_a_look_before_its_time_changes_nothing() -> None:
    pace = Pace("m").grown(NOW)
    assert pace.grown(NOW + SECOND / 2) is pace


def test_a_failure_takes_one_away_and_stops_the_growth_for_a_second() -> None:
    pace = Pace("m").grown(NOW)
    slowed = pace.slowed(NOW + SECOND / 2)
    assert slowed.level == 4
    assert slowed.grown(NOW + SECOND).level == 4
    assert slowed.grown(NOW + SECOND).grown(NOW + 2 * SECOND).level == 9


def test_what_has_grown_is_back_at_five_when_nothing_waits_but_what_was_slowed_stays_slow() -> None:
    assert Pace("m", 300).calm().level == 5
    assert Pace("m", 2).calm().level == 2


def test_the_maximum_bounds_it() -> None:
    assert [Pace("m", 40).limit(concurrency_max) for concurrency_max in (None, 2, 1000)] == [40, 2, 40]


@given(st.lists(st.sampled_from(["grow", "fail", "calm"]), max_size=60))
def test_whatever_happens_it_stays_within_its_bounds(events: list[str]) -> None:
    pace, now = Pace("m"), NOW
    for event in events:
        now += SECOND
        pace = pace.grown(now) if event == "grow" else pace.slowed(now) if event == "fail" else pace.calm()
        assert 2 <= pace.level <= CONCURRENCY_MOST


def test_throttled_batches_wait_longer_each_time() -> None:
    assert [throttled_wait(attempt) // SECOND for attempt in (1, 2, 3, 4, 7, 50)] == [1, 2, 4, 8, 60, 60]
