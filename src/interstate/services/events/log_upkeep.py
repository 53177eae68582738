"""The event log is kept for some days, and forgotten in bounded steps.

The setting ``events.log-days`` of an instance says how many days; 0 keeps nothing beyond the next sweep.
"""

from datetime import timedelta

from interstate.base.numbers import whole_number
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS
from interstate.store.records.events import ATTEMPTS, LOG, SWEEPS, LogSweep, Sweep
from interstate.store.tables import Key

LOG_SWEEP = "events.log_sweep"
LOG_DAYS = "events.log-days"
LOG_DAYS_DEFAULT = 3
_EVERY = timedelta(hours=1)
_ROWS_MAX = 500
_NAME = "log"
SWEEP_KEY = Key(SWEEPS, (_NAME,))


def plan_sweep(work: Work) -> None:
    """Plan the next sweep, when none is."""
    if work.get(SWEEPS, _NAME) is None:
        _plan(work, soon=False)


def _plan(work: Work, *, soon: bool) -> None:
    at = work.now if soon else work.now + _EVERY
    work.put(SWEEPS, Sweep(_NAME, at))
    work.later(LOG_SWEEP, LogSweep(), at=at, yields=soon)


def sweep_log(_body: LogSweep, work: Work) -> None:
    """Forget a bounded number of old rows; come back at once while there are more."""
    setting = work.get(SETTINGS, LOG_DAYS)
    days = LOG_DAYS_DEFAULT if setting is None else whole_number(setting.value)
    before = work.now - timedelta(days=LOG_DAYS_DEFAULT if days is None else days)
    gone = [work.sweep(table, before=before, limit=_ROWS_MAX) for table in (LOG, ATTEMPTS)]
    _plan(work, soon=_ROWS_MAX in gone)
