"""Executions that ended long ago are forgotten; what runs is kept however old it is."""

from datetime import timedelta

from tests.services.states.executing import history, start, world

from interstate.runtime.testing import World
from interstate.store.records.states import EXECUTION_ARNS, EXECUTIONS

PASS = {"A": {"Type": "Pass", "End": True}}


def is_kept(w: World, number: int) -> bool:
    return w.run(lambda work: work.get(EXECUTIONS, number)) is not None


def test_a_standard_execution_is_kept_for_90_days_an_express_one_for_a_day() -> None:
    w = world()
    numbers = {kind: start(w, PASS, kind=kind) for kind in ("STANDARD", "EXPRESS")}
    waiting = start(w, {"W": {"Type": "Wait", "Seconds": 86_400 * 200, "End": True}})

    def kept() -> list[str]:
        return [kind for kind, number in numbers.items() if is_kept(w, number)]

    # The sweep is no work that pulls a clock; it comes with the day on which something else happens.
    for days, expected in ((0.5, ["STANDARD", "EXPRESS"]), (3, ["STANDARD"]), (86, ["STANDARD"]), (5, [])):
        w.now += timedelta(days=days)
        w.run_due()
        assert kept() == expected, days
    assert history(w, numbers["STANDARD"]) == []
    arn = f"arn:aws:states:us-east-1:000000000000:execution:m:e{numbers['STANDARD']}"
    assert w.run(lambda work: work.get(EXECUTION_ARNS, arn)) is None
    assert is_kept(w, waiting)
    assert history(w, waiting) != []


def test_more_than_one_sweep_can_take_is_taken_by_the_next() -> None:
    w = world()
    for _ in range(230):
        start(w, PASS, run=False)
    w.run_due()
    w.now += timedelta(days=91)
    w.run_due()
    assert not is_kept(w, 1)
    assert not is_kept(w, 230)
