"""Log groups: their life, their retention, their tags, and the sweeps that keep them bounded.

Source: CloudWatch Logs API Reference.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere
from interstate.base.time import to_millis
from interstate.services.logs.errors import InvalidParameterException, ResourceAlreadyExistsException
from interstate.services.logs.locate import group_arn, group_at, tagged_group
from interstate.store.ports import Work
from interstate.store.records.logs import (
    CHUNKS,
    CHUNKS_BEFORE,
    CHUNKS_GONE,
    CHUNKS_OF_GONE_STREAM,
    GROUP_IDS,
    GROUPS,
    GROUPS_OF_SCOPE,
    STORED_BYTES,
    STREAMS,
    STREAMS_OF_GROUP,
    LogGroup,
    LogGroupId,
)

# Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
SWEEP_EVERY = timedelta(hours=6)
SWEEP_MAX = 200
LIST_MAX = 50


class CreateLogGroup(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str
    kms_key_id: str | None = None
    tags: dict[str, str] = {}
    log_group_class: str = "STANDARD"


class LogGroupRequest(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str


class DescribeLogGroups(msgspec.Struct, frozen=True, rename="camel"):
    account_identifiers: list[str] = []
    log_group_name_prefix: str = ""
    log_group_name_pattern: str = ""
    next_token: str = ""
    limit: int = LIST_MAX
    include_linked_accounts: bool = False
    log_group_class: str | None = None
    log_group_identifiers: list[str] = []


class PutRetentionPolicy(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str
    retention_in_days: int


class TagResource(msgspec.Struct, frozen=True, rename="camel"):
    resource_arn: str
    tags: dict[str, str]


class UntagResource(msgspec.Struct, frozen=True, rename="camel"):
    resource_arn: str
    tag_keys: list[str]


class ListTagsForResource(msgspec.Struct, frozen=True, rename="camel"):
    resource_arn: str


class TagLogGroup(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str
    tags: dict[str, str]


class UntagLogGroup(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str
    tags: list[str]


class Sweep(msgspec.Struct, frozen=True):
    """Drop the events of a group that its retention does not keep."""

    arn: str
    id: int


class Drop(msgspec.Struct, frozen=True):
    """Drop what a deleted group, or a deleted stream of a group, has left."""

    group_id: int
    stream: str | None = None
    up_to: int = 0


def create_log_group(request: CreateLogGroup, work: Work) -> None:
    """Create an empty group.

    Raises:
        ResourceAlreadyExistsException: the caller has a group of this name.
    """
    if work.get(GROUPS, group_arn(request.log_group_name, work.caller)) is not None:
        raise ResourceAlreadyExistsException("log group")
    new_group(work, work.caller, request.log_group_name, request)


def new_group(work: Work, caller: Caller, name: str, request: CreateLogGroup | None = None) -> LogGroup:
    """Write a group of the caller's account, which must not exist."""
    arn, number = group_arn(name, caller), work.next_id(GROUP_IDS)
    group = LogGroup(arn, number, f"{caller.account}/{caller.region}", name, work.now, {})
    if request is not None:
        group = msgspec.structs.replace(
            group, tags=request.tags, kms_key_id=request.kms_key_id, log_class=request.log_group_class
        )
    work.put(GROUP_IDS, LogGroupId(number, arn))
    work.put(GROUPS, group)
    return group


def delete_log_group(request: LogGroupRequest, work: Work) -> None:
    """Forget a group; its streams and events go in bounded steps.

    Raises:
        ResourceNotFoundException: there is no such group.
    """
    group = group_at(work, request.log_group_name)
    work.delete(GROUPS, group.arn)
    work.delete(GROUP_IDS, group.id)
    work.later("logs.drop", Drop(group.id))


def describe_log_groups(request: DescribeLogGroups, work: Work) -> dict[str, Any]:
    """The caller's groups in the order of their names."""
    if request.account_identifiers or request.include_linked_accounts:
        raise NotImplementedHere("log groups of linked accounts")
    if request.log_group_identifiers:
        return {"logGroups": [_shown(group_at(work, None, name), work) for name in request.log_group_identifiers]}
    scope = f"{work.caller.account}/{work.caller.region}"
    prefix = request.log_group_name_prefix
    found = work.select(GROUPS_OF_SCOPE, limit=request.limit + 1, scope=scope, after=request.next_token, first=prefix)
    found = [group for group in found if group.name.startswith(prefix)]
    page = found[: request.limit]
    pattern = request.log_group_name_pattern.lower()
    shown = [group for group in page if pattern in group.name.lower() and _of_class(group, request.log_group_class)]
    answer: dict[str, Any] = {"logGroups": [_shown(group, work) for group in shown]}
    if len(found) > request.limit:
        answer["nextToken"] = page[-1].name
    return answer


def _of_class(group: LogGroup, wanted: str | None) -> bool:
    return wanted is None or group.log_class == wanted


