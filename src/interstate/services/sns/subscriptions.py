"""Subscriptions: from the wish to the confirmation to the end.

Queues and functions of this machine are confirmed at once. An HTTP endpoint is sent a confirmation and opens its address.
A mail address gets a mail in the local mailbox; since nobody sits before that mailbox, it opens the link by itself, in a
step of its own. So the API answers as AWS does ("pending confirmation"), and mails still arrive.

Source: SNS API Reference, Subscribe, ConfirmSubscription, SetSubscriptionAttributes, Unsubscribe.
"""

from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.json import dumps
from interstate.base.time import to_iso
from interstate.core.topics.attributes import check_endpoint, check_filter_policy, check_subscription_attribute
from interstate.core.topics.delivery_policy import DEFAULT, read_delivery_policy
from interstate.core.topics.envelope import confirmation_text, subscribe_url
from interstate.core.topics.errors import InvalidParameterException, NotFoundException
from interstate.services.sns.mailbox import Letter, put_mail
from interstate.services.sns.topics import PAGE, topic_at
from interstate.store.ports import Work
from interstate.store.records.sns import (
    SUBSCRIPTIONS,
    SUBSCRIPTIONS_OF_ENDPOINT,
    SUBSCRIPTIONS_OF_SCOPE,
    SUBSCRIPTIONS_OF_TOPIC,
    TOPICS,
    HttpDelivery,
    MailConfirmation,
    Subscription,
)

PENDING = "pending confirmation"
_PENDING_ARN = "PendingConfirmation"
_SELF_CONFIRMED = ("sqs", "lambda", "sms")


