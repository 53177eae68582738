"""In which state an execution ended, from its history.

Every event of a history names the one before it, in its own branch; whoever goes back along them comes to the state that was
entered last.

Source: Step Functions API Reference, HistoryEvent (previousEventId).
"""

from collections.abc import Mapping

from interstate.core.asl.vocabulary import HistoryEvent

_ENTERED = "StateEntered"


def failed_state(events: Mapping[int, HistoryEvent], last: int) -> str | None:
    """The name of the state that led to the event ``last``; None when ``events`` do not reach so far back."""
    event = events.get(last)
    while event is not None:
        if event.type.endswith(_ENTERED):
            return event.name
        event = events.get(event.previous)
    return None
