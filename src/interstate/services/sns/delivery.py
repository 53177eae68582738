"""Deliveries: one message to one endpoint.

Queues, functions and the mailbox are in the store: their delivery is one commit with the end of its due row, and a
refusal is final (AWS does not retry client-side errors either). HTTP endpoints and gateways are outside: a POST is repeated
as the delivery policy says, under the same message id.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.json import dumps_bytes
from interstate.core.topics.delivery_policy import (
    DEFAULT,
    header_content_type,
    read_delivery_policy,
    receives_per_second,
)
from interstate.core.topics.envelope import (
    Envelope,
    envelope,
    lambda_event,
    notification_text,
    signed_text,
    unsubscribe_url,
)
from interstate.core.topics.message import Notification, settings_of
from interstate.core.topics.sms import plain_number
from interstate.services.sns.access import measure_all
from interstate.services.sns.letters import send_letter
from interstate.services.sns.outcomes import (
    DELIVERED,
    failed,
    log_success,
    on_behalf_of,
    queue_message,
    send,
    succeeded,
)
from interstate.services.sns.push import device_of, platform_text
from interstate.services.sns.signatures import gateways, open_stamp, stamp
from interstate.services.sqs.sealed import Sealed, deliver_sealed
from interstate.store.ports import Work
from interstate.store.records.sns import (
    ENDPOINTS,
    OPT_OUTS,
    PACES,
    SUBSCRIPTIONS,
    Delivery,
    HttpDelivery,
    HttpResult,
    LetterDelivery,
    Pace,
    Subscription,
)


def deliver(body: Delivery, work: Work) -> None:
    """Carry out one delivery inside the store, or hand it to who performs it outside."""
    match body.protocol:
        case "sqs":
            to_queues((body,), work)
        case "lambda":
            _to_function(body, work)
        case "http" | "https":
            work.later("sns.http", http_delivery(body, work), at=_paced(body, work))
        case "sms":
            _to_phone(body, work)
        case "application":
            _to_device(body, work)
        case _:
            _to_mail(body, work)


def content_of(body: Delivery, work: Work) -> str:
    """The message itself, or its signed envelope."""
    notification = body.notification
    if body.raw:
        return notification.text(body.protocol)
    if body.protocol == "sqs":
        return _open_envelope(body, work).text(body.subscription)
    signed = stamp(signed_text(notification, body.protocol), body.signature_version, work)
    return notification_text(notification, body.protocol, body.subscription, signed, replayed=body.replayed)


def _open_envelope(body: Delivery, work: Work) -> Envelope:
    """What all queues get that want an envelope; it is signed when it is read."""
    return envelope(body.notification, body.protocol, open_stamp(body.signature_version, work), replayed=body.replayed)


def to_queues(bodies: Sequence[Delivery], work: Work) -> None:
    """Carry out deliveries of one message to queues: what they get is written once, and counted once."""
    told: Envelope | None = None
    took = 0
    for body in bodies:
        if body.raw:
            content = body.notification.text(body.protocol)
        else:
            told = told or _open_envelope(body, work)
            content = told.text(body.subscription)
        took += _to_queue(body, content, work)
    if took:
        measure_all(bodies[0].notification.topic, DELIVERED, work, took)


def tell_queues(
    notification: Notification, subscriptions: Sequence[Subscription], version: str, work: Work
) -> list[tuple[Subscription, str, ServiceError]]:
    """Tell one message to standard queues that want its envelope; who did not take it, with what it was to get and why."""
    told = envelope(notification, "sqs", open_stamp(version, work))
    sealed = Sealed(told.before, told.after, version, notification.topic, notification.group_id)
    refused = deliver_sealed(sealed, tuple([(each.endpoint, each.arn) for each in subscriptions]), work)
    took = len(subscriptions) - len(refused)
    if took:
        measure_all(notification.topic, DELIVERED, work, took)
    if not refused:
        return []
    return [(subscriptions[at], told.text(subscriptions[at].arn), error) for at, error in refused.items()]


def _to_queue(body: Delivery, content: str, work: Work) -> bool:
    """Tells whether the queue took it, which is not counted yet."""
    notification = body.notification
    try:
        message = queue_message(body, content, body.endpoint)
        send(body.endpoint, message, notification.topic, work, trace=notification.trace)
    except ServiceError as error:
        failed(body, content, work, reason=error.message)
        return False
    if body.logged:
        log_success(body, work)
    return True


def _to_function(body: Delivery, work: Work) -> None:
    notification = body.notification
    signed = stamp(signed_text(notification, "lambda"), body.signature_version, work)
    request = {
        "FunctionName": body.endpoint,
        "InvocationType": "Event",
        "Payload": dumps_bytes(lambda_event(notification, body.subscription, signed)),
    }
    try:
        caller = msgspec.structs.replace(on_behalf_of(body.endpoint, notification.topic), trace=notification.trace)
        work.call("lambda", "Invoke", request, caller=caller)
    except ServiceError as error:
        content = notification_text(notification, "lambda", body.subscription, signed)
        failed(body, content, work, reason=error.message)
    else:
        succeeded(body, work, status=202)


def _to_mail(body: Delivery, work: Work) -> None:
    notification = body.notification
    subject = notification.subject or "AWS Notification Message"
    if body.protocol == "email-json":
        text = content_of(body, work)
    else:
        address = unsubscribe_url(gateways(work).address, body.subscription)
        text = (
            f"{notification.text(body.protocol)}\n\n--\n"
            f"If you wish to stop receiving notifications from this topic, please open the address below:\n{address}\n"
        )
    _send(body, subject, text, work)


def _to_phone(body: Delivery, work: Work) -> None:
    subscription = work.get(SUBSCRIPTIONS, body.subscription)
    number = plain_number(body.endpoint)
    text = body.notification.text("sms")
    if subscription is not None and work.get(OPT_OUTS, subscription.scope, number) is not None:
        failed(body, text, work, reason="Phone number is opted out")
        return
    _send(body, "", text, work, settings_of(body.notification.attributes))


def _to_device(body: Delivery, work: Work) -> None:
    endpoint = work.get(ENDPOINTS, body.endpoint)
    notification = body.notification
    if endpoint is None or not endpoint.enabled:
        failed(
            body, notification.default, work, reason="Endpoint is disabled" if endpoint else "Endpoint does not exist"
        )
        return
    _send(
        body,
        notification.subject or "",
        platform_text(endpoint, notification.default, notification.texts),
        work,
        {**settings_of(notification.attributes), **device_of(endpoint)},
    )


def _send(body: Delivery, subject: str, text: str, work: Work, attributes: dict[str, str] | None = None) -> None:
    notification = body.notification
    letter = LetterDelivery(
        body.protocol,
        body.endpoint,
        subject,
        text,
        notification.message_id,
        notification.topic,
        attributes=attributes or {},
        delivery=body,
    )
    send_letter(letter, notification.topic, work)


# HTTP --------------------------------------------------------------------------------------------------------------


def http_delivery(body: Delivery, work: Work) -> HttpDelivery:
    """The POST of a notification.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html (headers)
    """
    notification = body.notification
    headers = {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": notification.message_id,
        "x-amz-sns-topic-arn": notification.topic,
        "x-amz-sns-subscription-arn": body.subscription,
        "content-type": header_content_type(body.delivery_policy),
    }
    if body.raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    if notification.trace:
        headers["x-amzn-trace-id"] = notification.trace
    return HttpDelivery(
        body.endpoint,
        content_of(body, work),
        headers,
        notification.topic,
        delivery_policy=body.delivery_policy,
        dead_letters=body.dead_letters,
        delivery=body,
    )


def _paced(body: Delivery, work: Work) -> datetime | None:
    """When a subscription that is throttled may be told; at once otherwise."""
    rate = receives_per_second(body.delivery_policy)
    if rate is None:
        return None
    pace = work.get(PACES, body.subscription)
    at = work.now if pace is None else max(pace.next, work.now)
    work.put(PACES, Pace(body.subscription, at + timedelta(seconds=1 / rate)))
    return at


def finish_http(body: HttpDelivery, result: HttpResult, work: Work) -> None:
    """Take the answer of a POST: done, again later, or a dead letter."""
    if result.delivered:
        if body.delivery is not None:
            succeeded(body.delivery, work, status=result.status, attempts=body.attempt)
        return
    policy = read_delivery_policy(body.delivery_policy) if body.delivery_policy else DEFAULT
    delay = None if result.permanent else policy.delay(body.attempt)
    if delay is not None:
        work.later("sns.http", msgspec.structs.replace(body, attempt=body.attempt + 1), at=work.now + delay)
    elif body.delivery is not None:
        failed(body.delivery, body.content, work, status=result.status, reason=result.error, attempts=body.attempt)
