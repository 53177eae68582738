"""Managed policies and their versions.

Source: IAM API Reference.
"""

from typing import Any

import msgspec

from interstate.services.iam.documents import (
    PAGE_DEFAULT,
    Tags,
    check_document,
    page,
    read_tags,
    shown_document,
    shown_tags,
)
from interstate.services.iam.errors import (
    DeleteConflictException,
    EntityAlreadyExistsException,
    LimitExceededException,
    NoSuchEntityException,
)
from interstate.store.ports import Work
from interstate.store.records.iam import POLICIES, POLICIES_OF_ACCOUNT, Policy, PolicyVersion

# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
VERSIONS_MAX = 5


class CreatePolicy(msgspec.Struct, frozen=True, rename="pascal"):
    policy_name: str
    policy_document: str
    path: str = "/"
    description: str = ""
    tags: Tags = []


class PolicyRequest(msgspec.Struct, frozen=True, rename="pascal"):
    policy_arn: str


class ListPolicies(msgspec.Struct, frozen=True, rename="pascal"):
    scope: str = "All"
    only_attached: bool = False
    path_prefix: str = "/"
    marker: str = ""
    max_items: int = PAGE_DEFAULT


class CreatePolicyVersion(msgspec.Struct, frozen=True, rename="pascal"):
    policy_arn: str
    policy_document: str
    set_as_default: bool = False


class PolicyVersionRequest(msgspec.Struct, frozen=True, rename="pascal"):
    policy_arn: str
    version_id: str


def policy_at(arn: str, work: Work) -> Policy:
    """The managed policy of an ARN.

    Raises:
        NoSuchEntityException: there is none.
    """
    policy = work.get(POLICIES, arn)
    if policy is None:
        msg = f"Policy {arn} was not found."
        raise NoSuchEntityException(msg)
    return policy


def _shown(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.policy_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default_version}",
        "AttachmentCount": policy.attachments,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": policy.created,
        "UpdateDate": policy.updated,
    }


def create_policy(request: CreatePolicy, work: Work) -> dict[str, Any]:
    """Create a managed policy; its document becomes version v1.

    Raises:
        EntityAlreadyExistsException: the account has one of the name and path.
        MalformedPolicyDocumentException: the document is none.
    """
    account = work.caller.account
    arn = f"arn:aws:iam::{account}:policy{request.path}{request.policy_name}"
    if work.get(POLICIES, arn) is not None:
        raise EntityAlreadyExistsException("A policy", request.policy_name)
    version = PolicyVersion(1, check_document(request.policy_document), work.now)
    policy = Policy(
        arn=arn,
        account=account,
        name=request.policy_name,
        policy_id=work.entropy.unique_id("ANPA"),
        path=request.path,
        created=work.now,
        updated=work.now,
        description=request.description,
        default_version=1,
        last_version=1,
        attachments=0,
        versions=[version],
        tags=read_tags(request.tags),
    )
    work.put(POLICIES, policy)
    return {"Policy": _described(policy)}


def _described(policy: Policy) -> dict[str, Any]:
    shown = _shown(policy)
    if policy.description:
        shown["Description"] = policy.description
    if policy.tags:
        shown["Tags"] = shown_tags(policy.tags)
    return shown


def get_policy(request: PolicyRequest, work: Work) -> dict[str, Any]:
    """A managed policy, without its documents."""
    return {"Policy": _described(policy_at(request.policy_arn, work))}


def list_policies(request: ListPolicies, work: Work) -> dict[str, Any]:
    """The account's managed policies by ARN, a page at a time. AWS's own are not kept here, so none are listed."""
    if request.scope == "AWS":
        return {"Policies": [], "IsTruncated": False}
    found: list[Policy] = []
    after, size = request.marker, request.max_items
    while len(found) <= size:
        rows = work.select(POLICIES_OF_ACCOUNT, limit=size + 1, account=work.caller.account, after=after)
        found += [row for row in rows if row.path.startswith(request.path_prefix) and _listed(row, request)]
        if len(rows) <= size:
            break
        after = rows[-1].arn
    return page("Policies", [_shown(policy) for policy in found], size, [policy.arn for policy in found])


def _listed(policy: Policy, request: ListPolicies) -> bool:
    return policy.attachments > 0 or not request.only_attached


def delete_policy(request: PolicyRequest, work: Work) -> None:
    """Forget a managed policy that nobody has, and of which one version is left.

    Raises:
        DeleteConflictException: it is attached, or has more versions.
    """
    policy = policy_at(request.policy_arn, work)
    if policy.attachments:
        raise DeleteConflictException("Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise DeleteConflictException(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
    work.delete(POLICIES, policy.arn)


# Versions ----------------------------------------------------------------------------------------------------------


def create_policy_version(request: CreatePolicyVersion, work: Work) -> dict[str, Any]:
    """Add a version.

    Raises:
        LimitExceededException: there are five already.
        MalformedPolicyDocumentException: the document is none.
    """
    policy = policy_at(request.policy_arn, work)
    if len(policy.versions) >= VERSIONS_MAX:
        raise LimitExceededException(
            f"A managed policy can have up to {VERSIONS_MAX} versions. Before you create a new version, you must delete "
            "an existing version."
        )
    version = PolicyVersion(policy.last_version + 1, check_document(request.policy_document), work.now)
    changed = msgspec.structs.replace(
        policy,
        versions=[*policy.versions, version],
        last_version=version.number,
        default_version=version.number if request.set_as_default else policy.default_version,
        updated=work.now,
    )
    work.put(POLICIES, changed)
    return {"PolicyVersion": _shown_version(changed, version)}


def _shown_version(policy: Policy, version: PolicyVersion) -> dict[str, Any]:
    return {
        "VersionId": version.id,
        "IsDefaultVersion": version.number == policy.default_version,
        "CreateDate": version.created,
    }


def _version(policy: Policy, version_id: str) -> PolicyVersion:
    for version in policy.versions:
        if version.id == version_id:
            return version
    msg = f"Policy {policy.arn} version {version_id} does not exist or is not attachable."
    raise NoSuchEntityException(msg)


def get_policy_version(request: PolicyVersionRequest, work: Work) -> dict[str, Any]:
    """A version with its document."""
    policy = policy_at(request.policy_arn, work)
    version = _version(policy, request.version_id)
    return {"PolicyVersion": {**_shown_version(policy, version), "Document": shown_document(version.document)}}


def list_policy_versions(request: PolicyRequest, work: Work) -> dict[str, Any]:
    """All versions (at most five), the newest first."""
    policy = policy_at(request.policy_arn, work)
    versions = [_shown_version(policy, version) for version in reversed(policy.versions)]
    return {"Versions": versions, "IsTruncated": False}


def set_default_policy_version(request: PolicyVersionRequest, work: Work) -> None:
    """Make a version the one that counts."""
    policy = policy_at(request.policy_arn, work)
    version = _version(policy, request.version_id)
    work.put(POLICIES, msgspec.structs.replace(policy, default_version=version.number, updated=work.now))


def delete_policy_version(request: PolicyVersionRequest, work: Work) -> None:
    """Forget a version that does not count.

    Raises:
        DeleteConflictException: it is the default version.
    """
    policy = policy_at(request.policy_arn, work)
    gone = _version(policy, request.version_id)
    if gone.number == policy.default_version:
        raise DeleteConflictException("Cannot delete the default version of a policy.")
    kept = [version for version in policy.versions if version is not gone]
    work.put(POLICIES, msgspec.structs.replace(policy, versions=kept, updated=work.now))
