"""The resource policy of a function as one document: put, read and deleted whole.

It is the same policy that AddPermission and RemovePermission change statement by statement.

Source: Lambda API Reference, PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.
"""

from typing import Any

import msgspec

from interstate.base.json import JSONObject, dumps, loads
from interstate.core.policies.document import PolicyFault, compiled
from interstate.services.lambda_.errors import InvalidParameterValueException, ResourceNotFoundException
from interstate.services.lambda_.policies import check_length, check_revision, policy_place
from interstate.store.ports import Work
from interstate.store.records.lambda_ import POLICIES, Policy

_NEEDED = (("Effect",), ("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))


class PutPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    policy: str
    revision_id: str | None = None


class PolicyRequest(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    revision_id: str | None = None


def put_resource_policy(request: PutPolicy, work: Work) -> dict[str, Any]:
    """Give a function, version or alias this policy; what it had, AddPermission's statements too, is gone.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        InvalidParameterValueException: the text is no policy, or about something else.
        PolicyLengthExceededException: the policy is too long.
        PreconditionFailedException: the policy is at another revision.
    """
    arn, qualifier, revision = policy_place(work, request.resource_arn)
    document = _document(request.policy, request.resource_arn)
    statements = document["Statement"]
    assert isinstance(statements, list)
    head = {name: value for name, value in document.items() if name != "Statement"}
    before = work.get(POLICIES, arn, qualifier) or Policy(arn, qualifier, [], "")
    check_revision(before, request.revision_id, revision, "GetResourcePolicy")
    policy = Policy(arn, qualifier, statements, work.entropy.uuid(), head)
    check_length(policy)
    work.put(POLICIES, policy)
    return _shown(policy)


def get_resource_policy(request: PolicyRequest, work: Work) -> dict[str, Any]:
    """The policy of a function, version or alias.

    Raises:
        ResourceNotFoundException: there is no such resource, or it has no policy.
    """
    return _shown(_policy_at(work, request.resource_arn)[0])


def delete_resource_policy(request: PolicyRequest, work: Work) -> None:
    """Take the whole policy away.

    Raises:
        ResourceNotFoundException: there is no such resource, or it has no policy.
        PreconditionFailedException: the policy is at another revision.
    """
    policy, revision = _policy_at(work, request.resource_arn)
    check_revision(policy, request.revision_id, revision, "GetResourcePolicy")
    work.delete(POLICIES, policy.function, policy.qualifier)


def _policy_at(work: Work, resource: str) -> tuple[Policy, str]:
    arn, qualifier, revision = policy_place(work, resource)
    policy = work.get(POLICIES, arn, qualifier)
    if policy is None:
        raise ResourceNotFoundException("The resource you requested does not exist.")
    return policy, revision


def _document(text: str, resource: str) -> JSONObject:
    """The policy's JSON, whose statements are a list and complete."""
    try:
        compiled(text)
    except PolicyFault as fault:
        raise InvalidParameterValueException(f"The provided policy document is not valid: {fault}.") from fault
    document = loads(text)
    assert isinstance(document, dict)
    written = document.get("Statement")
    statements = written if isinstance(written, list) else [written]
    for statement in statements:
        if not isinstance(statement, dict):
            raise InvalidParameterValueException("The provided policy document is not valid: it has no statement.")
        for names in _NEEDED:
            if not any(name in statement for name in names):
                raise InvalidParameterValueException(
                    f"The provided policy document is not valid: a statement has no {names[0]}."
                )
        if statement.get("Resource", resource) not in (resource, [resource]):
            raise InvalidParameterValueException(
                f"The provided policy document is not valid: the Resource of a statement must be {resource}."
            )
    return {**document, "Statement": statements}


def _shown(policy: Policy) -> dict[str, Any]:
    return {"Policy": dumps(policy.document), "RevisionId": policy.revision}
