"""Queues themselves: their attributes, their life, their upkeep.

Source: SQS API Reference.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import msgspec

from interstate.base.json import JSONObject, dumps, loads
from interstate.base.time import to_millis
from interstate.core.queues.attributes import NAMES, RANGES, check_attributes, check_name
from interstate.core.queues.errors import (
    InvalidAttributeName,
    InvalidParameterValue,
    PurgeQueueInProgress,
    QueueDoesNotExist,
    QueueNameExists,
)
from interstate.services.sqs.locate import queue_at, queue_url, redrive, retention
from interstate.store.ports import Work
from interstate.store.records.sqs import (
    COUNT_DELAYED,
    COUNT_IN_FLIGHT,
    COUNT_VISIBLE,
    MESSAGES,
    OF_QUEUE,
    QUEUE_IDS,
    QUEUES,
    QUEUES_OF_SCOPE,
    SENT_BEFORE,
    Queue,
    QueueId,
)

SWEEP_EVERY = timedelta(hours=1)
SWEEP_MAX = 1000
PURGE_EVERY = timedelta(seconds=60)
LIST_MAX = 1000
_LISTED_ATTRIBUTES = frozenset(NAMES)


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


class AddPermission(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    label: str
    aws_account_ids: list[str] = msgspec.field(name="AWSAccountIds")
    actions: list[str]


class RemovePermission(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    label: str


class Sweep(msgspec.Struct, frozen=True):
    """Drop what a queue has kept long enough."""

    arn: str
    id: int


class Drop(msgspec.Struct, frozen=True):
    """Drop the messages of a queue that is gone or was purged, up to a message."""

    queue_id: int
    up_to: int


def create_queue(request: CreateQueue, work: Work) -> dict[str, Any]:
    """Create a queue; the same call again answers the same.

    Raises:
        QueueNameExists: a queue of this name has other attributes.
        InvalidParameterValue: the name is none, or there is no such queue for dead letters.
    """
    check_name(request.queue_name)
    attributes = check_attributes(request.attributes)
    _check_dead_letters(attributes, work)
    arn = work.caller.arn("sqs", request.queue_name)
    existing = work.get(QUEUES, arn)
    if existing is None:
        number = work.next_id(QUEUE_IDS)
        work.put(QUEUE_IDS, QueueId(number, arn))
        scope = f"{work.caller.account}/{work.caller.region}"
        work.put(QUEUES, Queue(arn, number, scope, request.queue_name, work.now, work.now, attributes, request.tags))
        work.later("sqs.sweep", Sweep(arn, number), at=work.now + SWEEP_EVERY)
    else:
        for name, value in attributes.items():
            if existing.attributes.get(name, str(RANGES[name][2]) if name in RANGES else None) != value:
                raise QueueNameExists(name)
    return {"QueueUrl": queue_url(work.caller, request.queue_name)}


def _check_dead_letters(attributes: Mapping[str, str], work: Work) -> None:
    policy = attributes.get("RedrivePolicy")
    if not policy:
        return
    target = cast("JSONObject", loads(policy))["deadLetterTargetArn"]
    if work.get(QUEUES, target) is None:
        raise InvalidParameterValue(
            f"Value {policy} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."
        )


def delete_queue(request: QueueRequest, work: Work) -> None:
    """Forget a queue; its messages go in bounded steps."""
    queue = queue_at(request.queue_url, work)
    work.delete(QUEUES, queue.arn)
    work.delete(QUEUE_IDS, queue.id)
    work.later("sqs.drop", Drop(queue.id, work.next_id(MESSAGES)))
    work.wake(f"sqs:{queue.arn}")


def purge_queue(request: QueueRequest, work: Work) -> None:
    """Drop the messages that are in the queue now.

    Raises:
        PurgeQueueInProgress: the last purge is less than 60 seconds ago.
    """
    queue = queue_at(request.queue_url, work)
    if queue.purged is not None and work.now < queue.purged + PURGE_EVERY:
        raise PurgeQueueInProgress(queue.name)
    work.put(QUEUES, msgspec.structs.replace(queue, purged=work.now))
    drop(Drop(queue.id, work.next_id(MESSAGES)), work)


def drop(body: Drop, work: Work) -> None:
    """Drop a page of messages; the rest is a step of its own."""
    page = work.select(OF_QUEUE, limit=SWEEP_MAX, queue=body.queue_id)
    gone = [message for message in page if message.id <= body.up_to]
    for message in gone:
        work.delete(MESSAGES, message.id)
    if len(page) == SWEEP_MAX and gone:
        work.later("sqs.drop", body)


def sweep(body: Sweep, work: Work) -> None:
    """Drop what is older than the retention period, every hour, a page at a time."""
    queue = work.get(QUEUES, body.arn)
    if queue is None or queue.id != body.id:
        return
    gone = work.erase(SENT_BEFORE, limit=SWEEP_MAX, queue=queue.id, before=work.now - retention(queue))
    work.later("sqs.sweep", body, at=work.now if gone == SWEEP_MAX else work.now + SWEEP_EVERY)


def get_queue_url(request: GetQueueUrl, work: Work) -> dict[str, Any]:
    """The URL of a queue by its name."""
    caller = work.caller
    if request.queue_owner_aws_account_id is not None:
        caller = msgspec.structs.replace(caller, account=request.queue_owner_aws_account_id)
    if work.get(QUEUES, caller.arn("sqs", request.queue_name)) is None:
        raise QueueDoesNotExist
    return {"QueueUrl": queue_url(caller, request.queue_name)}


def get_queue_attributes(request: GetQueueAttributes, work: Work) -> dict[str, Any]:
    """The attributes asked for; counts are exact here.

    Raises:
        InvalidAttributeName: no attribute has the name.
    """
    queue = queue_at(request.queue_url, work)
    names = set(request.attribute_names)
    for name in names - _LISTED_ATTRIBUTES - {"All"}:
        raise InvalidAttributeName(name)
    everything = _all_attributes(queue, work) if names else {}
    chosen = everything if "All" in names else {name: value for name, value in everything.items() if name in names}
    return {"Attributes": chosen} if chosen else {}


def _all_attributes(queue: Queue, work: Work) -> dict[str, str]:
    since = work.now - retention(queue)
    defaults = {
        name: str(default) for name, (_, _, default) in RANGES.items() if name != "KmsDataKeyReusePeriodSeconds"
    }
    return {
        **defaults,
        "SqsManagedSseEnabled": "true",
        **{name: value for name, value in queue.attributes.items() if value},
        "QueueArn": queue.arn,
        "CreatedTimestamp": str(to_millis(queue.created) // 1000),
        "LastModifiedTimestamp": str(to_millis(queue.modified) // 1000),
        "ApproximateNumberOfMessages": str(work.scalar(COUNT_VISIBLE, queue=queue.id, now=work.now, since=since)),
        "ApproximateNumberOfMessagesDelayed": str(work.scalar(COUNT_DELAYED, queue=queue.id, now=work.now)),
        "ApproximateNumberOfMessagesNotVisible": str(work.scalar(COUNT_IN_FLIGHT, queue=queue.id, now=work.now)),
    }


def set_queue_attributes(request: SetQueueAttributes, work: Work) -> None:
    """Change attributes; an empty text takes a policy back.

    Raises:
        InvalidParameterValue: there is no such queue for dead letters.
    """
    queue = queue_at(request.queue_url, work)
    changed = check_attributes(request.attributes)
    _check_dead_letters(changed, work)
    attributes = {**queue.attributes, **changed}
    kept = {name: value for name, value in attributes.items() if value}
    work.put(QUEUES, msgspec.structs.replace(queue, attributes=kept, modified=work.now))


def list_queues(request: ListQueues, work: Work) -> dict[str, Any]:
    """The caller's queues by name, a page at a time.

    Raises:
        InvalidParameterValue: more than 1,000 wanted.
    """
    page_max = _page_max(request.max_results)
    scope = f"{work.caller.account}/{work.caller.region}"
    found = work.select(
        QUEUES_OF_SCOPE, limit=page_max + 1, scope=scope, after=request.next_token, prefix=request.queue_name_prefix
    )
    queues = [queue for queue in found if queue.name.startswith(request.queue_name_prefix)]
    answer: dict[str, Any] = {}
    if queues:
        answer["QueueUrls"] = [queue_url(work.caller, queue.name) for queue in queues[:page_max]]
    if len(queues) > page_max and request.max_results is not None:
        answer["NextToken"] = queues[page_max - 1].name
    return answer


def list_dead_letter_source_queues(request: ListSources, work: Work) -> dict[str, Any]:
    """The queues whose dead letters come here."""
    target = queue_at(request.queue_url, work)
    page_max = _page_max(request.max_results)
    scope = f"{work.caller.account}/{work.caller.region}"
    queues = work.select(QUEUES_OF_SCOPE, limit=10_000, scope=scope, after=request.next_token, prefix="")
    sources = [queue.name for queue in queues if (policy := redrive(queue)) is not None and policy.target == target.arn]
    answer: dict[str, Any] = {"queueUrls": [queue_url(work.caller, name) for name in sources[:page_max]]}
    if len(sources) > page_max:
        answer["NextToken"] = sources[page_max - 1]
    return answer


def _page_max(wanted: int | None) -> int:
    if wanted is not None and not 1 <= wanted <= LIST_MAX:
        raise InvalidParameterValue(
            f"Value {wanted} for parameter MaxResults is invalid. Reason: Must be between 1 and {LIST_MAX}, if provided."
        )
    return wanted or LIST_MAX


def add_permission(request: AddPermission, work: Work) -> None:
    """Add a statement to the queue's policy. Policies are stored, not enforced."""
    queue = queue_at(request.queue_url, work)
    policy = _policy(queue)
    if any(statement.get("Sid") == request.label for statement in policy["Statement"]):
        raise InvalidParameterValue(f"Value {request.label} for parameter Label is invalid. Reason: Already exists.")
    policy["Statement"].append(
        {
            "Sid": request.label,
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in request.aws_account_ids]},
            "Action": [f"SQS:{action}" for action in request.actions],
            "Resource": queue.arn,
        }
    )
    _save_policy(queue, policy, work)


def remove_permission(request: RemovePermission, work: Work) -> None:
    """Take a statement out of the queue's policy."""
    queue = queue_at(request.queue_url, work)
    policy = _policy(queue)
    kept = [statement for statement in policy["Statement"] if statement.get("Sid") != request.label]
    if len(kept) == len(policy["Statement"]):
        raise InvalidParameterValue(
            f"Value {request.label} for parameter Label is invalid. Reason: can't find label on existing policy."
        )
    _save_policy(queue, {**policy, "Statement": kept}, work)


def _policy(queue: Queue) -> dict[str, Any]:
    text = queue.attributes.get("Policy")
    if not text:
        return {"Version": "2012-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []}
    policy = loads(text)
    assert isinstance(policy, dict)
    statements = policy.get("Statement", [])
    return {**policy, "Statement": list(statements) if isinstance(statements, list) else [statements]}


def _save_policy(queue: Queue, policy: dict[str, Any], work: Work) -> None:
    attributes = {**queue.attributes, "Policy": dumps(policy)}
    work.put(QUEUES, msgspec.structs.replace(queue, attributes=attributes, modified=work.now))
