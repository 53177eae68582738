"""Tags of tables.

Source: DynamoDB API Reference, TagResource, UntagResource, ListTagsOfResource.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.errors import ValidationException
from interstate.services.dynamodb.errors import ResourceNotFoundException
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLES, ItemTable


class Tag(msgspec.Struct, frozen=True, rename="pascal"):
    key: str
    value: str


class TagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tags: list[Tag]


class UntagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tag_keys: list[str]


class ListTags(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    next_token: str = ""


TAGS_MAX = 50
"""Source: DynamoDB quotas, tags."""


def checked_tags(tags: Sequence[Tag]) -> dict[str, str]:
    """Tags as a table keeps them.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html, tagging restrictions

    Raises:
        ValidationException: a key comes twice or is AWS's own, or there are too many.
    """
    kept: dict[str, str] = {}
    for tag in tags:
        if tag.key.lower().startswith("aws:"):
            raise ValidationException("One or more parameter values were invalid: Tag keys cannot start with aws:")
        if tag.key in kept:
            raise ValidationException(f"One or more parameter values were invalid: Duplicate tag key: {tag.key}")
        kept[tag.key] = tag.value
    _check_number(kept)
    return kept


def _check_number(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise ValidationException(
            f"One or more parameter values were invalid: A table can have {TAGS_MAX} tags at most; asked for: {len(tags)}"
        )


def tag_resource(request: TagResource, work: Work) -> None:
    """Add or replace tags.

    Raises:
        ResourceNotFoundException: there is no such table.
        ValidationException: no tag is given, or the ARN is none.
    """
    table = _table(request.resource_arn, work)
    if not request.tags:
        raise ValidationException("Atleast one Tag needs to be provided as Input.")
    tags = {**table.tags, **checked_tags(request.tags)}
    _check_number(tags)
    work.put(ITEM_TABLES, msgspec.structs.replace(table, tags=tags))


def untag_resource(request: UntagResource, work: Work) -> None:
    """Remove tags.

    Raises:
        ResourceNotFoundException: there is no such table.
        ValidationException: no key is given, or the ARN is none.
    """
    table = _table(request.resource_arn, work)
    if not request.tag_keys:
        raise ValidationException("Atleast one Tag Key needs to be provided as Input.")
    tags = {key: value for key, value in table.tags.items() if key not in request.tag_keys}
    work.put(ITEM_TABLES, msgspec.structs.replace(table, tags=tags))


def list_tags_of_resource(request: ListTags, work: Work) -> dict[str, Any]:
    """A table's tags, all in one answer.

    Raises:
        ResourceNotFoundException: there is no such table.
        ValidationException: the ARN is none.
    """
    tags = _table(request.resource_arn, work).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _table(arn: str, work: Work) -> ItemTable:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "dynamodb" or not parsed.resource.startswith("table/"):
        raise ValidationException(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    table = work.get(ITEM_TABLES, arn)
    if table is None or (parsed.account, parsed.region) != (work.caller.account, work.caller.region):
        raise ResourceNotFoundException(f"ResourcArn: {arn} not found")
    return table
