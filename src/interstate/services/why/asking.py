"""What an id means, and the answer for it."""

from typing import Any

import msgspec

from interstate.base.errors import ServiceError
from interstate.core.events.numbers import place_of
from interstate.services.why import events, executions, messages
from interstate.services.why.logged import find_event
from interstate.store.ports import Work


class NothingKnown(ServiceError):
    """Nothing that is kept has this id."""

    code = "NotFound"
    status = 404


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    """``id`` is an event's or a message's id, or an execution's ARN."""

    id: str


def why(request: Asked, work: Work) -> dict[str, Any]:
    """The answer for an id.

    Raises:
        NothingKnown: the id leads to nothing that is kept; the message says what it may have been.
    """
    asked = request.id
    if ":execution:" in asked or ":express:" in asked:
        execution = executions.execution_with(asked, work)
        if execution is None:
            raise NothingKnown(
                f"There is no execution {asked}. Express executions are not kept when they have ended, Standard ones for 90 days."
            )
        return executions.why_execution(execution, work)
    event = events.event_or_none(asked, work)
    if event is not None:
        return event
    message = messages.find_message(asked, work)
    if message is not None:
        return messages.why_message(message, work)
    if place_of(asked) is None:
        raise NothingKnown(
            f"{asked!r} is no id of an event or a message, no ARN of an execution, and stands in no event or execution that is kept."
        )
    raise NothingKnown(
        f"{events.not_found(work)} If it is a message's id: the message was received and deleted, or it expired; "
        "a queue keeps no history."
    )


def get_event(request: Asked, work: Work) -> dict[str, Any]:
    """An event in full.

    Raises:
        NothingKnown: the log does not have it.
    """
    found = find_event(request.id, work)
    if found is None:
        raise NothingKnown(events.not_found(work))
    return {"bus": found.row.bus, "receivedAt": found.row.at, "event": found.event}
