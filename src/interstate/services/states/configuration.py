"""What is configured beside a definition: logging, tracing, encryption, role.

Source: API Reference, CreateStateMachine; answers recorded from the service.
"""

from typing import Any

from interstate.base.errors import ServiceError
from interstate.services.states.errors import InvalidArn, InvalidEncryptionConfiguration, InvalidLoggingConfiguration
from interstate.store.ports import Work


def check_role(arn: str) -> None:
    """Look whether a role's ARN can be one.

    Raises:
        InvalidArn: it cannot.
    """
    if not arn.startswith("arn:"):
        raise InvalidArn(f"Invalid Role Arn: {arn}")


def check_logging(logging: dict[str, Any] | None, work: Work) -> None:
    """Look whether executions could be logged as asked.

    Raises:
        InvalidLoggingConfiguration: there is not exactly one destination, or its log group does not exist.
    """
    if logging is None:
        return
    destinations = logging.get("destinations", [])
    if not destinations and logging.get("level", "OFF") == "OFF":
        return
    if len(destinations) != 1:
        raise InvalidLoggingConfiguration("Must specify exactly one Log Destination.")
    group = destinations[0].get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "")
    if not _exists(group, work):
        raise InvalidLoggingConfiguration("Log Destination not found.")


def _exists(group_arn: str, work: Work) -> bool:
    name = group_arn.removesuffix(":*").rpartition(":log-group:")[2]
    try:
        found = work.call("logs", "DescribeLogGroups", {"logGroupNamePrefix": name, "limit": 50})
    except ServiceError:
        return False
    return any(group.get("logGroupName") == name for group in found.get("logGroups", []))


CUSTOMER_KEY = "CUSTOMER_MANAGED_KMS_KEY"


def check_encryption(encryption: dict[str, Any] | None) -> None:
    """Look whether type and key of an encryption configuration fit each other. It is described, and encrypts nothing.

    Raises:
        InvalidEncryptionConfiguration: they do not.
    """
    if encryption is None:
        return
    if encryption.get("type") == CUSTOMER_KEY:
        if not encryption.get("kmsKeyId"):
            raise InvalidEncryptionConfiguration(f"kmsKeyId is required when type is {CUSTOMER_KEY}.")
    elif "kmsKeyId" in encryption or "kmsDataKeyReusePeriodSeconds" in encryption:
        raise InvalidEncryptionConfiguration(
            f"kmsKeyId and kmsDataKeyReusePeriodSeconds can only be set when type is {CUSTOMER_KEY}."
        )


def shown_configuration(
    logging: dict[str, Any] | None, tracing: dict[str, Any] | None, encryption: dict[str, Any] | None
) -> dict[str, Any]:
    """The configuration as it is described: with the defaults of what was not given."""
    shown: dict[str, Any] = {
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False, **(logging or {})},
        "tracingConfiguration": {"enabled": False, **(tracing or {})},
    }
    return shown | ({"encryptionConfiguration": encryption} if encryption else {})
