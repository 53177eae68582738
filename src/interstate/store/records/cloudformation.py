"""Stacks, what stands in them, what happened to them."""

from datetime import datetime
from typing import Any

import msgspec

from interstate.store.tables import Select, Table


class Stack(msgspec.Struct, frozen=True):
    """A stack; a deleted one keeps its row and is found by its ARN.

    ``given`` holds the parameters as they were given (without defaults). ``original`` is the template as it came, ``template``
    the JSON that was carried out, without transforms; both are empty while a stack is only in review.
    """

    arn: str
    scope: str  # account/region
    name: str
    status: str
    created: datetime
    original: str = ""
    template: str = ""
    reason: str | None = None
    description: str | None = None
    given: dict[str, str] = {}
    capabilities: list[str] = []
    tags: list[dict[str, str]] = []
    outputs: list[dict[str, str]] = []
    role_arn: str | None = None
    change_set: str | None = None
    protected: bool = False
    updated: datetime | None = None
    deleted: datetime | None = None


class StackName(msgspec.Struct, frozen=True):
    """Which stack has a name now."""

    scope: str
    name: str
    arn: str


class StackResource(msgspec.Struct, frozen=True):
    """A resource that a stack made: the properties it was made from, resolved, and what can be asked of it."""

    stack: str
    logical_id: str
    type: str
    physical_id: str
    reference: str
    properties: dict[str, Any]
    attributes: dict[str, Any]
    needs: list[str]
    status: str
    updated: datetime
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    metadata: dict[str, Any] = {}


class StackEvent(msgspec.Struct, frozen=True):
    """Something that happened to a stack or one of its resources."""

    id: int
    stack: str
    at: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None = None
    token: str | None = None


class Export(msgspec.Struct, frozen=True):
    """A value that other stacks of the account and region can import."""

    scope: str
    name: str
    value: str
    stack: str


class Import(msgspec.Struct, frozen=True):
    """A stack uses an export, which therefore stays as it is."""

    scope: str
    name: str
    stack: str


class ChangeSet(msgspec.Struct, frozen=True):
    """Changes that were worked out and wait to be carried out."""

    arn: str
    scope: str
    stack: str
    name: str
    kind: str  # CREATE or UPDATE
    status: str
    execution_status: str
    created: datetime
    original: str
    template: str
    given: dict[str, str]
    capabilities: list[str]
    tags: list[dict[str, str]] | None
    changes: list[dict[str, Any]]
    reason: str | None = None
    description: str | None = None
    role_arn: str | None = None


STACKS = Table("cloudformation_stacks", Stack, ("arn",))
STACK_NAMES = Table("cloudformation_stack_names", StackName, ("scope", "name"))
RESOURCES = Table("cloudformation_resources", StackResource, ("stack", "logical_id"))
EVENTS = Table("cloudformation_events", StackEvent, ("id",))
EXPORTS = Table("cloudformation_exports", Export, ("scope", "name"))
IMPORTS = Table("cloudformation_imports", Import, ("scope", "name", "stack"))
CHANGE_SETS = Table("cloudformation_change_sets", ChangeSet, ("arn",))

STACKS_OF_SCOPE = Select(STACKS, "scope = :scope AND (created, arn) < (:created, :arn)", "created DESC, arn DESC")
NAMES_OF_SCOPE = Select(STACK_NAMES, "scope = :scope AND name > :after", "name")
RESOURCES_OF_STACK = Select(RESOURCES, "stack = :stack AND logical_id > :after", "logical_id")
RESOURCES_BY_PHYSICAL_ID = Select(RESOURCES, "physical_id = :physical_id", "stack, logical_id")
EVENTS_OF_STACK = Select(EVENTS, "stack = :stack AND id < :below", "id DESC")
EXPORTS_OF_SCOPE = Select(EXPORTS, "scope = :scope AND name > :after", "name")
EXPORTS_OF_STACK = Select(EXPORTS, "stack = :stack", "name")
IMPORTS_OF_EXPORT = Select(IMPORTS, "scope = :scope AND name = :name", "stack")
IMPORTS_OF_STACK = Select(IMPORTS, "stack = :stack", "name")
CHANGE_SETS_OF_STACK = Select(CHANGE_SETS, "stack = :stack AND arn > :after", "arn")
