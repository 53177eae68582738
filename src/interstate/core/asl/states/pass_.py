"""Pass: hand the input on, or put a fixed result into it.

Source: https://states-language.net/#pass-state
"""

from interstate.core.asl import flow
from interstate.core.asl.dataflow import PASS_THROUGH
from interstate.core.asl.definition import Pass
from interstate.core.asl.turn import Turn


def enter(state: Pass, turn: Turn) -> None:
    """Enter and leave at once."""
    turn.enter("PassStateEntered")
    if state.result is None and state.flow is PASS_THROUGH:
        turn.leave("PassStateExited", state.next, turn.data)
        return
    if state.flow.jsonata:
        output, assigned = flow.passing(state.flow, turn.data, turn.context, turn.entropy)
    else:
        result = flow.payload(state.flow, turn.data, turn.context, turn.entropy)
        if state.result is not None:
            result = state.result
        output, assigned = flow.leaving(state.flow, turn.data, result, turn.context, turn.entropy)
    turn.leave("PassStateExited", state.next, output, assigned)
