"""What several requests share: dimensions, periods, spans of time, tokens."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere
from interstate.base.time import from_micros, to_micros
from interstate.services.cloudwatch.errors import InvalidNextToken, InvalidParameterValueException
from interstate.store.records.metrics import Dimensions

MINUTE = timedelta(minutes=1)
_HIGH_RESOLUTION = (1, 5, 10, 20, 30)


class Dimension(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    value: str


class DimensionFilter(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    value: str | None = None


def sorted_dimensions(given: list[Dimension]) -> Dimensions:
    """Dimensions as they name a series."""
    return tuple(sorted((one.name, one.value) for one in given))


def period_of(seconds: int) -> timedelta:
    """A period of whole minutes.

    Raises:
        InvalidParameterValueException: CloudWatch has no such period.
        NotImplementedHere: it is shorter than a minute: points are kept by the minute.
    """
    if seconds in _HIGH_RESOLUTION:
        raise NotImplementedHere(f"a CloudWatch period of {seconds} s (points are kept by the minute)")
    if seconds <= 0 or seconds % 60:
        more = " Period must be 1, 5, 10, 20, 30, or any multiple of 60."
        raise InvalidParameterValueException.of("Period", seconds, more)
    return timedelta(seconds=seconds)


def whole_minute(at: datetime) -> datetime:
    """The minute that has begun."""
    return at.replace(second=0, microsecond=0)


def aligned(at: datetime, period: timedelta) -> datetime:
    """The beginning of the period in which an instant lies, counted from the epoch."""
    micros = to_micros(at)
    return from_micros(micros - micros % to_micros(from_micros(0) + period))


def token_of(place: list[str | int]) -> str:
    """A place in a list as an opaque text."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode()


def place_of(token: str) -> list[str | int]:
    """The place that a token stands for.

    Raises:
        InvalidNextToken: it is none of ours.
    """
    try:
        return msgspec.json.decode(urlsafe_b64decode(token.encode()), type=list[str | int])
    except (ValueError, msgspec.DecodeError):
        raise InvalidNextToken from None


def scope_of(caller: Caller) -> str:
    """The account and region as alarms are listed by."""
    return f"{caller.account}/{caller.region}"


def alarm_arn(name: str, caller: Caller) -> str:
    """The ARN of an alarm of the caller's account and region."""
    return caller.arn("cloudwatch", f"alarm:{name}")
