"""Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html and .../eb-rule-dlq.html."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.base.ids import Entropy
from interstate.core.events.delivery import (
    Again,
    Failure,
    GiveUp,
    RetryPolicy,
    backoff,
    dead_letter_attributes,
    decide,
    failure_of,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUSY = Failure("THROTTLING", "slow down", permanent=False)
GONE = Failure("NO_RESOURCE", "no such queue", permanent=True)

CODES = [
    (ServiceError("x", code="QueueDoesNotExist"), "NO_RESOURCE", True),
    (ServiceError("x", code="StateMachineDoesNotExist"), "NO_RESOURCE", True),
    (ServiceError("x", code="AccessDeniedException"), "NO_PERMISSIONS", True),
    (ServiceError("x", code="TooManyRequestsException"), "THROTTLING", False),
    (ServiceError("x", code="ExecutionLimitExceeded"), "RESOURCE_LIMIT_EXCEEDED", False),
    (ServiceError("x", code="InvalidExecutionInput"), "INVALID_PARAMETER", True),
    (ServiceError("x", code="InternalError", status=500), "INTERNAL_ERROR", False),
    (ServiceError("x", code="ServiceUnavailable"), "INTERNAL_ERROR", False),
    (ServiceError("x", code="RequestTimeout"), "TIMEOUT", False),
    (NotImplementedHere("it"), "SDK_CLIENT_ERROR", True),
]


@pytest.mark.parametrize(("error", "code", "permanent"), CODES, ids=[row[0].code for row in CODES])
def test_what_a_refusal_means(error: ServiceError, code: str, permanent: bool) -> None:
    failure = failure_of(error)
    assert (failure.code, failure.permanent) == (code, permanent)


def test_a_permanent_failure_is_never_repeated() -> None:
    assert decide(RetryPolicy(), GONE, 0, since=NOW, now=NOW, entropy=Entropy(b"")) == GiveUp(None)


@pytest.mark.parametrize("attempts_max", [0, 1, 185])
def test_attempts_are_used_up(attempts_max: int) -> None:
    policy = RetryPolicy(attempts_max)
    entropy = Entropy(b"")
    assert decide(policy, BUSY, attempts_max, since=NOW, now=NOW, entropy=entropy) == GiveUp("MaximumRetryAttempts")
    if attempts_max:
        assert isinstance(decide(policy, BUSY, attempts_max - 1, since=NOW, now=NOW, entropy=entropy), Again)


def test_an_event_gets_too_old() -> None:
    policy = RetryPolicy(185, timedelta(seconds=60))
    late = NOW + timedelta(seconds=60)
    assert decide(policy, BUSY, 3, since=NOW, now=late, entropy=Entropy(b"")) == GiveUp("MaximumEventAgeInSeconds")


@given(st.integers(0, 185), st.binary(max_size=8))
def test_waits_grow_to_eight_minutes_with_jitter(retries: int, seed: bytes) -> None:
    middle_s = min(2**retries, 480)
    assert 0.75 * middle_s <= backoff(retries, Entropy(seed)).total_seconds() <= 1.25 * middle_s


@given(st.binary(max_size=8))
def test_the_default_attempts_take_about_a_day(seed: bytes) -> None:
    entropy = Entropy(seed)
    total = sum((backoff(retries, entropy) for retries in range(185)), timedelta())
    assert timedelta(hours=22) < total < timedelta(hours=25)


def test_dead_letters_say_what_happened() -> None:
    attributes = dead_letter_attributes(
        rule_arn="r", target_arn="t", failure=BUSY, retries=4, exhausted="MaximumRetryAttempts"
    )
    assert {name: value["StringValue"] for name, value in attributes.items()} == {
        "RULE_ARN": "r",
        "TARGET_ARN": "t",
        "ERROR_CODE": "THROTTLING",
        "ERROR_MESSAGE": "slow down",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "4",
    }
    never_repeated = dead_letter_attributes(rule_arn="r", target_arn="t", failure=GONE, retries=0, exhausted=None)
    assert "EXHAUSTED_RETRY_CONDITION" not in never_repeated
