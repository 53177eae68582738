"""Queues themselves: their attributes, their life, their upkeep.

Source: SQS API Reference.
"""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import msgspec

from interstate.base.json import JSONObject, loads
from interstate.base.time import to_millis
from interstate.core.queues.attributes import (
    NAMES,
    allows_source,
    changed_attributes,
    check_attributes,
    check_tags,
    differing,
    new_attributes,
    shown_attributes,
)
from interstate.core.queues.errors import (
    AccessDenied,
    InvalidAttributeName,
    InvalidParameterValue,
    MissingParameter,
    PurgeQueueInProgress,
    QueueDeletedRecently,
    QueueDoesNotExist,
    QueueNameExists,
    QueueNotForYou,
)
from interstate.services.sqs.locate import (
    check_access,
    fifo_setting,
    own_queue,
    queue_for,
    queue_url,
    redrive,
    retention,
)
from interstate.services.sqs.upkeep import SWEEP_EVERY, Drop, ReleaseName, Sweep, drop
from interstate.store.ports import Work
from interstate.store.records.sqs import (
    COUNT_DELAYED,
    COUNT_EXPIRED,
    COUNT_IN_FLIGHT,
    DELETED_QUEUES,
    DEPTH,
    FORGETS,
    MESSAGES,
    QUEUE_IDS,
    QUEUES,
    QUEUES_OF_SCOPE,
    DeletedQueue,
    Queue,
    QueueId,
)

PURGE_EVERY = timedelta(seconds=60)
DELETED_FOR = timedelta(seconds=60)
LIST_MAX = 1000
_LISTED_ATTRIBUTES = frozenset(NAMES)
_OF_FIFO_QUEUES = frozenset({"FifoQueue", "ContentBasedDeduplication"})
"""What standard queues are not asked for. Source: https://github.com/aws/aws-sdk-ruby/issues/1350 (the service's answer)."""


class CreateQueue(msgspec.Struct, frozen=True, rename="pascal"):
    queue_name: str
    attributes: dict[str, str] = {}
    tags: dict[str, str] = msgspec.field(name="tags", default_factory=dict)


