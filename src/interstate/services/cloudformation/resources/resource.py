"""What a resource type is: a row of a table.

A row says which properties there are, how they become calls of the service's own API, what ``Ref`` and ``Fn::GetAtt`` give
afterwards, and which properties cannot change in place. The calls run inside the stack's transaction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import JSON, JSONObject
from interstate.core.templates.properties import Members
from interstate.store.ports import Work

RANDOM_LENGTH = 12
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that stands: its physical id, what ``Ref`` gives (the physical id unless said), what ``Fn::GetAtt`` gives."""

    physical_id: str
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Making:
    """What a row's functions are given: where they are, and the properties as they resolve now."""

    work: Work
    stack_name: str
    stack_arn: str
    logical_id: str
    properties: JSONObject

    @property
    def caller(self) -> Caller:
        return self.work.caller

    def call(self, service: str, operation: str, request: Mapping[str, Any]) -> Any:
        """Call a service in the stack's transaction. What it answers is kept: addresses have no port of whoever deploys."""
        caller = self.work.caller
        return self.work.call(
            service, operation, request, caller=msgspec.structs.replace(caller, host="") if caller.host else caller
        )

    def get(self, name: str, default: Any = None) -> Any:
        """A property, or the default."""
        return self.properties.get(name, default)

    def pick(self, *names: str, **renamed: str) -> dict[str, Any]:
        """The members of a request: properties under their own name, or as ``member=property``; absent ones stay absent."""
        members = {**{name: name for name in names}, **renamed}
        return {member: self.properties[name] for member, name in members.items() if name in self.properties}

    def has(self, service: str, operation: str, request: Mapping[str, Any]) -> bool:
        """Whether a service describes such a resource."""
        try:
            self.call(service, operation, request)
        except ServiceError:
            return False
        return True

    def name(self, property_: str, length_max: int, suffix: str = "") -> str:
        """The name that the template gives, or ``<stack>-<logical id>-<12 characters>``, cut to fit."""
        given = self.properties.get(property_)
        return str(given) if given is not None else self.generated(length_max, suffix)

    def generated(self, length_max: int, suffix: str = "") -> str:
        """A name that no other resource has."""
        room = length_max - RANDOM_LENGTH - 1 - len(suffix)
        prefix = f"{self.stack_name}-{self.logical_id}"[:room].rstrip("-")
        return f"{prefix}-{self.work.entropy.text(RANDOM_LENGTH, _ALPHABET)}{suffix}"


@dataclass(frozen=True, slots=True)
class Before:
    """The resource as it stood, for updates and deletes."""

    physical_id: str
    reference: str
    properties: JSONObject
    attributes: JSONObject

    def changed(self, making: Making, *names: str) -> bool:
        """Whether any of these properties differs now."""
        return any(self.properties.get(name) != making.properties.get(name) for name in names)


@dataclass(frozen=True)
class ResourceType:
    """One row.

    ``update`` is None where no property can change in place. ``replaced_by`` names the properties that cannot;
    ``named_by`` the property that gives the physical name, when there is one. ``standing`` gives the physical id of the
    resource that bears that name already; it is there for types whose API would take a second creation for the first.
    ``remark`` stands in the reference page.
    """

    name: str
    properties: Members
    create: Callable[[Making], Made]
    delete: Callable[[Making, Before], None]
    update: Callable[[Making, Before], Made] | None = None
    replaced_by: frozenset[str] = frozenset()
    named_by: str | None = None
    standing: Callable[[Making], str | None] | None = None
    reference: str = ""
    attributes: tuple[str, ...] = ()
    remark: str = ""

    @property
    def replacing(self) -> frozenset[str]:
        """The properties whose change makes a new resource."""
        return frozenset(self.properties.members) if self.update is None else self.replaced_by


def tag_map(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Tags as the APIs with maps want them."""
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def tag_changes(making: Making, before: Before, name: str = "Tags") -> tuple[dict[str, str], list[str]]:
    """The tags to set and the names of those to take away."""
    old, new = tag_map(before.properties.get(name)), tag_map(making.get(name))
    return {key: value for key, value in new.items() if old.get(key) != value}, sorted(old.keys() - new.keys())


def nothing_to_delete(_making: Making, _before: Before) -> None:
    """For resources that go with the one they belong to, or that are opaque."""
