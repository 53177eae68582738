"""What happens to a platform application's endpoints, told to the topics that its attributes name.

Source: https://docs.aws.amazon.com/sns/latest/dg/application-event-notifications.html; SNS API Reference,
SetPlatformApplicationAttributes (EventEndpointCreated and its neighbours; EventDeliveryFailure is told "upon Direct Publish
delivery failure (permanent)"). The message's form is that of an event which a user has published:
https://www.repost.aws/questions/QUdzEMqm-kQ9iF1P8Vv74lTw/sns-push-notification-list-of-available-failuretypes.
"""

import contextlib

import msgspec

from interstate.base.arn import caller_of
from interstate.base.errors import ServiceError
from interstate.base.json import JSON, dumps
from interstate.store.ports import Work
from interstate.store.records.sns import APPLICATIONS, ENDPOINTS, HttpResult, LetterDelivery

CREATED, UPDATED, DELETED, FAILED = "EndpointCreated", "EndpointUpdated", "EndpointDeleted", "DeliveryFailure"
_GONE = frozenset({404, 410})
"""How push services answer for a token that no device has any more.

Source: Apple's "Handling notification responses from APNs" (410), FCM's "ErrorCode" (UNREGISTERED is a 404).
"""

# Whether the token is no device's -> the failure's type and message.
_FAULTS = {
    True: ("InvalidPlatformToken", "Platform token associated with the endpoint is not valid"),
    False: ("PlatformFailure", ""),
}


def tell(event: str, endpoint: str, application: str, work: Work, **facts: JSON) -> None:
    """Publish an event to the application's topic for it, if it has one that is there and takes it."""
    record = work.get(APPLICATIONS, application)
    topic = record.attributes.get(f"Event{event}") if record is not None else None
    if not topic:
        return
    now = work.now
    document: dict[str, JSON] = {
        **facts,
        "EndpointArn": endpoint,
        "EventType": event,
        "Resource": application,
        "Service": "SNS",
        "Time": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
    }
    platform, _, name = application.rpartition(":app/")[2].partition("/")
    request = {
        "TopicArn": topic,
        "Subject": f"{event} event for app {name} ({platform})"[:100],
        "Message": dumps(dict(sorted(document.items()))),
    }
    with contextlib.suppress(ServiceError):  # A topic that is gone, or does not let the account, hears nothing.
        work.call("sns", "Publish", request, caller=caller_of(application))


def push_failed(letter: LetterDelivery, result: HttpResult, work: Work) -> None:
    """A device will not get a message: its endpoint is disabled when its token is no device's; its application hears of it.

    Source: SNS API Reference, SetEndpointAttributes ("Amazon SNS will set this to false when a notification service
    indicates to Amazon SNS that the endpoint is invalid").
    """
    endpoint = work.get(ENDPOINTS, letter.recipient)
    if endpoint is None:
        return
    gone = result.status in _GONE
    if letter.delivery is None:
        kind, words = _FAULTS[gone]
        tell(
            FAILED,
            endpoint.arn,
            endpoint.application,
            work,
            DeliveryAttempts=letter.attempt,
            FailureMessage=words if gone else result.error or f"The push service answered {result.status}",
            FailureType=kind,
            MessageId=letter.message_id,
        )
    if gone and endpoint.enabled:
        work.put(ENDPOINTS, msgspec.structs.replace(endpoint, attributes={**endpoint.attributes, "Enabled": "false"}))
        tell(UPDATED, endpoint.arn, endpoint.application, work)
