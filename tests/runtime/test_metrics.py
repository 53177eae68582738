"""What calls measure reaches its minute in the commit of the call. Source: CloudWatch's concepts page (statistic sets)."""

from datetime import timedelta
from pathlib import Path

import pytest

from interstate.base.arn import Caller
from interstate.runtime.batch import Job
from interstate.runtime.metrics import Counts
from interstate.runtime.testing import World
from interstate.runtime.work import BatchWork
from interstate.store.records.metrics import POINTS_OF_SERIES, SERIES_OF_ACCOUNT, CountAndSize, MetricKey, Point, Series

FAR = timedelta(days=1)


def everything(world: World, caller: Caller | None = None) -> list[tuple[Series, list[Point]]]:
    def read(work: BatchWork) -> list[tuple[Series, list[Point]]]:
        place = work.caller
        found = work.select(
            SERIES_OF_ACCOUNT, limit=99, account=place.account, region=place.region, namespace="", name="", after=0
        )
        return [
            (one, work.select(POINTS_OF_SERIES, limit=99, series=one.id, since=work.now - FAR, until=work.now + FAR))
            for one in found
        ]

    answer: list[tuple[Series, list[Point]]] = world.run(read, caller=caller)
    return answer


def measure(world: World, *values: float, caller: Caller | None = None) -> None:
    def run(work: BatchWork) -> None:
        for value in values:
            work.measure("AWS/SQS", "Sent", (("QueueName", "q"),), value, "Bytes")

    world.run(run, caller=caller)


def test_values_of_a_minute_are_one_point(tmp_path: Path) -> None:
    world = World((), directory=tmp_path)
    measure(world, 3, 1)
    measure(world, 8)
    [(series, [point])] = everything(world)
    assert (series.namespace, series.name, series.dimensions, series.unit) == (
        "AWS/SQS",
        "Sent",
        (("QueueName", "q"),),
        "Bytes",
    )
    assert (point.samples, point.total, point.low, point.high) == (3, 12, 1, 8)
    world = world.restart()
    assert everything(world)[0][1] == [point]
    world.close()


def test_the_next_minute_is_the_next_point_and_accounts_are_apart() -> None:
    world = World(())
    measure(world, 1)
    world.advance(timedelta(minutes=1))
    measure(world, 2)
    other = Caller("111111111111")
    measure(world, 5, caller=other)
    [(_, points)] = everything(world)
    assert [point.total for point in points] == [1, 2]
    assert [point.total for _, some in everything(world, other) for point in some] == [5]


def test_the_order_of_dimensions_names_no_other_series() -> None:
    world = World(())
    world.run(lambda work: work.measure("N", "m", (("b", "2"), ("a", "1"))))
    world.run(lambda work: work.measure("N", "m", (("a", "1"), ("b", "2"))))
    [(series, [point])] = everything(world)
    assert series.dimensions == (("a", "1"), ("b", "2"))
    assert point.samples == 2


@pytest.mark.parametrize("values", [[2.5] * 10, [1.0, 2.5, 2.5], [7.0], [0.0, 0.0]])
def test_values_counted_together_are_those_counted_one_by_one(values: list[float]) -> None:
    key: MetricKey = ("0", "r", "N", "m", (), "Milliseconds")
    together, alone = Counts(), Counts()
    for counts in (together, alone):
        counts.add(key, 3.0)
    together.add_all(key, values)
    for value in values:
        alone.add(key, value)
    assert together.sets == alone.sets
    assert together.spreads == alone.spreads


@pytest.mark.parametrize("sizes", [[5.0], [5.0, 3.0, 8.0], [4.0, 4.0]])
def test_what_is_counted_with_its_size_is_counted_in_both_series(sizes: list[float]) -> None:
    count: MetricKey = ("0", "r", "N", "sent", (), "Count")
    size: MetricKey = ("0", "r", "N", "size", (), "Bytes")
    together, alone = Counts(), Counts()
    pairs = [CountAndSize(count, size) for _ in range(2)]  # Twins: made for two places, and counted as one.
    for at, each in enumerate(sizes):
        together.tally_sized(pairs[at % 2], each)
        alone.add(count, 1.0)
        alone.add(size, each)
    together.add(size, 6.0)
    alone.add(size, 6.0)
    assert together.sets == alone.sets
    assert together.sets == alone.sets, "nothing is counted twice"


def test_what_readers_and_batches_count_in_a_minute_is_one_point_whatever_fails_between() -> None:
    world = World(())
    for turn in range(12):
        world.batches.metrics.waiting(world.now).add(
            ("0" * 12, "us-east-1", "AWS/SQS", "Sent", (("QueueName", "q"),), "Bytes"), 5
        )
        if turn % 4 == 3:
            job = Job(
                lambda work: work.measure("AWS/SQS", "Sent", (("QueueName", "q"),), 9, "Bytes"), lambda _job: None, b""
            )
            world.batches.decide([job], world.now, effects_max=0)
            world.store.rollback()  # The commit failed: what calls of this batch counted is gone.
            world.batches.forget()
        measure(world, 1)
        if turn == 7:
            world.advance(timedelta(minutes=1))
    [(_, points)] = everything(world)
    assert sum(point.samples for point in points) == 24 - 3
    assert sum(point.total for point in points) == 12 + 5 * 9
    assert {(point.low, point.high) for point in points} == {(1, 5)}
