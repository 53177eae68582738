from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.core.topics.delivery_policy import DEFAULT, Backoff, DeliveryPolicy, read_delivery_policy
from interstate.core.topics.errors import InvalidParameterException


def delays(policy: DeliveryPolicy) -> list[float]:
    found: list[float] = []
    for retry in count(1):
        delay = policy.delay(retry)
        if delay is None:
            return found
        found.append(round(delay.total_seconds(), 3))
    raise AssertionError


def test_the_default_is_three_retries_twenty_seconds_apart() -> None:
    assert delays(DEFAULT) == [20, 20, 20]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (DeliveryPolicy(1, 60, 7, 2, 2, 1, "linear"), [0, 0, 1, 1, 60, 60, 60]),
        (DeliveryPolicy(10, 40, 4, 0, 0, 0, "linear"), [10, 20, 30, 40]),
        (DeliveryPolicy(10, 40, 4, 0, 0, 0, "arithmetic"), [10, 15, 25, 40]),
        (DeliveryPolicy(7, 70, 4, 0, 0, 0, "geometric"), [7, 16, 34, 70]),
        (DeliveryPolicy(5, 5, 0, 0, 0, 0, "linear"), []),
        (DeliveryPolicy(5, 9, 1, 0, 0, 0, "exponential"), [5]),
    ],
)
def test_the_phases_follow_one_another(policy: DeliveryPolicy, expected: list[float]) -> None:
    assert delays(policy) == expected


@given(
    low=st.integers(1, 3600),
    span=st.integers(0, 3600),
    phases=st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 8)),
    backoff=st.sampled_from(("linear", "arithmetic", "geometric", "exponential")),
)
def test_delays_never_shrink_and_stay_within_their_bounds(
    low: int, span: int, phases: tuple[int, int, int, int], backoff: Backoff
) -> None:
    high = min(3600, low + span)
    none, least, most, between = phases
    policy = DeliveryPolicy(low, high, none + least + most + between, most, none, least, backoff)
    found = delays(policy)
    assert len(found) == policy.num_retries
    assert found == sorted(found)
    assert all(delay == 0 or low <= delay <= high for delay in found)
    assert policy.delay(policy.num_retries + 1) is None


@pytest.mark.parametrize(
    ("text", "retries"),
    [
        ('{"healthyRetryPolicy": {"numRetries": 5, "minDelayTarget": 1, "maxDelayTarget": 9}}', 5),
        ('{"http": {"defaultHealthyRetryPolicy": {"numRetries": 7}, "disableSubscriptionOverrides": false}}', 7),
        ('{"throttlePolicy": {"maxReceivesPerSecond": 1}}', 3),
    ],
)
def test_topics_and_subscriptions_write_it_differently(text: str, retries: int) -> None:
    assert read_delivery_policy(text).num_retries == retries


@pytest.mark.parametrize(
    "retry",
    [
        "nonsense",
        "[]",
        '{"healthyRetryPolicy": {"numRetries": 101}}',
        '{"healthyRetryPolicy": {"numRetries": "3"}}',
        '{"healthyRetryPolicy": {"minDelayTarget": 0}}',
        '{"healthyRetryPolicy": {"minDelayTarget": 30}}',
        '{"healthyRetryPolicy": {"maxDelayTarget": 3601}}',
        '{"healthyRetryPolicy": {"numNoDelayRetries": 4}}',
        '{"healthyRetryPolicy": {"backoffFunction": "sideways"}}',
    ],
)
def test_what_is_no_policy_is_refused(retry: str) -> None:
    with pytest.raises(InvalidParameterException, match="Invalid parameter: DeliveryPolicy: "):
        read_delivery_policy(retry)


def test_a_delay_is_a_timedelta() -> None:
    assert DEFAULT.delay(1) == timedelta(seconds=20)
    assert DEFAULT.delay(0) is None
