"""Resource policies of tables and streams: checked when they are put, asked when a table is used.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html
"""

from interstate.base.arn import parse_arn
from interstate.base.errors import ServiceError, ValidationException
from interstate.base.time import to_millis
from interstate.core.policies import PolicyFault
from interstate.core.policies.document import compiled
from interstate.core.tables.schema import ResourcePolicy
from interstate.services.access import is_allowed
from interstate.store.ports import Work

POLICY_BYTES_MAX = 20 * 1024
"""Source: Developer Guide, Resource-based policy considerations."""


class AccessDeniedException(ServiceError):
    """The resource's policy does not let the caller do it."""

    def __init__(self, account: str, action: str, resource: str) -> None:
        super().__init__(
            f"User: arn:aws:iam::{account}:root is not authorized to perform: {action} on resource: {resource} "
            f"because no resource-based policy allows the {action} action"
        )


def new_policy(text: str, work: Work) -> ResourcePolicy:
    """A policy with a revision of its own.

    Raises:
        ValidationException: it is none, or too large.
    """
    if len("".join(text.split()).encode()) > POLICY_BYTES_MAX:
        raise ValidationException(f"Resource-based policy size exceeds the limit of {POLICY_BYTES_MAX} bytes")
    try:
        compiled(text)
    except PolicyFault as fault:
        raise ValidationException(f"Invalid policy document: {fault}") from fault
    return ResourcePolicy(text, f"{to_millis(work.now)}{work.entropy.integer(1000):03d}")


def check(policy: ResourcePolicy | None, action: str, resource: str, work: Work) -> None:
    """Refuse a caller whom the resource's policy does not let in.

    Raises:
        AccessDeniedException: naming who, what and where.
    """
    caller = work.caller
    if policy is None:
        parsed = parse_arn(resource)
        if not caller.service and parsed is not None and parsed.account == caller.account:
            return
    text = None if policy is None else policy.text
    if not is_allowed(text, caller, action=action, resource=resource, now=work.now):
        raise AccessDeniedException(caller.account, action, resource)
