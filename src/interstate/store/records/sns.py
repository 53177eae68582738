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
    authenticated: bool = False  # Only who owns topic or subscription may end it.

    @property
    def raw(self) -> bool:
        """The endpoint gets the message as it is, without an envelope."""
        return self.attributes.get("RawMessageDelivery", "").lower() == "true"


class Mail(msgspec.Struct, frozen=True):
    """A mail or short message that would have left; it lies in the local mailbox."""

    id: int
    scope: str  # account/region
    at: datetime
    protocol: str  # email, email-json, sms, application
    recipient: str
    subject: str
    body: str
    message_id: str
    topic: str


class TopicSequence(msgspec.Struct, frozen=True):
    """What a FIFO topic counts: its messages. The flags say that a step which tidies up is on its way."""

    topic: str
    last: int = 0
    forgets: bool = False
    sweeps: bool = False


class TopicDeduplication(msgspec.Struct, frozen=True):
    """A message that a FIFO topic took; ``scope`` is its group, or empty when ids count for the whole topic."""

    topic: str
    scope: str
    id: str
    message_id: str
    sequence: str
    expires: datetime


class Archived(msgspec.Struct, frozen=True):
    """A message that a FIFO topic keeps for replays."""

    id: int
    topic: str
    at: datetime
    notification: Notification


class PlatformApplication(msgspec.Struct, frozen=True):
    """An application of a push service; its ARN holds platform and name."""

    arn: str
    scope: str  # account/region
    attributes: dict[str, str]


class PlatformEndpoint(msgspec.Struct, frozen=True):
    """An application on one device."""

    arn: str
    application: str
    token: str
    attributes: dict[str, str]

    @property
    def enabled(self) -> bool:
        """Messages may be sent to it."""
        return self.attributes.get("Enabled", "true").lower() == "true"


class SmsSettings(msgspec.Struct, frozen=True):
    """What SetSMSAttributes set."""

    scope: str
    attributes: dict[str, str]


class OptOut(msgspec.Struct, frozen=True):
    """A number that wants no short messages."""

    scope: str
    number: str


class SandboxNumber(msgspec.Struct, frozen=True):
    """A number to which an account in the sandbox may send, once it is verified."""

    scope: str
    number: str
    password: str
    verified: bool = False


class SigningKey(msgspec.Struct, frozen=True):
    """With which this instance signs."""

    name: str
    private_key: bytes
    certificate: bytes


class Gateways(msgspec.Struct, frozen=True):
    """How this server is reached, and which messages leave it; those that do not lie in the local mailbox."""

    name: str = "own"
    address: str = "http://localhost:4566"
    mail: bool = False
    sms: bool = False
    push: bool = False


class Pace(msgspec.Struct, frozen=True):
    """When a subscription that is throttled may be told next."""

    subscription: str
    next: datetime


class Ended(msgspec.Struct, frozen=True):
    """An HTTP endpoint's subscription that ended; the token in its last message brings it back."""

    token: str
    subscription: Subscription


TOPICS = Table("topics", Topic, ("arn",), shared=True, kept=True)
TOPIC_SEQUENCES = Table("topic_sequences", TopicSequence, ("topic",))
TOPIC_DEDUPLICATIONS = Table("topic_deduplications", TopicDeduplication, ("topic", "scope", "id"))
ARCHIVE = Table("archived_notifications", Archived, ("id",), appends=True)
APPLICATIONS = Table("platform_applications", PlatformApplication, ("arn",), shared=True)
ENDPOINTS = Table("platform_endpoints", PlatformEndpoint, ("arn",), shared=True)
SMS_SETTINGS = Table("sms_settings", SmsSettings, ("scope",), shared=True)
OPT_OUTS = Table("sms_opt_outs", OptOut, ("scope", "number"), shared=True)
SANDBOX_NUMBERS = Table("sms_sandbox_numbers", SandboxNumber, ("scope", "number"), shared=True)
SIGNING_KEYS = Table("signing_keys", SigningKey, ("name",), shared=True, kept=True)
GATEWAYS = Table("notification_gateways", Gateways, ("name",), shared=True, kept=True)
ENDED = Table("ended_subscriptions", Ended, ("token",))
PACES = Table("subscription_paces", Pace, ("subscription",))
SUBSCRIPTIONS = Table("subscriptions", Subscription, ("arn",), shared=True, kept=True)
MAILS = Table("mails", Mail, ("id",), appends=True)

