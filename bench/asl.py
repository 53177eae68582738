"""How fast the interpreter folds, without a store and with one. Run: ``python bench/asl.py``.

Figures are transitions a second of one process; the design asks for 100,000 of the fold alone, 20,000 of 2,000 executions of
10 Pass states, and 40,000 of one loop of 10,000 transitions, both durable.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from interstate.base.json import dumps
from interstate.core.asl.history import encode
from interstate.core.asl.machine import advance, first_frame
from interstate.core.asl.parse import parse
from interstate.core.asl.vocabulary import Datum, Definition, End, Event, Execution, Go, Started

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SLICE = 200


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


if __name__ == "__main__":
    main()
