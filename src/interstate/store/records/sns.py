"""Topics, their subscriptions, the bodies of their due work, and the local mailbox."""

from datetime import datetime

import msgspec

from interstate.core.topics.message import Notification
from interstate.store.tables import Scalar, Select, Table


class Topic(msgspec.Struct, frozen=True):
    """A topic. ``attributes`` holds what was set; defaults are not stored."""

    arn: str
    scope: str  # account/region
    name: str
    created: datetime
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    deleted_subscriptions: int = 0


class Subscription(msgspec.Struct, frozen=True):
    """An endpoint that wants what a topic publishes. Until it is ``confirmed``, it is told nothing."""

    arn: str
    topic: str
    scope: str  # account/region
    protocol: str
    endpoint: str
    owner: str
    token: str
    confirmed: bool
    created: datetime
    attributes: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def raw(self) -> bool:
        """The endpoint gets the message as it is, without an envelope."""
        return self.attributes.get("RawMessageDelivery", "").lower() == "true"


class Mail(msgspec.Struct, frozen=True):
    """A mail or short message that would have left; it lies in the local mailbox."""

    id: int
    scope: str  # account/region
    at: datetime
    protocol: str  # email, email-json, sms
    recipient: str
    subject: str
    body: str
    message_id: str
    topic: str


TOPICS = Table("topics", Topic, ("arn",))
SUBSCRIPTIONS = Table("subscriptions", Subscription, ("arn",))
MAILS = Table("mails", Mail, ("id",), appends=True)

TOPICS_OF_SCOPE = Select(TOPICS, "scope = :scope AND arn > :after", "arn")
SUBSCRIPTIONS_OF_SCOPE = Select(SUBSCRIPTIONS, "scope = :scope AND arn > :after", "arn")
SUBSCRIPTIONS_OF_TOPIC = Select(SUBSCRIPTIONS, "topic = :topic AND arn > :after", "arn")
SUBSCRIPTIONS_OF_ENDPOINT = Select(
    SUBSCRIPTIONS, "topic = :topic AND endpoint = :endpoint AND protocol = :protocol", "arn"
)
MAILS_OF_SCOPE = Select(MAILS, "scope = :scope AND id > :after", "id")
MAILS_OF_RECIPIENT = Select(MAILS, "scope = :scope AND recipient = :recipient AND id > :after", "id")

COUNT_SUBSCRIPTIONS = Scalar(
    "SELECT count(*) FROM subscriptions WHERE topic = :topic AND confirmed = :confirmed", (SUBSCRIPTIONS,)
)
COUNT_MAILS = Scalar("SELECT count(*) FROM mails WHERE scope = :scope", (MAILS,))


# Due work ------------------------------------------------------------------------------------------------------------


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message for one endpoint; body of the step "sns.delivery"."""

    notification: Notification
    subscription: str
    protocol: str
    endpoint: str
    raw: bool = False
    dead_letters: str | None = None  # A queue's ARN.
    delivery_policy: str | None = None


class Fanout(msgspec.Struct, frozen=True):
    """The subscriptions of a topic that a publish left for later: those after ``after``; body of "sns.fanout"."""

    notification: Notification
    after: str


class Drop(msgspec.Struct, frozen=True):
    """Forget the subscriptions of a topic that is gone; body of "sns.drop"."""

    topic: str


class MailConfirmation(msgspec.Struct, frozen=True):
    """The mailbox opens the link in a confirmation mail; body of "sns.mail_confirmation"."""

    subscription: str
    token: str


class HttpDelivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One POST to an endpoint; body of the effect "sns.http". ``attempt`` counts from 1."""

    url: str
    content: str
    headers: dict[str, str]
    topic: str
    attempt: int = 1
    delivery_policy: str | None = None
    dead_letters: str | None = None


class HttpResult(msgspec.Struct, frozen=True):
    """How a POST ended: the response's status, or why there was none."""

    status: int = 0
    error: str = ""

    @property
    def delivered(self) -> bool:
        """The endpoint took it."""
        return 200 <= self.status < 300

    @property
    def permanent(self) -> bool:
        """Trying again would not help: a client-side error other than "too many requests"."""
        return 400 <= self.status < 500 and self.status != 429
