"""Where a replay first differs, as facts and as a sentence."""

import msgspec

from interstate.base.json import JSON, dumps
from interstate.core.asl.vocabulary import HistoryEvent

_SHOWN_MAX = 200

NEXT_STATE = "other next state"
PARAMETERS = "other parameters"
INPUT = "other input"
OUTPUT = "other output"
VARIABLES = "other variables"
NO_HANDLER = "missing error handler"
OTHER_ERROR = "other error"
NOT_AWAITED = "not awaited"
OTHER = "other event"


class Difference(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The first event at which the changed definition does something else.

    ``recorded`` and ``now`` are the values that differ, at ``path`` of the datum where there is one; ``within`` are the
    branches and iterations around the state.
    """

    event: int
    type: str
    state: str | None
    kind: str
    recorded: JSON
    now: JSON
    sentence: str
    path: str | None = None
    within: tuple[str, ...] = ()


class Differs(Exception):
    """Carries the first difference out of the replay."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.sentence)
        self.difference = difference


def told(value: JSON) -> str:
    """A value in a sentence."""
    text = dumps(value)
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."


def shape(event: HistoryEvent) -> str:
    """An event in a sentence."""
    error = (event.more or {}).get("error")
    kind = event.type
    if kind.endswith("StateEntered"):
        return f"enters the {kind.removesuffix('StateEntered')} state '{event.name}'"
    if kind.endswith("StateExited"):
        return f"leaves the state '{event.name}'"
    if kind == "ExecutionSucceeded":
        return "ends with success"
    if kind == "ExecutionFailed":
        return f"fails with {error or 'no error name'}"
    return kind if error is None else f"{kind} ({error})"


def kind_of(recorded: HistoryEvent, now: HistoryEvent) -> str:
    """What it means that two events of different types, or of different states, stand at one place."""
    was, does = recorded.type, now.type
    if does == "ExecutionFailed" or does.endswith("StateFailed") or does == "EvaluationFailed":
        handled = was.endswith(("StateExited", "Scheduled", "StateStarted"))
        return NO_HANDLER if handled else OTHER
    if was.endswith("StateEntered") or does.endswith("StateEntered"):
        return NEXT_STATE
    return OTHER
