"""Short messages: numbers, and what an account may set.

Source: SNS API Reference, SetSMSAttributes, Publish (PhoneNumber).
"""

import re
from collections.abc import Callable, Mapping

from interstate.base.numbers import whole_number
from interstate.core.topics.errors import InvalidParameterException

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}\Z")  # E.164
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9-]{1,11}\Z")
DEFAULTS: Mapping[str, str] = {"MonthlySpendLimit": "1"}


def check_destination(number: str) -> None:
    """A number to which a message may go.

    Raises:
        InvalidParameterException: it is none.
    """
    if not _NUMBER.match(number):
        raise InvalidParameterException(f"PhoneNumber Reason: {number} is not valid to publish to")


def check_number(number: str) -> None:
    """A number about which something is asked.

    Raises:
        InvalidParameterException: it is none.
    """
    if not _NUMBER.match(number):
        raise InvalidParameterException("PhoneNumber Reason: input incorrectly formatted")


def plain_number(endpoint: str) -> str:
    """A subscription's endpoint without spaces and other separators."""
    digits = "".join(character for character in endpoint if character.isdigit())
    return f"+{digits}"


def check_settings(attributes: Mapping[str, str]) -> None:
    """Whether an account can have these settings.

    Raises:
        InvalidParameterException: it cannot.
    """
    for name, value in attributes.items():
        check = _CHECKS.get(name)
        if check is None:
            raise InvalidParameterException(f"{name} is not a valid attribute")
        if value and not check(value):
            raise InvalidParameterException(f"{name} Reason: {value} is not a valid value")


def _is_number(value: str) -> bool:
    return whole_number(value) is not None


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "MonthlySpendLimit": _is_number,
    "DeliveryStatusIAMRole": lambda value: value.startswith("arn:"),
    "DeliveryStatusSuccessSamplingRate": lambda value: whole_number(value) in range(101),
    "DefaultSenderID": lambda value: bool(_SENDER_ID.match(value)),
    "DefaultSMSType": lambda value: value in ("Promotional", "Transactional"),
    "UsageReportS3Bucket": bool,
}
