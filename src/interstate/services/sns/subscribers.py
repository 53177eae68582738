"""What subscriptions get of a topic's messages: whether a message passes the filter, and the delivery of one that does."""

from functools import lru_cache

from interstate.core.patterns.policy import FilterPolicy, admits, parse_filter_policy
from interstate.core.topics.attributes import feedback
from interstate.core.topics.delivery_policy import effective_policy
from interstate.core.topics.message import Notification
from interstate.core.topics.subscribing import dead_letter_target, read_scope
from interstate.services.sns.access import measure
from interstate.store.ports import Work
from interstate.store.records.sns import Delivery, Subscription, Topic


def delivery_of(notification: Notification, subscription: Subscription, topic: Topic | None) -> Delivery:
    """What a subscription gets of a message."""
    attributes, of_topic = subscription.attributes, {} if topic is None else topic.attributes
    redrive = attributes.get("RedrivePolicy")
    policy = None
    if subscription.protocol in ("http", "https"):
        policy = effective_policy(attributes.get("DeliveryPolicy"), of_topic.get("DeliveryPolicy"))
    protocol = subscription.protocol
    logged = topic is not None and bool(of_topic) and logs(topic, protocol)
    return Delivery(
        notification,
        subscription.arn,
        subscription.protocol,
        subscription.endpoint,
        subscription.raw,
        dead_letter_target(redrive) if redrive else None,
        policy,
        version_of(topic),
        logged,
    )


def version_of(topic: Topic | None) -> str:
    return "1" if topic is None else topic.attributes.get("SignatureVersion", "1")


def logs(topic: Topic, protocol: str) -> bool:
    """Whether the topic wants to know how deliveries of a protocol end."""
    attributes = topic.attributes
    return feedback(attributes, protocol, delivered=True) or feedback(attributes, protocol, delivered=False)


def wanted(subscription: Subscription, notification: Notification, work: Work) -> bool:
    """Whether a subscription's filter lets a message through; counts those that it does not.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html (FilteredOut metrics)
    """
    text = subscription.attributes.get("FilterPolicy")
    if not text or text == "{}":
        return True
    policy = _policy(text, subscription.attributes.get("FilterPolicyScope", ""))
    attributes = {name: attribute.api() for name, attribute in notification.attributes.items()}
    body = notification.text(subscription.protocol)
    if admits(policy, body, attributes):
        return True
    name = "NumberOfNotificationsFilteredOut"
    measure(notification.topic, name, work)
    if policy.scope == "MessageBody":
        invalid = "" if body.lstrip().startswith("{") else "-InvalidMessageBody"
        measure(notification.topic, name + (invalid or "-MessageBody"), work)
    else:
        measure(notification.topic, name + ("-MessageAttributes" if attributes else "-NoMessageAttributes"), work)
    return False


@lru_cache(maxsize=4096)
def _policy(text: str, scope: str) -> FilterPolicy:
    """A filter policy, compiled once; it was checked when it was set."""
    return parse_filter_policy(text, read_scope(scope))
