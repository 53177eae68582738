"""How a delivery ended: counted, logged where the topic says so, and kept as a dead letter when it failed.

Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html (delivery status)
"""

import contextlib
from functools import lru_cache
from hashlib import md5

import msgspec

from interstate.base.arn import Caller, caller_of
from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.base.time import to_millis
from interstate.core.topics.attributes import feedback, sample_rate
from interstate.core.topics.message import settings_of
from interstate.services.sns.access import measure, owner_of
from interstate.services.sqs.inside import deliver as put
from interstate.services.sqs.sending import Outgoing
from interstate.store.ports import Work
from interstate.store.records.sns import TOPICS, Delivery

# Source: https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
RAW_ATTRIBUTES_MAX = 10
FIFO = ".fifo"


DELIVERED = "NumberOfNotificationsDelivered"


def succeeded(delivery: Delivery, work: Work, *, status: int = 200, attempts: int = 1) -> None:
    """The endpoint took it."""
    measure(delivery.notification.topic, DELIVERED, work)
    if delivery.logged:
        log_success(delivery, work, status=status, attempts=attempts)


def log_success(delivery: Delivery, work: Work, *, status: int = 200, attempts: int = 1) -> None:
    """The topic's log says that the endpoint took it."""
    _log(delivery, work, delivered=True, status=status, reason="", attempts=attempts)


def failed(
    delivery: Delivery, content: str, work: Work, *, status: int = 400, reason: str = "", attempts: int = 1
) -> None:
    """It will not be tried again: a dead letter, where the subscription has a queue for them."""
    topic = delivery.notification.topic
    measure(topic, "NumberOfNotificationsFailed", work)
    if delivery.logged:
        _log(delivery, work, delivered=False, status=status, reason=reason, attempts=attempts)
    if delivery.dead_letters is None:
        return
    if dead_letter(delivery.dead_letters, queue_message(delivery, content, delivery.dead_letters), topic, work):
        measure(topic, "NumberOfNotificationsRedrivenToDlq", work)
    else:
        measure(topic, "NumberOfNotificationsFailedToRedriveToDlq", work)


def queue_message(delivery: Delivery, content: str, queue: str) -> Outgoing:
    """What a queue gets: the envelope, or the message with its attributes.

    An envelope for a queue has a seal: its signature is made when it is read.
    """
    notification = delivery.notification
    group = deduplication = None
    if queue.endswith(FIFO):
        group = notification.group_id or notification.message_id
        deduplication = notification.deduplication_id or notification.message_id
    elif delivery.protocol == "sqs":
        group = notification.group_id
    if delivery.raw:
        own = settings_of(notification.attributes)  # Names that no queue takes, about phones and devices.
        attributes = {name: value.api() for name, value in notification.attributes.items() if name not in own}
        return Outgoing(content, attributes=attributes, deduplication_id=deduplication, group_id=group)
    seal = delivery.signature_version if delivery.protocol == "sqs" else ""
    return Outgoing(content, deduplication_id=deduplication, group_id=group, seal=seal)


def send(queue: str, message: Outgoing, topic: str, work: Work, *, trace: str = "") -> None:
    """Send to a queue by its ARN, as SNS on behalf of the topic, within a trace.

    Raises:
        ServiceError: the queue refused.
    """
    if message.attributes and len(message.attributes) > RAW_ATTRIBUTES_MAX:
        msg = f"A message has at most {RAW_ATTRIBUTES_MAX} attributes in a queue."
        raise ServiceError(msg, code="InvalidParameterValue")
    caller = on_behalf_of(queue, topic)
    if trace:
        caller = msgspec.structs.replace(caller, trace=trace)
    put(queue, message, work, caller)


@lru_cache(maxsize=4096)
def on_behalf_of(endpoint: str, topic: str) -> Caller:
    """SNS, for a topic, in the account and region where the endpoint lives."""
    return caller_of(endpoint).on_behalf_of("sns.amazonaws.com", source_arn=topic)


def dead_letter(queue: str, message: Outgoing, topic: str, work: Work) -> bool:
    """Keep what could not be delivered; when the dead-letter queue refuses it too, it is lost, as on AWS.

    More attributes than a queue takes may be why it could not be delivered: then the text is kept without them.
    """
    if message.attributes and len(message.attributes) > RAW_ATTRIBUTES_MAX:
        message = msgspec.structs.replace(message, attributes=None)
    try:
        send(queue, message, topic, work)
    except ServiceError:
        return False
    return True


# Delivery status ---------------------------------------------------------------------------------------------------


def _log(delivery: Delivery, work: Work, *, delivered: bool, status: int, reason: str, attempts: int) -> None:
    """Write how it ended into the topic's log group; of successes, the share that the topic asks for."""
    notification = delivery.notification
    topic = work.get(TOPICS, notification.topic)
    if topic is None or not feedback(topic.attributes, delivery.protocol, delivered=delivered):
        return
    if delivered and work.entropy.integer(100) >= sample_rate(topic.attributes, delivery.protocol):
        return
    text = notification.text(delivery.protocol)
    entry = {
        "notification": {
            "messageMD5Sum": md5(text.encode(), usedforsecurity=False).hexdigest(),
            "messageId": notification.message_id,
            "topicArn": notification.topic,
            "timestamp": f"{notification.at:%Y-%m-%d %H:%M:%S}.{notification.at.microsecond // 1000:03d}",
        },
        "delivery": {
            "deliveryId": work.entropy.uuid(),
            "destination": delivery.endpoint,
            "providerResponse": reason or "OK",
            "dwellTimeMs": to_millis(work.now) - to_millis(notification.at),
            "attempts": attempts,
            "statusCode": status,
        },
        "status": "SUCCESS" if delivered else "FAILURE",
    }
    owner = owner_of(notification.topic)
    group = f"sns/{owner.region}/{owner.account}/{topic.name}{'' if delivered else '/Failure'}"
    _write(group, dumps(entry), owner, work)


def _write(group: str, line: str, owner: Caller, work: Work) -> None:
    stream = work.entropy.uuid()
    with contextlib.suppress(ServiceError):  # It is there already.
        work.call("logs", "CreateLogGroup", {"logGroupName": group}, caller=owner)
    with contextlib.suppress(ServiceError):  # A log that cannot be written does not hold up a delivery.
        work.call("logs", "CreateLogStream", {"logGroupName": group, "logStreamName": stream}, caller=owner)
        events = [{"timestamp": to_millis(work.now), "message": line}]
        request = {"logGroupName": group, "logStreamName": stream, "logEvents": events}
        work.call("logs", "PutLogEvents", request, caller=owner)
