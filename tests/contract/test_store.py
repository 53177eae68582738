"""The unit of work's promises, one suite for every dialect (design, law 6)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from tests.postgres_server import fresh_database

from interstate.base.errors import ValidationException
from interstate.runtime.batch import Batches, Decided, InternalFailure, Job
from interstate.runtime.catalog import Catalog
from interstate.runtime.work import BatchWork
from interstate.services.operation import Service, Step
from interstate.store.ports import Look, Store
from interstate.store.postgres.engine import ClockSequences, PostgresStore
from interstate.store.records.due import DUE, READY, SETTINGS, Due, Setting
from interstate.store.records.sqs import QUEUES, QUEUES_OF_SCOPE, Queue
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.tables import Select

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STORES: dict[str, Callable[[Path], Store]] = {
    "sqlite in memory": lambda _path: SqliteStore(None),
    "sqlite on disk": SqliteStore,
    "postgres": lambda _path: PostgresStore(fresh_database()),
}


class Note(msgspec.Struct, frozen=True):
    text: str


def _note(body: Note, work: BatchWork) -> None:
    work.put(SETTINGS, Setting(body.text, "done"))


def _broken(_body: Note, work: BatchWork) -> None:
    work.put(SETTINGS, Setting("never", "seen"))
    raise RuntimeError("a bug")


TABLES = (Service("test", (), steps=(Step("note", Note, _note), Step("broken", Note, _broken))),)  # type: ignore[arg-type]  # BatchWork is the Work


@pytest.fixture(params=STORES, ids=str)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = STORES[request.param](tmp_path)
    yield store
    store.close()


@pytest.fixture
def batches(store: Store) -> Batches:
    sequences = ClockSequences(store) if isinstance(store, PostgresStore) else Sequences()
    return Batches(store, Catalog(TABLES), b"seed", sequences)


def run(batches: Batches, *functions: Callable[[BatchWork], object], now: datetime = NOW) -> list[Job]:
    jobs = [Job(function, lambda _job: None, bytes([number]) * 16) for number, function in enumerate(functions)]
    commit(
        batches, jobs, batches.decide(jobs, now, effects_max=10, work_s=60), now
    )  # All are reached, on a busy machine, too.
    return jobs


def commit(batches: Batches, jobs: list[Job], decided: list[Decided], now: datetime) -> None:
    """As ``runtime/commits.py`` does: what the commit refuses is decided again."""
    try:
        batches.store.commit()
    except batches.store.refusals as error:
        if not batches.may_decide_again(error):
            raise
        batches.store.rollback()
        batches.decide(jobs[len(jobs) - decided[-1].jobs :], now, effects_max=10, work_s=60, settles=True)
        batches.store.commit()


ALL = Select(SETTINGS, "name > :after", "name")


def read(batches: Batches, name: str) -> str | None:
    (job,) = run(batches, lambda work: work.get(SETTINGS, name))
    return None if job.outcome is None else job.outcome.value


def put(name: str, value: str) -> Callable[[BatchWork], None]:
    return lambda work: work.put(SETTINGS, Setting(name, value))


def refuse(work: BatchWork) -> None:
    work.put(SETTINGS, Setting("refused", "x"))
    work.put(SETTINGS, Setting("a", "spoiled"))
    raise ValidationException("no")


def queue(arn: str, name: str) -> Queue:
    return Queue(arn, 1, "0/us", name, NOW, NOW, {}, {})


@pytest.mark.parametrize("position", range(4))
def test_a_refused_call_touches_nobody_wherever_it_stands(batches: Batches, position: int) -> None:
    calls: list[Callable[[BatchWork], object]] = [put("a", "1"), put("b", "2"), put("c", "3")]
    calls.insert(position, refuse)
    jobs = run(batches, *calls)
    assert [job.error is not None for job in jobs] == [at == position for at in range(4)]
    assert [read(batches, name) for name in "abc"] == ["1", "2", "3"]
    assert read(batches, "refused") is None


def test_two_calls_on_one_record_see_each_other(batches: Batches) -> None:
    def add(work: BatchWork) -> str:
        before = work.get(SETTINGS, "n")
        value = str(1 if before is None else int(before.value) + 1)
        work.put(SETTINGS, Setting("n", value))
        return value

    assert [job.outcome for job in run(batches, add, add, add)] == ["1", "2", "3"]
    assert read(batches, "n") == "3"


@pytest.mark.parametrize("position", range(3))
def test_a_call_that_the_database_refuses_fails_alone(batches: Batches, position: int) -> None:
    """Two queues of one name: a unique index refuses the batch, which is run again in halves."""
    calls: list[Callable[[BatchWork], object]] = [put("a", "1"), put("b", "2")]
    run(batches, lambda work: work.put(QUEUES, queue("arn:1", "twin")))
    calls.insert(position, lambda work: work.put(QUEUES, queue("arn:2", "twin")))
    jobs = run(batches, *calls)
    assert [job.error is not None for job in jobs] == [at == position for at in range(3)]
    assert [read(batches, "a"), read(batches, "b")] == ["1", "2"]


@pytest.mark.parametrize("position", range(3))
def test_a_record_that_cannot_be_written_fails_its_own_call(batches: Batches, position: int) -> None:
    """A number beyond 64 bits is met when the batch is written, long after the call that put it has returned."""
    calls: list[Callable[[BatchWork], object]] = [put("a", "1"), put("b", "2")]
    broken = Queue("arn:9", 2**70, "0/us", "broken", NOW, NOW, {}, {})
    calls.insert(position, lambda work: work.put(QUEUES, broken))
    jobs = run(batches, *calls)
    assert [job.error is not None for job in jobs] == [at == position for at in range(3)]
    assert [read(batches, "a"), read(batches, "b")] == ["1", "2"]


def test_a_batch_that_is_run_again_takes_the_same_now_and_ids(batches: Batches) -> None:
    seen: list[tuple[datetime, str]] = []

    def note(work: BatchWork) -> None:
        seen.append((work.now, work.entropy.uuid()))

    run(batches, lambda work: work.put(QUEUES, queue("arn:1", "twin")))
    run(batches, note, lambda work: work.put(QUEUES, queue("arn:2", "twin")))
    assert len(seen) >= 2
    assert len(set(seen)) == 1


def test_a_range_read_sees_what_the_batch_wrote(batches: Batches) -> None:
    def read_range(work: BatchWork) -> list[str]:
        return [found.name for found in work.select(QUEUES_OF_SCOPE, limit=9, scope="0/us", after="", prefix="")]

    jobs = run(batches, lambda work: work.put(QUEUES, queue("arn:1", "one")), read_range)
    assert jobs[1].outcome == ["one"]


def test_a_refused_call_takes_back_what_a_range_read_had_flushed(batches: Batches) -> None:
    run(batches, lambda work: work.put(QUEUES, queue("arn:1", "one")))

    def change_and_refuse(work: BatchWork) -> None:
        work.put(QUEUES, queue("arn:1", "renamed"))
        work.put(QUEUES, queue("arn:2", "new"))
        names = [found.name for found in work.select(QUEUES_OF_SCOPE, limit=9, scope="0/us", after="", prefix="")]
        assert names == ["new", "renamed"]
        raise ValidationException("no")

    run(batches, change_and_refuse)
    (job,) = run(batches, lambda work: work.select(QUEUES_OF_SCOPE, limit=9, scope="0/us", after="", prefix=""))
    assert [found.name for found in job.outcome] == ["one"]


DUE_AT: dict[str, Any] = {"lane": 0, "now": NOW}


def due(number: int, lane: int = 0) -> Due:
    return Due(number, lane, NOW, True, "test.step", 0, b"{}")


def numbers(work: BatchWork, limit: int = 9) -> list[int]:
    return [found.id for found in work.select(READY, limit=limit, **DUE_AT)]


def test_what_was_read_ahead_shows_what_the_batch_wrote_since(batches: Batches) -> None:
    def ahead(work: BatchWork) -> list[int]:
        work.records.read_ahead({DUE: {(1,), (7,)}}, [Look(READY, DUE_AT, 9)])
        return numbers(work)

    def put_and_refuse(work: BatchWork) -> None:
        work.put(DUE, due(3))
        assert numbers(work) == [1, 2, 3]
        raise ValidationException("no")

    def drop(work: BatchWork) -> list[int]:
        work.delete(DUE, 1)
        return numbers(work)

    run(batches, lambda work: work.put_all(DUE, [due(1), due(2)]))
    first, refused, same, dropped, again, last = run(batches, ahead, put_and_refuse, numbers, drop, ahead, numbers)
    assert refused.error is not None
    assert [job.outcome for job in (first, same, dropped, again, last)] == [[1, 2], [1, 2], [2], [2], [2]]


def test_what_the_batch_wrote_is_not_read_ahead(batches: Batches) -> None:
    def put_and_look(work: BatchWork) -> list[int]:
        work.put(DUE, due(2))
        work.delete(DUE, 1)
        work.records.read_ahead({DUE: {(1,), (2,)}}, [Look(READY, DUE_AT, 9)])
        return numbers(work)

    run(batches, lambda work: work.put(DUE, due(1)))
    (job,) = run(batches, put_and_look)
    assert job.outcome == [2]
    assert run(batches, numbers)[0].outcome == [2]


def test_ranges_that_are_read_together_show_what_the_batch_wrote(batches: Batches) -> None:
    def look(work: BatchWork) -> list[list[int]]:
        work.put(DUE, due(2))
        work.put(DUE, due(4, lane=1))
        looks = [Look(READY, {"lane": lane, "now": NOW}, 9) for lane in (0, 1, 2)]
        return [[cast("Due", found).id for found in records] for records in work.records.select_all(looks)]

    run(batches, lambda work: work.put(DUE, due(1)))
    (job,) = run(batches, look)
    assert job.outcome == [[1, 2], [4], []]


def test_a_new_row_is_inserted_without_a_look(batches: Batches) -> None:
    def refuse_new(work: BatchWork) -> None:
        work.put_new(SETTINGS, Setting("refused", "x"))
        raise ValidationException("no")

    def change(work: BatchWork) -> None:
        work.put_new(SETTINGS, Setting("a", "1"))
        work.put_new(SETTINGS, Setting("a", "2"))

    jobs = run(batches, change, refuse_new)
    assert (jobs[0].error, jobs[1].error is None) == (None, False)
    assert (read(batches, "a"), read(batches, "refused")) == ("2", None)


def test_a_new_row_that_was_there_refuses_its_own_call(batches: Batches) -> None:
    run(batches, put("a", "kept"))
    wrong, right = run(batches, lambda work: work.put_new(SETTINGS, Setting("a", "lost")), put("b", "1"))
    assert isinstance(wrong.error, InternalFailure)
    assert right.error is None
    assert (read(batches, "a"), read(batches, "b")) == ("kept", "1")


def put_if_free(*pairs: tuple[str, str]) -> Callable[[BatchWork], bool]:
    return lambda work: work.put_if_free(SETTINGS, [Setting(name, value) for name, value in pairs])


def test_records_are_put_together_only_where_all_keys_are_free(batches: Batches) -> None:
    before, within, after = (
        run(batches, put_if_free(("a", "1"), ("b", "1"))),
        run(
            batches,
            put_if_free(("c", "2"), ("b", "2")),
            put_if_free(("d", "2")),
            put_if_free(("d", "3"), ("e", "3")),
            put("e", "4"),
        ),
        run(batches, put_if_free(("e", "5"), ("f", "5")), put_if_free(("f", "6"))),
    )
    assert [job.outcome for job in (*before, *within, *after)] == [True, False, True, False, None, False, True]
    found = {name: read(batches, name) for name in "abcdef"}
    assert found == {"a": "1", "b": "1", "c": None, "d": "2", "e": "4", "f": "6"}


def test_what_a_refused_call_put_together_leaves_its_keys_free(batches: Batches) -> None:
    def refused(work: BatchWork) -> None:
        assert work.put_if_free(SETTINGS, [Setting("a", "1"), Setting("b", "1")])
        assert len(work.select(ALL, limit=9, after="")) == 2
        refuse(work)

    first, second = run(batches, refused, put_if_free(("b", "2")))
    assert first.error is not None
    assert second.outcome is True
    run(batches, refused)
    assert (read(batches, "a"), read(batches, "b")) == (None, "2")


def test_a_key_is_free_again_when_its_record_was_deleted(batches: Batches) -> None:
    def exchange(work: BatchWork) -> bool:
        work.delete(SETTINGS, "a")
        return work.put_if_free(SETTINGS, [Setting("a", "2"), Setting("b", "2")])

    run(batches, put("a", "1"))
    (job,) = run(batches, exchange)
    assert job.outcome is True
    assert (read(batches, "a"), read(batches, "b")) == ("2", "2")


def test_configuration_read_again_in_a_batch_shows_what_the_batch_changed(batches: Batches) -> None:
    def names(work: BatchWork, after: str = "") -> list[str]:
        return [found.name for found in work.select(QUEUES_OF_SCOPE, limit=9, scope="0/us", after=after, prefix="")]

    def add_and_refuse(work: BatchWork) -> None:
        work.put(QUEUES, queue("arn:3", "three"))
        assert names(work) == ["one", "three"]
        raise ValidationException("no")

    def remove(work: BatchWork, arn: str) -> list[str]:
        work.delete(QUEUES, arn)
        return names(work)

    def remove_add_and_refuse(work: BatchWork) -> None:
        remove(work, "arn:2")
        add_and_refuse(work)

    run(batches, lambda work: work.put(QUEUES, queue("arn:1", "one")))
    first, added, refused, again, narrower, gone, last = run(
        batches,
        names,
        lambda work: work.put(QUEUES, queue("arn:2", "two")) or names(work),
        remove_add_and_refuse,
        names,
        lambda work: names(work, "one"),
        lambda work: remove(work, "arn:1"),
        names,
    )
    assert refused.error is not None
    assert [job.outcome for job in (first, added, again, narrower, gone, last)] == [
        ["one"], ["one", "two"], ["one", "two"], ["two"], ["two"], ["two"]
    ]  # fmt: skip


def test_a_step_that_is_due_runs_in_the_same_transaction(batches: Batches) -> None:
    jobs = run(batches, lambda work: work.later("note", Note("followed")))
    assert jobs[0].error is None
    assert read(batches, "followed") == "done"
    (job,) = run(batches, lambda work: work.get(DUE, jobs[0].outcome))
    assert job.outcome is None


def test_a_cancelled_step_never_runs(batches: Batches) -> None:
    run(batches, lambda work: work.cancel(work.later("note", Note("cancelled"))))
    assert read(batches, "cancelled") is None


def test_the_step_of_a_refused_call_never_runs(batches: Batches) -> None:
    def leave_and_refuse(work: BatchWork) -> None:
        work.later("note", Note("refused"))
        raise ValidationException("no")

    run(batches, leave_and_refuse)
    assert read(batches, "refused") is None


def test_a_step_with_a_bug_stays_and_is_put_off(batches: Batches, caplog: pytest.LogCaptureFixture) -> None:
    (job, after) = run(batches, lambda work: work.later("broken", Note("x")), put("a", "1"))
    assert "a bug" in caplog.text
    assert after.error is None
    (row,) = run(batches, lambda work: work.get(DUE, job.outcome))
    assert row.outcome.tries == 1
    assert row.outcome.due_at > NOW
    assert read(batches, "never") is None


def test_numbers_rise_and_are_never_given_twice(batches: Batches) -> None:
    def draw(work: BatchWork) -> int:
        due_id = work.later("note", Note("x"), at=NOW.replace(year=2027))
        work.cancel(due_id)
        return due_id

    def draw_some(work: BatchWork) -> list[int]:
        return [draw(work), *work.next_ids(DUE, 3), *work.next_ids(DUE, 1), draw(work)]

    drawn = [run(batches, draw)[0].outcome for _ in range(3)]
    drawn += run(batches, draw_some)[0].outcome
    drawn += run(batches, draw_some)[0].outcome
    assert len(drawn) == 15
    assert drawn == sorted(set(drawn))


def test_a_batch_whose_time_is_over_leaves_the_rest_for_the_next(batches: Batches) -> None:
    jobs = [Job(put(name, "1"), lambda _job: None, b"s" * 16) for name in "abc"]
    (decided,) = batches.decide(jobs, NOW, effects_max=0, work_s=0)
    batches.store.commit()
    assert decided.unreached == 2
    assert [read(batches, name) for name in "abc"] == ["1", None, None]
