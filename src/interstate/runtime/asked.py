"""Who asked for a job, until it is settled."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.batch import Job
from interstate.services.operation import Parked

if TYPE_CHECKING:
    from interstate.runtime.instance import Instance

Settle = Callable[[Any, ServiceError | None], None]


class Asked:
    """Settles a job after its last commit, and submits it again whenever it was parked and woken.

    One object whose methods are handed on: functions that named each other would be a circle, and every call of the
    server would leave some forty objects behind for the search for garbage.
    """

    __slots__ = ("_gone", "_instance", "_settle")

    def __init__(self, instance: "Instance", settle: Settle, gone: Callable[[], bool] | None) -> None:
        self._instance = instance
        self._settle = settle
        self._gone = gone

    def done(self, job: Job) -> None:
        """The job's commit is over."""
        outcome = job.outcome
        if job.error is None and isinstance(outcome, Parked):
            # Parked before any later batch can wake it: this runs in the same turn as the commit's end.
            if self._instance.parking.was_woken(outcome.key, job.began):
                self._again(outcome, job.caller, last=False)
            else:
                self._instance.parking.park(outcome, partial(self._again, outcome, job.caller))
        else:
            self._settle(outcome, job.error)

    def _again(self, parked: Parked, caller: Caller, last: bool) -> None:  # noqa: FBT001 the contract's positional "last"
        if self._gone is None or not self._gone():  # Nothing is taken for a client that left.
            instance = self._instance
            instance.commits.submit(Job(lambda work: parked.again(work, last), self.done, instance.seed(), caller))
