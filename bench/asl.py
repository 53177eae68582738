"""How fast the interpreter folds, without a store and with one. Run: ``python bench/asl.py``.

Figures are transitions a second of one process; the design asks for 100,000 of the fold alone, 20,000 of 2,000 executions of
10 Pass states, and 40,000 of one loop of 10,000 transitions, both durable.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from interstate.base.json import dumps
from interstate.core.asl.definition import Definition
from interstate.core.asl.history import encode
from interstate.core.asl.machine import advance, first_frame
from interstate.core.asl.parse import parse
from interstate.core.asl.vocabulary import Datum, End, Event, Execution, Go, Started
from interstate.runtime.batch import Job
from interstate.runtime.testing import World
from interstate.services.operation import Service
from interstate.services.states import executor
from interstate.store.records.states import EXECUTIONS, REVISIONS, Revision
from interstate.store.records.states import Execution as Row

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SLICE = 200
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
ROLE = "arn:aws:iam::000000000000:role/r"


def chain(length: int) -> str:
    states: dict[str, Any] = {f"P{n}": {"Type": "Pass", "Next": f"P{n + 1}"} for n in range(length)}
    states[f"P{length}"] = {"Type": "Pass", "End": True}
    return dumps({"StartAt": "P0", "States": states})


def loop() -> str:
    return dumps(
        {
            "StartAt": "Count",
            "States": {
                "Count": {
                    "Type": "Pass",
                    "Parameters": {"n.$": "States.MathAdd($.n, 1)", "limit.$": "$.limit"},
                    "Next": "Done?",
                },
                "Done?": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.n", "NumericGreaterThanEqualsPath": "$.limit", "Next": "End"}],
                    "Default": "Count",
                },
                "End": {"Type": "Succeed"},
            },
        }
    )


def execution(given: Any) -> Execution:
    return Execution(
        id=1,
        arn="arn:aws:states:us-east-1:000000000000:execution:m:e",
        name="e",
        role_arn="arn:aws:iam::000000000000:role/r",
        started=NOW,
        input=Datum(dumps(given)),
        machine_arn="arn:aws:states:us-east-1:000000000000:stateMachine:m",
        machine_name="m",
        region="us-east-1",
    )


def fold(definition: Definition, running: Execution, budget: int = SLICE) -> tuple[int, int]:
    """Run one execution to its end; tells transitions and the bytes of its history."""
    frame = first_frame(definition, running)
    event: Event = Started()
    transitions = written = 0
    while True:
        step = advance(definition, running, (frame,), event, now=NOW, seed=b"seed", budget=budget)
        transitions += step.transitions
        written += sum(len(chunk.body) for chunk in encode(step.history))
        if any(isinstance(command, End) for command in step.commands):
            return transitions, written
        (frame,) = step.frames
        event = Go()


def timed(label: str, run: Callable[[], tuple[int, int]], times: int) -> None:
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        transitions = written = 0
        for _ in range(times):
            count, size = run()
            transitions += count
            written += size
        best = max(best, transitions / (time.perf_counter() - start))
    print(f"{label:<52} {best:>12,.0f} transitions/s   {written / max(transitions, 1):.0f} bytes each")


def main() -> None:
    order = {"orderId": "ORD-2025-001234", "items": [{"productId": "P-1", "quantity": 2, "price": 9.99}] * 4}
    ten = parse(chain(9))
    timed("fold: chain of 10 Pass states", lambda: fold(ten, execution(order)), 1000)
    counting = parse(loop())
    timed(
        "fold: loop of 10,000 Pass/Choice with MathAdd", lambda: fold(counting, execution({"n": 0, "limit": 5000})), 1
    )
    if "--fold" in sys.argv:
        return
    with tempfile.TemporaryDirectory() as folder:
        for where, directory in (("memory", None), ("disk", Path(folder))):
            figures(where, directory)


# With a store -------------------------------------------------------------------------------------------------------


class Engine:
    """Batches on a store, as a server decides them, without sockets."""

    def __init__(self, directory: Path | None) -> None:
        self.world = World((Service("stepfunctions", (), executor.STEPS),), directory=directory)
        self.revisions: dict[str, int] = {}

    def batch(self, runs: list[Callable[[Any], Any]]) -> None:
        seeds = (number.to_bytes(16) for number in range(1 << 30))
        jobs = [Job(run, lambda _: None, seed) for run, seed in zip(runs, seeds, strict=False)]
        self.world.batches.decide(jobs, self.world.now, effects_max=0)
        self.world.store.commit()
        failed = [job.error for job in jobs if job.error]
        assert not failed, failed

    def revision(self, definition: str) -> int:
        if definition not in self.revisions:

            def put(work: Any) -> None:
                number = work.next_id(REVISIONS)
                work.put(REVISIONS, Revision(number, MACHINE, "", definition, ROLE, work.now))
                self.revisions[definition] = number

            self.batch([put])
        return self.revisions[definition]

    def start(self, definition: str, given: Any) -> Callable[[Any], None]:
        revision = self.revision(definition)
        text = dumps(given)

        def begin(work: Any) -> None:
            number = work.next_id(EXECUTIONS)
            arn = f"arn:aws:states:us-east-1:000000000000:execution:m:{work.entropy.uuid()}"
            row = Row(number, arn, MACHINE, 1, arn[-36:], "STANDARD", revision, ROLE, "RUNNING", work.now, text)
            executor.start(row, work)

        return begin

    def drain(self) -> None:
        while rows := self.world._due_rows(effects=False):  # noqa: SLF001 - what a server's loop reads
            self.batch([partial(self.step, row.id) for row in rows])

    def step(self, number: int, work: Any) -> None:
        self.world.batches.run_step(work, number)


def figures(where: str, directory: Path | None) -> None:
    order = {"orderId": "ORD-2025-001234", "items": [{"productId": "P-1", "quantity": 2, "price": 9.99}] * 4}
    engine = Engine(directory)

    def chains() -> tuple[int, int]:
        for _ in range(0, 2000, 32):
            engine.batch([engine.start(chain(9), order)] * 32)
            engine.drain()
        return 2016 * 10, 0

    def loops() -> tuple[int, int]:
        engine.batch([engine.start(loop(), {"n": 0, "limit": 5000})])
        engine.drain()
        return 10_000, 0

    def maps() -> tuple[int, int]:
        machine = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
        states = {"M": {"Type": "Map", "ItemProcessor": machine, "End": True}}
        engine.batch([engine.start(dumps({"StartAt": "M", "States": states}), list(range(1000)))])
        engine.drain()
        return 1001, 0

    timed(f"{where}: 2,016 executions of 10 Pass states, 32 at once", chains, 1)
    timed(f"{where}: one loop of 10,000", loops, 1)
    timed(f"{where}: inline Map of 1,000 items", maps, 1)


if __name__ == "__main__":
    main()
