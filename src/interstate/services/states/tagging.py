"""Tags of state machines and activities.

Source: API Reference, TagResource; at most 50 tags a resource, no prefix ``aws:`` (service quotas, "Restrictions related to tagging").
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interstate.services.states.arns import ACTIVITY, MACHINE
from interstate.services.states.errors import InvalidArn, ResourceNotFound, TooManyTags, ValidationException
from interstate.store.ports import Work
from interstate.store.records.states import ACTIVITIES, MACHINES, Activity, StateMachine

TAGS_MAX = 50


class Tag(msgspec.Struct, frozen=True, rename="camel"):
    key: str = ""
    value: str = ""


class TagResource(msgspec.Struct, frozen=True, rename="camel"):
    resource_arn: str
    tags: list[Tag]


class UntagResource(msgspec.Struct, frozen=True, rename="camel"):
    resource_arn: str
    tag_keys: list[str]


class ListTagsForResource(msgspec.Struct, frozen=True, rename="camel"):
    resource_arn: str


def tags_of(tags: Sequence[Tag], before: Mapping[str, str], arn: str) -> dict[str, str]:
    """The tags with which a resource is left.

    Raises:
        TooManyTags: they would be more than a resource may have.
        ValidationException: a key begins with ``aws:``, which is AWS's own.
    """
    if any(tag.key.lower().startswith("aws:") for tag in tags):
        raise ValidationException("aws: prefixed tag key names are not allowed for external use.")
    merged = {**before, **{tag.key: tag.value for tag in tags}}
    if len(merged) > TAGS_MAX:
        raise TooManyTags(arn)
    return merged


def _resource(arn: str, work: Work) -> StateMachine | Activity:
    if not arn.startswith("arn:"):
        raise InvalidArn.prefix(arn)
    found: StateMachine | Activity | None = None
    if f":{MACHINE}:" in arn:
        found = work.get(MACHINES, arn)
    elif f":{ACTIVITY}:" in arn:
        found = work.get(ACTIVITIES, arn)
    if found is None:
        raise ResourceNotFound(arn)
    return found


def _save(resource: StateMachine | Activity, tags: dict[str, str], work: Work) -> None:
    match resource:
        case StateMachine():
            work.put(MACHINES, msgspec.structs.replace(resource, tags=tags))
        case Activity():
            work.put(ACTIVITIES, msgspec.structs.replace(resource, tags=tags))


def tag_resource(request: TagResource, work: Work) -> None:
    """Add or replace tags.

    Raises:
        ResourceNotFound: no machine or activity has this ARN; versions have no tags.
        TooManyTags: there would be more than 50.
    """
    resource = _resource(request.resource_arn, work)
    _save(resource, tags_of(request.tags, resource.tags, request.resource_arn), work)


def untag_resource(request: UntagResource, work: Work) -> None:
    """Take tags away; those that are not there do not matter."""
    resource = _resource(request.resource_arn, work)
    _save(resource, {key: value for key, value in resource.tags.items() if key not in request.tag_keys}, work)


def list_tags_for_resource(request: ListTagsForResource, work: Work) -> dict[str, Any]:
    """A resource's tags."""
    tags = _resource(request.resource_arn, work).tags
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
