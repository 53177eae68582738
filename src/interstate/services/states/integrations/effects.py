"""What Tasks have done outside: the effects of Step Functions, and how their ends come back to the Task."""

from typing import Any

from interstate.core.asl.vocabulary import TaskFailed, TaskSubmitted, TaskSucceeded
from interstate.services.operation import Effect
from interstate.services.states.integrations import calls, requests
from interstate.services.states.integrations.outcome import Answered, Failed
from interstate.store.ports import Work
from interstate.store.records.states import (
    ApiAnswer,
    ApiCall,
    Deliveries,
    Delivery,
    HttpAnswer,
    HttpCall,
    Place,
)


def finish_call(body: ApiCall, result: ApiAnswer, work: Work) -> None:
    """A call from outside was answered. The end of the effect "states.call"."""
    _leave(body.place, calls.taken(result), work)


def finish_request(body: HttpCall, result: HttpAnswer, work: Work) -> None:
    """A request was answered, or not. The end of the effect "states.http"."""
    _leave(body.place, requests.taken(body, result), work, submits=body.submits)


def _leave(place: Place, outcome: Answered | Failed, work: Work, *, submits: bool = False) -> None:
    if place.execution == 0:  # TestState, which takes the answer itself.
        return
    event: TaskSucceeded | TaskSubmitted | TaskFailed
    if submits and isinstance(outcome, Answered):
        event = TaskSubmitted(place.visit, outcome.output)
    elif isinstance(outcome, Answered):
        event = TaskSucceeded(place.visit, outcome.output)
    else:
        event = TaskFailed(place.visit, outcome.error, outcome.cause)
    work.later("states.event", Deliveries(place.execution, [Delivery(place.frame, event)]))


EFFECTS: tuple[Effect[Any], ...] = (
    Effect("states.call", ApiCall, finish_call),
    Effect("states.http", HttpCall, finish_request),
)
