"""A node that has decided a call and has not committed it yet."""

from typing import Any

from interstate.base.arn import Caller
from interstate.runtime.batch import Batches, Job
from interstate.runtime.testing import World


def begin(world: World, service: str, operation: str, request: dict[str, Any]) -> Job:
    """A call that is decided and not committed: a slow node."""
    row = world.catalog.operation(service, operation)
    typed = world.catalog.request(service, operation, request, checked=False)
    keys = list(row.keys(typed, Caller())) if row.keys is not None else []
    job = Job(lambda work: row.handle(typed, work), lambda _job: None, bytes(16), Caller(), keys)
    batches: Batches = world.batches
    batches.decide([job], world.now, effects_max=0, work_s=60, settles=True)
    assert job.error is None
    return job
