"""Why a message is where it is: who sent it, how often it was received, when it is visible."""

from datetime import datetime
from typing import Any

from interstate.base.json import BrokenJSON, loads
from interstate.core.queues.message import Message, row_of
from interstate.services.sqs.locate import redrive
from interstate.services.sqs.seals import completed
from interstate.services.why.logged import find_event, first_at
from interstate.store.ports import Work
from interstate.store.records.events import ATTEMPTS_OF_LOG, Attempt
from interstate.store.records.sqs import MESSAGES, OF_QUEUE, QUEUE_IDS, QUEUES
from interstate.store.records.why import ATTEMPTS_BACK, ATTEMPTS_FROM, MESSAGES_BACK

_NEWEST_MAX = 2_000
"""Messages that are looked through, the newest first, for one that has another row than its id says (a dead letter)."""
_PAGE = 500
_ATTEMPTS_MAX = 5_000
_HIGHEST = 2**62
_BODY_MAX = 2_000


def _in_its_row(message_id: str, work: Work) -> Message | None:
    row = row_of(message_id)
    message = None if row is None else work.get(MESSAGES, row)
    return message if message is not None and message.message_id == message_id else None


def find_sent(message_id: str, queue_arn: str, work: Work) -> Message | None:
    """The message that was sent to this queue; looked for among the first of its dead letters, too."""
    message = _in_its_row(message_id, work)
    queue = work.get(QUEUES, queue_arn)
    policy = None if queue is None or message is not None else redrive(queue)
    dead = None if policy is None else work.get(QUEUES, policy.target)
    if dead is None:
        return message
    letters = work.select(OF_QUEUE, limit=_PAGE, queue=dead.id)
    return next((letter for letter in letters if letter.message_id == message_id), None)


def find_message(message_id: str, work: Work) -> Message | None:
    """The message with this id; None when it is gone: deleted, expired, or dead-lettered long ago."""
    message = _in_its_row(message_id, work)
    if message is not None or row_of(message_id) is None:
        return message
    below, left = _HIGHEST, _NEWEST_MAX
    while left > 0:
        page = work.select(MESSAGES_BACK, limit=_PAGE, below=below)
        for message in page:
            if message.message_id == message_id:
                return message
        if len(page) < _PAGE:
            return None
        below, left = page[-1].id, left - _PAGE
    return None


def summary(message: Message, work: Work) -> dict[str, Any]:
    """A message in short."""
    number = work.get(QUEUE_IDS, message.queue_id)
    queue = None if number is None else work.get(QUEUES, number.arn)
    hidden = "in flight" if message.receive_count else "delayed"
    told = {
        "kind": "message",
        "messageId": message.message_id,
        "queueArn": None if number is None else number.arn,
        "queueExists": queue is not None,
        "state": "visible" if message.visible_at <= work.now else hidden,
        "visibleAt": message.visible_at,
        "sentAt": message.sent_at,
        "receiveCount": message.receive_count,
        "firstReceivedAt": message.first_received_at,
        "lastReceivedAt": message.received_at,
        "deadLetterOf": (message.system_attributes or {}).get("DeadLetterQueueSourceArn"),
        "redrivePolicy": None if queue is None else queue.attributes.get("RedrivePolicy"),
        "groupId": message.group_id or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def gone(message_id: str, queue_arn: str) -> dict[str, Any]:
    """A message that was made and is not there any more."""
    return {
        "kind": "message",
        "messageId": message_id,
        "queueArn": queue_arn,
        "state": "gone",
        "note": "received and deleted, expired, or moved to dead letters and deleted there; a queue keeps no history",
    }


def why_message(message: Message, work: Work) -> dict[str, Any]:
    """The whole answer for a message."""
    message = completed(message, work)
    told = summary(message, work)
    attributes = {name: value.get("StringValue") for name, value in (message.attributes or {}).items()}
    return {**told, "sentBy": _sender(message, attributes, work), "body": message.body[:_BODY_MAX]} | (
        {"attributes": attributes} if attributes else {}
    )


def _sender(message: Message, attributes: dict[str, Any], work: Work) -> dict[str, Any]:
    if "RULE_ARN" in attributes and "ERROR_CODE" in attributes:
        return {"kind": "rule", "ruleArn": attributes["RULE_ARN"], "note": "a dead letter of the rule's target"} | (
            _event_in(message.body)
        )
    attempt = _attempt_that_made(message.message_id, message.body, message.sent_at, work)
    if attempt is not None:
        place = attempt.places[attempt.made.index(message.message_id)]
        return {
            "kind": "rule",
            "ruleArn": attempt.rule,
            "target": attempt.target,
            "logRow": attempt.log,
            "place": place,
        } | (_event_in(message.body))
    body = _object(message.body)
    if body.get("Type") == "Notification" and "TopicArn" in body:
        return {"kind": "topic", "topicArn": body["TopicArn"], "messageId": body.get("MessageId")}
    if "RequestID" in attributes and "ErrorMessage" in attributes:
        return {"kind": "function", "requestId": attributes["RequestID"], "note": "a dead letter of a function"}
    sender = (message.system_attributes or {}).get("SenderId", "unknown")
    return {"kind": "call", "senderId": sender, "note": "a call of SendMessage, or a topic that delivers raw messages"}


def _object(text: str) -> dict[str, Any]:
    try:
        value = loads(text)
    except BrokenJSON:
        return {}
    return value if isinstance(value, dict) else {}


def _event_in(text: str) -> dict[str, Any]:
    """The id of the event that a body is."""
    body = _object(text)
    return {"eventId": body["id"]} if isinstance(body.get("id"), str) and "detail-type" in body else {}


def _attempt_that_made(message_id: str, body: str, sent_at: datetime, work: Work) -> Attempt | None:
    """The delivery that sent it: by the event in its body, else among those of its instant."""
    event_id = _event_in(body).get("eventId")
    found = None if event_id is None else find_event(event_id, work)
    if found is not None:
        for attempt in work.select(ATTEMPTS_OF_LOG, limit=_ATTEMPTS_MAX, log=found.row.id, after=0):
            if message_id in attempt.made:
                return attempt
    first = first_at(sent_at, ATTEMPTS_FROM, ATTEMPTS_BACK, work)
    left = _ATTEMPTS_MAX
    while left > 0:
        page = work.select(ATTEMPTS_FROM, limit=_PAGE, first=first)
        for attempt in page:
            if attempt.at > sent_at:
                return None
            if message_id in attempt.made:
                return attempt
        if len(page) < _PAGE:
            return None
        first, left = page[-1].id + 1, left - _PAGE
    return None
