"""Who asked for a job that is parked: it comes again with the rows that it told."""

from typing import Any

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.asked import Asked
from interstate.runtime.batch import Job
from interstate.services.operation import Parked
from interstate.store.records.sqs import QUEUES
from interstate.store.tables import Demand, Key

CALLER = Caller(account="111111111111")
KEYS = (Key(QUEUES, ("arn",)), Demand("messages", 10))


class _Instance:
    """What was submitted and parked; ``woken``: whether every key was woken meanwhile."""

    def __init__(self, *, woken: bool) -> None:
        self.commits = self.parking = self
        self.jobs: list[Job] = []
        self.resumes: list[Any] = []
        self._woken = woken

    def seed(self) -> bytes:
        return b"seed"

    def submit(self, job: Job) -> None:
        self.jobs.append(job)

    def was_woken(self, _key: str, _since: int) -> bool:
        return self._woken

    def park(self, _parked: Parked, resume: Any) -> None:
        self.resumes.append(resume)


def parked(instance: Any, gone: Any = None) -> list[tuple[Any, ServiceError | None]]:
    """A job was parked; what it is settled with."""
    settled: list[tuple[Any, ServiceError | None]] = []
    asked = Asked(instance, lambda outcome, error: settled.append((outcome, error)), gone)
    outcome = Parked("key", 20.0, lambda _work, last: {"last": last})
    asked.done(Job(lambda _work: None, asked.done, b"", CALLER, KEYS, outcome))
    return settled


def test_a_call_that_is_woken_tells_its_rows_again() -> None:
    instance = _Instance(woken=False)
    settled = parked(instance)
    (resume,) = instance.resumes
    resume(True)
    (again,) = instance.jobs
    assert (again.keys, again.caller) == (KEYS, CALLER)
    again.outcome = again.run(None)  # type: ignore[arg-type]  # it uses none
    again.done(again)
    assert settled == [({"last": True}, None)]


def test_a_call_that_was_woken_before_it_was_parked_comes_again_at_once() -> None:
    instance = _Instance(woken=True)
    assert parked(instance) == []
    assert instance.resumes == []
    assert [(job.keys, job.run(None)) for job in instance.jobs] == [(KEYS, {"last": False})]  # type: ignore[arg-type]  # as above


def test_nothing_is_taken_for_a_client_that_left() -> None:
    instance = _Instance(woken=True)
    parked(instance, lambda: True)
    assert instance.jobs == []
