"""Wait: stand still until a moment, then pass the input on.

A moment that has passed still sets a timer, so that every Wait leaves by the same door.

Source: https://states-language.net/#wait-state; causes as recorded from Step Functions.
"""

from datetime import datetime, timedelta
from typing import assert_never

from interstate.base.json import JSON, dumps
from interstate.base.time import parse_iso
from interstate.core.asl import flow
from interstate.core.asl.definition import (
    Seconds,
    SecondsPath,
    SecondsQuery,
    Timestamp,
    TimestampPath,
    TimestampQuery,
    Wait,
)
from interstate.core.asl.errors import RUNTIME, StateFailed
from interstate.core.asl.query import EvaluationFailed, check_type
from interstate.core.asl.turn import Turn
from interstate.core.asl.vocabulary import SetTimer, TimerFired, Waiting
from interstate.core.jsonpath.path import NoSuchPath

DELAY_S_MAX = 2**31 - 1
"""A longer delay fails the state: "Wait state delay is too long." (between 24,855 and 24,856 days)."""


def enter(state: Wait, turn: Turn) -> None:
    """Set the timer.

    Raises:
        StateFailed: what a path refers to is no time.
    """
    turn.enter("WaitStateEntered")
    at = due(state, turn)
    if at - turn.now > timedelta(seconds=DELAY_S_MAX):
        raise StateFailed(RUNTIME, "Wait state delay is too long.")
    visit = turn.park(Waiting())
    turn.commands.append(SetTimer(turn.frame, visit, "wait", at))


def answer(state: Wait, turn: Turn, event: TimerFired) -> None:
    """Move on when the timer fires."""
    assert event.timer == "wait"
    turn.awaiting = None
    output, assigned = flow.passing(state.flow, turn.data, turn.context, turn.entropy)
    turn.leave("WaitStateExited", state.next, output, assigned)


def due(state: Wait, turn: Turn) -> datetime:
    """The moment until which to wait."""
    match state.until:
        case Seconds(seconds):
            return turn.now + timedelta(seconds=seconds)
        case Timestamp(at):
            return at
        case SecondsPath(path):
            value = _found(path.select, state, turn)
            return turn.now + timedelta(seconds=_seconds(value, path.text))
        case TimestampPath(path):
            value = _found(path.select, state, turn)
            return _timestamp(value, path.text)
        case SecondsQuery(query):
            value = query.evaluate(turn.data.value, turn.context, turn.entropy)
            check_type(value, "integer", query.given, "Seconds")
            return turn.now + timedelta(seconds=_not_negative(value))
        case TimestampQuery(query):
            value = query.evaluate(turn.data.value, turn.context, turn.entropy)
            check_type(value, "string", query.given, "Timestamp")
            return _instant(str(value))
        case until:
            assert_never(until)


def _not_negative(value: JSON) -> int:
    assert isinstance(value, int | float)
    if value < 0:
        raise EvaluationFailed(f"The Seconds field cannot be negative: {value:g}", "Seconds")
    return min(int(value), DELAY_S_MAX + 1)


def _instant(text: str) -> datetime:
    try:
        return parse_iso(text)
    except ValueError:
        raise EvaluationFailed(
            f"The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}",
            "Timestamp",
            after_entry=True,
        ) from None


def _found(select: object, state: Wait, turn: Turn) -> JSON:
    assert callable(select)
    data = flow.effective_input(state.flow, turn.data, turn.context)
    try:
        found: JSON = select(data.value, turn.context)
    except NoSuchPath:
        return None
    return found


def _seconds(value: JSON, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise StateFailed(RUNTIME, f"The SecondsPath parameter does not reference an input value: {path}")
    if isinstance(value, float):
        raise StateFailed(
            RUNTIME, f"The SecondsPath parameter cannot be parsed as a long value: {path} == {dumps(value)}"
        )
    if value < 0:
        raise StateFailed(RUNTIME, f"The SecondsPath parameter references a negative value: {path} == {value}")
    return min(value, DELAY_S_MAX + 1)  # Longer is refused anyway, and would not fit an instant.


def _timestamp(value: JSON, path: str) -> datetime:
    if not isinstance(value, str):
        raise StateFailed(RUNTIME, f"The TimestampPath parameter does not reference an input value: {path}")
    try:
        return parse_iso(value)
    except ValueError:
        raise StateFailed(
            RUNTIME,
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: "
            f"{path} == {value}",
        ) from None
