"""Subscriptions: from the wish to the end.

Source: SNS API Reference, Subscribe, SetSubscriptionAttributes, Unsubscribe, ListSubscriptions.
"""

from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.json import dumps
from interstate.core.topics.attributes import is_fifo
from interstate.core.topics.delivery_policy import CONTENT_TYPE, DEFAULT, header_content_type, read_delivery_policy
from interstate.core.topics.errors import (
    AuthorizationErrorException,
    FilterPolicyLimitExceededException,
    InvalidParameterException,
    NotFoundException,
)
from interstate.core.topics.subscribing import check_endpoint, check_filter_policy, check_subscription_attribute
from interstate.services.sns.access import check_arn, topic_at
from interstate.services.sns.archive import start_replay
from interstate.services.sns.confirming import AUTHENTICATE, ask_to_confirm, tell_the_end
from interstate.services.sns.paging import place_after, token_after
from interstate.services.sns.topics import PAGE
from interstate.store.ports import Work
from interstate.store.records.sns import (
    COUNT_FILTERS,
    PACES,
    SUBSCRIPTIONS,
    SUBSCRIPTIONS_OF_ENDPOINT,
    SUBSCRIPTIONS_OF_SCOPE,
    SUBSCRIPTIONS_OF_TOPIC,
    TOPICS,
    Subscription,
)

PENDING = "pending confirmation"
_PENDING_ARN = "PendingConfirmation"
_SELF_CONFIRMED = ("sqs", "lambda", "sms", "application")
_DEFAULTS = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}
"""What a subscription has that was not told otherwise. Source: SNS API Reference, Subscribe (Attributes)."""
FILTERS_MAX = 200
"""Filter policies a topic. Source: https://docs.aws.amazon.com/general/latest/gr/sns.html"""


