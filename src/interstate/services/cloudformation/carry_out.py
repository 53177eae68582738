"""Carrying out a prepared stack: what is missing is made, what differs is changed, what is left over is deleted.

Theory of operation
-------------------
Resources are made in the order of their references, so that each finds what it refers to. A resource that stands already is
compared by its properties as they resolve *now*: one that was replaced has another id, which changes whoever refers to it.
Replacements are made first and the replaced resources deleted at the end, users before what they use, as CloudFormation does.

Everything happens in the caller's overlay, some resources at a time (``progress``). When a resource is refused, ``ResourceFailed``
leaves it, and nothing of the slice remains but the log of what was tried (``Log`` lives outside the store until it is saved).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.json import JSON, JSONObject
from interstate.core.templates.document import Resource
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.graph import ordered
from interstate.core.templates.intrinsics import Scope, as_text, resolve
from interstate.core.templates.plan import changed_properties
from interstate.core.templates.properties import shaped
from interstate.services.cloudformation.prepare import Prepared
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType
from interstate.services.cloudformation.resources.table import TYPES
from interstate.store.ports import Work
from interstate.store.records.cloudformation import RESOURCES, RESOURCES_BY_PHYSICAL_ID, StackResource
from interstate.store.records.sqs import DELETED_QUEUES

LOOKED_MAX = 250
"""Resources at which a slice looks; one that stands as it is wanted takes some 30 us and no statement."""
_KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."


class AlreadyExists(ServiceError):
    """Somebody made a resource of this name by hand."""

    def __init__(self, type_: str, identifier: str) -> None:
        super().__init__(f"Resource of type '{type_}' with identifier '{identifier}' already exists.")


class ResourceFailed(Exception):
    """A resource was refused; what its slice did is dropped."""

    def __init__(self, logical_id: str, verb: str, reason: str) -> None:
        super().__init__(reason)
        self.logical_id = logical_id
        self.verb = verb
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: what became of a resource."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None = None


@dataclass(slots=True)
class Log:
    """What was tried, in order."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, logical_id: str, physical_id: str, type_: str, status: str, reason: str | None = None) -> None:
        self.entries.append(Entry(logical_id, physical_id, type_, status, reason))


@dataclass(frozen=True, slots=True)
class Site:
    """Which stack is being carried out, where, and who writes down what happens."""

    work: Work
    name: str
    arn: str
    log: Log

    def making(self, logical_id: str, properties: JSONObject) -> Making:
        return Making(self.work, self.name, self.arn, logical_id, properties)


class Undo(msgspec.Struct, frozen=True):
    """How a resource stood before a task touched it; ``old`` is None when it was not there."""

    logical_id: str
    old: StackResource | None
    replaced: bool = False


class Doomed(msgspec.Struct, frozen=True):
    """A resource that is to go when everything else is done; ``left_over``: the template has none of its name any more."""

    resource: StackResource
    policy: str
    left_over: bool


def make_some(  # noqa: PLR0917 a site, what is wanted there, what stands, and from where to where
    site: Site, prepared: Prepared, rows: dict[str, StackResource], at: int, room: int, journal: list[Undo]
) -> int:
    """Make the next resources of the template's order what was prepared; tells up to where that is done.

    ``room`` is for those that are touched; what stands as it is wanted is only looked at. ``rows`` is what stands, and is kept
    up to date; ``journal`` gets what was touched.

    Raises:
        ResourceFailed: a resource was refused.
    """
    references = {name: rows[name].reference for name in prepared.order[:at]}
    attributes = {name: rows[name].attributes for name in prepared.order[:at]}
    scope = replace(prepared.scope, references=references, attributes=attributes)
    full, looked = len(journal) + room, at + LOOKED_MAX
    for position, logical_id in enumerate(prepared.order[at:], at):
        if len(journal) >= full or position >= looked:
            return position
        resource = prepared.template.resources[logical_id]
        old = rows.get(logical_id)
        brought = _bring(site, resource, scope, old)
        made = _record(site, resource, prepared.needs[logical_id], old, brought)
        if made != old:
            journal.append(Undo(logical_id, old, brought.replaced))
            site.work.put(RESOURCES, made)
        rows[logical_id] = made
        references[logical_id], attributes[logical_id] = made.reference, made.attributes
    return len(prepared.order)


