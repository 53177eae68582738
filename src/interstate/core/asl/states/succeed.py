"""Succeed: end the frame with its input.

Source: https://states-language.net/#succeed-state
"""

from interstate.core.asl import flow
from interstate.core.asl.turn import Turn
from interstate.core.asl.vocabulary import Succeed


def enter(state: Succeed, turn: Turn) -> None:
    """Enter and leave at once, for the end."""
    turn.enter("SucceedStateEntered")
    data = flow.effective_input(state.flow, turn.data, turn.context)
    turn.leave("SucceedStateExited", None, flow.behind_output_path(state.flow, data, turn.context))
