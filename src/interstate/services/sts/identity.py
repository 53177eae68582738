"""Who is calling, and credentials to call with.

An account is told by its 12 digits in the access key (see ``wire.routing``), so credentials for an account other than
the default one carry those digits as their key.

Source: STS API Reference.
"""

from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import DEFAULT_ACCOUNT, Arn, parse_arn
from interstate.base.errors import ServiceError, ValidationException
from interstate.store.ports import Work
from interstate.store.records.iam import ROLES

SESSION_S_DEFAULT = 3600
TOKEN_S_DEFAULT = 43_200


class AccessDenied(ServiceError):
    """The role is not there, or not to be assumed; STS does not tell which."""

    status = 403

    def __init__(self, caller: str, role: str) -> None:
        super().__init__(f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}")


class GetCallerIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    pass


class AssumeRole(msgspec.Struct, frozen=True, rename="pascal"):
    role_arn: str
    role_session_name: str
    duration_seconds: int = SESSION_S_DEFAULT


class GetSessionToken(msgspec.Struct, frozen=True, rename="pascal"):
    duration_seconds: int = TOKEN_S_DEFAULT


def caller_arn(work: Work) -> str:
    """Every caller is its account's root: nothing is enforced."""
    return f"arn:aws:iam::{work.caller.account}:root"


def get_caller_identity(_request: GetCallerIdentity, work: Work) -> dict[str, Any]:
    """The caller's account."""
    account = work.caller.account
    return {"UserId": account, "Account": account, "Arn": caller_arn(work)}


def assume_role(request: AssumeRole, work: Work) -> dict[str, Any]:
    """Credentials for the role's account.

    Raises:
        ValidationException: ``RoleArn`` is no role's ARN.
        AccessDenied: there is no such role.
        ValidationError: the session is to last longer than the role allows.
    """
    arn = _role_arn(request.role_arn)
    role = work.get(ROLES, arn.account, arn.resource.rpartition("/")[2])
    if role is None or role.arn != request.role_arn:
        raise AccessDenied(caller_arn(work), request.role_arn)
    if request.duration_seconds > role.max_session_s:
        msg = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise ValidationException(msg, code="ValidationError")
    session = f"{role.name}/{request.role_session_name}"
    return {
        "Credentials": _credentials(arn.account, request.duration_seconds, work),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.role_id}:{request.role_session_name}",
            "Arn": f"arn:aws:sts::{arn.account}:assumed-role/{session}",
        },
    }


def get_session_token(request: GetSessionToken, work: Work) -> dict[str, Any]:
    """Credentials for the caller's own account."""
    return {"Credentials": _credentials(work.caller.account, request.duration_seconds, work)}


def _role_arn(text: str) -> Arn:
    arn = parse_arn(text)
    if arn is None or arn.service != "iam" or not arn.resource.startswith("role/"):
        raise ValidationException(f"{text} is invalid", code="ValidationError")
    return arn


def _credentials(account: str, duration_s: int, work: Work) -> dict[str, Any]:
    entropy = work.entropy
    return {
        "AccessKeyId": entropy.unique_id("ASI") if account == DEFAULT_ACCOUNT else account,
        "SecretAccessKey": entropy.text(40),
        "SessionToken": "".join(entropy.text(64) for _ in range(4)),
        "Expiration": work.now + timedelta(seconds=duration_s),
    }
