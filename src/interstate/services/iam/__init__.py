"""IAM: roles and managed policies, stored and described. Nothing is enforced: every caller may do everything.

Source: botocore's model iam/2010-05-08; IAM API Reference.
"""

from interstate.services.iam import policies, roles
from interstate.services.operation import Operation, Service

SERVICE = Service(
    "iam",
    operations=(
        Operation("AttachRolePolicy", roles.AttachedPolicyRequest, roles.attach_role_policy),
        Operation("CreatePolicy", policies.CreatePolicy, policies.create_policy),
        Operation("CreatePolicyVersion", policies.CreatePolicyVersion, policies.create_policy_version),
        Operation("CreateRole", roles.CreateRole, roles.create_role),
        Operation("DeletePolicy", policies.PolicyRequest, policies.delete_policy),
        Operation("DeletePolicyVersion", policies.PolicyVersionRequest, policies.delete_policy_version),
        Operation("DeleteRole", roles.RoleRequest, roles.delete_role),
        Operation("DeleteRolePolicy", roles.RolePolicyRequest, roles.delete_role_policy),
        Operation("DetachRolePolicy", roles.AttachedPolicyRequest, roles.detach_role_policy),
        Operation("GetPolicy", policies.PolicyRequest, policies.get_policy, reads=True),
        Operation("GetPolicyVersion", policies.PolicyVersionRequest, policies.get_policy_version, reads=True),
        Operation("GetRole", roles.RoleRequest, roles.get_role, reads=True),
        Operation("GetRolePolicy", roles.RolePolicyRequest, roles.get_role_policy, reads=True),
        Operation("ListAttachedRolePolicies", roles.RolePageRequest, roles.list_attached_role_policies, reads=True),
        Operation("ListInstanceProfilesForRole", roles.RolePageRequest, roles.list_instance_profiles_for_role, reads=True),
        Operation("ListPolicies", policies.ListPolicies, policies.list_policies, reads=True),
        Operation("ListPolicyVersions", policies.PolicyRequest, policies.list_policy_versions, reads=True),
        Operation("ListRolePolicies", roles.RolePageRequest, roles.list_role_policies, reads=True),
        Operation("ListRoleTags", roles.RolePageRequest, roles.list_role_tags, reads=True),
        Operation("ListRoles", roles.ListRoles, roles.list_roles, reads=True),
        Operation("PutRolePolicy", roles.PutRolePolicy, roles.put_role_policy),
        Operation("SetDefaultPolicyVersion", policies.PolicyVersionRequest, policies.set_default_policy_version),
        Operation("TagRole", roles.TagRole, roles.tag_role),
        Operation("UntagRole", roles.UntagRole, roles.untag_role),
        Operation("UpdateAssumeRolePolicy", roles.UpdateAssumeRolePolicy, roles.update_assume_role_policy),
        Operation("UpdateRole", roles.UpdateRole, roles.update_role),
    ),
    notes={
        "AttachRolePolicy": "Stored, not enforced. AWS's own policies are taken by their ARN.",
        "CreatePolicy": "Stored, not enforced.",
        "CreateRole": "Stored, not enforced.",
        "ListInstanceProfilesForRole": "Always empty: instance profiles cannot be made here.",
        "ListPolicies": "AWS's own policies are not listed.",
        "PutRolePolicy": "Stored, not enforced.",
    },
)  # fmt: skip
