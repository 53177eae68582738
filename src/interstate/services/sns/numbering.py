"""FIFO topics number their messages and recognize repeated ones.

Source: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
"""

import msgspec

from interstate.core.topics.fifo import DEDUPLICATION, deduplication_scope, sequence_number
from interstate.core.topics.message import Notification
from interstate.store.ports import Work
from interstate.store.records.sns import (
    DEDUPLICATIONS_OF_TOPIC,
    OLD_DEDUPLICATIONS,
    TOPIC_DEDUPLICATIONS,
    TOPIC_SEQUENCES,
    Forget,
    Topic,
    TopicDeduplication,
    TopicSequence,
)

FORGET_MAX = 500


def numbered(notification: Notification, identity: str, topic: Topic, work: Work) -> tuple[Notification, bool]:
    """The message with its number, and whether it is new; of a repeated one, the first one's id and number."""
    assert notification.group_id is not None
    scope = deduplication_scope(notification.group_id, topic.attributes)
    known = work.get(TOPIC_DEDUPLICATIONS, topic.arn, scope, identity)
    if known is not None and known.expires > work.now:
        known_as = msgspec.structs.replace(notification, message_id=known.message_id, sequence=known.sequence)
        return known_as, False
    before = work.get(TOPIC_SEQUENCES, topic.arn) or TopicSequence(topic.arn)
    sequence = sequence_number(before.last + 1)
    expires = work.now + DEDUPLICATION
    if not before.forgets:
        work.later("sns.forget", Forget(topic.arn), at=expires)
    work.put(TOPIC_SEQUENCES, msgspec.structs.replace(before, last=before.last + 1, forgets=True))
    work.put(
        TOPIC_DEDUPLICATIONS,
        TopicDeduplication(topic.arn, scope, identity, notification.message_id, sequence, expires),
    )
    return msgspec.structs.replace(notification, sequence=sequence, deduplication_id=identity), True


def forget(body: Forget, work: Work) -> None:
    """Erase a page of what is older than five minutes, and come back while there is more."""
    gone = work.erase(OLD_DEDUPLICATIONS, limit=FORGET_MAX, topic=body.topic, now=work.now)
    rest = work.select(DEDUPLICATIONS_OF_TOPIC, limit=1, topic=body.topic)
    if rest:
        work.later(
            "sns.forget", body, at=work.now if gone == FORGET_MAX else rest[0].expires, yields=gone == FORGET_MAX
        )
        return
    before = work.get(TOPIC_SEQUENCES, body.topic)
    if before is not None:
        work.put(TOPIC_SEQUENCES, msgspec.structs.replace(before, forgets=False))
