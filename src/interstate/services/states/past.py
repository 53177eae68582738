"""The whole history of an execution."""

from interstate.core.asl.history import decode
from interstate.core.asl.vocabulary import HistoryEvent
from interstate.store.ports import Work
from interstate.store.records.states import HISTORY_FROM, Execution

_PAGE = 1000


def history_of(execution: Execution, work: Work) -> list[HistoryEvent]:
    """All events of an execution; there are 25,000 at most."""
    found: list[HistoryEvent] = []
    while True:
        first = found[-1].id + 1 if found else 1
        chunks = work.select(HISTORY_FROM, limit=_PAGE, execution=execution.id, first=first)
        found += [event for chunk in chunks for event in decode(chunk.body)]
        if len(chunks) < _PAGE:
            return found
