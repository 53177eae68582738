"""Synchronous workflows behind APIs: the request waits, parked, until the execution ends."""

from collections.abc import Callable

import msgspec

from interstate.base.errors import ServiceError
from interstate.services.apigateway import direct
from interstate.services.apigateway.exchange import Exchange, message
from interstate.services.doors import Response
from interstate.services.operation import Answer, Outcome, Parked, Perform
from interstate.services.states.starting import StartSyncExecution
from interstate.services.states.synchronous import start_sync_execution
from interstate.store.ports import Work


def synchronous(exchange: Exchange, finished: Callable[[Response], Answer], work: Work) -> Outcome:
    """Start an Express workflow and answer when it ends."""
    try:
        call = direct.call_of(exchange)
        request = msgspec.convert(call.request, StartSyncExecution)
        with work.overlay():
            outcome = start_sync_execution(request, work)
    except ServiceError as error:
        return finished(message(error.status, error.message))
    return when_ended(outcome, finished)


def when_ended(outcome: Outcome, finished: Callable[[Response], Answer]) -> Outcome:
    """The answer of an execution, when there is one."""
    if isinstance(outcome, Parked):
        again = outcome.again
        return Parked(
            outcome.key, outcome.wait_s, lambda work, last: when_ended(again(work, last), finished), outcome.wake_at
        )
    assert not isinstance(outcome, Perform)
    return finished(direct.answered(outcome))