def doomed_by(prepared: Prepared, rows: Mapping[str, StackResource], journal: list[Undo]) -> list[Doomed]:
    """What is to be deleted after an update: what was replaced, then what is left over, users before what they use."""
    replaced = [undo.old for undo in reversed(journal) if undo.replaced and undo.old is not None]
    left_over = {name: old for name, old in rows.items() if name not in prepared.needs}
    return [
        *(Doomed(old, old.replace_policy, left_over=False) for old in replaced),
        *(Doomed(old, old.deletion_policy, left_over=True) for old in _users_first(left_over)),
    ]


def put_back(site: Site, now: StackResource, old: StackResource) -> StackResource:
    """A resource that was changed gets back what it was made from; answers with how it stands.

    Raises:
        ResourceFailed: it was refused.
    """
    row = TYPES[old.type]
    if now.properties == old.properties:
        return old
    site.log.add(old.logical_id, now.physical_id, old.type, "UPDATE_IN_PROGRESS")
    assert row.update is not None, old.type
    try:
        made = row.update(site.making(old.logical_id, old.properties), _before(now))
    except ServiceError as error:
        reason = f"{error.message} ({error.code})"
        site.log.add(old.logical_id, now.physical_id, old.type, "UPDATE_FAILED", reason)
        raise ResourceFailed(old.logical_id, "UPDATE", reason) from error
    site.log.add(old.logical_id, made.physical_id, old.type, "UPDATE_COMPLETE")
    return msgspec.structs.replace(old, attributes=dict(made.attributes), updated=site.work.now)


def free_names(site: Site, gone: StackResource) -> None:
    """What a stack made and took back leaves no name taken. (CloudFormation waits for the minute after which a queue's is free.)"""
    if gone.type == "AWS::SQS::Queue":
        site.work.delete(DELETED_QUEUES, str(gone.attributes["Arn"]))


def delete_all(site: Site, standing: Mapping[str, StackResource], kept: frozenset[str], room: int) -> bool:
    """Delete the first of a stack's resources, users before what they use; tells whether some are left.

    Raises:
        ResourceFailed: a resource was refused.
    """
    order = _users_first(standing)
    for old in order[:room]:
        delete(site, old, policy="Retain" if old.logical_id in kept else old.deletion_policy)
        site.work.delete(RESOURCES, old.stack, old.logical_id)
    return len(order) > room


def _users_first(standing: Mapping[str, StackResource]) -> list[StackResource]:
    order = ordered({name: frozenset(resource.needs) for name, resource in standing.items()})
    return [standing[name] for name in reversed(order)]


@dataclass(frozen=True, slots=True)
class _Brought:
    made: Made
    properties: JSONObject
    status: str
    replaced: bool = False


def _bring(site: Site, resource: Resource, scope: Scope, old: StackResource | None) -> _Brought:
    """Create, update, replace or leave one resource."""
    try:
        properties = _properties(resource, scope)
        making = site.making(resource.logical_id, properties)
        if old is None:
            return _Brought(_create(site, resource, making), properties, "CREATE_COMPLETE")
        return _change(site, resource, making, old)
    except ServiceError as error:
        verb = "CREATE" if old is None else "UPDATE"
        reason = error.message if isinstance(error, TemplateError) else f"{error.message} ({error.code})"
        physical_id = "" if old is None else old.physical_id
        site.log.add(resource.logical_id, physical_id, resource.type, f"{verb}_FAILED", reason)
        raise ResourceFailed(resource.logical_id, verb, reason) from error


def _record(
    site: Site, resource: Resource, needs: frozenset[str], old: StackResource | None, brought: _Brought
) -> StackResource:
    made = brought.made
    touched = old is None or brought.properties != old.properties
    return StackResource(
        stack=site.arn,
        logical_id=resource.logical_id,
        type=resource.type,
        physical_id=made.physical_id,
        reference=made.physical_id if made.reference is None else made.reference,
        properties=brought.properties,
        attributes=dict(made.attributes),
        needs=sorted(needs),
        status=brought.status,
        updated=site.work.now if touched or old is None else old.updated,
        deletion_policy=resource.deletion_policy,
        replace_policy=resource.replace_policy,
        metadata=resource.metadata,
    )


def _properties(resource: Resource, scope: Scope) -> JSONObject:
    resolved = resolve(resource.properties, scope)
    assert isinstance(resolved, dict)
    return shaped(resource.logical_id, TYPES[resource.type].properties, resolved)


def _create(site: Site, resource: Resource, making: Making) -> Made:
    site.log.add(resource.logical_id, "", resource.type, "CREATE_IN_PROGRESS")
    _refuse_taken_name(TYPES[resource.type], making)
    made = TYPES[resource.type].create(making)
    site.log.add(resource.logical_id, made.physical_id, resource.type, "CREATE_COMPLETE")
    return made


