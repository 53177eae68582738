"""When a failed HTTP delivery is tried again: the four phases of a delivery policy.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

import msgspec

from interstate.base.json import BrokenJSON, loads
from interstate.core.topics.errors import InvalidParameterException

RETRIES_MAX = 100
DELAY_S_MAX = 3600
CONTENT_TYPE = "text/plain; charset=UTF-8"
_SUBSCRIPTION_PARTS = ("healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy", "guaranteed")
_TOPIC_PARTS = (
    "defaultHealthyRetryPolicy",
    "defaultSicklyRetryPolicy",
    "defaultThrottlePolicy",
    "defaultRequestPolicy",
    "disableSubscriptionOverrides",
)

Backoff = Literal["linear", "arithmetic", "geometric", "exponential"]


class DeliveryPolicy(msgspec.Struct, frozen=True, rename="camel"):
    """How often and how far apart. The defaults are those of HTTP endpoints: three times, 20 seconds apart."""

    min_delay_target: int = 20
    max_delay_target: int = 20
    num_retries: int = 3
    num_max_delay_retries: int = 0
    num_no_delay_retries: int = 0
    num_min_delay_retries: int = 0
    backoff_function: Backoff = "linear"

    def delay(self, retry: int) -> timedelta | None:
        """How long before the ``retry``-th retry (from 1); None when there is none left.

        First the retries without delay, then those with the smallest delay, then the backoff, last those with the
        largest delay.
        """
        if not 1 <= retry <= self.num_retries:
            return None
        first_backoff = self.num_no_delay_retries + self.num_min_delay_retries
        backoffs = self.num_retries - first_backoff - self.num_max_delay_retries
        if retry <= self.num_no_delay_retries:
            return timedelta()
        if retry <= first_backoff:
            return timedelta(seconds=self.min_delay_target)
        if retry <= first_backoff + backoffs:
            return timedelta(seconds=self._backoff(retry - first_backoff, backoffs))
        return timedelta(seconds=self.max_delay_target)

    def _backoff(self, step: int, steps: int) -> float:
        """From the smallest to the largest delay in ``steps`` steps, along the curve."""
        low, high = self.min_delay_target, self.max_delay_target
        if steps == 1:
            return low
        share = (step - 1) / (steps - 1)
        match self.backoff_function:
            case "linear":
                curve = share
            case "arithmetic":
                curve = step * (step - 1) / (steps * (steps - 1))
            case "geometric":
                curve = (2 ** (step - 1) - 1) / (2 ** (steps - 1) - 1)
            case "exponential":
                curve = math.expm1(share * 4) / math.expm1(4)
        return low + (high - low) * curve


DEFAULT = DeliveryPolicy()


def read_delivery_policy(text: str) -> DeliveryPolicy:
    """The retry part of a topic's or subscription's ``DeliveryPolicy`` attribute.

    Args:
        text: ``{"healthyRetryPolicy": {...}}``, or a topic's ``{"http": {"defaultHealthyRetryPolicy": {...}}}``.

    Raises:
        InvalidParameterException: it is none.
    """
    try:
        found = loads(text)
    except BrokenJSON:
        raise InvalidParameterException("DeliveryPolicy: failed to parse JSON") from None
    if not isinstance(found, dict):
        raise InvalidParameterException("DeliveryPolicy: failed to parse JSON")
    _check_parts(found)
    try:
        policy = msgspec.convert(_retry_part(found), DeliveryPolicy)
    except msgspec.ValidationError as error:
        raise InvalidParameterException(f"DeliveryPolicy: {error}") from None
    _check(policy)
    return policy


def header_content_type(text: str | None) -> str:
    """The content type that a policy asks for: ``{"requestPolicy": {"headerContentType": "application/json"}}``."""
    found = loads(text) if text else {}
    assert isinstance(found, dict)
    http = found.get("http")
    part = http.get("defaultRequestPolicy") if isinstance(http, Mapping) else found.get("requestPolicy")
    return str((part or {}).get("headerContentType") or CONTENT_TYPE)


def receives_per_second(text: str | None) -> int | None:
    """How often a second the endpoint wants to be told at most: ``{"throttlePolicy": {"maxReceivesPerSecond": 1}}``."""
    found = loads(text) if text else {}
    assert isinstance(found, dict)
    http = found.get("http")
    part = http.get("defaultThrottlePolicy") if isinstance(http, Mapping) else found.get("throttlePolicy")
    rate = (part or {}).get("maxReceivesPerSecond")
    return rate if isinstance(rate, int) and rate > 0 else None


def effective_policy(subscription: str | None, topic: str | None) -> str | None:
    """The policy that counts: the subscription's, unless the topic forbids to override its own."""
    if subscription and topic:
        found = loads(topic)
        http = found.get("http") if isinstance(found, dict) else None
        if isinstance(http, dict) and http.get("disableSubscriptionOverrides"):
            return topic
    return subscription or topic


def _check_parts(found: Mapping[str, Any]) -> None:
    http = found.get("http")
    holder = http if isinstance(http, Mapping) else found
    names = _TOPIC_PARTS if isinstance(http, Mapping) else _SUBSCRIPTION_PARTS
    for name, part in holder.items():
        if name not in names:
            raise InvalidParameterException(f"DeliveryPolicy: Unexpected JSON member: {name}")
        if part is not None and name != "disableSubscriptionOverrides" and not isinstance(part, Mapping):
            raise InvalidParameterException(f"DeliveryPolicy: {name} must be an object")
    throttle = holder.get("throttlePolicy") or holder.get("defaultThrottlePolicy") or {}
    rate = throttle.get("maxReceivesPerSecond")
    if rate is not None and (not isinstance(rate, int) or isinstance(rate, bool) or rate < 1):
        raise InvalidParameterException("DeliveryPolicy: maxReceivesPerSecond must be at least 1")


def _retry_part(found: Mapping[str, Any]) -> Any:
    http = found.get("http")
    if isinstance(http, Mapping):
        return http.get("defaultHealthyRetryPolicy") or {}
    return found.get("healthyRetryPolicy") or {}


def _check(policy: DeliveryPolicy) -> None:
    phases = policy.num_no_delay_retries + policy.num_min_delay_retries + policy.num_max_delay_retries
    faults = {
        "minDelayTarget must be between 1 and 3600": not 1 <= policy.min_delay_target <= DELAY_S_MAX,
        "maxDelayTarget must be between minDelayTarget and 3600": not (
            policy.min_delay_target <= policy.max_delay_target <= DELAY_S_MAX
        ),
        "numRetries must be between 0 and 100": not 0 <= policy.num_retries <= RETRIES_MAX,
        "numRetries must not be less than the retries of its phases": not 0 <= phases <= policy.num_retries,
    }
    for fault, holds in faults.items():
        if holds:
            raise InvalidParameterException(f"DeliveryPolicy: {fault}")
