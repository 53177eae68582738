"""Who asked for a job, until it is settled."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from interstate.base.errors import ServiceError
from interstate.runtime.batch import Job
from interstate.runtime.commits import Commits
from interstate.runtime.parking import Parking
from interstate.services.operation import Parked

Settle = Callable[[Any, ServiceError | None], None]


class Asking(Protocol):
    """The instance, as far as a job that comes again needs it."""

    commits: Commits
    parking: Parking

    def seed(self) -> bytes:
        """Randomness for one job."""


class Asked:
    """Settles a job after its last commit, and submits it again whenever it was parked and woken.

    One object whose methods are handed on: functions that named each other would be a circle, and every call of the
    server would leave some forty objects behind for the search for garbage.
    """

    __slots__ = ("_gone", "_instance", "_settle")

    def __init__(self, instance: Asking, settle: Settle, gone: Callable[[], bool] | None) -> None:
        self._instance = instance
        self._settle = settle
        self._gone = gone

    def done(self, job: Job) -> None:
        """The job's commit is over."""
        outcome = job.outcome
        if job.error is None and isinstance(outcome, Parked):
            # Parked before any later batch can wake it: this runs in the same turn as the commit's end.
            if self._instance.parking.was_woken(outcome.key, job.began):
                self._again(outcome, job, last=False)
            else:
                self._instance.parking.park(outcome, partial(self._again, outcome, job))
        else:
            self._settle(outcome, job.error)

    def _again(self, parked: Parked, asked: Job, last: bool) -> None:  # noqa: FBT001 the contract's positional "last"
        if self._gone is None or not self._gone():  # Nothing is taken for a client that left.
            instance = self._instance
            again = Job(lambda work: parked.again(work, last), self.done, instance.seed(), asked.caller, asked.keys)
            instance.commits.submit(again)
