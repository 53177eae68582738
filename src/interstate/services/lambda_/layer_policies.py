"""Policies of layer versions: which other accounts may use them.

Source: Lambda API Reference, AddLayerVersionPermission, GetLayerVersionPolicy, RemoveLayerVersionPermission.
"""

from typing import Any

import msgspec

from interstate.base.json import dumps
from interstate.services.lambda_.errors import (
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
    invalid,
)
from interstate.services.lambda_.layers import GET, layer_arn
from interstate.store.ports import Work
from interstate.store.records.lambda_ import LAYERS, POLICIES, Policy

_ACTION = GET


class AddPermission(msgspec.Struct, frozen=True, rename="pascal"):
    layer_name: str
    version_number: int
    statement_id: str
    action: str
    principal: str
    organization_id: str | None = None
    revision_id: str | None = None


class RemovePermission(msgspec.Struct, frozen=True, rename="pascal"):
    layer_name: str
    version_number: int
    statement_id: str
    revision_id: str | None = None


class GetPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    layer_name: str
    version_number: int


def add_layer_version_permission(request: AddPermission, work: Work) -> dict[str, Any]:
    """Let an account, an organization or everybody use a version.

    Raises:
        ResourceNotFoundException: there is no such version.
        ResourceConflictException: the policy has a statement of this id.
        PreconditionFailedException: the policy is at another revision.
    """
    if request.action != _ACTION:
        raise invalid(request.action, "action", f"Member must satisfy regular expression pattern: {_ACTION}")
    arn, version = _existing(work, request.layer_name, request.version_number, "lambda:AddLayerVersionPermission")
    policy = work.get(POLICIES, arn, version) or Policy(arn, version, [], "")
    if any(statement["Sid"] == request.statement_id for statement in policy.statements):
        raise ResourceConflictException(
            f"The statement id ({request.statement_id}) provided already exists. "
            "Please provide a new statement id, or remove the existing statement."
        )
    _check_revision(policy, request.revision_id)
    principal: Any = request.principal
    if principal != "*":
        principal = {"AWS": f"arn:aws:iam::{principal}:root" if principal.isdigit() else principal}
    statement: dict[str, Any] = {
        "Sid": request.statement_id,
        "Effect": "Allow",
        "Principal": principal,
        "Action": request.action,
        "Resource": f"{arn}:{version}",
    }
    if request.organization_id is not None:
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": request.organization_id}}
    changed = Policy(arn, version, [*policy.statements, statement], work.entropy.uuid())
    work.put(POLICIES, changed)
    return {"Statement": dumps(statement), "RevisionId": changed.revision}


def get_layer_version_policy(request: GetPolicy, work: Work) -> dict[str, Any]:
    """A version's policy as JSON text.

    Raises:
        ResourceNotFoundException: there is no such version, or it has no policy.
    """
    policy = _policy_at(work, request.layer_name, request.version_number, "lambda:GetLayerVersionPolicy")
    document = {"Version": "2012-10-17", "Id": "default", "Statement": policy.statements}
    return {"Policy": dumps(document), "RevisionId": policy.revision}


def remove_layer_version_permission(request: RemovePermission, work: Work) -> None:
    """Take a statement out of a version's policy.

    Raises:
        ResourceNotFoundException: there is no such version, policy or statement.
        PreconditionFailedException: the policy is at another revision.
    """
    policy = _policy_at(work, request.layer_name, request.version_number, "lambda:RemoveLayerVersionPermission")
    _check_revision(policy, request.revision_id)
    kept = [statement for statement in policy.statements if statement["Sid"] != request.statement_id]
    if len(kept) == len(policy.statements):
        raise ResourceNotFoundException(f"Statement {request.statement_id} is not found in resource policy.")
    if kept:
        work.put(POLICIES, msgspec.structs.replace(policy, statements=kept, revision=work.entropy.uuid()))
    else:
        work.delete(POLICIES, policy.function, policy.qualifier)


def _existing(work: Work, name: str, version: int, action: str) -> tuple[str, str]:
    arn = layer_arn(work, name, action, version)
    if work.get(LAYERS, arn, version) is None:
        raise ResourceNotFoundException(f"Layer version {arn}:{version} does not exist.")
    return arn, str(version)


def _policy_at(work: Work, name: str, number: int, action: str) -> Policy:
    arn, version = _existing(work, name, number, action)
    policy = work.get(POLICIES, arn, version)
    if policy is None:
        raise ResourceNotFoundException("No policy is associated with the given resource.")
    return policy


def _check_revision(policy: Policy, revision: str | None) -> None:
    if revision is not None and revision != policy.revision:
        raise PreconditionFailedException("GetLayerPolicy")
