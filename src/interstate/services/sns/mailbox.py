"""The local mailbox: where mails and short messages end that would have left the machine.

It is read by the operation ``ListMail`` of the service ``interstate`` (``GET /_interstate/mailbox``).
"""

from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ValidationException
from interstate.store.ports import Work
from interstate.store.records.sns import MAILS, MAILS_OF_RECIPIENT, MAILS_OF_SCOPE, Mail

PAGE_DEFAULT = 100
PAGE_MAX = 1000


class ListMail(msgspec.Struct, frozen=True):
    """``recipient``: only this one's; ``after``: only mails with a higher id; ``limit``: at most so many.

    Numbers may be text, as they come from an address.
    """

    recipient: str | None = None
    after: int | str = 0
    limit: int | str = PAGE_DEFAULT


class Letter(msgspec.Struct, frozen=True):
    """A mail or short message before it is posted. ``topic`` is empty when no topic sent it."""

    protocol: str
    recipient: str
    subject: str
    body: str
    message_id: str
    topic: str = ""


def put_mail(letter: Letter, owner: Caller, work: Work) -> None:
    """Lay a letter into the mailbox of an account and region."""
    scope = f"{owner.account}/{owner.region}"
    work.put(MAILS, Mail(work.next_id(MAILS), scope, work.now, **msgspec.structs.asdict(letter)))


def list_mail(request: ListMail, work: Work) -> dict[str, Any]:
    """Mails in order of arrival: ``{"mails": [{"id", "at", "protocol", "recipient", "subject", "body", ...}], "next": id}``.

    ``next`` is there when there are more; pass it as ``after``.
    """
    after, limit = _number("after", request.after), _number("limit", request.limit)
    if not 1 <= limit <= PAGE_MAX:
        msg = f"limit must be between 1 and {PAGE_MAX}, not {limit}"
        raise ValidationException(msg)
    scope = f"{work.caller.account}/{work.caller.region}"
    if request.recipient is None:
        found = work.select(MAILS_OF_SCOPE, limit=limit + 1, scope=scope, after=after)
    else:
        found = work.select(MAILS_OF_RECIPIENT, limit=limit + 1, scope=scope, recipient=request.recipient, after=after)
    answer: dict[str, Any] = {"mails": [_shown(mail) for mail in found[:limit]]}
    if len(found) > limit:
        answer["next"] = found[limit - 1].id
    return answer


def _shown(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "at": mail.at,
        "protocol": mail.protocol,
        "recipient": mail.recipient,
        "subject": mail.subject,
        "body": mail.body,
        "messageId": mail.message_id,
        "topic": mail.topic,
    }


def _number(name: str, value: int | str) -> int:
    if isinstance(value, int):
        return value
    if not (value.isascii() and value.isdigit()) or len(value) > 18:
        msg = f"{name} must be a number, not {value!r}"
        raise ValidationException(msg)
    return int(value)
