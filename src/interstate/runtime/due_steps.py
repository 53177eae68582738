"""Due work in a batch: steps that a scan has found, whose rows are read together, and the ends of effects.

Theory of operation
-------------------
Where each read is a round trip, a step that reads six rows one after the other waits six times, and time that is spent on
waiting is not there for work: the batch closes. So steps tell which rows they will read (``Step.keys``), and a page of steps has
all of them read at once, with the configuration that steps of that kind have read before (``foresight``). The time of a batch is
what it computes: what it waited for these rows is added to it.
"""

import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import msgspec

from interstate.runtime.batch import Batches
from interstate.runtime.work import BatchWork
from interstate.services.operation import Effect
from interstate.store.ports import Look
from interstate.store.records.due import DUE, Due
from interstate.store.tables import Key

PAGE = 16
"""So many steps have their rows read together: a batch seldom has the time for more."""

_log = logging.getLogger("interstate.due")
_Told = tuple[Due, msgspec.Struct | None, Sequence[Key | Look]]


def run_steps(batches: Batches, work: BatchWork, rows: Sequence[Due]) -> int:
    """Do steps, one at least, until the batch's time is over; tells how many."""
    if not batches.store.asks_ahead:
        return _run(batches, work, [(row, None, ()) for row in rows])
    done = 0
    for at in range(0, len(rows), PAGE):
        if done and work.is_late:
            break
        page = [_told(batches, row) for row in rows[at : at + PAGE]]
        begin = monotonic()
        batches.read_ahead(work.records, [keys for _, _, keys in page])
        work.until += monotonic() - begin
        done += (now_done := _run(batches, work, page))
        if now_done < len(page):
            break
    return done


def end_of(
    effect: Effect[Any], row: Due, body: Any, result: Any
) -> tuple[Callable[[BatchWork], None], tuple[Key, ...]]:
    """What takes an effect's result, once, and which rows it will read. A row that is gone meanwhile was cancelled."""

    def finish(work: BatchWork) -> None:
        if work.get(DUE, row.id) is not None:
            work.delete(DUE, row.id)
            effect.finish(body, result, work)

    told = () if effect.keys is None else effect.keys(body)
    return finish, (*told, Key(DUE, (row.id,)))


def _run(batches: Batches, work: BatchWork, page: Sequence[_Told]) -> int:
    done = 0
    for row, body, keys in page:
        if done and work.is_late:
            break
        batches.run_step(work, row.id, body)
        batches.learn(work.records, keys)
        done += 1
    return done


def _told(batches: Batches, row: Due) -> _Told:
    """A row with its body, and what its step will read."""
    step: Any = batches.catalog.steps.get(row.kind)
    if step is None or step.keys is None:
        return row, None, ()
    try:
        body = msgspec.json.decode(row.body, type=step.body)
        return row, body, tuple(step.keys(body))
    except Exception as error:  # noqa: BLE001 the border: who runs the step meets it again, and puts it off
        _log.debug("what step %s %d will read is not known: %r", row.kind, row.id, error)
        return row, None, ()
