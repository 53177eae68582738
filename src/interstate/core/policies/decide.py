"""Whether a policy allows an access.

An explicit Deny wins, an Allow comes second, and silence is neither: what silence means depends on who asks
(``services/access.py``).

Principals of one account cannot be told apart here (any credentials of an account are that account): an Allow for a
user or a role of the caller's account counts for the caller, a Deny counts only when it names the account itself.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec

from interstate.core.policies.conditions import Context, holds
from interstate.core.policies.document import Policy, Statement, glob


class Verdict(Enum):
    """What a policy says of an access."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


class Access(msgspec.Struct, frozen=True):
    """Who wants to do what to which resource. ``service`` is a service principal's name, else empty.

    ``context`` has condition keys in lower case, each with its values.
    """

    account: str
    action: str
    resource: str
    service: str = ""
    context: Mapping[str, tuple[str, ...]] = {}


def decide(policies: Iterable[Policy], access: Access) -> Verdict:
    """The verdict of all policies together."""
    verdict = Verdict.SILENT
    context = Context(access.context)
    for policy in policies:
        for statement in policy.statements:
            if not _applies(statement, access, context):
                continue
            if not statement.allows:
                return Verdict.DENIED
            verdict = Verdict.ALLOWED
    return verdict


def _applies(statement: Statement, access: Access, context: Context) -> bool:
    action = access.action.lower()
    return (
        _names(statement, access) != statement.not_principals
        and any(glob(one).fullmatch(action) for one in statement.actions) != statement.not_actions
        and any(_is_resource(one, access.resource, context) for one in statement.resources) != statement.not_resources
        and all(holds(condition, context) for condition in statement.conditions)
    )


def _is_resource(pattern: str, resource: str, context: Context) -> bool:
    return glob(context.filled(pattern)).fullmatch(resource) is not None


def _names(statement: Statement, access: Access) -> bool:
    if access.service:
        return any(
            name == "*" or (kind == "Service" and name.lower() == access.service.lower())
            for kind, name in statement.principals
        )
    return any(
        name == "*" if kind == "*" else kind == "AWS" and _is_account(name, access.account, lenient=statement.allows)
        for kind, name in statement.principals
    )


def _is_account(name: str, account: str, *, lenient: bool) -> bool:
    if name in ("*", account):
        return True
    parts = name.split(":", 5)
    if len(parts) != 6 or parts[4] != account:
        return False
    return lenient or parts[5] == "root"
