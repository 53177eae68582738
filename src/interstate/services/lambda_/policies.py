"""Resource policies of functions: who else than the function's account may call it (``access`` asks them).

Source: Lambda API Reference, AddPermission, RemovePermission, GetPolicy.
"""

from typing import Any

import msgspec

from interstate.base.json import dumps
from interstate.services.lambda_.errors import (
    InvalidParameterValueException,
    PolicyLengthExceededException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
    function_not_found,
)
from interstate.services.lambda_.locate import alias_or_none, name_of, version_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import FUNCTIONS, LATEST, POLICIES, Policy

POLICY_BYTES_MAX = (
    20_480  # Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (resource policy)
)


class AddPermission(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    statement_id: str
    action: str
    principal: str
    source_arn: str | None = None
    source_account: str | None = None
    event_source_token: str | None = None
    function_url_auth_type: str | None = None
    principal_org_id: str | None = msgspec.field(name="PrincipalOrgID", default=None)
    invoked_via_function_url: bool | None = None
    qualifier: str | None = None
    revision_id: str | None = None


class RemovePermission(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    statement_id: str
    qualifier: str | None = None
    revision_id: str | None = None


class GetPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None


def add_permission(request: AddPermission, work: Work) -> dict[str, Any]:
    """Add a statement to a function's policy.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        ResourceConflictException: the policy has a statement of this id.
        PreconditionFailedException: the policy is at another revision.
    """
    arn, qualifier, revision = policy_place(work, request.function_name, request.qualifier)
    policy = work.get(POLICIES, arn, qualifier) or Policy(arn, qualifier, [], "")
    check_revision(policy, request.revision_id, revision)
    _check_principal(request.principal)
    _check_conditions(request)
    if any(statement.get("Sid") == request.statement_id for statement in policy.statements):
        raise ResourceConflictException(
            f"The statement id ({request.statement_id}) provided already exists. "
            "Please provide a new statement id, or remove the existing statement."
        )
    statement = _statement(request, f"{arn}:{qualifier}" if qualifier else arn)
    changed = Policy(arn, qualifier, [*policy.statements, statement], work.entropy.uuid(), policy.head)
    check_length(changed)
    work.put(POLICIES, changed)
    return {"Statement": dumps(statement)}


def policy_place(work: Work, function: str, qualifier: str | None = None) -> tuple[str, str, str]:
    """The key of a policy, and the revision of what it is about, by which it is known as long as it has no policy.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        InvalidParameterValueException: ``$LATEST`` has no policy of its own.
    """
    name = name_of(work, function, qualifier)
    if name.qualifier == LATEST:
        raise InvalidParameterValueException("We currently do not support adding policies for $LATEST.")
    if work.get(FUNCTIONS, name.arn) is None:
        raise function_not_found(name.arn)
    _check_qualifier(work, name.arn, name.qualifier)
    return name.arn, name.qualifier or "", _revision_of(work, name.arn, name.qualifier)


def check_length(policy: Policy) -> None:
    """Refuse a policy that is too long.

    Raises:
        PolicyLengthExceededException: it is.
    """
    size = len(dumps(policy.document).encode())
    if size > POLICY_BYTES_MAX:
        raise PolicyLengthExceededException(size, POLICY_BYTES_MAX)


def _check_qualifier(work: Work, function: str, qualifier: str | None) -> None:
    if qualifier is None or version_of(work, function, qualifier) is not None:
        return
    if qualifier.isdecimal() or "$" in qualifier:
        raise function_not_found(function, qualifier)
    raise ResourceNotFoundException(f"Cannot find alias arn: {function}:{qualifier}")


def _check_principal(principal: str) -> None:
    """A service, an account, everybody, or the ARN of somebody known to IAM."""
    if not (principal == "*" or principal.isdecimal() or principal.endswith(".amazonaws.com") or ":" in principal):
        raise InvalidParameterValueException(
            "The provided principal was invalid. Please check the principal and try again."
        )


def _check_conditions(request: AddPermission) -> None:
    """Some conditions belong to one action each."""
    for member, given, action in (
        ("FunctionUrlAuthType", request.function_url_auth_type, "lambda:InvokeFunctionUrl"),
        ("InvokedViaFunctionUrl", request.invoked_via_function_url, "lambda:InvokeFunction"),
    ):
        if given is not None and request.action != action:
            raise InvalidParameterValueException(f"{member} is only supported for {action} action")


def _statement(request: AddPermission, resource: str) -> dict[str, Any]:
    principal: Any = request.principal
    if principal.endswith(".amazonaws.com"):
        principal = {"Service": principal}
    elif principal != "*":
        principal = {"AWS": f"arn:aws:iam::{principal}:root" if principal.isdigit() else principal}
    statement: dict[str, Any] = {
        "Sid": request.statement_id,
        "Effect": "Allow",
        "Principal": principal,
        "Action": request.action,
        "Resource": resource,
    }
    conditions = {
        "ArnLike": {"AWS:SourceArn": request.source_arn},
        "StringEquals": {
            "AWS:SourceAccount": request.source_account,
            "lambda:EventSourceToken": request.event_source_token,
            "lambda:FunctionUrlAuthType": request.function_url_auth_type,
            "aws:PrincipalOrgID": request.principal_org_id,
        },
        # Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
        "Bool": {"lambda:InvokedViaFunctionUrl": "true" if request.invoked_via_function_url else None},
    }
    given = {
        operator: {key: value for key, value in keys.items() if value is not None}
        for operator, keys in conditions.items()
    }
    condition = {operator: keys for operator, keys in given.items() if keys}
    if condition:
        statement["Condition"] = condition
    return statement


def remove_permission(request: RemovePermission, work: Work) -> None:
    """Take a statement out of a function's policy.

    Raises:
        ResourceNotFoundException: there is no such function, policy or statement.
        PreconditionFailedException: the policy is at another revision.
    """
    name = name_of(work, request.function_name, request.qualifier)
    if work.get(FUNCTIONS, name.arn) is None:
        raise ResourceNotFoundException(f"No policy found for: {name.arn}")
    _check_qualifier(work, name.arn, name.qualifier)
    policy = work.get(POLICIES, name.arn, name.qualifier or "")
    if policy is None:
        raise ResourceNotFoundException("No policy is associated with the given resource.")
    check_revision(policy, request.revision_id)
    kept = [statement for statement in policy.statements if statement.get("Sid") != request.statement_id]
    if len(kept) == len(policy.statements):
        raise ResourceNotFoundException(f"Statement {request.statement_id} is not found in resource policy.")
    if kept:
        work.put(POLICIES, msgspec.structs.replace(policy, statements=kept, revision=work.entropy.uuid()))
    else:
        work.delete(POLICIES, policy.function, policy.qualifier)


def get_policy(request: GetPolicy, work: Work) -> dict[str, Any]:
    """A function's policy as JSON text.

    Raises:
        ResourceNotFoundException: there is no such function, or it has no policy.
    """
    policy = _policy_at(work, request.function_name, request.qualifier)
    return {"Policy": dumps(policy.document), "RevisionId": policy.revision}


def _policy_at(work: Work, name: str, qualifier: str | None) -> Policy:
    found = name_of(work, name, qualifier)
    policy = work.get(POLICIES, found.arn, found.qualifier or "")
    if policy is None:
        raise ResourceNotFoundException("The resource you requested does not exist.")
    return policy


def _revision_of(work: Work, function: str, qualifier: str | None) -> str:
    """The revision of what a policy is about, by which it is known as long as it has no policy."""
    alias = alias_or_none(work, function, qualifier)
    if alias is not None:
        return alias.revision
    version = version_of(work, function, qualifier)
    return version.revision if version is not None else ""


def check_revision(policy: Policy, revision: str | None, other: str = "", api: str = "GetPolicy") -> None:
    """Refuse a change of another revision than the caller knows.

    Raises:
        PreconditionFailedException: somebody has changed the policy meanwhile.
    """
    if revision is not None and revision not in (policy.revision, other):
        raise PreconditionFailedException(api)
