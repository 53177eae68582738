"""How many executions and Map Runs an account and region may have open.

Theory of operation
-------------------
Each start adds one to a row that this node alone writes, each end takes one away, in the same commit; the number is the sum over
nodes. What the other nodes have is looked up once a second, and at each start while fewer than ``NEAR`` places are left; of
nodes that might take the last places, each has all of them in hand while it decides. So the number is exact, and nobody waits for
another node before an account is nearly full.

Children of Map Runs are executions like others, and count; what AWS does with a child that finds no place is not published:
here only who calls StartExecution, RedriveExecution or a restart is refused. Express executions do not count. A Map Run
that finds no place waits, with ``MapRunStarted`` as the last event of its state, until another one ends.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html ("Quotas related to accounts");
procedure-cw-metrics.html (``OpenExecutionCount``, ``ApproximateMapRunBacklogSize``)
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from interstate.services.states.errors import ExecutionLimitExceeded
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS
from interstate.store.records.map_runs import MAP_RUNS, GoOn
from interstate.store.records.open_counts import (
    EXECUTIONS_OPEN,
    LAST_PLACES,
    MAP_BACKLOG,
    MAP_BACKLOG_OF_SCOPE,
    MAP_RUNS_OPEN,
    OPEN,
    Backlogged,
    LastPlaces,
    Open,
)

EXECUTIONS_QUOTA: Final = "quota.states.open-executions"
MAP_RUNS_QUOTA: Final = "quota.states.open-map-runs"
"""Settings of an instance that stand in for raised or lowered quotas."""
OPEN_EXECUTIONS_MAX: Final = 1_000_000
"""Of Standard machines. Source: the first page above."""
OPEN_MAP_RUNS_MAX: Final = 1_000
"""Source: the same."""
NEAR: Final = 125_000
"""More than all other nodes can start between two looks."""
LAST: Final = 4_096
"""More than all other nodes have in hand and did not commit yet."""
LOOKED_EVERY: Final = timedelta(seconds=1)
_ADMITTED_AT_ONCE: Final = 50
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def scope_of(arn: str) -> str:
    """The account and region of an ARN; machines' are asked for again and again."""
    _arn, _partition, _service, region, account, _resource = arn.split(":", 5)
    return f"{account}/{region}"


def _own(scope: str, work: Work) -> Open:
    return work.get(OPEN, scope, work.node) or Open(scope, work.node, 0, 0, 0, _NEVER)


def _quota(name: str, default: int, work: Work) -> int:
    setting = work.get(SETTINGS, name)
    return default if setting is None else int(setting.value)


# Executions ---------------------------------------------------------------------------------------------------------


def count_execution(machine: str, by: int, work: Work) -> None:
    """One execution more of the machine with this ARN is open, or one less."""
    scope = scope_of(machine)
    row = work.get(OPEN, scope, work.node) or _own(scope, work)
    work.put(OPEN, Open(row.scope, row.node, row.executions + by, row.map_runs, row.others, row.looked_at))


def check_executions(scope: str, work: Work) -> None:
    """Refuse one more open execution than a region may have.

    Raises:
        ExecutionLimitExceeded: it has them.
    """
    _with_a_place(scope, work)


def take_place(scope: str, work: Work) -> None:
    """Count one more open execution, where there is a place for it.

    Raises:
        ExecutionLimitExceeded: there is none.
    """
    row = _with_a_place(scope, work)
    work.put(OPEN, Open(row.scope, row.node, row.executions + 1, row.map_runs, row.others, row.looked_at))


def _with_a_place(scope: str, work: Work) -> Open:
    """This node's row, when the region may have one more open execution."""
    quota = _quota(EXECUTIONS_QUOTA, OPEN_EXECUTIONS_MAX, work)
    row = work.get(OPEN, scope, work.node) or _own(scope, work)
    left = quota - row.executions - row.others
    if left <= NEAR or (work.now != row.looked_at and work.now - row.looked_at >= LOOKED_EVERY):
        left = quota - _looked(row, work)
        if work.node and left <= LAST:
            _take_last_places(scope, work)
            left = quota - _looked(row, work)
        row = _own(scope, work)
    if left <= 0:
        raise ExecutionLimitExceeded
    return row


def _looked(row: Open, work: Work) -> int:
    total = work.scalar(EXECUTIONS_OPEN, scope=row.scope)
    work.put(OPEN, msgspec.structs.replace(row, others=total - row.executions, looked_at=work.now))
    return total


def _take_last_places(scope: str, work: Work) -> None:
    """From here to the commit no other node decides who takes them; sums that are read from here on have all that it took."""
    if work.get(LAST_PLACES, scope) is None:
        work.put(LAST_PLACES, LastPlaces(scope))


# Map Runs -----------------------------------------------------------------------------------------------------------


def admit(run: int, scope: str, work: Work) -> bool:
    """Whether a Map Run may go on now; otherwise it waits for its turn."""
    if _map_runs_left(scope, work) <= 0:
        work.put(MAP_BACKLOG, Backlogged(scope, run))
        return False
    _count_map_run(scope, 1, work)
    return True


def release(scope: str, work: Work) -> None:
    """A Map Run is not open any more: the next ones of those that wait go on."""
    left = _map_runs_left(scope, work) + 1
    _count_map_run(scope, -1, work)
    if left <= 0:
        return
    for waiting in work.select(MAP_BACKLOG_OF_SCOPE, limit=min(left, _ADMITTED_AT_ONCE), scope=scope):
        run = work.get(MAP_RUNS, waiting.run)
        work.delete(MAP_BACKLOG, scope, waiting.run)
        if run is not None:
            _count_map_run(scope, 1, work)
            work.put(MAP_RUNS, msgspec.structs.replace(run, backlogged=False, scheduled=True))
            work.later("states.map_run", GoOn(run.id))


def forget_waiting(run: int, scope: str, work: Work) -> None:
    """A Map Run that waits was stopped."""
    work.delete(MAP_BACKLOG, scope, run)


def _map_runs_left(scope: str, work: Work) -> int:
    quota = _quota(MAP_RUNS_QUOTA, OPEN_MAP_RUNS_MAX, work)
    left = quota - work.scalar(MAP_RUNS_OPEN, scope=scope)
    if work.node and left <= LAST // 16:
        _take_last_places(scope, work)
        left = quota - work.scalar(MAP_RUNS_OPEN, scope=scope)
    return left


def _count_map_run(scope: str, by: int, work: Work) -> None:
    row = _own(scope, work)
    work.put(OPEN, msgspec.structs.replace(row, map_runs=row.map_runs + by))
