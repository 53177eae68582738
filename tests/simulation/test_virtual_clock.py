"""Time is data: a year, a ladder of 99 retries and a heartbeat take milliseconds, and end at exact instants.

An execution of 10,000 active branches costs as much a step as one of a hundred.
"""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.json import encode
from tests.core.asl.driving import NOW, Run
from tests.services.states.executing import SERVICES, due, execution, history, start, world

from interstate.base.ids import Entropy
from interstate.base.json import loads
from interstate.core.asl.vocabulary import TaskFailed
from interstate.runtime.testing import START, World
from interstate.services.states.executor import DELIVERIES_MAX
from interstate.store.sqlite.engine import SqliteStore

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
ATTEMPTS, INTERVAL_S, RATE, DELAY_S_MAX = 99, 3, 1.5, 3600
GUARD_S = 5.0
"""Far above what a step costs: a test that reaches it waits for a clock on the wall."""


def test_a_wait_of_a_year_ends_at_the_exact_instant() -> None:
    begun = time.perf_counter()
    w = World(SERVICES)
    year = timedelta(days=365)
    number = start(w, {"Year": {"Type": "Wait", "Seconds": 365 * 86_400, "End": True}})
    w.advance(year - timedelta(microseconds=1))
    assert execution(w, number).status == "RUNNING"
    w.advance(timedelta(microseconds=1))
    ended = execution(w, number)
    assert (ended.status, ended.stopped) == ("SUCCEEDED", START + year)
    assert time.perf_counter() - begun < GUARD_S


def test_a_ladder_of_99_retries_with_full_jitter_climbs_at_instants_that_the_seed_gives() -> None:
    retry = {
        "ErrorEquals": ["Busy"],
        "IntervalSeconds": INTERVAL_S,
        "MaxAttempts": ATTEMPTS,
        "BackoffRate": RATE,
        "MaxDelaySeconds": DELAY_S_MAX,
        "JitterStrategy": "FULL",
    }
    run = Run({"Call": {"Type": "Task", "Resource": FUNCTION, "Retry": [retry], "End": True}}).start()
    expected = NOW
    for used in range(ATTEMPTS):
        (command,) = run.tasks.values()
        assert command.attempt == used
        run.send(TaskFailed(command.visit, "Busy", ""))
        share = Entropy(run.steps.to_bytes(16)).fraction()  # The driver's seed is the number of its step.
        expected += timedelta(seconds=min(INTERVAL_S * RATE**used, DELAY_S_MAX) * share)
        assert run.fire().at == expected
    (command,) = run.tasks.values()
    run.send(TaskFailed(command.visit, "Busy", "at last"))
    assert run.failure == ("Busy", "at last")
    assert run.types.count("LambdaFunctionFailed") == ATTEMPTS + 1
    assert run.now == expected


def test_a_heartbeat_that_fails_does_so_at_the_exact_instant() -> None:
    w = world()
    url = w.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody": "x"},
        "TimeoutSeconds": 86_400,
        "HeartbeatSeconds": 600,
        "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"], "MaxAttempts": 1, "IntervalSeconds": 60}],
        "End": True,
    }
    number = start(w, {"Ask": state})
    w.run_until_idle()
    ended = execution(w, number)
    assert (ended.status, ended.error) == ("FAILED", "States.Timeout")
    events = [(event.type, event.at - START) for event in history(w, number)]
    at = [when.total_seconds() for kind, when in events if kind == "TaskTimedOut"]
    assert at == [600, 1260]
    assert ended.stopped == START + timedelta(seconds=1260)


# Many branches -----------------------------------------------------------------------------------------------------

LEAVES = 20  # Iterations of the innermost Map; below 40, so that all are active.


class Touched:
    """Counts the rows that are read and written from here on, and their bytes.

    Of a row that is written, the columns that change count.
    """

    def __init__(self, rows: Any) -> None:
        self.counts: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    def fetch(self, table: Any, keys: Any) -> Any:
        found = self._rows.fetch(table, keys)
        self._add("read", found)
        return found

    def fetch_all(self, wanted: Any) -> Any:
        found = self._rows.fetch_all(wanted)
        for rows in found:
            self._add("read", rows)
        return found

    def select(self, wanted: Any, limit: int, parameters: Any) -> Any:
        found = self._rows.select(wanted, limit, parameters)
        self._add("read", found)
        return found

    def write(self, table: Any, changes: Any) -> None:
        self._add("written", [_written(key, before, after) for key, before, after in changes])
        self._rows.write(table, changes)

    def _add(self, what: str, rows: Any) -> None:
        self.counts[what] += len(rows)
        self.bytes[what] += sum(len(encode(row)) for row in rows)


