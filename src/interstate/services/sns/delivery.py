"""Deliveries: one message to one endpoint, and what becomes of those that fail.

Queues, functions and the mailbox are in the store: their delivery is one commit with the end of its due row, and a
refusal is final (AWS does not retry client-side errors either). HTTP endpoints are outside: a POST is repeated as the
delivery policy says. What cannot be delivered goes to the subscription's dead-letter queue, as it would have been delivered
to a queue; without one it is dropped.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from interstate.base.arn import Caller, caller_of, parse_arn
from interstate.base.errors import ServiceError
from interstate.base.json import dumps_bytes
from interstate.core.topics.delivery_policy import DEFAULT, read_delivery_policy
from interstate.core.topics.envelope import lambda_event, notification_text, unsubscribe_url
from interstate.services.sns.mailbox import Letter, put_mail
from interstate.store.ports import Work
from interstate.store.records.sns import Delivery, HttpDelivery, HttpResult

# Source: https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
RAW_ATTRIBUTES_MAX = 10


def deliver(body: Delivery, work: Work) -> None:
    """Carry out one delivery inside the store, or hand it to the HTTP performer."""
    match body.protocol:
        case "sqs":
            _or_dead_letter(body, work, _to_queue)
        case "lambda":
            _or_dead_letter(body, work, _to_function)
        case "http" | "https":
            work.later("sns.http", http_delivery(body))
        case _:
            _to_mailbox(body, work)


def _or_dead_letter(body: Delivery, work: Work, deliver_to: Callable[[Delivery, Work], None]) -> None:
    try:
        deliver_to(body, work)
    except ServiceError:
        if body.dead_letters is not None:
            dead_letter(body.dead_letters, _queue_message(body), work)


def _to_queue(body: Delivery, work: Work) -> None:
    send(body.endpoint, _queue_message(body), work)


def _queue_message(body: Delivery) -> dict[str, Any]:
    """The members of SendMessage: the envelope, or the message with its attributes."""
    notification = body.notification
    message: dict[str, Any] = {}
    if notification.group_id is not None and body.protocol == "sqs":
        message["MessageGroupId"] = notification.group_id
    if not body.raw:
        message["MessageBody"] = notification_text(notification, body.protocol, body.subscription)
        return message
    message["MessageBody"] = notification.text(body.protocol)
    if notification.attributes:
        message["MessageAttributes"] = {name: value.api() for name, value in notification.attributes.items()}
    return message


def send(queue: str, message: dict[str, Any], work: Work) -> None:
    """Send to a queue by its ARN.

    Raises:
        ServiceError: the queue refused.
    """
    if len(message.get("MessageAttributes", ())) > RAW_ATTRIBUTES_MAX:
        msg = f"A message has at most {RAW_ATTRIBUTES_MAX} attributes in a queue."
        raise ServiceError(msg, code="InvalidParameterValue")
    url, caller = _address(queue)
    work.call("sqs", "SendMessage", {"QueueUrl": url, **message}, caller=caller)


@lru_cache(maxsize=4096)
def _address(queue: str) -> tuple[str, Caller]:
    """The URL of a queue's ARN, and the account and region in which it means something."""
    arn = parse_arn(queue)
    assert arn is not None, queue
    return f"http://localhost/{arn.account}/{arn.resource}", caller_of(queue)


def dead_letter(queue: str, message: dict[str, Any], work: Work) -> None:
    """Keep what could not be delivered; when the dead-letter queue refuses it too, it is lost, as on AWS.

    More attributes than a queue takes may be why it could not be delivered: then the text is kept without them.
    """
    attributes = message.get("MessageAttributes", {})
    if len(attributes) > RAW_ATTRIBUTES_MAX:
        message = {name: value for name, value in message.items() if name != "MessageAttributes"}
    try:
        send(queue, message, work)
    except ServiceError:
        return


def _to_function(body: Delivery, work: Work) -> None:
    request = {
        "FunctionName": body.endpoint,
        "InvocationType": "Event",
        "Payload": dumps_bytes(lambda_event(body.notification, body.subscription)),
    }
    work.call("lambda", "Invoke", request, caller=caller_of(body.endpoint))


def _to_mailbox(body: Delivery, work: Work) -> None:
    notification = body.notification
    subject = notification.subject or "AWS Notification Message"
    text = notification.text(body.protocol)
    match body.protocol:
        case "email-json":
            text = notification_text(notification, body.protocol, body.subscription)
        case "email":
            text += (
                "\n\n--\nIf you wish to stop receiving notifications from this topic, please open the address below:\n"
                f"{unsubscribe_url(body.subscription)}\n"
            )
        case _:
            subject = ""
    letter = Letter(body.protocol, body.endpoint, subject, text, notification.message_id, notification.topic)
    put_mail(letter, caller_of(notification.topic), work)


# HTTP --------------------------------------------------------------------------------------------------------------


def http_delivery(body: Delivery) -> HttpDelivery:
    """The POST of a notification.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html (headers)
    """
    notification = body.notification
    headers = {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": notification.message_id,
        "x-amz-sns-topic-arn": notification.topic,
        "x-amz-sns-subscription-arn": body.subscription,
    }
    if body.raw:
        headers["x-amz-sns-rawdelivery"] = "true"
        content = notification.text(body.protocol)
    else:
        content = notification_text(notification, body.protocol, body.subscription)
    return HttpDelivery(
        body.endpoint,
        content,
        headers,
        notification.topic,
        delivery_policy=body.delivery_policy,
        dead_letters=body.dead_letters,
    )


def finish_http(body: HttpDelivery, result: HttpResult, work: Work) -> None:
    """Take the answer of a POST: done, again later, or a dead letter."""
    if result.delivered:
        return
    policy = read_delivery_policy(body.delivery_policy) if body.delivery_policy else DEFAULT
    delay = None if result.permanent else policy.delay(body.attempt)
    if delay is not None:
        work.later("sns.http", msgspec.structs.replace(body, attempt=body.attempt + 1), at=work.now + delay)
    elif body.dead_letters is not None:
        dead_letter(body.dead_letters, {"MessageBody": body.content}, work)
