"""Fail: end the frame with an error.

Source: https://states-language.net/#fail-state
"""

from interstate.core.asl.definition import Fail
from interstate.core.asl.errors import StateFailed
from interstate.core.asl.query import check_type
from interstate.core.asl.template import Template
from interstate.core.asl.turn import Turn, WholeCause


def enter(state: Fail, turn: Turn) -> None:
    """Enter; nobody leaves a Fail.

    Raises:
        StateFailed: always.
    """
    turn.enter("FailStateEntered")
    raise WholeCause(_text(state, state.error, "Error", turn), _text(state, state.cause, "Cause", turn))


def _text(state: Fail, given: str | Template | None, field: str, turn: Turn) -> str | None:
    if given is None or isinstance(given, str):
        return given
    value = given.evaluate(turn.data.value, turn.context, turn.entropy)
    if state.jsonata:
        check_type(value, "string", given.given, field)
    if not isinstance(value, str):
        raise StateFailed("States.Runtime", "The ErrorPath and CausePath fields must refer to a string.")
    return value
