"""Succeed: end the frame with its input.

Source: https://states-language.net/#succeed-state
"""

from interstate.core.asl import flow
from interstate.core.asl.definition import Succeed
from interstate.core.asl.turn import Turn


def enter(state: Succeed, turn: Turn) -> None:
    """Enter and leave at once, for the end."""
    turn.enter("SucceedStateEntered")
    output, assigned = flow.passing(state.flow, turn.data, turn.context, turn.entropy)
    turn.leave("SucceedStateExited", None, output, assigned)