class Subscribe(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    protocol: str
    endpoint: str | None = None
    attributes: dict[str, str] = {}
    return_subscription_arn: bool = False


class ConfirmSubscription(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    token: str
    authenticate_on_unsubscribe: str | None = None


class SubscriptionRequest(msgspec.Struct, frozen=True, rename="pascal"):
    subscription_arn: str


class SetSubscriptionAttributes(msgspec.Struct, frozen=True, rename="pascal"):
    subscription_arn: str
    attribute_name: str
    attribute_value: str = ""


class ListSubscriptions(msgspec.Struct, frozen=True, rename="pascal"):
    next_token: str = ""


class ListSubscriptionsByTopic(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    next_token: str = ""


def subscribe(request: Subscribe, work: Work) -> dict[str, Any]:
    """Let an endpoint be told what the topic publishes; the same call again answers the same.

    Raises:
        NotFoundException: there is no such topic.
        InvalidParameterException: protocol, endpoint or an attribute are none, or the endpoint is subscribed otherwise.
    """
    topic = topic_at(request.topic_arn, work)
    endpoint = check_endpoint(request.protocol, request.endpoint)
    attributes = _checked(request.attributes, request.protocol)
    found = work.select(
        SUBSCRIPTIONS_OF_ENDPOINT, limit=1, topic=topic.arn, endpoint=endpoint, protocol=request.protocol
    )
    if found:
        subscription = found[0]
        if any(subscription.attributes.get(name) != value for name, value in attributes.items()):
            raise InvalidParameterException("Attributes Reason: Subscription already exists with different attributes")
    else:
        subscription = Subscription(
            arn=f"{topic.arn}:{work.entropy.uuid()}",
            topic=topic.arn,
            scope=topic.scope,
            protocol=request.protocol,
            endpoint=endpoint,
            owner=work.caller.account,
            token=work.entropy.hex(64) + work.entropy.hex(64),
            confirmed=request.protocol in _SELF_CONFIRMED,
            created=work.now,
            attributes=attributes,
        )
        work.put(SUBSCRIPTIONS, subscription)
    if not subscription.confirmed:
        _ask_to_confirm(subscription, work)
    told = subscription.confirmed or request.return_subscription_arn
    return {"SubscriptionArn": subscription.arn if told else PENDING}


def _checked(attributes: dict[str, str], protocol: str) -> dict[str, str]:
    scope = attributes.get("FilterPolicyScope", "MessageAttributes")
    for name, value in attributes.items():
        check_subscription_attribute(name, value, protocol, scope)
    return {name: value for name, value in attributes.items() if value}


def _ask_to_confirm(subscription: Subscription, work: Work) -> None:
    """Send the address that confirms: to the endpoint, or to the mailbox, which opens it."""
    url = subscribe_url(subscription.topic, subscription.token)
    message_id = work.entropy.uuid()
    if subscription.protocol in ("http", "https"):
        content = confirmation_text(subscription.topic, url, subscription.token, message_id, to_iso(work.now))
        headers = {
            "x-amz-sns-message-type": "SubscriptionConfirmation",
            "x-amz-sns-message-id": message_id,
            "x-amz-sns-topic-arn": subscription.topic,
        }
        work.later("sns.http", HttpDelivery(subscription.endpoint, content, headers, subscription.topic))
        return
    text = (
        f"You have chosen to subscribe to the topic:\n{subscription.topic}\n\n"
        f"To confirm this subscription, open:\n{url}\n\nIf this was in error, nothing needs to be done.\n"
    )
    subject = "AWS Notification - Subscription Confirmation"
    letter = Letter(subscription.protocol, subscription.endpoint, subject, text, message_id, subscription.topic)
    put_mail(letter, caller_of(subscription.topic), work)
    work.later("sns.mail_confirmation", MailConfirmation(subscription.arn, subscription.token))


def confirm_mail(body: MailConfirmation, work: Work) -> None:
    """The mailbox opens the link of a confirmation mail."""
    subscription = work.get(SUBSCRIPTIONS, body.subscription)
    if subscription is not None and subscription.token == body.token and not subscription.confirmed:
        work.put(SUBSCRIPTIONS, msgspec.structs.replace(subscription, confirmed=True))


def confirm_subscription(request: ConfirmSubscription, work: Work) -> dict[str, Any]:
    """Confirm by the token that was sent to the endpoint.

    Raises:
        NotFoundException: there is no such topic.
        InvalidParameterException: the topic never gave out the token.
    """
    topic = topic_at(request.topic_arn, work)
    after = ""
    while page := work.select(SUBSCRIPTIONS_OF_TOPIC, limit=PAGE, topic=topic.arn, after=after):
        for subscription in page:
            if subscription.token == request.token:
                work.put(SUBSCRIPTIONS, msgspec.structs.replace(subscription, confirmed=True))
                return {"SubscriptionArn": subscription.arn}
        after = page[-1].arn
    raise InvalidParameterException("Token")


def unsubscribe(request: SubscriptionRequest, work: Work) -> None:
    """End a subscription; one that is not there is no error.

    Raises:
        InvalidParameterException: the text is no subscription's ARN.
    """
    if request.subscription_arn.count(":") < 6:
        raise InvalidParameterException("SubscriptionArn Reason: An ARN must have at least 6 elements")
    subscription = work.get(SUBSCRIPTIONS, request.subscription_arn)
    if subscription is None:
        return
    work.delete(SUBSCRIPTIONS, subscription.arn)
    topic = work.get(TOPICS, subscription.topic)
    if topic is not None:
        work.put(TOPICS, msgspec.structs.replace(topic, deleted_subscriptions=topic.deleted_subscriptions + 1))


def list_subscriptions(request: ListSubscriptions, work: Work) -> dict[str, Any]:
    """The caller's subscriptions, a page at a time."""
    scope = f"{work.caller.account}/{work.caller.region}"
    return _page(work.select(SUBSCRIPTIONS_OF_SCOPE, limit=PAGE + 1, scope=scope, after=request.next_token))


def list_subscriptions_by_topic(request: ListSubscriptionsByTopic, work: Work) -> dict[str, Any]:
    """A topic's subscriptions, a page at a time."""
    topic = topic_at(request.topic_arn, work)
    return _page(work.select(SUBSCRIPTIONS_OF_TOPIC, limit=PAGE + 1, topic=topic.arn, after=request.next_token))


def _page(found: list[Subscription]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "Subscriptions": [
            {
                "SubscriptionArn": subscription.arn if subscription.confirmed else _PENDING_ARN,
                "Owner": subscription.owner,
                "Protocol": subscription.protocol,
                "Endpoint": subscription.endpoint,
                "TopicArn": subscription.topic,
            }
            for subscription in found[:PAGE]
        ]
    }
    if len(found) > PAGE:
        answer["NextToken"] = found[PAGE - 1].arn
    return answer


def subscription_at(arn: str, work: Work) -> Subscription:
    """The subscription of an ARN.

    Raises:
        NotFoundException: there is none.
    """
    subscription = work.get(SUBSCRIPTIONS, arn)
    if subscription is None:
        raise NotFoundException("Subscription")
    return subscription


def get_subscription_attributes(request: SubscriptionRequest, work: Work) -> dict[str, Any]:
    """What was set, and the facts."""
    subscription = subscription_at(request.subscription_arn, work)
    topic = work.get(TOPICS, subscription.topic)
    policy = subscription.attributes.get("DeliveryPolicy")
    attributes = {
        "RawMessageDelivery": "false",
        **subscription.attributes,
        "SubscriptionArn": subscription.arn,
        "TopicArn": subscription.topic,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "ConfirmationWasAuthenticated": "true" if subscription.protocol in _SELF_CONFIRMED else "false",
        "PendingConfirmation": "false" if subscription.confirmed else "true",
        "SubscriptionPrincipal": f"arn:aws:iam::{caller_of(subscription.arn).account}:root",
    }
    if "FilterPolicy" in attributes:
        attributes.setdefault("FilterPolicyScope", "MessageAttributes")
    if subscription.protocol in ("http", "https") and topic is not None:
        inherited = policy or topic.attributes.get("DeliveryPolicy")
        effective = read_delivery_policy(inherited) if inherited else DEFAULT
        attributes["EffectiveDeliveryPolicy"] = dumps({"healthyRetryPolicy": msgspec.to_builtins(effective)})
    return {"Attributes": attributes}


def set_subscription_attributes(request: SetSubscriptionAttributes, work: Work) -> None:
    """Set one attribute; an empty text takes it back.

    Raises:
        NotFoundException: there is no such subscription.
        InvalidParameterException: the attribute is none.
    """
    subscription = subscription_at(request.subscription_arn, work)
    name, value = request.attribute_name, request.attribute_value
    scope = subscription.attributes.get("FilterPolicyScope", "MessageAttributes")
    check_subscription_attribute(name, value, subscription.protocol, scope)
    if name == "FilterPolicyScope":
        check_filter_policy(subscription.attributes.get("FilterPolicy", ""), value)
    taken_back = not value or (name == "FilterPolicy" and value == "{}")
    attributes = {key: text for key, text in subscription.attributes.items() if key != name}
    if not taken_back:
        attributes[name] = value
    work.put(SUBSCRIPTIONS, msgspec.structs.replace(subscription, attributes=attributes))
