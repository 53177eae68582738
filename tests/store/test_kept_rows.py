"""Rows that one batch leaves to the next are those of the database, whatever became of the batches between."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.errors import ValidationException
from interstate.runtime.batch import Batches, Job
from interstate.runtime.catalog import Catalog
from interstate.runtime.work import BatchWork
from interstate.store import known_rows
from interstate.store.records.sqs import DEPTHS, QUEUES, QUEUES_OF_SCOPE, Depth, Queue
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("a", "b", "c", "d")

names = st.sampled_from(NAMES)
calls = st.one_of(
    st.tuples(st.just("put"), names, st.integers(1, 9)),
    st.tuples(st.just("delete"), names, st.just(0)),
    st.tuples(st.just("count"), names, st.integers(1, 9)),
    st.tuples(st.just("get"), names, st.just(0)),
    st.tuples(st.just("list"), names, st.just(0)),
)
ends = st.sampled_from(["commit", "commit", "commit", "refused", "broken", "commit fails", "wipe"])
batches_of_calls = st.lists(st.tuples(st.lists(calls, min_size=1, max_size=4), ends), max_size=8)


@dataclass
class Model:
    """Numbers of queues, and how many messages they have, by name."""

    queues: dict[str, int]
    depths: dict[str, int]

    def carry_out(self, what: str, name: str, number: int, work: BatchWork) -> list[object]:
        """Do it here and there; what was found there and is not so."""
        if what == "put":
            work.put(QUEUES, Queue(name, number, "0/us", name, NOW, NOW, {}, {}))
            self.queues[name] = number
        elif what == "delete":
            work.delete(QUEUES, name)
            self.queues.pop(name, None)
        elif what == "count":
            before = work.get(DEPTHS, NAMES.index(name), work.node)
            if (0 if before is None else before.messages) != self.depths.get(name, 0):
                return [before]
            self.depths[name] = self.depths.get(name, 0) + number
            work.put(DEPTHS, Depth(NAMES.index(name), work.node, self.depths[name], 0))
        elif what == "get":
            found = work.get(QUEUES, name)
            return [] if (None if found is None else found.id) == self.queues.get(name) else [found]
        else:
            every = work.select(QUEUES_OF_SCOPE, limit=9, scope="0/us", prefix="", after="")
            return [] if {one.name: one.id for one in every} == self.queues else [every]
        return []


class Kept:
    """Batches on one store, beside what they must have made of it."""

    def __init__(self) -> None:
        self.store = SqliteStore(None)
        self.batches = Batches(self.store, Catalog(()), b"seed", Sequences())
        self.model = Model({}, {})

    def carry_out(self, asked: list[tuple[str, str, int]], end: str) -> None:
        after = Model(dict(self.model.queues), dict(self.model.depths))
        wrong: list[object] = []

        def run(work: BatchWork) -> None:
            for what, name, number in asked:
                wrong.extend(after.carry_out(what, name, number, work))
            if end == "refused":
                raise ValidationException("no")
            if end == "broken":
                raise sqlite3.OperationalError("the database refuses")

        job = Job(run, lambda _job: None, b"0" * 16)
        self.batches.decide([job], NOW, effects_max=0, work_s=60)
        assert not wrong
        if end == "commit fails":
            self.store.rollback()
            self.batches.forget()
            return
        self.store.commit()
        if end == "wipe":
            self.batches.forget()
            self.store.wipe()
            self.model = Model({}, {})
        elif end == "commit":
            assert job.error is None
            self.model = after

    def rows(self) -> Model:
        execute = self.store.writer.execute
        queues = execute("SELECT name, id FROM queues").fetchall()
        depths = execute("SELECT queue_id, messages FROM queue_counts").fetchall()
        return Model(dict(queues), {NAMES[number]: messages for number, messages in depths})


@given(batches_of_calls)
def test_a_batch_finds_what_is_committed(asked: list[tuple[list[tuple[str, str, int]], str]]) -> None:
    kept = Kept()
    for some, end in asked:
        kept.carry_out(some, end)
        assert kept.rows() == kept.model
    kept.store.close()


def test_a_row_that_was_read_is_not_read_again() -> None:
    kept = Kept()
    kept.carry_out([("put", "a", 1), ("get", "b", 0)], "commit")
    statements: list[str] = []
    kept.store.writer.set_trace_callback(statements.append)
    kept.carry_out([("get", "a", 0), ("get", "b", 0)], "commit")
    assert not [one for one in statements if one.startswith("SELECT")]
    kept.batches.forget()
    kept.carry_out([("get", "a", 0), ("get", "b", 0)], "commit")
    assert len([one for one in statements if one.startswith("SELECT")]) == 2
    kept.store.close()


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_rows, "_KEPT_MAX", 2)
    kept = Kept()
    for name in NAMES:
        kept.carry_out([("put", name, 1), ("count", name, 1)], "commit")
        for state in kept.batches._kept.values():
            assert len(state.current) <= 2
    kept.carry_out([("list", "a", 0), *(("get", name, 0) for name in NAMES)], "commit")
    assert QUEUES not in kept.batches._kept
    kept.store.close()
