"""Tags of topics.

Source: SNS API Reference, TagResource; https://docs.aws.amazon.com/sns/latest/dg/sns-tags.html
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from interstate.core.topics.errors import (
    InvalidParameterException,
    ResourceNotFoundException,
    TagLimitExceededException,
)
from interstate.services.sns.access import require
from interstate.store.ports import Work
from interstate.store.records.sns import TOPICS, Topic

TAGS_MAX = 50

Tags = list[dict[str, str]]


class TagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tags: Tags


class UntagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tag_keys: list[str]


class ListTags(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str


def read_tags(tags: Tags) -> dict[str, str]:
    """A list of keys and values as a mapping.

    Raises:
        InvalidParameterException: a key comes twice.
        TagLimitExceededException: there are too many.
    """
    found = {tag["Key"]: tag["Value"] for tag in tags}
    if len(found) != len(tags):
        raise InvalidParameterException("Duplicated keys are not allowed.")
    _check_count(found)
    return found


def _check_count(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise TagLimitExceededException


def _tagged(arn: str, work: Work, action: str) -> Topic:
    topic = work.get(TOPICS, arn)
    if topic is None:
        raise ResourceNotFoundException
    require(topic, work, action)
    return topic


def tag_resource(request: TagResource, work: Work) -> dict[str, Any]:
    """Set tags of a topic."""
    topic = _tagged(request.resource_arn, work, "TagResource")
    tags = {**topic.tags, **read_tags(request.tags)}
    _check_count(tags)
    work.put(TOPICS, msgspec.structs.replace(topic, tags=tags))
    return {}


def untag_resource(request: UntagResource, work: Work) -> dict[str, Any]:
    """Take tags off a topic; those that are not there are no error."""
    topic = _tagged(request.resource_arn, work, "UntagResource")
    tags = {key: value for key, value in topic.tags.items() if key not in request.tag_keys}
    work.put(TOPICS, msgspec.structs.replace(topic, tags=tags))
    return {}


def list_tags_for_resource(request: ListTags, work: Work) -> dict[str, Any]:
    """The tags of a topic."""
    tags = _tagged(request.resource_arn, work, "ListTagsForResource").tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