class QueueRequest(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str


class GetQueueUrl(msgspec.Struct, frozen=True, rename="pascal"):
    queue_name: str
    queue_owner_aws_account_id: str | None = msgspec.field(name="QueueOwnerAWSAccountId", default=None)


class GetQueueAttributes(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    attribute_names: list[str] = []


class SetQueueAttributes(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    attributes: dict[str, str]


class ListQueues(msgspec.Struct, frozen=True, rename="pascal"):
    queue_name_prefix: str = ""
    next_token: str = ""
    max_results: int | None = None


class ListSources(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    next_token: str = ""
    max_results: int | None = None


def create_queue(request: CreateQueue, work: Work) -> dict[str, Any]:
    """Create a queue; the same call again answers the same.

    Raises:
        QueueNameExists: a queue of this name has other attributes.
        QueueDeletedRecently: a queue of this name was deleted less than a minute ago.
        InvalidParameterValue: the name is none, or there is no such queue for dead letters.
    """
    name = request.queue_name
    attributes = new_attributes(name, request.attributes)
    arn = work.caller.arn("sqs", name)
    existing = work.get(QUEUES, arn)
    if existing is not None:
        shown = shown_attributes(existing.attributes, fifo=existing.is_fifo)
        wanted = {**check_attributes(request.attributes, fifo=existing.is_fifo), **attributes}
        other = differing(wanted, shown)
        if other is not None:
            raise QueueNameExists(other)
        return {"QueueUrl": queue_url(work.caller, name)}
    deleted = work.get(DELETED_QUEUES, arn)
    if deleted is not None and work.now < deleted.deleted + DELETED_FOR:
        raise QueueDeletedRecently
    _check_dead_letters(arn, request.attributes, work)
    check_tags(request.tags)
    number = work.next_id(QUEUE_IDS)
    work.put(QUEUE_IDS, QueueId(number, arn))
    scope = f"{work.caller.account}/{work.caller.region}"
    work.put(QUEUES, Queue(arn, number, scope, name, work.now, work.now, attributes, request.tags))
    work.later("sqs.sweep", Sweep(arn, number), at=work.now + SWEEP_EVERY)
    return {"QueueUrl": queue_url(work.caller, name)}


def _check_dead_letters(source_arn: str, attributes: Mapping[str, str], work: Work) -> None:
    """A redrive policy names a queue that is there, of the same type, account and region, and that allows it."""
    policy = attributes.get("RedrivePolicy")
    if not policy:
        return
    target_arn = cast("JSONObject", loads(policy))["deadLetterTargetArn"]
    target = work.get(QUEUES, target_arn)
    reason = None
    if target is None or target_arn.rpartition(":")[0] != source_arn.rpartition(":")[0]:
        reason = "Dead letter target does not exist."
    elif target.is_fifo != source_arn.endswith(".fifo"):
        reason = "Dead letter queue must be same type of queue as the source."
    elif not allows_source(target.attributes.get("RedriveAllowPolicy"), source_arn):
        reason = f"The redrive allow policy of {target_arn} does not allow {source_arn} as a source queue."
    if reason is not None:
        raise InvalidParameterValue(f"Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}")


def delete_queue(request: QueueRequest, work: Work) -> None:
    """Forget a queue; its messages go in bounded steps, its name is free after a minute."""
    queue = own_queue("DeleteQueue", request.queue_url, work)
    work.delete(QUEUES, queue.arn)
    work.delete(QUEUE_IDS, queue.id)
    work.delete(FORGETS, queue.id)
    work.put(DELETED_QUEUES, DeletedQueue(queue.arn, work.now))
    work.later("sqs.release-name", ReleaseName(queue.arn), at=work.now + DELETED_FOR)
    work.later("sqs.drop", Drop(queue.id, work.next_id(MESSAGES), deleted=True))
    work.wake(f"sqs:{queue.arn}")


def purge_queue(request: QueueRequest, work: Work) -> None:
    """Drop the messages that are in the queue now, and forget their deduplication.

    Raises:
        PurgeQueueInProgress: the last purge is less than 60 seconds ago.
    """
    queue = queue_for("PurgeQueue", request.queue_url, work)
    if queue.purged is not None and work.now < queue.purged + PURGE_EVERY:
        raise PurgeQueueInProgress(queue.name)
    up_to = work.next_id(MESSAGES)
    work.put(QUEUES, msgspec.structs.replace(queue, purged=work.now, purged_to=up_to))
    drop(Drop(queue.id, up_to), work)


def get_queue_url(request: GetQueueUrl, work: Work) -> dict[str, Any]:
    """The URL of a queue by its name.

    Raises:
        QueueDoesNotExist: there is none, or the caller may not know.
    """
    caller, owner = work.caller, request.queue_owner_aws_account_id
    absent = QueueDoesNotExist() if owner in (None, caller.account) else QueueNotForYou()
    if owner is not None:
        caller = msgspec.structs.replace(caller, account=owner)
    queue = work.get(QUEUES, caller.arn("sqs", request.queue_name))
    if queue is None:
        raise absent
    try:
        check_access(queue, "GetQueueUrl", work)
    except AccessDenied as error:
        raise absent from error
    return {"QueueUrl": queue_url(caller, request.queue_name)}


def get_queue_attributes(request: GetQueueAttributes, work: Work) -> dict[str, Any]:
    """The attributes asked for; counts are exact here.

    Raises:
        InvalidAttributeName: no attribute has the name.
    """
    queue = queue_for("GetQueueAttributes", request.queue_url, work)
    names = set(request.attribute_names)
    unknown = names - _LISTED_ATTRIBUTES - {"All"}
    if not queue.is_fifo:
        unknown |= names & _OF_FIFO_QUEUES
    if unknown:
        raise InvalidAttributeName(min(unknown))
    everything = _all_attributes(queue, work) if names else {}
    chosen = everything if "All" in names else {name: value for name, value in everything.items() if name in names}
    return {"Attributes": chosen} if chosen else {}


def _all_attributes(queue: Queue, work: Work) -> dict[str, str]:
    return {
        **shown_attributes(queue.attributes, fifo=queue.is_fifo),
        "QueueArn": queue.arn,
        "CreatedTimestamp": str(to_millis(queue.created) // 1000),
        "LastModifiedTimestamp": str(to_millis(queue.modified) // 1000),
        **_counts(queue, work),
    }


def _counts(queue: Queue, work: Work) -> dict[str, str]:
    """The depth is kept as a number; what is hidden of it is counted."""
    delayed = work.scalar(COUNT_DELAYED, queue=queue.id, now=work.now)
    in_flight = work.scalar(COUNT_IN_FLIGHT, queue=queue.id, now=work.now)
    expired = work.scalar(COUNT_EXPIRED, queue=queue.id, now=work.now, since=work.now - retention(queue))
    visible = work.scalar(DEPTH, queue=queue.id) - delayed - in_flight - expired
    return {
        "ApproximateNumberOfMessages": str(max(0, visible)),
        "ApproximateNumberOfMessagesDelayed": str(delayed),
        "ApproximateNumberOfMessagesNotVisible": str(in_flight),
    }


def set_queue_attributes(request: SetQueueAttributes, work: Work) -> None:
    """Change attributes; an empty text takes a policy back.

    Raises:
        MissingParameter: no attribute is given.
        InvalidAttributeName: an attribute that cannot be set, or two kinds of encryption.
        InvalidAttributeValue: a value out of its range or shape, or another type of queue.
        InvalidParameterValue: there is no such queue for dead letters.
    """
    queue = own_queue("SetQueueAttributes", request.queue_url, work)
    if not request.attributes:  # Source: https://github.com/pulumi/pulumi-aws/issues/5959 (the service's answer).
        raise MissingParameter("Attribute.Name")
    changed, attributes = changed_attributes(queue.attributes, request.attributes, fifo=queue.is_fifo)
    _check_dead_letters(queue.arn, request.attributes, work)
    after = msgspec.structs.replace(queue, attributes=attributes, modified=work.now)
    if queue.is_fifo and fifo_setting(queue, "DeduplicationScope") != fifo_setting(after, "DeduplicationScope"):
        scope = fifo_setting(queue, "DeduplicationScope")
        after = msgspec.structs.replace(after, scope_before=scope, scope_changed=work.now)
    work.put(QUEUES, after)
    if {"DelaySeconds", "VisibilityTimeout", "RedrivePolicy"} & changed.keys():
        work.wake(f"sqs:{queue.arn}", one=True)


def list_queues(request: ListQueues, work: Work) -> dict[str, Any]:
    """The caller's queues by name, a page at a time.

    Raises:
        InvalidParameterValue: more than 1,000 wanted.
    """
    page_max = _page_max(request.max_results)
    scope = f"{work.caller.account}/{work.caller.region}"
    after = _after(request.next_token)
    found = work.select(QUEUES_OF_SCOPE, limit=page_max + 1, scope=scope, after=after, prefix=request.queue_name_prefix)
    queues = [queue for queue in found if queue.name.startswith(request.queue_name_prefix)]
    answer: dict[str, Any] = {}
    if queues:
        answer["QueueUrls"] = [queue_url(work.caller, queue.name) for queue in queues[:page_max]]
    if len(queues) > page_max and request.max_results is not None:
        answer["NextToken"] = _token(queues[page_max - 1].name)
    return answer


def list_dead_letter_source_queues(request: ListSources, work: Work) -> dict[str, Any]:
    """The queues whose dead letters come here."""
    target = queue_for("ListDeadLetterSourceQueues", request.queue_url, work)
    page_max = _page_max(request.max_results)
    scope = f"{work.caller.account}/{work.caller.region}"
    queues = work.select(QUEUES_OF_SCOPE, limit=10_000, scope=scope, after=_after(request.next_token), prefix="")
    sources = [queue.name for queue in queues if (policy := redrive(queue)) is not None and policy.target == target.arn]
    answer: dict[str, Any] = {"queueUrls": [queue_url(work.caller, name) for name in sources[:page_max]]}
    if len(sources) > page_max and request.max_results is not None:
        answer["NextToken"] = _token(sources[page_max - 1])
    return answer


def _token(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode()


def _after(token: str) -> str:
    try:
        return b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise InvalidParameterValue("Invalid or expired next token.") from None


def _page_max(wanted: int | None) -> int:
    if wanted is not None and not 1 <= wanted <= LIST_MAX:
        raise InvalidParameterValue(
            f"Value {wanted} for parameter MaxResults is invalid. Reason: Must be between 1 and {LIST_MAX}, if provided."
        )
    return wanted or LIST_MAX
