import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.services import iam

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
AWS_MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


class Account:
    def __init__(self) -> None:
        self.world = World((iam.SERVICE,))

    def __call__(self, operation: str, **members: Any) -> Any:
        return self.world.call("iam", operation, members)

    def role(self, name: str = "r", **members: Any) -> Any:
        return self("CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST, **members)["Role"]

    def policy(self, name: str = "p", **members: Any) -> str:
        arn: str = self("CreatePolicy", PolicyName=name, PolicyDocument=DOCUMENT, **members)["Policy"]["Arn"]
        return arn


@pytest.fixture
def account() -> Iterator[Account]:
    account = Account()
    yield account
    account.world.close()


def refused(account: Account, operation: str, **members: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as error:
        account(operation, **members)
    return error.value.code, error.value.message


def test_a_role_is_shown_as_it_was_made(account: Account) -> None:
    made = account.role(Path="/service/", Description="d", Tags=[{"Key": "k", "Value": "v"}])
    shown = account("GetRole", RoleName="r")["Role"]
    assert made.items() <= shown.items()
    assert shown["Arn"] == "arn:aws:iam::000000000000:role/service/r"
    assert shown["RoleId"].startswith("AROA")
    assert unquote(shown["AssumeRolePolicyDocument"]) == TRUST
    assert (shown["MaxSessionDuration"], shown["Description"]) == (3600, "d")


def test_roles_belong_to_accounts_not_regions(account: Account) -> None:
    account.role()
    seoul = Caller("000000000000", "ap-northeast-2")
    assert account.world.call("iam", "GetRole", {"RoleName": "r"}, caller=seoul)
    with pytest.raises(ServiceError, match="The role with name r cannot be found"):
        account.world.call("iam", "GetRole", {"RoleName": "r"}, caller=Caller("111111111111"))


def test_a_name_is_taken_once(account: Account) -> None:
    account.role()
    assert refused(account, "CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST) == (
        "EntityAlreadyExistsException",
        "Role with name r already exists.",
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("nonsense", "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        ("{}", "Missing required field Statement"),
        (DOCUMENT, "Missing required field Principal"),
        ('{"Statement": {"Principal": "*", "Resource": "*"}}', "Has prohibited field Resource"),
    ],
)
def test_a_trust_policy_that_is_none_is_refused(account: Account, document: str, message: str) -> None:
    assert refused(account, "CreateRole", RoleName="r", AssumeRolePolicyDocument=document) == (
        "MalformedPolicyDocumentException",
        message,
    )


def test_roles_are_listed_in_pages_by_path(account: Account) -> None:
    for number in range(7):
        account.role(f"r{number}", Path="/a/" if number % 2 else "/b/")
    first = account("ListRoles", PathPrefix="/a/", MaxItems=2)
    assert [role["RoleName"] for role in first["Roles"]] == ["r1", "r3"]
    assert first["IsTruncated"]
    rest = account("ListRoles", PathPrefix="/a/", MaxItems=2, Marker=first["Marker"])
    assert ([role["RoleName"] for role in rest["Roles"]], rest["IsTruncated"]) == (["r5"], False)


def test_a_role_changes(account: Account) -> None:
    account.role()
    account("UpdateRole", RoleName="r", Description="new", MaxSessionDuration=7200)
    trust = TRUST.replace("lambda", "states")
    account("UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=trust)
    shown = account("GetRole", RoleName="r")["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("new", 7200)
    assert unquote(shown["AssumeRolePolicyDocument"]) == trust


def test_inline_policies_come_and_go(account: Account) -> None:
    account.role()
    account("PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument=DOCUMENT)
    assert account("ListRolePolicies", RoleName="r") == {"PolicyNames": ["p"], "IsTruncated": False}
    got = account("GetRolePolicy", RoleName="r", PolicyName="p")
    assert unquote(got["PolicyDocument"]) == DOCUMENT
    assert refused(account, "DeleteRole", RoleName="r")[0] == "DeleteConflictException"
    account("DeleteRolePolicy", RoleName="r", PolicyName="p")
    assert refused(account, "GetRolePolicy", RoleName="r", PolicyName="p") == (
        "NoSuchEntityException",
        "The role policy with name p cannot be found.",
    )
    account("DeleteRole", RoleName="r")
    assert account("ListRoles")["Roles"] == []


def test_managed_policies_are_attached_and_detached(account: Account) -> None:
    account.role()
    own = account.policy()
    for arn in (own, own, AWS_MANAGED):
        account("AttachRolePolicy", RoleName="r", PolicyArn=arn)
    assert account("GetPolicy", PolicyArn=own)["Policy"]["AttachmentCount"] == 1
    assert account("ListAttachedRolePolicies", RoleName="r")["AttachedPolicies"] == [
        {"PolicyName": "p", "PolicyArn": own},
        {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": AWS_MANAGED},
    ]
    assert len(account("ListAttachedRolePolicies", RoleName="r", PathPrefix="/service-role/")["AttachedPolicies"]) == 1
    assert refused(account, "DeletePolicy", PolicyArn=own)[0] == "DeleteConflictException"
    assert refused(account, "DeleteRole", RoleName="r")[0] == "DeleteConflictException"
    for arn in (own, AWS_MANAGED):
        account("DetachRolePolicy", RoleName="r", PolicyArn=arn)
    account("DeletePolicy", PolicyArn=own)
    account("DeleteRole", RoleName="r")


@pytest.mark.parametrize("operation", ["AttachRolePolicy", "DetachRolePolicy"])
def test_a_policy_that_is_not_there_is_neither_attached_nor_detached(account: Account, operation: str) -> None:
    account.role()
    gone = "arn:aws:iam::000000000000:policy/gone"
    assert refused(account, operation, RoleName="r", PolicyArn=gone)[0] == "NoSuchEntityException"


def test_a_policy_keeps_at_most_five_versions(account: Account) -> None:
    arn = account.policy(Description="d", Tags=[{"Key": "k", "Value": "v"}])
    for _ in range(4):
        account("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DOCUMENT, SetAsDefault=True)
    assert (
        refused(account, "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DOCUMENT)[0] == "LimitExceededException"
    )
    versions = account("ListPolicyVersions", PolicyArn=arn)["Versions"]
    assert [(version["VersionId"], version["IsDefaultVersion"]) for version in versions] == [
        ("v5", True), ("v4", False), ("v3", False), ("v2", False), ("v1", False),
    ]  # fmt: skip
    account("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v2")
    assert refused(account, "DeletePolicyVersion", PolicyArn=arn, VersionId="v2")[0] == "DeleteConflictException"
    assert refused(account, "DeletePolicy", PolicyArn=arn)[0] == "DeleteConflictException"
    account("DeletePolicyVersion", PolicyArn=arn, VersionId="v5")
    assert account("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DOCUMENT)["PolicyVersion"]["VersionId"] == "v6"
    got = account("GetPolicyVersion", PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert (unquote(got["Document"]), got["IsDefaultVersion"]) == (DOCUMENT, True)
    assert refused(account, "GetPolicyVersion", PolicyArn=arn, VersionId="v9")[0] == "NoSuchEntityException"


def test_policies_are_listed_by_what_is_asked(account: Account) -> None:
    account.role()
    arns = [account.policy(f"p{number}", Path="/a/" if number else "/b/") for number in range(4)]
    account("AttachRolePolicy", RoleName="r", PolicyArn=arns[2])

    def listed(**members: Any) -> list[str]:
        return [policy["PolicyName"] for policy in account("ListPolicies", **members)["Policies"]]

    assert listed() == ["p1", "p2", "p3", "p0"]
    assert listed(OnlyAttached=True) == ["p2"]
    assert listed(PathPrefix="/b/") == ["p0"]
    assert listed(Scope="AWS") == []
    page = account("ListPolicies", MaxItems=3)
    assert [policy["PolicyName"] for policy in account("ListPolicies", Marker=page["Marker"])["Policies"]] == ["p0"]


def test_tags_of_roles(account: Account) -> None:
    account.role()
    account("TagRole", RoleName="r", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    account("UntagRole", RoleName="r", TagKeys=["a", "zzz"])
    assert account("ListRoleTags", RoleName="r") == {"Tags": [{"Key": "b", "Value": "2"}], "IsTruncated": False}
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert refused(account, "TagRole", RoleName="r", Tags=twice)[0] == "InvalidInputException"
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refused(account, "TagRole", RoleName="r", Tags=many)[0] == "LimitExceededException"


def test_a_role_has_no_instance_profiles(account: Account) -> None:
    account.role()
    assert account("ListInstanceProfilesForRole", RoleName="r") == {"InstanceProfiles": [], "IsTruncated": False}