def _change(site: Site, resource: Resource, making: Making, old: StackResource) -> _Brought:
    row = TYPES[resource.type]
    changed = changed_properties(old.properties, making.properties)
    if not changed:
        kept = Made(old.physical_id, old.attributes, old.reference)
        return _Brought(kept, making.properties, old.status)
    logical_id, type_ = resource.logical_id, resource.type
    replaced = row.update is None or not row.replacing.isdisjoint(changed)
    site.log.add(logical_id, old.physical_id, type_, "UPDATE_IN_PROGRESS", _REPLACING if replaced else None)
    if row.update is None or replaced:
        _refuse_replacing_by_name(row, making, old)
        _refuse_taken_name(row, making)
        made = row.create(making)
    else:
        made = row.update(making, _before(old))
    site.log.add(logical_id, made.physical_id, type_, "UPDATE_COMPLETE")
    return _Brought(made, making.properties, "UPDATE_COMPLETE", replaced)


def _refuse_taken_name(row: ResourceType, making: Making) -> None:
    """No stack takes over a resource that it did not make: it would delete it one day."""
    if row.named_by is None or row.standing is None or making.get(row.named_by) is None:
        return
    physical_id = row.standing(making)
    if physical_id is None:
        return
    here = making.caller.arn("cloudformation", "stack/")
    for owner in making.work.select(RESOURCES_BY_PHYSICAL_ID, limit=100, physical_id=physical_id):
        if owner.type == row.name and owner.stack.startswith(here):
            raise TemplateError(f"{making.get(row.named_by)} already exists in stack {owner.stack}")
    raise AlreadyExists(row.name, physical_id)


def _refuse_replacing_by_name(row: ResourceType, making: Making, old: StackResource) -> None:
    if row.named_by is None:
        return
    name = making.get(row.named_by)
    if name is not None and old.properties.get(row.named_by) == name:
        raise TemplateError(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            f"Rename {name} and update the stack again."
        )


def delete(site: Site, old: StackResource, *, policy: str) -> None:
    """Delete a resource, unless its policy keeps it.

    Raises:
        ResourceFailed: it was refused.
    """
    if policy in _KEPT:
        site.log.add(old.logical_id, old.physical_id, old.type, "DELETE_SKIPPED")
        return
    site.log.add(old.logical_id, old.physical_id, old.type, "DELETE_IN_PROGRESS")
    try:
        with site.work.overlay():
            TYPES[old.type].delete(site.making(old.logical_id, old.properties), _before(old))
    except ServiceError as error:
        if not _is_gone(error):
            reason = f"{error.message} ({error.code})"
            site.log.add(old.logical_id, old.physical_id, old.type, "DELETE_FAILED", reason)
            raise ResourceFailed(old.logical_id, "DELETE", reason) from error
    site.log.add(old.logical_id, old.physical_id, old.type, "DELETE_COMPLETE")


_GONE = ("NotFound", "DoesNotExist", "NoSuchEntity", "NonExistent")


def _is_gone(error: ServiceError) -> bool:
    """Somebody deleted the resource by hand; that is what was wanted."""
    return any(word in error.code or word in type(error).__name__ for word in _GONE)


def _before(old: StackResource) -> Before:
    return Before(old.physical_id, old.reference, old.properties, old.attributes)


class OutputValue(msgspec.Struct, frozen=True):
    """An output as it resolved."""

    name: str
    value: str
    description: str | None
    export: str | None


def resolve_outputs(prepared: Prepared, found: Mapping[str, StackResource]) -> list[OutputValue]:
    """The stack's outputs.

    Raises:
        TemplateError: one is no text.
    """
    scope = replace(
        prepared.scope,
        references={name: made.reference for name, made in found.items()},
        attributes={name: made.attributes for name, made in found.items()},
        block="Outputs",
    )
    return [
        OutputValue(
            name,
            _output_text(name, resolve(output.value, scope)),
            output.description,
            None if output.export is None else _output_text(name, resolve(output.export, scope)),
        )
        for name, output in prepared.template.outputs.items()
    ]


def _output_text(name: str, value: JSON) -> str:
    text = as_text(value)
    if text is None:
        raise TemplateError(
            "Template format error: The Value field of every Outputs member must evaluate to a String. "
            f"(/Outputs/{name})"
        )
    return text
