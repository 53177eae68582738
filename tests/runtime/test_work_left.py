"""Whether a server keeps up: work that is due now is told apart from work that waits for its time."""

from datetime import timedelta

import pytest

from interstate.base.time import to_iso
from interstate.runtime.control import work_left
from interstate.runtime.testing import START, World
from interstate.services.sqs import SERVICE as SQS
from interstate.store.ports import Work
from interstate.store.records.due import DUE, IN_FLIGHT, STEP, WAITING, Due

BASE = 8


@pytest.mark.parametrize(
    ("rows", "oldest_s", "next_s"),
    [
        ([], 0, None),
        ([(STEP, 90), (WAITING, 30)], 0, 30),
        ([(STEP, -5), (WAITING, 30)], 5, None),
        ([(STEP, 90), (WAITING, -7), (STEP, -3)], 7, None),
        ([(STEP, 90), (IN_FLIGHT, -80)], 80, None),
    ],
)
def test_what_is_due_or_in_hand_has_an_age_and_the_rest_a_time(
    rows: list[tuple[int, int]], oldest_s: float, next_s: int | None
) -> None:
    def put(work: Work) -> None:
        work.put(DUE, Due(1, BASE + 4 + STEP, START - timedelta(days=1), pulls=True, kind="x", tries=0, body=b"{}"))
        for number, (lane, seconds) in enumerate(rows, 2):
            at = START + timedelta(seconds=seconds)
            work.put(DUE, Due(number, BASE + lane, at, pulls=True, kind="x", tries=0, body=b"{}"))

    world = World([SQS])
    world.run(put)
    found = world.run(lambda work: work_left(work, BASE))
    assert found["oldestDueSeconds"] == oldest_s
    assert found["nextDueAt"] == (None if next_s is None else to_iso(START + timedelta(seconds=next_s)))
    assert found["stepsDueOrWaiting"] + found["effectsWaiting"] + found["effectsInFlight"] == len(rows)
    world.close()
