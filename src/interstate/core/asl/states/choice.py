"""Choice: go where the first rule that matches says.

Source: https://states-language.net/#choice-state
"""

from interstate.core.asl import flow
from interstate.core.asl.errors import NO_CHOICE_MATCHED, StateFailed
from interstate.core.asl.turn import Turn
from interstate.core.asl.vocabulary import Choice


def enter(state: Choice, turn: Turn) -> None:
    """Enter and leave at once.

    Raises:
        StateFailed: States.NoChoiceMatched.
    """
    turn.enter("ChoiceStateEntered")
    data = flow.effective_input(state.flow, turn.data, turn.context)
    value = data.value
    to = state.default
    for rule, target in state.choices:
        if rule.matches(value, turn.context):
            to = target
            break
    if to is None:
        raise StateFailed(
            NO_CHOICE_MATCHED, "Failed to transition out of the state. The state does not point to a next state."
        )
    turn.leave("ChoiceStateExited", to, flow.behind_output_path(state.flow, data, turn.context))
