"""Roles: their life, trust, inline and attached policies, tags.

Source: IAM API Reference.
"""

from typing import Any

import msgspec

from interstate.base.json import loads
from interstate.services.iam.documents import (
    PAGE_DEFAULT,
    Tags,
    check_document,
    page,
    page_of_names,
    read_tags,
    shown_document,
    shown_tags,
)
from interstate.services.iam.errors import (
    DeleteConflictException,
    EntityAlreadyExistsException,
    MalformedPolicyDocumentException,
    NoSuchEntityException,
    no_policy,
    no_role,
)
from interstate.store.ports import Work
from interstate.store.records.iam import POLICIES, ROLES, ROLES_OF_ACCOUNT, Role

_AWS_MANAGED = ":iam::aws:policy/"


class CreateRole(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str
    assume_role_policy_document: str
    path: str = "/"
    description: str = ""
    max_session_duration: int = 3600
    permissions_boundary: str | None = None
    tags: Tags = []


class RoleRequest(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str


class RolePageRequest(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str
    path_prefix: str = "/"
    marker: str = ""
    max_items: int = PAGE_DEFAULT


class ListRoles(msgspec.Struct, frozen=True, rename="pascal"):
    path_prefix: str = "/"
    marker: str = ""
    max_items: int = PAGE_DEFAULT


class UpdateRole(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str
    description: str | None = None
    max_session_duration: int | None = None


class UpdateAssumeRolePolicy(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str
    policy_document: str


class PutRolePolicy(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str
    policy_name: str
    policy_document: str


class RolePolicyRequest(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str
    policy_name: str


class AttachedPolicyRequest(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str
    policy_arn: str


class TagRole(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str
    tags: Tags


class UntagRole(msgspec.Struct, frozen=True, rename="pascal"):
    role_name: str
    tag_keys: list[str]


def role_at(name: str, work: Work) -> Role:
    """A role of the caller's account.

    Raises:
        NoSuchEntityException: there is none of the name.
    """
    role = work.get(ROLES, work.caller.account, name)
    if role is None:
        raise no_role(name)
    return role


def _save(role: Role, work: Work, **changes: Any) -> None:
    work.put(ROLES, msgspec.structs.replace(role, **changes))


def _shown(role: Role) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.role_id,
        "Arn": role.arn,
        "CreateDate": role.created,
        "AssumeRolePolicyDocument": shown_document(role.trust_policy),
        "MaxSessionDuration": role.max_session_s,
    }
    if role.description:
        shown["Description"] = role.description
    if role.permissions_boundary is not None:
        shown["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": role.permissions_boundary,
        }
    return shown


def create_role(request: CreateRole, work: Work) -> dict[str, Any]:
    """Create a role.

    Raises:
        EntityAlreadyExistsException: the account has one of the name.
        MalformedPolicyDocumentException: the trust policy is none.
    """
    account, name = work.caller.account, request.role_name
    if work.get(ROLES, account, name) is not None:
        raise EntityAlreadyExistsException("Role", name)
    role = Role(
        account=account,
        name=name,
        arn=f"arn:aws:iam::{account}:role{request.path}{name}",
        role_id=work.entropy.unique_id("AROA"),
        path=request.path,
        created=work.now,
        trust_policy=_trust_policy(request.assume_role_policy_document),
        description=request.description,
        max_session_s=request.max_session_duration,
        permissions_boundary=request.permissions_boundary,
        tags=read_tags(request.tags),
    )
    work.put(ROLES, role)
    return {"Role": _with_tags(role)}


def _trust_policy(document: str) -> str:
    found = loads(check_document(document))
    assert isinstance(found, dict)
    statements = found["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict) or "Principal" not in statement:
            raise MalformedPolicyDocumentException("Missing required field Principal")
        if "Resource" in statement:
            raise MalformedPolicyDocumentException("Has prohibited field Resource")
    return document


def _with_tags(role: Role) -> dict[str, Any]:
    return {**_shown(role), "Tags": shown_tags(role.tags)} if role.tags else _shown(role)


def get_role(request: RoleRequest, work: Work) -> dict[str, Any]:
    """A role with all that was set."""
    return {"Role": {**_with_tags(role_at(request.role_name, work)), "RoleLastUsed": {}}}


def list_roles(request: ListRoles, work: Work) -> dict[str, Any]:
    """The account's roles by name, a page at a time; those of other paths are passed over."""
    found: list[Role] = []
    after = request.marker
    while len(found) <= request.max_items:
        rows = work.select(ROLES_OF_ACCOUNT, limit=request.max_items + 1, account=work.caller.account, after=after)
        found += [role for role in rows if role.path.startswith(request.path_prefix)]
        if len(rows) <= request.max_items:
            break
        after = rows[-1].name
    return page("Roles", [_shown(role) for role in found], request.max_items, [role.name for role in found])


def update_role(request: UpdateRole, work: Work) -> dict[str, Any]:
    """Change description and longest session."""
    role = role_at(request.role_name, work)
    description = role.description if request.description is None else request.description
    _save(role, work, description=description, max_session_s=request.max_session_duration or role.max_session_s)
    return {}


def update_assume_role_policy(request: UpdateAssumeRolePolicy, work: Work) -> None:
    """Replace the trust policy."""
    _save(role_at(request.role_name, work), work, trust_policy=_trust_policy(request.policy_document))


def delete_role(request: RoleRequest, work: Work) -> None:
    """Forget a role without policies.

    Raises:
        DeleteConflictException: it still has some.
    """
    role = role_at(request.role_name, work)
    if role.inline_policies:
        raise DeleteConflictException("Cannot delete entity, must delete policies first.")
    if role.attached_policies:
        raise DeleteConflictException("Cannot delete entity, must detach all policies first.")
    work.delete(ROLES, role.account, role.name)


# Inline policies ---------------------------------------------------------------------------------------------------


def put_role_policy(request: PutRolePolicy, work: Work) -> None:
    """Set an inline policy."""
    role = role_at(request.role_name, work)
    document = check_document(request.policy_document)
    _save(role, work, inline_policies={**role.inline_policies, request.policy_name: document})


def get_role_policy(request: RolePolicyRequest, work: Work) -> dict[str, Any]:
    """An inline policy's document."""
    role = role_at(request.role_name, work)
    document = _inline(role, request.policy_name)
    return {"RoleName": role.name, "PolicyName": request.policy_name, "PolicyDocument": shown_document(document)}


def delete_role_policy(request: RolePolicyRequest, work: Work) -> None:
    """Take an inline policy off."""
    role = role_at(request.role_name, work)
    _inline(role, request.policy_name)
    kept = {name: document for name, document in role.inline_policies.items() if name != request.policy_name}
    _save(role, work, inline_policies=kept)


def _inline(role: Role, name: str) -> str:
    document = role.inline_policies.get(name)
    if document is None:
        msg = f"The role policy with name {name} cannot be found."
        raise NoSuchEntityException(msg)
    return document


def list_role_policies(request: RolePageRequest, work: Work) -> dict[str, Any]:
    """The names of the inline policies."""
    role = role_at(request.role_name, work)
    return page_of_names("PolicyNames", list(role.inline_policies), request.marker, request.max_items)


# Attached policies -------------------------------------------------------------------------------------------------


def attach_role_policy(request: AttachedPolicyRequest, work: Work) -> None:
    """Attach a managed policy; AWS's own are taken by their ARN, without a look. Attaching again changes nothing.

    Raises:
        NoSuchEntityException: role or policy are not there.
    """
    role = role_at(request.role_name, work)
    if request.policy_arn in role.attached_policies:
        return
    _count(request.policy_arn, 1, work)
    _save(role, work, attached_policies=[*role.attached_policies, request.policy_arn])


def detach_role_policy(request: AttachedPolicyRequest, work: Work) -> None:
    """Take a managed policy off."""
    role = role_at(request.role_name, work)
    if request.policy_arn not in role.attached_policies:
        msg = f"Policy {request.policy_arn} was not found."
        raise NoSuchEntityException(msg)
    _count(request.policy_arn, -1, work)
    _save(role, work, attached_policies=[arn for arn in role.attached_policies if arn != request.policy_arn])


def _count(arn: str, change: int, work: Work) -> None:
    if _AWS_MANAGED in arn:
        return
    policy = work.get(POLICIES, arn)
    if policy is None:
        raise no_policy(arn)
    work.put(POLICIES, msgspec.structs.replace(policy, attachments=policy.attachments + change))


def list_attached_role_policies(request: RolePageRequest, work: Work) -> dict[str, Any]:
    """Names and ARNs of the attached policies."""
    role = role_at(request.role_name, work)
    arns = [arn for arn in role.attached_policies if _path(arn).startswith(request.path_prefix)]
    answer = page_of_names("AttachedPolicies", arns, request.marker, request.max_items)
    named = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in answer["AttachedPolicies"]]
    return {**answer, "AttachedPolicies": named}


def _path(arn: str) -> str:
    """``/service-role/`` of ``arn:aws:iam::aws:policy/service-role/AWSLambdaRole``."""
    return arn[arn.index("/") : arn.rindex("/") + 1] if "/" in arn else "/"


def list_instance_profiles_for_role(request: RolePageRequest, work: Work) -> dict[str, Any]:
    """None: instance profiles cannot be made here. Tools ask before they delete a role."""
    role_at(request.role_name, work)
    return {"InstanceProfiles": [], "IsTruncated": False}


# Tags --------------------------------------------------------------------------------------------------------------


def tag_role(request: TagRole, work: Work) -> None:
    """Set tags of a role."""
    role = role_at(request.role_name, work)
    _save(role, work, tags=read_tags(shown_tags({**role.tags, **read_tags(request.tags)})))


def untag_role(request: UntagRole, work: Work) -> None:
    """Take tags off a role; those that are not there are no error."""
    role = role_at(request.role_name, work)
    _save(role, work, tags={key: value for key, value in role.tags.items() if key not in request.tag_keys})


def list_role_tags(request: RolePageRequest, work: Work) -> dict[str, Any]:
    """The tags of a role."""
    role = role_at(request.role_name, work)
    answer = page_of_names("Tags", list(role.tags), request.marker, request.max_items)
    return {**answer, "Tags": [{"Key": key, "Value": role.tags[key]} for key in answer["Tags"]]}
