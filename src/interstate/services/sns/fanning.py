"""Fanning out: every subscription of a topic is served with a message, page by page.

Queues of a small topic are served at once, inside the publish; every other subscription gets a due step "sns.delivery" of
its own, and a topic with more subscriptions a step "sns.fanout" for the next page. So a publish is bounded whatever the topic.
"""

from collections.abc import Sequence

from interstate.core.topics.message import Notification
from interstate.services.sns.delivery import tell_queues, to_queues
from interstate.services.sns.outcomes import FIFO, failed
from interstate.services.sns.subscribers import delivery_of, logs, version_of, wanted
from interstate.store.ports import Work
from interstate.store.records.sns import SUBSCRIPTIONS_OF_TOPIC, TOPICS, Delivery, Fanout, Subscription, Topic

INLINE_MAX = 10
"""A topic of more subscriptions leaves its deliveries to steps of their own."""

FANOUT_PAGE = 100


def fan_out(body: Fanout, work: Work) -> None:
    """Serve the next page of a topic's subscriptions. What was published before the topic went is still told."""
    notification = body.notification
    serve(notification, body.after, work.get(TOPICS, notification.topic), work)


def serve(notification: Notification, after: str, topic: Topic | None, work: Work) -> None:
    page = work.select(SUBSCRIPTIONS_OF_TOPIC, limit=FANOUT_PAGE, topic=notification.topic, after=after)
    if not after and not notification.trace and (together := _together(notification.topic, topic, page)):
        _tell(notification, together, topic, work)
        return
    inline = not after and len(page) <= INLINE_MAX
    alike = inline and not notification.trace and not (topic is not None and topic.attributes and logs(topic, "sqs"))
    sealed: list[Subscription] = []
    at_once: list[Delivery] = []
    for subscription in page:
        attributes = subscription.attributes
        if not subscription.confirmed or (attributes and not wanted(subscription, notification, work)):
            continue
        to_queue = inline and subscription.protocol == "sqs"
        if to_queue and alike and not (attributes and subscription.raw) and not subscription.endpoint.endswith(FIFO):
            sealed.append(subscription)
            continue
        delivery = delivery_of(notification, subscription, topic)
        if to_queue:
            at_once.append(delivery)
        else:
            work.later("sns.delivery", delivery)
    if sealed:
        _tell(notification, sealed, topic, work)
    if at_once:
        to_queues(at_once, work)
    if len(page) == FANOUT_PAGE:
        work.later("sns.fanout", Fanout(notification, page[-1].arn))


def _tell(notification: Notification, sealed: Sequence[Subscription], topic: Topic | None, work: Work) -> None:
    """Tell queues that want the envelope of a message, and want it alike."""
    for subscription, content, error in tell_queues(notification, sealed, version_of(topic), work):
        failed(delivery_of(notification, subscription, topic), content, work, reason=error.message)


_TOGETHER_MAX = 4096
_TOGETHER: dict[str, tuple[Topic | None, list[Subscription], list[Subscription]]] = {}


def _together(arn: str, topic: Topic | None, page: list[Subscription]) -> list[Subscription]:
    """All who are told of a topic's messages, if they are told alike whatever a message holds; otherwise none.

    The answer is kept for these very records: they are the same from batch to batch, until somebody changes one.
    """
    known = _TOGETHER.get(arn)
    if known is not None and known[0] is topic and known[1] == page:
        return known[2]
    told = [subscription for subscription in page if subscription.confirmed]
    if (
        len(page) > INLINE_MAX
        or (topic is not None and topic.attributes and logs(topic, "sqs"))
        or not all(map(_is_plain_queue, told))
    ):
        told = []
    if len(_TOGETHER) >= _TOGETHER_MAX:
        _TOGETHER.clear()
    _TOGETHER[arn] = (topic, page, told)
    return told


def _is_plain_queue(subscription: Subscription) -> bool:
    """Whether it is a standard queue that wants every message, in its envelope."""
    return (
        subscription.protocol == "sqs"
        and not subscription.endpoint.endswith(FIFO)
        and not subscription.raw
        and subscription.attributes.get("FilterPolicy", "{}") in ("", "{}")
    )
