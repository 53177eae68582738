"""AWS::IAM::*: stored and described; nothing is enforced."""

from typing import Any, Final

from interstate.core.templates.properties import DOCUMENT, INTEGER, TAGS, TEXT, TEXTS, Many, Members, document_text
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType, tag_changes

_INLINE: Final = Many(
    Members({"PolicyDocument": DOCUMENT, "PolicyName": TEXT}, frozenset({"PolicyDocument", "PolicyName"}))
)


def _create_role(making: Making) -> Made:
    name = making.name("RoleName", 64)
    request = making.pick("Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags")
    request["AssumeRolePolicyDocument"] = document_text(making.get("AssumeRolePolicyDocument"))
    making.call("iam", "CreateRole", {"RoleName": name, **request})
    for policy in making.get("Policies", []):
        _put_inline(making, name, policy)
    for arn in making.get("ManagedPolicyArns", []):
        making.call("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    return _made_role(making, name)


def _made_role(making: Making, name: str) -> Made:
    role = making.call("iam", "GetRole", {"RoleName": name})["Role"]
    return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _put_inline(making: Making, role: str, policy: dict[str, Any]) -> None:
    request = {"PolicyName": policy["PolicyName"], "PolicyDocument": document_text(policy["PolicyDocument"])}
    making.call("iam", "PutRolePolicy", {"RoleName": role, **request})


def _update_role(making: Making, before: Before) -> Made:
    name = before.physical_id
    if before.changed(making, "AssumeRolePolicyDocument"):
        text = document_text(making.get("AssumeRolePolicyDocument"))
        making.call("iam", "UpdateAssumeRolePolicy", {"RoleName": name, "PolicyDocument": text})
    if before.changed(making, "Description", "MaxSessionDuration"):
        described = {"Description": making.get("Description", ""), **making.pick("MaxSessionDuration")}
        making.call("iam", "UpdateRole", {"RoleName": name, **described})
    kept = {policy["PolicyName"] for policy in making.get("Policies", [])}
    for policy in before.properties.get("Policies", []):
        if policy["PolicyName"] not in kept:
            making.call("iam", "DeleteRolePolicy", {"RoleName": name, "PolicyName": policy["PolicyName"]})
    for policy in making.get("Policies", []):
        _put_inline(making, name, policy)
    _move_attachments(making, before, name)
    tags, gone = tag_changes(making, before)
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        making.call("iam", "TagRole", {"RoleName": name, "Tags": listed})
    if gone:
        making.call("iam", "UntagRole", {"RoleName": name, "TagKeys": gone})
    return _made_role(making, name)


def _move_attachments(making: Making, before: Before, name: str) -> None:
    old, new = before.properties.get("ManagedPolicyArns", []), making.get("ManagedPolicyArns", [])
    for arn in old:
        if arn not in new:
            making.call("iam", "DetachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    for arn in new:
        if arn not in old:
            making.call("iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn})


def _delete_role(making: Making, before: Before) -> None:
    name = before.physical_id
    for arn in before.properties.get("ManagedPolicyArns", []):
        making.call("iam", "DetachRolePolicy", {"RoleName": name, "PolicyArn": arn})
    for policy in before.properties.get("Policies", []):
        making.call("iam", "DeleteRolePolicy", {"RoleName": name, "PolicyName": policy["PolicyName"]})
    making.call("iam", "DeleteRole", {"RoleName": name})


def _put_policy(making: Making) -> Made:
    for role in making.get("Roles", []):
        _put_inline(making, role, making.properties)
    return Made(making.generated(128))


def _update_policy(making: Making, before: Before) -> Made:
    _take_policy_back(making, before, [role for role in before.properties["Roles"] if role not in making.get("Roles")])
    _put_policy(making)
    return Made(before.physical_id)


def _delete_policy(making: Making, before: Before) -> None:
    _take_policy_back(making, before, before.properties["Roles"])


def _take_policy_back(making: Making, before: Before, roles: list[str]) -> None:
    for role in roles:
        making.call("iam", "DeleteRolePolicy", {"RoleName": role, "PolicyName": before.properties["PolicyName"]})


def _create_managed(making: Making) -> Made:
    request = making.pick("Path", "Description")
    request |= {
        "PolicyName": making.name("ManagedPolicyName", 128),
        "PolicyDocument": document_text(making.get("PolicyDocument")),
    }
    arn = making.call("iam", "CreatePolicy", request)["Policy"]["Arn"]
    for role in making.get("Roles", []):
        making.call("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": arn})
    return Made(arn, {"PolicyArn": arn})


def _delete_managed(making: Making, before: Before) -> None:
    for role in before.properties.get("Roles", []):
        making.call("iam", "DetachRolePolicy", {"RoleName": role, "PolicyArn": before.physical_id})
    making.call("iam", "DeletePolicy", {"PolicyArn": before.physical_id})


TYPES: Final = (
    ResourceType(
        name="AWS::IAM::Role",
        properties=Members(
            {
                "AssumeRolePolicyDocument": DOCUMENT,
                "Description": TEXT,
                "ManagedPolicyArns": TEXTS,
                "MaxSessionDuration": INTEGER,
                "Path": TEXT,
                "PermissionsBoundary": TEXT,
                "Policies": _INLINE,
                "RoleName": TEXT,
                "Tags": TAGS,
            },
            frozenset({"AssumeRolePolicyDocument"}),
        ),
        create=_create_role,
        update=_update_role,
        delete=_delete_role,
        replaced_by=frozenset({"Path", "PermissionsBoundary", "RoleName"}),
        named_by="RoleName",
        reference="the role's name",
        attributes=("Arn", "RoleId"),
        remark="Stored and described; permissions are not enforced.",
    ),
    ResourceType(
        name="AWS::IAM::Policy",
        properties=Members(
            {"PolicyDocument": DOCUMENT, "PolicyName": TEXT, "Roles": TEXTS},
            frozenset({"PolicyDocument", "PolicyName", "Roles"}),
        ),
        create=_put_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaced_by=frozenset({"PolicyName"}),
        reference="an id",
        remark="For roles; users and groups are refused.",
    ),
    ResourceType(
        name="AWS::IAM::ManagedPolicy",
        properties=Members(
            {"Description": TEXT, "ManagedPolicyName": TEXT, "Path": TEXT, "PolicyDocument": DOCUMENT, "Roles": TEXTS},
            frozenset({"PolicyDocument"}),
        ),
        create=_create_managed,
        delete=_delete_managed,
        named_by="ManagedPolicyName",
        reference="the policy's ARN",
        attributes=("PolicyArn",),
        remark="Each change makes a new one.",
    ),
)