def _written(key: Any, before: Any, after: Any) -> Any:
    if before is None or after is None:
        return key, after
    fields = after.__struct_fields__
    return key, [getattr(after, name) for name in fields if getattr(after, name) != getattr(before, name)]


def nested(state: dict[str, Any], name: str) -> dict[str, Any]:
    processor = {"StartAt": name, "States": {name: state}}
    return {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, "End": True}


def forest(branches: int, pad: int = 0) -> tuple[World, int]:
    """An Express execution (whose history has no bound) with so many iterations, each waiting for an instant of its own.

    Its input is longer by ``pad`` characters than its items.
    """
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def leaf(number: int) -> dict[str, Any]:
        at = moment + timedelta(milliseconds=10 * (number + 1))
        return {"at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}

    leaves = [leaf(number) for number in range(branches)]
    groups: list[Any] = [{"items": leaves[at : at + LEAVES]} for at in range(0, branches, LEAVES)]
    groups = [{"items": groups[at : at + LEAVES]} for at in range(0, len(groups), LEAVES)]
    wait = {"Type": "Wait", "TimestampPath": "$.at", "Next": "Then"}
    inner = {"StartAt": "Rest", "States": {"Rest": wait, "Then": {"Type": "Pass", "Result": 1, "End": True}}}
    innermost = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "End": True}
    w = World(SERVICES)
    number = start(
        w,
        {"Trees": nested(nested(innermost, "Leaves"), "Branches")},
        {"items": groups, "pad": "x" * pad},
        kind="EXPRESS",
    )
    return w, number


def touched_by_steps(branches: int, pad: int = 0, steps: int = 5) -> tuple[Touched, float]:
    """What is touched when ``steps`` waits end one by one, and the seconds that this takes."""
    w, number = forest(branches, pad)
    assert execution(w, number).status == "RUNNING"
    if not isinstance(w.store, SqliteStore):
        pytest.skip("counts what the embedded store reads")
    touched = Touched(w.store.rows)
    setattr(w.store, "rows", touched)  # noqa: B010 the port has it for reading only
    begun = time.perf_counter()
    for _ in range(steps):
        w.advance(timedelta(milliseconds=10))
    took = time.perf_counter() - begun
    w.close()
    return touched, took


def holds_for(branches: int) -> None:
    """A step touches what one of a hundred branches touches; numbers may have more digits."""
    few, _took = touched_by_steps(100, 5_000)
    many, took = touched_by_steps(branches)
    assert few.counts["written"] > 0
    assert many.counts == few.counts
    for what in ("read", "written"):
        assert 0 < many.bytes[what] < few.bytes[what] + DIGITS_MAX * few.counts[what], what
    assert took < GUARD_S


DIGITS_MAX = 8
"""Bytes by which one row may differ because its numbers are longer."""


def test_a_step_touches_as_much_whatever_the_length_of_the_executions_input() -> None:
    """Both inputs are longer than what stands in a row with the execution's facts."""
    short, _took = touched_by_steps(100, 5_000)
    long, _took = touched_by_steps(100, 200_000)
    assert short.counts == long.counts
    assert short.bytes == long.bytes


def test_a_step_of_a_thousand_branches_touches_as_much_as_one_of_a_hundred() -> None:
    holds_for(1_000)


def test_what_many_branches_wait_for_is_split_among_due_rows() -> None:
    """A slice that writes again what all others wait for would cost the square of their number."""
    w = World(SERVICES)
    items = list(range(DELIVERIES_MAX * 3))
    branches = [{"StartAt": f"P{n}", "States": {f"P{n}": {"Type": "Wait", "Seconds": 9, "End": True}}} for n in items]
    start(w, {"Fork": {"Type": "Parallel", "Branches": branches, "End": True}}, run=False)
    rows = [loads(row.body) for row in due(w) if row.due_at <= START]
    lengths = [len(row["events"]) for row in rows if isinstance(row, dict)]
    assert lengths
    assert max(lengths) <= DELIVERIES_MAX


@pytest.mark.slow
def test_a_step_of_ten_thousand_branches_touches_as_much_as_one_of_a_hundred() -> None:
    holds_for(10_000)
