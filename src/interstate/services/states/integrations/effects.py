"""What Tasks have done outside: the effects of Step Functions, and how their ends come back to the Task."""

from typing import Any

from interstate.core.asl.vocabulary import TaskFailed, TaskSubmitted, TaskSucceeded
from interstate.services.operation import Effect
from interstate.services.states.integrations import calls, requests
from interstate.services.states.integrations.outcome import Answered, Failed
from interstate.store.ports import Work
from interstate.store.records.states import (
    EXECUTIONS,
    FRAMES,
    ApiAnswer,
    ApiCall,
    Deliveries,
    Delivery,
    HttpAnswer,
    HttpCall,
    Place,
)
from interstate.store.tables import Key


def finish_call(body: ApiCall, result: ApiAnswer, work: Work) -> None:
    """A call from outside was answered. The end of the effect "states.call"."""
    _leave(body.place, calls.taken(result), work)


def finish_request(body: HttpCall, result: HttpAnswer, work: Work) -> None:
    """A request was answered, or not. The end of the effect "states.http"."""
    _leave(body.place, requests.taken(body, result), work, submits=body.submits)


def keys_of(body: ApiCall | HttpCall) -> list[Key]:
    """What the end of such an effect, and the slice that follows, read first."""
    return keys_of_place(body.place) if body.place.execution else []


def keys_of_place(place: Place) -> list[Key]:
    """The execution, the frame of its Task and frame 0."""
    return [Key(EXECUTIONS, (place.execution,)), *(Key(FRAMES, (place.execution, at)) for at in {0, place.frame})]


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
    Effect("states.call", ApiCall, finish_call, keys_of),
    Effect("states.http", HttpCall, finish_request, keys_of),
)
