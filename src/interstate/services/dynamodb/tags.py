"""Tags of tables.

Source: DynamoDB API Reference, TagResource, UntagResource, ListTagsOfResource.
"""

from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.errors import ValidationException
from interstate.services.dynamodb.errors import ResourceNotFoundException
from interstate.services.dynamodb.tables import Tag
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLES, ItemTable


class TagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tags: list[Tag]


class UntagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tag_keys: list[str]


class ListTags(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    next_token: str = ""


def tag_resource(request: TagResource, work: Work) -> None:
    """Add or replace tags.

    Raises:
        ResourceNotFoundException: there is no such table.
        ValidationException: no tag is given, or the ARN is none.
    """
    table = _table(request.resource_arn, work)
    if not request.tags:
        raise ValidationException("Atleast one Tag needs to be provided as Input.")
    tags = {**table.tags, **{tag.key: tag.value for tag in request.tags}}
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
