"""Choice: go where the first rule that matches says.

Source: https://states-language.net/#choice-state
"""

from interstate.core.asl import flow
from interstate.core.asl.definition import Choice, ChoiceRule
from interstate.core.asl.errors import NO_CHOICE_MATCHED, StateFailed
from interstate.core.asl.query import check_type
from interstate.core.asl.turn import Turn


def enter(state: Choice, turn: Turn) -> None:
    """Enter and leave at once.

    Raises:
        StateFailed: States.NoChoiceMatched.
    """
    turn.enter("ChoiceStateEntered")
    chosen = _chosen(state, turn)
    to = state.default if chosen is None else chosen.next
    if to is None:
        raise StateFailed(
            NO_CHOICE_MATCHED, "Failed to transition out of the state. The state does not point to a next state."
        )
    output, assigned = flow.choosing(state.flow, chosen, turn.data, turn.context, turn.entropy)
    turn.leave("ChoiceStateExited", to, output, assigned)


def _chosen(state: Choice, turn: Turn) -> ChoiceRule | None:
    """The first rule that matches."""
    if state.flow.jsonata:
        return _first_true(state, turn)
    value = flow.effective_input(state.flow, turn.data, turn.context).value
    for rule in state.choices:
        assert rule.rule is not None
        if rule.rule.matches(value, turn.context):
            return rule
    return None


def _first_true(state: Choice, turn: Turn) -> ChoiceRule | None:
    for rule in state.choices:
        assert rule.condition is not None
        matches = rule.condition.evaluate(turn.data.value, turn.context, turn.entropy)
        check_type(matches, "boolean", rule.condition.given, rule.field)
        if matches:
            return rule
    return None
