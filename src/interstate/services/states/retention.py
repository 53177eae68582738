"""How long executions are kept after their end; what is older is forgotten, a bounded piece at a time.

Source: Step Functions quotas, "Execution history retention time" (90 days for Standard). Express executions cannot be described
at all; a day is for who looks at them here.
"""

from datetime import timedelta

from interstate.services.states import mocking
from interstate.services.states.distributed.runs import forget
from interstate.services.states.texts import forget_input
from interstate.store.ports import Work
from interstate.store.records.map_runs import MAP_RUN_ARNS, MAP_RUNS, MAP_SOURCES, RUNS_OF_EXECUTION
from interstate.store.records.states import (
    EXECUTION_ARNS,
    EXECUTIONS,
    EXECUTIONS_ENDED,
    EXPRESS,
    HISTORY_FROM,
    STANDARD,
    SWEEPS,
    Execution,
    Sweep,
)

KEPT = {STANDARD: timedelta(days=90), EXPRESS: timedelta(days=1)}
EVERY = timedelta(days=1)
EXECUTIONS_AT_ONCE = 100
CHUNKS_AT_ONCE = 1000
RUNS_AT_ONCE = 100


def arm(work: Work) -> None:
    """Leave the first sweep, once in the life of a store; each sweep leaves the next."""
    if work.get(SWEEPS, Sweep().name) is None:
        work.put(SWEEPS, Sweep())
        work.later("states.sweep", Sweep(), at=work.now + EVERY)


def sweep(body: Sweep, work: Work) -> None:
    """Forget what ended too long ago. The step "states.sweep"."""
    more = False
    for kind, kept in KEPT.items():
        old = work.select(EXECUTIONS_ENDED, limit=EXECUTIONS_AT_ONCE, type=kind, before=work.now - kept)
        more = more or len(old) == EXECUTIONS_AT_ONCE
        for execution in old:
            if not _forget(execution, work):
                more = True
                break
    work.later("states.sweep", body, at=work.now if more else work.now + EVERY)


def _forget(execution: Execution, work: Work) -> bool:
    """Forget an execution with its history; False when there is more history than is erased at once."""
    if work.erase(HISTORY_FROM, limit=CHUNKS_AT_ONCE, execution=execution.id, first=0) == CHUNKS_AT_ONCE:
        return False
    runs = work.select(RUNS_OF_EXECUTION, limit=RUNS_AT_ONCE, execution=execution.id, after=0)
    for run in runs:
        if work.get(MAP_SOURCES, run.id) is not None:  # It could have been redriven.
            forget(run, work)
        work.delete(MAP_RUN_ARNS, run.arn)
        work.delete(MAP_RUNS, run.id)
    if len(runs) == RUNS_AT_ONCE:
        return False
    name = work.get(EXECUTION_ARNS, execution.arn)
    if name is not None and name.execution == execution.id:  # A later machine of the same name may have used it again.
        work.delete(EXECUTION_ARNS, execution.arn)
    if execution.mock_case:
        mocking.forget(execution.id, work)
    forget_input(execution, work)
    work.delete(EXECUTIONS, execution.id)
    return True
