"""Whether the caller of an operation may use a resource: its resource policy is asked, as IAM does.

Who asks decides what a policy's silence means: the resource's own account may (identity policies are not evaluated
here: any credentials of an account are that account), another account and a service that acts for a resource may not.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from interstate.base.arn import Caller, parse_arn
from interstate.base.json import JSONObject
from interstate.base.time import EPOCH, to_iso_s
from interstate.core.policies import Access, Policy, PolicyFault, Verdict, decide
from interstate.core.policies.document import document_of


def is_allowed(
    policy: JSONObject | str | None,
    caller: Caller,
    *,
    action: str,
    resource: str,
    now: datetime,
    owner: str | None = None,
    context: Mapping[str, Iterable[str]] | None = None,
) -> bool:
    """Whether ``caller`` may do ``action`` (``sqs:SendMessage``) to the resource with that ARN.

    ``owner`` is the resource's account where its ARN has none. ``context`` adds the service's own condition keys
    (``sns:Protocol``). A policy that cannot be read is silent.
    """
    if not policy:
        return not caller.service and caller.account == (owner or _account_of(resource))
    if context is None and isinstance(policy, str) and not _mentions_time(policy):
        return _always(policy, caller, action, resource, owner)
    return _decided(policy, caller, action, resource, owner, now, context)


def settled(policy: str, caller: Caller, *, action: str, resource: str) -> bool | None:
    """What ``is_allowed`` says of a policy (not empty) at all times; None where it may depend on when it is asked."""
    return None if _mentions_time(policy) else _always(policy, caller, action, resource, None)


@lru_cache(maxsize=1024)
def _mentions_time(policy: str) -> bool:
    """Whether the answer may depend on when it is asked (``aws:CurrentTime``, ``aws:EpochTime``)."""
    return "time" in policy.lower() or "\\u" in policy  # An escape may spell it.


@lru_cache(maxsize=4096)
def _always(policy: str, caller: Caller, action: str, resource: str, owner: str | None) -> bool:
    """The answer of a policy that says the same at all times; a queue behind a topic asks it for every message."""
    return _decided(policy, caller, action, resource, owner, EPOCH, None)


def _decided(  # noqa: PLR0917 - what a decision depends on
    policy: JSONObject | str,
    caller: Caller,
    action: str,
    resource: str,
    owner: str | None,
    now: datetime,
    context: Mapping[str, Iterable[str]] | None,
) -> bool:
    verdict = decide(_policies(policy), _access(caller, action, resource, now, context))
    if verdict is Verdict.SILENT:
        return not caller.service and caller.account == (owner or _account_of(resource))
    return verdict is Verdict.ALLOWED


def _policies(policy: JSONObject | str) -> list[Policy]:
    try:
        return [document_of(policy)]
    except PolicyFault:
        return []


def _account_of(arn: str) -> str:
    parsed = parse_arn(arn)
    return "" if parsed is None else parsed.account


def _access(
    caller: Caller, action: str, resource: str, now: datetime, more: Mapping[str, Iterable[str]] | None
) -> Access:
    context: dict[str, tuple[str, ...]] = {
        "aws:currenttime": (to_iso_s(now),),
        "aws:securetransport": ("false",),
        "aws:principalisawsservice": ("true" if caller.service else "false",),
        "aws:requestedregion": (caller.region,),
    }
    if caller.service:
        context["aws:principalservicename"] = (caller.service,)
        if caller.source_arn:
            context["aws:sourcearn"] = (caller.source_arn,)
            account = _account_of(caller.source_arn) or caller.account
            context["aws:sourceaccount"] = context["aws:sourceowner"] = (account,)
    else:
        context["aws:principalaccount"] = context["aws:sourceaccount"] = (caller.account,)
        context["aws:sourceowner"] = (caller.account,)
        context["aws:principalarn"] = (f"arn:aws:iam::{caller.account}:root",)
        context["aws:principaltype"] = ("Account",)
        context["aws:userid"] = (caller.account,)
    for key, values in (more or {}).items():
        context[key.lower()] = tuple(values)
    return Access(caller.account, action, resource, caller.service, context)
