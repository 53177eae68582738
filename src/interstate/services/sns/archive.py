"""What a FIFO topic keeps, and telling it again.

Source: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-archiving-replay.html
"""

from datetime import datetime, timedelta

import msgspec

from interstate.core.topics.attributes import archive_retention
from interstate.core.topics.errors import InvalidParameterException, ReplayLimitExceededException
from interstate.core.topics.message import Notification
from interstate.core.topics.subscribing import read_replay
from interstate.services.sns.subscribers import delivery_of, wanted
from interstate.store.ports import FOLLOW_AGAIN, Work, comes_again
from interstate.store.records.sns import (
    ARCHIVE,
    ARCHIVED_OF_TOPIC,
    ARCHIVED_SINCE,
    OLD_ARCHIVED,
    SUBSCRIPTIONS,
    TOPIC_SEQUENCES,
    TOPICS,
    Archived,
    Replay,
    Subscription,
    SweepArchive,
    Topic,
    TopicSequence,
)

SWEEP_EVERY = timedelta(days=1)
SWEEP_MAX = 500
REPLAY_PAGE = 50
_RUNNING = ("Pending", "In progress")


def keep(notification: Notification, topic: Topic, work: Work) -> None:
    """Archive a message of a topic that has an archive."""
    if "ArchivePolicy" not in topic.attributes:
        return
    work.put(ARCHIVE, Archived(work.next_id(ARCHIVE), topic.arn, work.now, notification))
    counted = work.get(TOPIC_SEQUENCES, topic.arn) or TopicSequence(topic.arn)
    if not counted.sweeps:
        work.put(TOPIC_SEQUENCES, msgspec.structs.replace(counted, sweeps=True))
        work.later("sns.sweep_archive", SweepArchive(topic.arn), at=work.now + SWEEP_EVERY)


def sweep(body: SweepArchive, work: Work) -> None:
    """Erase what is older than the topic keeps; all, when it has no archive any more."""
    topic, counted = work.get(TOPICS, body.topic), work.get(TOPIC_SEQUENCES, body.topic)
    if topic is None or counted is None:
        return
    policy = topic.attributes.get("ArchivePolicy")
    retention = archive_retention(policy) if policy else None
    before = work.now - retention if retention else work.now + timedelta(days=1)
    gone = work.erase(OLD_ARCHIVED, limit=SWEEP_MAX, topic=topic.arn, before=before)
    if gone == SWEEP_MAX:
        work.later("sns.sweep_archive", body, yields=True)
    elif retention:
        work.later("sns.sweep_archive", body, at=work.now + SWEEP_EVERY)
    else:
        work.put(TOPIC_SEQUENCES, msgspec.structs.replace(counted, sweeps=False))


def start_replay(subscription: Subscription, policy: str, work: Work) -> Subscription:
    """The subscription with its replay begun; an empty policy stops one.

    Raises:
        InvalidParameterException: the topic has no archive.
        ReplayLimitExceededException: another replay runs.
    """
    kept = {
        name: value for name, value in subscription.attributes.items() if name not in ("ReplayPolicy", "ReplayStatus")
    }
    if not policy or policy == "{}":
        return msgspec.structs.replace(subscription, attributes=kept)
    topic = work.get(TOPICS, subscription.topic)
    if topic is None or "ArchivePolicy" not in topic.attributes:
        raise InvalidParameterException("ReplayPolicy Reason: the topic has no ArchivePolicy")
    if subscription.attributes.get("ReplayStatus") in _RUNNING:
        raise ReplayLimitExceededException
    window = read_replay(policy)
    first = work.select(ARCHIVED_SINCE, limit=1, topic=topic.arn, since=window.start)
    until = min(window.end or work.now, work.now)
    after = first[0].id - 1 if first else 0
    work.later("sns.replay", Replay(subscription.arn, policy, after, until, work.next_id(ARCHIVE)))
    return msgspec.structs.replace(subscription, attributes={**kept, "ReplayPolicy": policy, "ReplayStatus": "Pending"})


def replay(body: Replay, work: Work) -> None:
    """Tell a page of the archive again, in order; the rest is a step of its own."""
    subscription = work.get(SUBSCRIPTIONS, body.subscription)
    if subscription is None or subscription.attributes.get("ReplayPolicy") != body.policy:
        return  # Stopped, or another began.
    if work.horizon() <= body.begun:  # Another node is still archiving what was published before the replay began.
        work.later("sns.replay", body, at=work.now + FOLLOW_AGAIN)
        return
    page = work.select(ARCHIVED_OF_TOPIC, limit=REPLAY_PAGE, topic=subscription.topic, after=body.after)
    topic = work.get(TOPICS, subscription.topic)
    for archived in page:
        if _is_within(archived, body.until) and wanted(subscription, archived.notification, work):
            delivery = delivery_of(archived.notification, subscription, topic)
            work.later("sns.delivery", msgspec.structs.replace(delivery, replayed=True))
    ends = (len(page) < REPLAY_PAGE and not work.withheld) or (bool(page) and not _is_within(page[-1], body.until))
    attributes = {**subscription.attributes, "ReplayStatus": "Completed" if ends else "In progress"}
    work.put(SUBSCRIPTIONS, msgspec.structs.replace(subscription, attributes=attributes))
    if not ends:
        going_on = msgspec.structs.replace(body, after=page[-1].id if page else body.after)
        work.later("sns.replay", going_on, at=comes_again(work), yields=True)


def _is_within(archived: Archived, until: datetime) -> bool:
    return archived.at <= until
