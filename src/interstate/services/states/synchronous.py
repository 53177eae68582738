"""StartSyncExecution: the caller waits for the end of an Express execution.

Source: API Reference, StartSyncExecution; answers recorded from the service.
"""

from interstate.base.errors import ServiceError
from interstate.services.operation import Outcome, Parked
from interstate.services.states import executor
from interstate.services.states.mocking import forget
from interstate.services.states.starting import StartSyncExecution, begin_express
from interstate.services.states.sync_answers import ended
from interstate.services.states.texts import forget_input
from interstate.store.ports import Work
from interstate.store.records.states import EXECUTION_ARNS, EXECUTIONS, RUNNING

SYNC_WAIT_S = 330.0
"""Express executions end after 5 minutes of business time; when that stands still, callers get an answer at last too."""


class StillRunning(ServiceError):
    """The caller waited as long as a caller may (or the server ends); the execution goes on without him."""

    code = "ServiceUnavailable"
    status = 503

    def __init__(self, arn: str) -> None:
        super().__init__(f"The execution has not ended yet: '{arn}'")


def start_sync_execution(request: StartSyncExecution, work: Work) -> Outcome:
    """Start an Express execution and answer with its end.

    Raises:
        StateMachineTypeNotSupported: the machine is Standard.
    """
    execution, began = begin_express(request, work)
    executor.handle(
        began, work
    )  # Now: an execution that needs nothing from outside is over then, and leaves no due row.
    return _answer_at_the_end(execution.id, request.included_data, work, last=False)


def _answer_at_the_end(number: int, included: str, work: Work, *, last: bool) -> Outcome:
    execution = work.get(EXECUTIONS, number)
    assert execution is not None, number
    if execution.status == RUNNING and not last:
        return Parked(
            f"execution:{execution.arn}",
            SYNC_WAIT_S,
            lambda work, last: _answer_at_the_end(number, included, work, last=last),
        )
    if execution.status == RUNNING:
        raise StillRunning(execution.arn)
    if execution.mock_case:
        forget(execution.id, work)
    answer = ended(execution, work, included)
    forget_input(execution, work)
    work.delete(EXECUTIONS, execution.id)  # Nobody can ask for an Express execution again.
    work.delete(EXECUTION_ARNS, execution.arn)
    return answer
