"""After a delivery failed: again, or to the dead-letter queue.

Theory of operation
-------------------
A refusal is *permanent* when another try cannot help (the target is gone, access is denied, the input is wrong): the event
goes to the dead-letter queue at once. Everything else is tried again, with exponential back-off and jitter, until the
attempts or the age of the target's retry policy are used up.

AWS publishes the shape of the back-off and its default end (185 attempts, 24 hours), not its numbers. Ours: 1 s doubled up
to 480 s, spread by a quarter to both sides; 185 attempts then take just under 24 hours.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html and .../eb-rule-dlq.html
(attributes of dead letters, sample of error codes).
"""

from datetime import datetime, timedelta

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.ids import Entropy
from interstate.core.events.limits import EVENT_AGE_MAX, RETRY_ATTEMPTS_MAX

_BACKOFF_FIRST_S = 1
_BACKOFF_MAX_S = 480
_DOUBLINGS_MAX = 9


class RetryPolicy(msgspec.Struct, frozen=True):
    """How long a target's failures are repeated."""

    attempts_max: int = RETRY_ATTEMPTS_MAX
    age_max: timedelta = EVENT_AGE_MAX


class Failure(msgspec.Struct, frozen=True):
    """Why a delivery failed. ``code`` is one of the codes that dead letters carry."""

    code: str
    message: str
    permanent: bool


class Again(msgspec.Struct, frozen=True):
    """Try again at this instant."""

    at: datetime


class GiveUp(msgspec.Struct, frozen=True):
    """No further try. ``exhausted`` names the condition that is used up; None when retrying makes no sense."""

    exhausted: str | None


# The refusals that a retry may cure, and those that it cannot, by the code of the refused call.
_TRANSIENT = {
    "Throttling": "THROTTLING",
    "ThrottlingException": "THROTTLING",
    "ThrottledException": "THROTTLING",
    "TooManyRequestsException": "THROTTLING",
    "RequestThrottled": "THROTTLING",
    "ExecutionLimitExceeded": "RESOURCE_LIMIT_EXCEEDED",
    "OverLimit": "RESOURCE_LIMIT_EXCEEDED",
    "ResourceConflictException": "RESOURCE_MODIFICATION_COLLISION",
    "ResourceNotReadyException": "RESOURCE_MODIFICATION_COLLISION",
    # Faults of a service are known by their names, too: a fault rule, or a proxy, may give them any status.
    "InternalError": "INTERNAL_ERROR",
    "InternalErrorException": "INTERNAL_ERROR",
    "InternalException": "INTERNAL_ERROR",
    "InternalFailure": "INTERNAL_ERROR",
    "InternalServerError": "INTERNAL_ERROR",
    "InternalServiceError": "INTERNAL_ERROR",
    "ServiceException": "INTERNAL_ERROR",
    "ServiceUnavailable": "INTERNAL_ERROR",
    "ServiceUnavailableException": "INTERNAL_ERROR",
    "RequestTimeout": "TIMEOUT",
    "RequestTimeoutException": "TIMEOUT",
    "KMSThrottlingException": "THROTTLING",
    "KmsThrottled": "THROTTLING",
    "LimitExceededException": "RESOURCE_LIMIT_EXCEEDED",
}
_PERMANENT = {
    "QueueDoesNotExist": "NO_RESOURCE",
    "StateMachineDoesNotExist": "NO_RESOURCE",
    "ResourceNotFoundException": "NO_RESOURCE",
    "NotFoundException": "NO_RESOURCE",
    "NotFound": "NO_RESOURCE",
    "AccessDenied": "NO_PERMISSIONS",
    "AccessDeniedException": "NO_PERMISSIONS",
    "AuthorizationErrorException": "NO_PERMISSIONS",
    "AuthorizationError": "NO_PERMISSIONS",
    "ExecutionAlreadyExists": "RESOURCE_ALREADY_EXISTS",
    "NotImplemented": "SDK_CLIENT_ERROR",
}
INVALID_JSON = "INVALID_JSON"
THIRD_BUS, THIRD_REGION = "THIRD_ACCOUNT_HOP_DETECTED", "THIRD_REGION_HOP_DETECTED"


def failure_of(error: ServiceError) -> Failure:
    """What a target's refusal means for the delivery."""
    if error.code in _TRANSIENT:
        return Failure(_TRANSIENT[error.code], error.message, permanent=False)
    if error.code in _PERMANENT:
        return Failure(_PERMANENT[error.code], error.message, permanent=True)
    if error.status >= 500:
        return Failure("INTERNAL_ERROR", error.message, permanent=False)
    return Failure("INVALID_PARAMETER", error.message, permanent=True)


def decide(
    policy: RetryPolicy, failure: Failure, retries: int, *, since: datetime, now: datetime, entropy: Entropy
) -> Again | GiveUp:
    """What follows a failed delivery that had been repeated ``retries`` times; ``since`` is when the event was accepted."""
    if failure.permanent:
        return GiveUp(None)
    if retries >= policy.attempts_max:
        return GiveUp("MaximumRetryAttempts")
    at = now + backoff(retries, entropy)
    if at > since + policy.age_max:
        return GiveUp("MaximumEventAgeInSeconds")
    return Again(at)


def backoff(retries: int, entropy: Entropy) -> timedelta:
    """How long to wait before the next try."""
    delay_s = min(_BACKOFF_FIRST_S * 2 ** min(retries, _DOUBLINGS_MAX), _BACKOFF_MAX_S)
    return timedelta(seconds=delay_s * (0.75 + entropy.fraction() / 2))


def dead_letter_attributes(
    *, rule_arn: str, target_arn: str, failure: Failure, retries: int, exhausted: str | None
) -> dict[str, dict[str, str]]:
    """The message attributes of a dead letter, as SQS takes them."""
    values = {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target_arn,
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message,
        "EXHAUSTED_RETRY_CONDITION": exhausted,
        "RETRY_ATTEMPTS": str(retries),
    }
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items() if value}