TOPICS_OF_SCOPE = Select(TOPICS, "scope = :scope AND arn > :after", "arn")
SUBSCRIPTIONS_OF_SCOPE = Select(SUBSCRIPTIONS, "scope = :scope AND arn > :after", "arn")
SUBSCRIPTIONS_OF_TOPIC = Select(SUBSCRIPTIONS, "topic = :topic AND arn > :after", "arn")
SUBSCRIPTIONS_OF_ENDPOINT = Select(
    SUBSCRIPTIONS, "topic = :topic AND endpoint = :endpoint AND protocol = :protocol", "arn"
)
SUBSCRIPTIONS_OF_TOKEN = Select(SUBSCRIPTIONS, "topic = :topic AND token = :token", "arn")
OLD_DEDUPLICATIONS = Select(TOPIC_DEDUPLICATIONS, "topic = :topic AND expires <= :now", "expires")
DEDUPLICATIONS_OF_TOPIC = Select(TOPIC_DEDUPLICATIONS, "topic = :topic", "expires")
ARCHIVE_OF_TOPIC = Select(ARCHIVE, "topic = :topic", "id")
ARCHIVED_OF_TOPIC = Select(ARCHIVE, "topic = :topic AND id > :after", "id", follows=True)
OLD_ARCHIVED = Select(ARCHIVE, "topic = :topic AND at < :before", "at")
ARCHIVED_SINCE = Select(ARCHIVE, "topic = :topic AND at >= :since", "at")
APPLICATIONS_OF_SCOPE = Select(APPLICATIONS, "scope = :scope AND arn > :after", "arn")
ENDPOINTS_OF_APPLICATION = Select(ENDPOINTS, "application = :application AND arn > :after", "arn")
ENDPOINTS_OF_TOKEN = Select(ENDPOINTS, "application = :application AND token = :token", "arn")
OPT_OUTS_OF_SCOPE = Select(OPT_OUTS, "scope = :scope AND number > :after", "number")
SANDBOX_OF_SCOPE = Select(SANDBOX_NUMBERS, "scope = :scope AND number > :after", "number")
ANY_SIGNING_KEY = Select(SIGNING_KEYS, "name > :after", "name")
MAILS_OF_SCOPE = Select(MAILS, "scope = :scope AND id > :after", "id")
MAILS_OF_RECIPIENT = Select(MAILS, "scope = :scope AND recipient = :recipient AND id > :after", "id")

COUNT_SUBSCRIPTIONS = Scalar(
    "SELECT count(*) FROM subscriptions WHERE topic = :topic AND confirmed = :confirmed", (SUBSCRIPTIONS,)
)
COUNT_FILTERS = Scalar(
    "SELECT count(*) FROM subscriptions WHERE topic = :topic AND attributes LIKE '%\"FilterPolicy\"%'", (SUBSCRIPTIONS,)
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
    signature_version: str = "1"
    logged: bool = False  # The topic logs how deliveries of this protocol end.
    replayed: bool = False


class Fanout(msgspec.Struct, frozen=True, omit_defaults=True):
    """The subscriptions of a topic that a publish left for later: those after ``after``; body of "sns.fanout"."""

    notification: Notification
    after: str


class Drop(msgspec.Struct, frozen=True):
    """Forget what belonged to a topic that is gone; body of "sns.drop"."""

    topic: str


class Forget(msgspec.Struct, frozen=True):
    """Forget the old deduplications of a FIFO topic; body of "sns.forget"."""

    topic: str


class SweepArchive(msgspec.Struct, frozen=True):
    """Shorten a topic's archive to its retention; body of "sns.sweep_archive"."""

    topic: str


class Replay(msgspec.Struct, frozen=True):
    """Go on with a replay after the archived message ``after``; body of "sns.replay".

    ``policy`` tells this replay from one that was started later.
    """

    subscription: str
    policy: str
    after: int
    until: datetime
    begun: int = 0  # A number drawn as it began: what other nodes were archiving then has lower ones.


class Expire(msgspec.Struct, frozen=True):
    """A token is not valid any more; body of "sns.expire"."""

    subscription: str
    token: str


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
    delivery: Delivery | None = None  # None: a confirmation.


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


class LetterDelivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mail, short message or push that leaves through a gateway; body of the effect "sns.letter"."""

    protocol: str  # email, email-json, sms, application
    recipient: str
    subject: str
    body: str
    message_id: str
    topic: str = ""
    attempt: int = 1
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    delivery: Delivery | None = None
