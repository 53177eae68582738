"""Tags of buses and rules.

Source: EventBridge API Reference, TagResource, UntagResource, ListTagsForResource.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from interstate.core.events.errors import ResourceNotFoundException
from interstate.services.events.locate import bus_name, find_bus, rule_with_arn
from interstate.store.ports import Work
from interstate.store.records.events import BUSES, RULES, Bus, Rule


class Tag(msgspec.Struct, frozen=True, rename="pascal"):
    key: str
    value: str


class TagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str = msgspec.field(name="ResourceARN")
    tags: list[Tag]


class UntagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str = msgspec.field(name="ResourceARN")
    tag_keys: list[str]


class ListTagsForResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str = msgspec.field(name="ResourceARN")


def tags_of(tags: Sequence[Tag]) -> dict[str, str]:
    """Tags as they are kept."""
    return {tag.key: tag.value for tag in tags}


def _resource(arn: str, work: Work) -> Bus | Rule:
    if ":event-bus/" not in arn:
        return rule_with_arn(arn, work)
    bus = find_bus(arn, work)
    if bus is None:
        raise ResourceNotFoundException.bus(bus_name(arn))
    return bus


def _keep(resource: Bus | Rule, tags: dict[str, str], work: Work) -> None:
    match resource:
        case Bus():
            created = resource.created or work.now
            work.put(BUSES, msgspec.structs.replace(resource, tags=tags, created=created))
        case Rule():
            work.put(RULES, msgspec.structs.replace(resource, tags=tags))


def tag_resource(request: TagResource, work: Work) -> dict[str, Any]:
    """Add tags to a bus or rule; one with the same key is replaced.

    Raises:
        ResourceNotFoundException: nothing has this ARN.
    """
    resource = _resource(request.resource_arn, work)
    _keep(resource, {**resource.tags, **tags_of(request.tags)}, work)
    return {}


def untag_resource(request: UntagResource, work: Work) -> dict[str, Any]:
    """Take tags away; keys that are not there are no error.

    Raises:
        ResourceNotFoundException: nothing has this ARN.
    """
    resource = _resource(request.resource_arn, work)
    _keep(resource, {key: value for key, value in resource.tags.items() if key not in request.tag_keys}, work)
    return {}


def list_tags_for_resource(request: ListTagsForResource, work: Work) -> dict[str, Any]:
    """The tags of a bus or rule.

    Raises:
        ResourceNotFoundException: nothing has this ARN.
    """
    resource = _resource(request.resource_arn, work)
    return {"Tags": [{"Key": key, "Value": value} for key, value in resource.tags.items()]}