class Subscribe(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    protocol: str
    endpoint: str | None = None
    attributes: dict[str, str] = {}
    return_subscription_arn: bool = False


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
    check_arn("TopicArn", request.topic_arn)
    endpoint = check_endpoint(request.protocol, request.endpoint, request.topic_arn)
    attributes = _checked(request.attributes, request.protocol)
    topic = topic_at(request.topic_arn, work, "Subscribe")
    found = work.select(
        SUBSCRIPTIONS_OF_ENDPOINT, limit=1, topic=topic.arn, endpoint=endpoint, protocol=request.protocol
    )
    if found:
        subscription = found[0]
        if any({**_DEFAULTS, **subscription.attributes}.get(name) != value for name, value in attributes.items()):
            raise InvalidParameterException("Attributes Reason: Subscription already exists with different attributes")
    else:
        subscription = _new(request, endpoint, attributes, topic.scope, work)
    if not subscription.confirmed:
        ask_to_confirm(subscription, work)
    told = subscription.confirmed or request.return_subscription_arn
    return {"SubscriptionArn": subscription.arn if told else PENDING}


def _new(request: Subscribe, endpoint: str, attributes: dict[str, str], scope: str, work: Work) -> Subscription:
    replay = attributes.pop("ReplayPolicy", None)
    if "FilterPolicy" in attributes:
        _check_filters(request.topic_arn, work)
    subscription = Subscription(
        arn=f"{request.topic_arn}:{work.entropy.uuid()}",
        topic=request.topic_arn,
        scope=scope,
        protocol=request.protocol,
        endpoint=endpoint,
        owner=work.caller.account,
        token=work.entropy.hex(64) + work.entropy.hex(64),
        confirmed=request.protocol in _SELF_CONFIRMED,
        created=work.now,
        attributes=attributes,
    )
    if replay is not None:
        _check_replay_topic(subscription.topic)
        subscription = start_replay(subscription, replay, work)
    work.put(SUBSCRIPTIONS, subscription)
    return subscription


def _check_filters(topic: str, work: Work) -> None:
    if work.scalar(COUNT_FILTERS, topic=topic) >= FILTERS_MAX:
        msg = f"The topic has {FILTERS_MAX} filter policies, which is as many as a topic can have"
        raise FilterPolicyLimitExceededException(msg)


def _check_replay_topic(topic: str) -> None:
    if not is_fifo(topic):
        raise InvalidParameterException("ReplayPolicy Reason: only subscriptions of FIFO topics have it")


def _checked(attributes: dict[str, str], protocol: str) -> dict[str, str]:
    """What is given at Subscribe, worded as Subscribe words its faults."""
    scope = attributes.get("FilterPolicyScope", "MessageAttributes")
    try:
        for name, value in attributes.items():
            check_subscription_attribute(name, value, protocol, scope)
    except InvalidParameterException as error:
        fault = error.message.removeprefix("Invalid parameter: ")
        if fault == "AttributeName":
            raise InvalidParameterException(f"Attributes Reason: Unknown attribute: {name}") from None
        raise InvalidParameterException(f"Attributes Reason: {fault}") from None
    return {name: _canonical(name, value) for name, value in attributes.items() if value}


def _canonical(name: str, value: str) -> str:
    return value.lower() if name == "RawMessageDelivery" else value


def unsubscribe(request: SubscriptionRequest, work: Work) -> None:
    """End a subscription; one that is not there is no error.

    Raises:
        InvalidParameterException: the text is no subscription's ARN.
        AuthorizationErrorException: the caller owns neither the subscription nor its topic.
    """
    check_arn("SubscriptionArn", request.subscription_arn)
    subscription = work.get(SUBSCRIPTIONS, request.subscription_arn)
    if subscription is None:
        return
    owners = {subscription.owner, caller_of(subscription.topic).account}
    if work.caller.account not in owners:
        principal = f"arn:aws:iam::{work.caller.account}:root"
        raise AuthorizationErrorException(principal, "SNS:Unsubscribe", subscription.topic)
    end(subscription, work)


def end(subscription: Subscription, work: Work) -> None:
    """Forget a subscription; an HTTP endpoint is told."""
    work.delete(SUBSCRIPTIONS, subscription.arn)
    work.delete(PACES, subscription.arn)
    topic = work.get(TOPICS, subscription.topic)
    if topic is not None and subscription.confirmed:
        work.put(TOPICS, msgspec.structs.replace(topic, deleted_subscriptions=topic.deleted_subscriptions + 1))
        if subscription.protocol in ("http", "https"):
            tell_the_end(subscription, work)


def list_subscriptions(request: ListSubscriptions, work: Work) -> dict[str, Any]:
    """The caller's subscriptions, a page at a time."""
    scope = f"{work.caller.account}/{work.caller.region}"
    return _page(
        work.select(SUBSCRIPTIONS_OF_SCOPE, limit=PAGE + 1, scope=scope, after=place_after(request.next_token))
    )


def list_subscriptions_by_topic(request: ListSubscriptionsByTopic, work: Work) -> dict[str, Any]:
    """A topic's subscriptions, a page at a time."""
    topic = topic_at(request.topic_arn, work, "ListSubscriptionsByTopic")
    return _page(
        work.select(SUBSCRIPTIONS_OF_TOPIC, limit=PAGE + 1, topic=topic.arn, after=place_after(request.next_token))
    )


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
        answer["NextToken"] = token_after(found[PAGE - 1].arn)
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
    check_arn("SubscriptionArn", request.subscription_arn)
    subscription = subscription_at(request.subscription_arn, work)
    topic = work.get(TOPICS, subscription.topic)
    policy = subscription.attributes.get("DeliveryPolicy")
    attributes = {
        "RawMessageDelivery": "false",
        **{name: value for name, value in subscription.attributes.items() if name != AUTHENTICATE},
        "SubscriptionArn": subscription.arn,
        "TopicArn": subscription.topic,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "ConfirmationWasAuthenticated": "true" if _was_authenticated(subscription) else "false",
        "PendingConfirmation": "false" if subscription.confirmed else "true",
        "SubscriptionPrincipal": f"arn:aws:iam::{subscription.owner}:root",
    }
    if "FilterPolicy" in attributes:
        attributes.setdefault("FilterPolicyScope", "MessageAttributes")
    if subscription.protocol in ("http", "https") and topic is not None:
        inherited = policy or topic.attributes.get("DeliveryPolicy")
        effective = read_delivery_policy(inherited) if inherited else DEFAULT
        shown = {
            "healthyRetryPolicy": msgspec.to_builtins(effective),
            "sicklyRetryPolicy": None,
            "throttlePolicy": None,
            "requestPolicy": {"headerContentType": header_content_type(inherited) if inherited else CONTENT_TYPE},
            "guaranteed": False,
        }
        attributes["EffectiveDeliveryPolicy"] = dumps(shown)
    return {"Attributes": attributes}


def _was_authenticated(subscription: Subscription) -> bool:
    return subscription.authenticated or subscription.protocol in _SELF_CONFIRMED


def set_subscription_attributes(request: SetSubscriptionAttributes, work: Work) -> None:
    """Set one attribute; an empty text takes it back.

    Raises:
        NotFoundException: there is no such subscription.
        InvalidParameterException: the attribute is none.
    """
    check_arn("SubscriptionArn", request.subscription_arn)
    name, value = request.attribute_name, request.attribute_value
    subscription = subscription_at(request.subscription_arn, work)
    scope = subscription.attributes.get("FilterPolicyScope", "MessageAttributes")
    check_subscription_attribute(name, value, subscription.protocol, scope)
    if name == "FilterPolicyScope":
        check_filter_policy(subscription.attributes.get("FilterPolicy", ""), value)
    if name == "ReplayPolicy":
        _check_replay_topic(subscription.topic)
        work.put(SUBSCRIPTIONS, start_replay(subscription, value, work))
        return
    if name == "FilterPolicy" and value and name not in subscription.attributes:
        _check_filters(subscription.topic, work)
    taken_back = not value or (name == "FilterPolicy" and value == "{}")
    attributes = {key: text for key, text in subscription.attributes.items() if key != name}
    if not taken_back:
        attributes[name] = _canonical(name, value)
    work.put(SUBSCRIPTIONS, msgspec.structs.replace(subscription, attributes=attributes))
