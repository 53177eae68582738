"""A look into a queue that changes nothing, for people: no API of AWS has it."""

from typing import Any

import msgspec

from interstate.base.time import to_iso
from interstate.core.queues.message import Message
from interstate.services.operation import Operation, Service
from interstate.services.sqs.locate import queue_for
from interstate.services.sqs.seals import completed
from interstate.store.ports import Work
from interstate.store.records.sqs import HIDDEN, VISIBLE

PEEK_MAX = 1000


class PeekMessages(msgspec.Struct, frozen=True):
    """``queue`` is a name or a URL."""

    queue: str
    limit: int = 10


def peek_messages(request: PeekMessages, work: Work) -> dict[str, Any]:
    """The next messages of a queue and those in flight or delayed, without receiving them.

    Raises:
        QueueDoesNotExist: there is none.
    """
    queue = queue_for("ReceiveMessage", request.queue, work)
    limit = max(1, min(PEEK_MAX, request.limit))
    visible = work.select(VISIBLE, limit=limit, queue=queue.id, now=work.now)
    hidden = (
        work.select(HIDDEN, limit=limit - len(visible), queue=queue.id, now=work.now) if len(visible) < limit else []
    )
    return {"Messages": [_shown(completed(message, work), work) for message in (*visible, *hidden)]}


def _shown(message: Message, work: Work) -> dict[str, Any]:
    hidden = "in flight" if message.receive_count else "delayed"
    shown = {
        "MessageId": message.message_id,
        "State": "visible" if message.visible_at <= work.now else hidden,
        "VisibleAt": to_iso(message.visible_at),
        "SentAt": to_iso(message.sent_at),
        "ReceiveCount": message.receive_count,
        "Body": message.body,
        "MessageAttributes": message.attributes or {},
    }
    return {**shown, "MessageGroupId": message.group_id} if message.group_id else shown


SERVICE = Service("interstate-queues", (Operation("PeekMessages", PeekMessages, peek_messages, reads=True),))
