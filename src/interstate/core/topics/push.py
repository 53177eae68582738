"""Mobile push: platforms, applications and endpoints, and what they may be set to.

Source: SNS API Reference, CreatePlatformApplication, SetPlatformApplicationAttributes, CreatePlatformEndpoint.
"""

import re
from collections.abc import Mapping

from interstate.core.topics.errors import InvalidParameterException

PLATFORMS = (
    "ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "APNS_PASSKIT", "BAIDU", "FCM", "GCM", "MACOS",
    "MACOS_SANDBOX", "MPNS", "WNS",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")
_NAME_MAX = 256
_CREDENTIALS = ("PlatformCredential", "PlatformPrincipal")
_APPLICATION = {
    *_CREDENTIALS, "EventEndpointCreated", "EventEndpointDeleted", "EventEndpointUpdated", "EventDeliveryFailure",
    "SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate", "ApplePlatformTeamID",
    "ApplePlatformBundleID", "Enabled",
}  # fmt: skip
_ENDPOINT = ("CustomUserData", "Enabled", "Token")
_USER_DATA_BYTES_MAX = 2048


def check_application(name: str, platform: str, attributes: Mapping[str, str]) -> None:
    """Whether an application can be so.

    Raises:
        InvalidParameterException: it cannot.
    """
    if not name:
        raise InvalidParameterException("Name Reason: cannot be empty")
    if len(name) > _NAME_MAX:
        raise InvalidParameterException(f"Name Reason: must be at most {_NAME_MAX} characters long")
    if not _NAME.match(name):
        raise InvalidParameterException(
            "Name Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"
        )
    if platform not in PLATFORMS:
        raise InvalidParameterException(f"Platform Reason: {platform} is not supported")
    check_application_attributes(attributes)
    if not attributes:
        raise InvalidParameterException("Attributes Reason: cannot be empty")
    if not attributes.get("PlatformCredential"):
        raise InvalidParameterException("Attributes Reason: PlatformCredential is a required attribute")


def check_application_attributes(attributes: Mapping[str, str]) -> None:
    """Whether an application can have these attributes.

    Raises:
        InvalidParameterException: it cannot.
    """
    for name in attributes:
        if name not in _APPLICATION:
            raise InvalidParameterException(f"Attributes Reason: Invalid attribute: {name}")


def shown_application(attributes: Mapping[str, str]) -> dict[str, str]:
    """What is shown of an application: not its secrets."""
    return {"Enabled": "true", **{name: value for name, value in attributes.items() if name not in _CREDENTIALS}}


def check_endpoint_attributes(attributes: Mapping[str, str]) -> None:
    """Whether an endpoint can have these attributes.

    Raises:
        InvalidParameterException: it cannot.
    """
    for name, value in attributes.items():
        if name not in _ENDPOINT:
            raise InvalidParameterException(f"Attributes Reason: Invalid attribute: {name}")
        if name == "Enabled" and value.lower() not in ("true", "false"):
            raise InvalidParameterException(
                "Attributes Reason: Invalid value for attribute: Enabled: must be true or false"
            )
        if name == "CustomUserData" and len(value.encode()) > _USER_DATA_BYTES_MAX:
            raise InvalidParameterException(
                "Attributes Reason: Invalid value for attribute: CustomUserData: must be at most 2048 bytes long in UTF-8 encoding"
            )
        if name == "Token" and not value:
            raise InvalidParameterException("Attributes Reason: Invalid value for attribute: Token: cannot be empty")
