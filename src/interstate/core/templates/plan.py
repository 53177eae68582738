"""The difference between what stands and what is wanted, as changes in the order in which they can be made.

Whether a change in place is possible is a fact of the resource's type: the properties whose change makes a new one
("Update requires: Replacement") are given as data. What is made new changes the references to it, so whoever uses it is
looked at again (``certain=False``): its properties as they resolve decide then.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from collections.abc import Callable, Collection, Mapping
from enum import Enum

import msgspec

from interstate.base.json import JSONObject
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.graph import ordered


class Action(Enum):
    """What becomes of a resource."""

    CREATE = "Create"
    UPDATE = "Update"
    REPLACE = "Replace"
    DELETE = "Delete"


class Standing(msgspec.Struct, frozen=True):
    """A resource as it stands or is wanted: properties to compare, names that it needs."""

    type: str
    properties: JSONObject
    needs: frozenset[str] = frozenset()


class Change(msgspec.Struct, frozen=True):
    """One change; ``properties`` names those that differ (none when only what it refers to may change)."""

    action: Action
    logical_id: str
    type: str
    properties: tuple[str, ...] = ()
    certain: bool = True


def plan(
    before: Mapping[str, Standing], after: Mapping[str, Standing], replaced_by: Callable[[str], frozenset[str]]
) -> list[Change]:
    """The changes that lead from ``before`` to ``after``.

    First everything that is made or changed, each after what it needs; then everything that is left over is deleted, each
    before what it needed.

    Args:
        before: what stands, by logical id.
        after: what is wanted, by logical id.
        replaced_by: the properties of a type whose change makes a new resource.

    Raises:
        CircularDependencyError: the wanted resources wait for one another.
        TemplateError: a resource is wanted with another type.
    """
    _check_types(before, after)
    changes: list[Change] = []
    moved: set[str] = set()
    for name in ordered({name: wanted.needs for name, wanted in after.items()}):
        change = _change(name, before.get(name), after[name], moved, replaced_by)
        if change is None:
            continue
        changes.append(change)
        if change.action is Action.REPLACE:
            moved.add(name)
    return changes + deletions(before, kept=after.keys())


def deletions(before: Mapping[str, Standing], *, kept: Collection[str] = ()) -> list[Change]:
    """Delete what is not kept, users before what they use."""
    order = reversed(ordered({name: standing.needs for name, standing in before.items()}))
    return [Change(Action.DELETE, name, before[name].type) for name in order if name not in kept]


def changed_properties(old: JSONObject, new: JSONObject) -> tuple[str, ...]:
    """The names of properties that differ, sorted."""
    return tuple(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))


def _check_types(before: Mapping[str, Standing], after: Mapping[str, Standing]) -> None:
    changed = sorted(name for name, wanted in after.items() if name in before and before[name].type != wanted.type)
    if changed:
        raise TemplateError(
            "Update of resource type is not permitted. "
            f"The new template modifies resource type of the following resources: [{', '.join(changed)}]"
        )


def _change(
    name: str,
    old: Standing | None,
    new: Standing,
    moved: set[str],
    replaced_by: Callable[[str], frozenset[str]],
) -> Change | None:
    if old is None:
        return Change(Action.CREATE, name, new.type)
    different = changed_properties(old.properties, new.properties)
    if not different:
        return Change(Action.UPDATE, name, new.type, certain=False) if new.needs & moved else None
    replaced = not replaced_by(new.type).isdisjoint(different)
    return Change(Action.REPLACE if replaced else Action.UPDATE, name, new.type, different)
