"""Confirmations: an endpoint says that it wants to be told, and that it wants no more.

Queues and functions are confirmed at once. An HTTP endpoint is sent a token and opens the address with it. A mail address
gets a mail. In the local mailbox nobody sits, so it opens the link by itself, in a step of its own: the API answers as AWS
does ("pending confirmation"), and mails still arrive. A token is valid for two days.

Source: SNS API Reference, ConfirmSubscription; https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.time import to_iso
from interstate.core.topics.envelope import Confirmation, subscribe_url
from interstate.core.topics.errors import InvalidParameterException, NotFoundException
from interstate.services.sns.access import check_arn, owner_of
from interstate.services.sns.letters import send_letter
from interstate.services.sns.signatures import gateways, stamp
from interstate.store.ports import Work
from interstate.store.records.sns import (
    ENDED,
    SUBSCRIPTIONS,
    SUBSCRIPTIONS_OF_TOKEN,
    TOPICS,
    Ended,
    Expire,
    HttpDelivery,
    LetterDelivery,
    MailConfirmation,
    Subscription,
)

VALID = timedelta(days=2)
"""Source: SNS API Reference, Subscribe: "Confirmation tokens are valid for two days"."""


class ConfirmSubscription(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    token: str
    authenticate_on_unsubscribe: str | None = None


def ask_to_confirm(subscription: Subscription, work: Work) -> None:
    """Send the address that confirms: to the endpoint, or by mail."""
    work.later("sns.expire", Expire(subscription.arn, subscription.token), at=work.now + VALID)
    if subscription.protocol in ("http", "https"):
        _post("SubscriptionConfirmation", subscription, subscription.token, work)
        return
    url = subscribe_url(gateways(work).address, subscription.topic, subscription.token)
    text = (
        f"You have chosen to subscribe to the topic:\n{subscription.topic}\n\n"
        f"To confirm this subscription, open:\n{url}\n\nIf this was in error, nothing needs to be done.\n"
    )
    subject = "AWS Notification - Subscription Confirmation"
    letter = LetterDelivery(
        subscription.protocol, subscription.endpoint, subject, text, work.entropy.uuid(), subscription.topic
    )
    send_letter(letter, subscription.topic, work)
    if not gateways(work).mail:
        work.later("sns.mail_confirmation", MailConfirmation(subscription.arn, subscription.token))


def tell_the_end(subscription: Subscription, work: Work) -> None:
    """Tell an HTTP endpoint that its subscription ended, with an address that brings it back."""
    token = work.entropy.hex(64) + work.entropy.hex(64)
    work.put(ENDED, Ended(token, subscription))
    work.later("sns.expire", Expire("", token), at=work.now + VALID)
    _post("UnsubscribeConfirmation", subscription, token, work)


def _post(kind: str, subscription: Subscription, token: str, work: Work) -> None:
    url = subscribe_url(gateways(work).address, subscription.topic, token)
    told = Confirmation(kind, work.entropy.uuid(), subscription.topic, token, url, to_iso(work.now), subscription.arn)
    topic = work.get(TOPICS, subscription.topic)
    version = "1" if topic is None else topic.attributes.get("SignatureVersion", "1")
    headers = {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": told.message_id,
        "x-amz-sns-topic-arn": subscription.topic,
    }
    if kind == "UnsubscribeConfirmation":
        headers["x-amz-sns-subscription-arn"] = subscription.arn
    content = told.text(stamp(told.signed_text(), version, work))
    work.later("sns.http", HttpDelivery(subscription.endpoint, content, headers, subscription.topic))


def expire(body: Expire, work: Work) -> None:
    """Forget who did not confirm in time, and what could have been brought back."""
    work.delete(ENDED, body.token)
    subscription = work.get(SUBSCRIPTIONS, body.subscription)
    if subscription is not None and subscription.token == body.token and not subscription.confirmed:
        work.delete(SUBSCRIPTIONS, subscription.arn)


def confirm_mail(body: MailConfirmation, work: Work) -> None:
    """The mailbox opens the link of a confirmation mail."""
    subscription = work.get(SUBSCRIPTIONS, body.subscription)
    if subscription is not None and subscription.token == body.token and not subscription.confirmed:
        work.put(SUBSCRIPTIONS, msgspec.structs.replace(subscription, confirmed=True))


def confirm_subscription(request: ConfirmSubscription, work: Work) -> dict[str, Any]:
    """Confirm by the token that was sent to the endpoint.

    ``AuthenticateOnUnsubscribe`` "true": from then on only a signed request ends the subscription.

    Raises:
        NotFoundException: there is no such topic.
        InvalidParameterException: the topic never gave out the token, it is too old, or the topic is in another region.
    """
    authenticate = (request.authenticate_on_unsubscribe or "false").lower() == "true"
    check_arn("TopicArn", request.topic_arn)
    if owner_of(request.topic_arn).region != work.caller.region:
        raise InvalidParameterException("Topic")  # Source: https://github.com/aws/aws-sdk-ruby/issues/523.
    return confirm(request.topic_arn, request.token, work, authenticate=authenticate, signed=True)


def confirm(topic_arn: str, token: str, work: Work, *, authenticate: bool, signed: bool) -> dict[str, Any]:
    """As ``confirm_subscription``, by a request that was signed or by an address that was opened.

    Raises:
        NotFoundException: there is no such topic.
        InvalidParameterException: the topic never gave out the token, or it is too old.
    """
    check_arn("TopicArn", topic_arn)
    if work.get(TOPICS, topic_arn) is None:
        raise NotFoundException
    found = work.select(SUBSCRIPTIONS_OF_TOKEN, limit=1, topic=topic_arn, token=token)
    subscription = found[0] if found else _brought_back(topic_arn, token, work)
    if subscription is None:
        raise InvalidParameterException("Token")
    if not subscription.confirmed or not found:
        attributes = {**subscription.attributes, **({AUTHENTICATE: "true"} if authenticate and signed else {})}
        confirmed = msgspec.structs.replace(subscription, confirmed=True, authenticated=signed, attributes=attributes)
        work.put(SUBSCRIPTIONS, confirmed)
    return {"SubscriptionArn": subscription.arn}


AUTHENTICATE = "AuthenticateOnUnsubscribe"


def _brought_back(topic: str, token: str, work: Work) -> Subscription | None:
    ended = work.get(ENDED, token)
    if ended is None or ended.subscription.topic != topic:
        return None
    work.delete(ENDED, token)
    return ended.subscription