def _shown(group: LogGroup, work: Work) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "logGroupName": group.name,
        "creationTime": to_millis(group.created),
        "metricFilterCount": 0,
        "arn": f"{group.arn}:*",
        "logGroupArn": group.arn,
        "logGroupClass": group.log_class,
        "storedBytes": work.scalar(STORED_BYTES, group=group.id),
    }
    if group.retention_days is not None:
        shown["retentionInDays"] = group.retention_days
    if group.kms_key_id is not None:
        shown["kmsKeyId"] = group.kms_key_id
    return shown


# Retention --------------------------------------------------------------------------------------------------------


def put_retention_policy(request: PutRetentionPolicy, work: Work) -> None:
    """Keep events for so many days; older ones are dropped from now on.

    Raises:
        ResourceNotFoundException: there is no such group.
        InvalidParameterException: a number of days that the service does not offer.
    """
    group = group_at(work, request.log_group_name)
    days = request.retention_in_days
    if days not in RETENTION_DAYS:
        raise InvalidParameterException(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {list(RETENTION_DAYS)}"
        )
    due = work.later("logs.sweep", Sweep(group.arn, group.id)) if group.sweep is None else group.sweep
    work.put(GROUPS, msgspec.structs.replace(group, retention_days=days, sweep=due))


def delete_retention_policy(request: LogGroupRequest, work: Work) -> None:
    """Keep events for ever.

    Raises:
        ResourceNotFoundException: there is no such group.
    """
    group = group_at(work, request.log_group_name)
    work.put(GROUPS, msgspec.structs.replace(group, retention_days=None))


def sweep(body: Sweep, work: Work) -> None:
    """Drop a bounded number of chunks that are too old, and look again: at once if there are more, else later."""
    group = work.get(GROUPS, body.arn)
    if group is None or group.id != body.id:
        return
    if group.retention_days is None:
        work.put(GROUPS, msgspec.structs.replace(group, sweep=None))
        return
    before = work.now - timedelta(days=group.retention_days)
    old = work.select(CHUNKS_BEFORE, limit=SWEEP_MAX, group=group.id, before=before)
    gone = [chunk for chunk in old if chunk.last_at < before]
    freed: Counter[str] = Counter()
    for chunk in gone:
        work.delete(CHUNKS, chunk.id)
        freed[chunk.stream] += chunk.stored_bytes
    for name, size in freed.items():
        stream = work.get(STREAMS, group.id, name)
        if stream is not None:
            work.put(STREAMS, msgspec.structs.replace(stream, stored_bytes=max(0, stream.stored_bytes - size)))
    due = work.later("logs.sweep", body, at=work.now if len(gone) == SWEEP_MAX else work.now + SWEEP_EVERY)
    work.put(GROUPS, msgspec.structs.replace(group, sweep=due))


def drop(body: Drop, work: Work) -> None:
    """Drop a bounded part of what is left, and go on until nothing is."""
    if body.stream is not None:
        count = work.erase(
            CHUNKS_OF_GONE_STREAM, limit=SWEEP_MAX, group=body.group_id, stream=body.stream, up_to=body.up_to
        )
    else:
        count = work.erase(CHUNKS_GONE, limit=SWEEP_MAX, group=body.group_id)
        count = max(count, work.erase(STREAMS_OF_GROUP, limit=SWEEP_MAX, group=body.group_id))
    if count == SWEEP_MAX:
        work.later("logs.drop", body)


# Tags -------------------------------------------------------------------------------------------------------------


def tag_resource(request: TagResource, work: Work) -> None:
    """Add tags to a group, or change them."""
    _tag(tagged_group(work, request.resource_arn), request.tags, work)


def untag_resource(request: UntagResource, work: Work) -> None:
    """Take tags off a group."""
    _untag(tagged_group(work, request.resource_arn), request.tag_keys, work)


def list_tags_for_resource(request: ListTagsForResource, work: Work) -> dict[str, Any]:
    """The tags of a group."""
    return {"tags": tagged_group(work, request.resource_arn).tags}


def tag_log_group(request: TagLogGroup, work: Work) -> None:
    """Add tags to a group, or change them (the older form of TagResource)."""
    _tag(group_at(work, request.log_group_name), request.tags, work)


def untag_log_group(request: UntagLogGroup, work: Work) -> None:
    """Take tags off a group (the older form of UntagResource)."""
    _untag(group_at(work, request.log_group_name), request.tags, work)


def list_tags_log_group(request: LogGroupRequest, work: Work) -> dict[str, Any]:
    """The tags of a group (the older form of ListTagsForResource)."""
    return {"tags": group_at(work, request.log_group_name).tags}


def _tag(group: LogGroup, tags: dict[str, str], work: Work) -> None:
    work.put(GROUPS, msgspec.structs.replace(group, tags={**group.tags, **tags}))


def _untag(group: LogGroup, keys: list[str], work: Work) -> None:
    kept = {key: value for key, value in group.tags.items() if key not in keys}
    work.put(GROUPS, msgspec.structs.replace(group, tags=kept))
