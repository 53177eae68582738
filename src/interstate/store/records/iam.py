"""Roles and policies: stored and described, enforced by nobody."""

from datetime import datetime

import msgspec

from interstate.store.tables import Select, Table


class Role(msgspec.Struct, frozen=True):
    """A role. IAM knows no regions; a role belongs to an account."""

    account: str
    name: str
    arn: str
    role_id: str
    path: str
    created: datetime
    trust_policy: str
    description: str = ""
    max_session_s: int = 3600
    permissions_boundary: str | None = None
    inline_policies: dict[str, str] = msgspec.field(default_factory=dict)  # name -> document
    attached_policies: list[str] = msgspec.field(default_factory=list)  # ARNs
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class PolicyVersion(msgspec.Struct, frozen=True):
    """One version of a managed policy."""

    number: int
    document: str
    created: datetime

    @property
    def id(self) -> str:
        """``v1``, ``v2``, ..."""
        return f"v{self.number}"


class Policy(msgspec.Struct, frozen=True):
    """A managed policy with its versions, oldest first."""

    arn: str
    account: str
    name: str
    policy_id: str
    path: str
    created: datetime
    updated: datetime
    description: str
    default_version: int
    last_version: int
    attachments: int
    versions: list[PolicyVersion]
    tags: dict[str, str] = msgspec.field(default_factory=dict)


ROLES = Table("roles", Role, ("account", "name"), shared=True)
POLICIES = Table("policies", Policy, ("arn",), shared=True)

ROLES_OF_ACCOUNT = Select(ROLES, "account = :account AND name > :after", "name")
POLICIES_OF_ACCOUNT = Select(POLICIES, "account = :account AND arn > :after", "arn")
