"""Tags of alarms.

Source: CloudWatch API Reference, TagResource, UntagResource, ListTagsForResource.
"""

from typing import Any

import msgspec

from interstate.services.cloudwatch.errors import ResourceNotFound
from interstate.services.cloudwatch.requests import scope_of
from interstate.store.ports import Work
from interstate.store.records.alarms import ALARMS, Alarm


class AlarmTag(msgspec.Struct, frozen=True, rename="pascal"):
    key: str
    value: str


class TagAlarm(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str = msgspec.field(name="ResourceARN")
    tags: list[AlarmTag]


class UntagAlarm(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str = msgspec.field(name="ResourceARN")
    tag_keys: list[str]


class TagsOfAlarm(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str = msgspec.field(name="ResourceARN")


def _tagged(arn: str, work: Work) -> Alarm:
    alarm = work.get(ALARMS, arn)
    if alarm is None or alarm.scope != scope_of(work.caller):
        raise ResourceNotFound(f"{arn} does not exist")
    return alarm


def tag_resource(request: TagAlarm, work: Work) -> dict[str, Any]:
    """Add tags to an alarm.

    Raises:
        ResourceNotFound: there is no such alarm.
    """
    alarm = _tagged(request.resource_arn, work)
    tags = {**alarm.tags, **{tag.key: tag.value for tag in request.tags}}
    work.put(ALARMS, msgspec.structs.replace(alarm, tags=tags))
    return {}


def untag_resource(request: UntagAlarm, work: Work) -> dict[str, Any]:
    """Take tags away.

    Raises:
        ResourceNotFound: there is no such alarm.
    """
    alarm = _tagged(request.resource_arn, work)
    tags = {key: value for key, value in alarm.tags.items() if key not in request.tag_keys}
    work.put(ALARMS, msgspec.structs.replace(alarm, tags=tags))
    return {}


def list_tags_for_resource(request: TagsOfAlarm, work: Work) -> dict[str, Any]:
    """The tags of an alarm.

    Raises:
        ResourceNotFound: there is no such alarm.
    """
    alarm = _tagged(request.resource_arn, work)
    return {"Tags": [{"Key": key, "Value": value} for key, value in alarm.tags.items()]}
