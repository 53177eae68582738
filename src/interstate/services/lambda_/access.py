"""Who may call a function: its account, and whoever its policy lets.

Source: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from collections.abc import Iterable, Mapping

from interstate.base.arn import Caller
from interstate.services import access
from interstate.services.lambda_.errors import AccessDeniedException
from interstate.store.ports import Work
from interstate.store.records.lambda_ import POLICIES

INVOKE = "lambda:InvokeFunction"


def may(
    work: Work,
    function: str,
    qualifier: str | None,
    caller: Caller,
    *,
    action: str = INVOKE,
    context: Mapping[str, Iterable[str]] | None = None,
) -> bool:
    """Whether ``caller`` may do ``action`` to a function (under a qualifier, whose own policy is asked then)."""
    resource = f"{function}:{qualifier}" if qualifier else function
    return access.is_allowed(
        policy_of(work, function, qualifier), caller, action=action, resource=resource, now=work.now, context=context
    )


def policy_of(work: Work, function: str, qualifier: str | None) -> dict[str, object] | None:
    """The policy document of a function, version or alias."""
    policy = work.get(POLICIES, function, qualifier or "")
    if policy is None:
        return None
    return {"Version": "2012-10-17", "Id": "default", "Statement": policy.statements}


def check(work: Work, function: str, qualifier: str | None, action: str) -> None:
    """Refuse the running call's caller what the function's policy does not let it do.

    Raises:
        AccessDeniedException: another account or a service, and no statement for it.
    """
    caller = work.caller
    if not caller.service and caller.account == function.split(":")[4]:
        own = policy_of(work, function, qualifier)
        if own is None:  # The common case costs one read.
            return
    if not may(work, function, qualifier, caller, action=action):
        raise AccessDeniedException(action, f"{function}:{qualifier}" if qualifier else function)
