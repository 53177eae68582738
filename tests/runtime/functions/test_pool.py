"""Who gets which worker, with workers that are values."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from interstate.core.functions.configuration import FunctionSpec
from interstate.runtime.functions.code import Prepared
from interstate.runtime.functions.pool import OVERCOMMIT, Pool
from interstate.runtime.functions.worker import Worker


def prepared(name: str) -> Prepared:
    spec = FunctionSpec(
        function=f"arn:aws:lambda:us-east-1:000000000000:function:{name}", version="$LATEST", revision="1",
        handler="a.b", runtime="python3.11", code="dir:/code", timeout_s=3, memory_mb=128,
    )  # fmt: skip
    return Prepared(spec, "", Path("/code"), (), Path("/site"), frozenset())


A, B, C, D = (prepared(name) for name in "ABCD")


class Fake:
    """A worker without a process."""

    def __init__(self, of: Prepared) -> None:
        self.prepared = of
        self.ended = False

    def end(self) -> None:
        self.ended = True

    def inspect(self) -> None:
        """Takes nothing."""


NEVER_S = 3600.0


class Room:
    """A pool, the workers that it started, and calls in their order."""

    def __init__(self, running_max: int, **times: float) -> None:
        self.started: list[Fake] = []
        times = {"standstill_s": NEVER_S, "overtaken_s": NEVER_S} | times
        self.pool = Pool(self._start, running_max, **times)  # type: ignore[arg-type]  # keywords only
        self.served: list[str] = []

    async def _start(self, of: Prepared) -> Worker:
        self.started.append(Fake(of))
        return cast("Worker", self.started[-1])

    async def acquire(self, of: Prepared) -> Worker:
        worker = await self.pool.acquire(of)
        self.served.append(of.spec.name)
        return worker

    def wait(self, of: Prepared) -> "asyncio.Task[Worker]":
        return asyncio.create_task(self.acquire(of))


def play(scenario: Callable[[], Awaitable[Any]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scenario(), 60)

    asyncio.run(bounded())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_worker_is_used_again_by_its_function() -> None:
    async def scenario() -> None:
        room = Room(2)
        room.pool.release(await room.acquire(A))
        room.pool.release(await room.acquire(A))
        assert len(room.started) == 1

    play(scenario)


def test_calls_wait_and_are_served_in_order_of_arrival() -> None:
    async def scenario() -> None:
        room = Room(1)
        worker = await room.acquire(C)
        tasks = [room.wait(one) for one in (A, B, D)]
        for task in tasks:
            await settle()
            room.pool.release(worker)
            worker = await task
        assert room.served == ["C", "A", "B", "D"]

    play(scenario)


def test_a_free_worker_takes_the_next_call_of_its_function_first() -> None:
    async def scenario() -> None:
        room = Room(1)
        worker = await room.acquire(A)
        other, same = room.wait(B), room.wait(A)
        await settle()
        room.pool.release(worker)
        assert await same is worker
        assert not other.done()
        other.cancel()

    play(scenario)


def test_who_was_overtaken_long_enough_goes_first() -> None:
    async def scenario() -> None:
        room = Room(1, overtaken_s=0.0)
        worker = await room.acquire(A)
        other, same = room.wait(B), room.wait(A)
        await settle()
        room.pool.release(worker)
        assert (await other).prepared is B
        room.pool.release(await other)
        assert await same is worker, "it was kept meanwhile"

    play(scenario)


def test_who_has_gone_gets_nothing_and_blocks_nobody() -> None:
    async def scenario() -> None:
        room = Room(1)
        worker = await room.acquire(A)
        gone, same, other = room.wait(A), room.wait(A), room.wait(B)
        await settle()
        gone.cancel()
        await settle()
        room.pool.release(worker)
        same.cancel()  # At the moment when it was given the worker.
        await settle()
        assert (await other).prepared is B
        assert room.pool.running == 1
        room.pool.release(await other)
        assert room.pool.running == 0

    play(scenario)


def test_a_function_grows_at_once_to_the_cores_and_then_when_a_call_has_waited() -> None:
    async def scenario() -> None:
        cores = os.cpu_count() or 1
        room = Room(cores + 2, growth_s=NEVER_S)
        workers = [await room.acquire(A) for _ in range(cores)]
        patient, other = room.wait(A), room.wait(B)
        await settle()
        assert not patient.done()
        assert other.done(), "nobody else waits for it"
        room.pool.release(workers[0])
        assert await patient is workers[0]

    async def grows() -> None:
        cores = os.cpu_count() or 1
        room = Room(cores + 2, growth_s=0.05)
        for _ in range(cores):
            await room.acquire(A)
        assert (await room.wait(A)).prepared is A
        assert len(room.started) == cores + 1

    play(scenario)
    play(grows)


def test_a_standstill_gives_a_place_beyond_the_limit_up_to_a_bound() -> None:
    async def scenario() -> None:
        room = Room(1, standstill_s=0.001)
        for _ in range(OVERCOMMIT):
            await room.acquire(A)
        waiting = room.wait(A)
        await asyncio.sleep(0.02)
        assert not waiting.done()
        assert room.pool.running == OVERCOMMIT
        waiting.cancel()

    play(scenario)


def test_a_worker_that_has_ended_is_not_kept() -> None:
    async def scenario() -> None:
        room = Room(2)
        worker = await room.acquire(A)
        worker.end()
        room.pool.release(worker)
        assert room.pool.size == 0
        assert await room.acquire(A) is not worker

    play(scenario)


def test_a_start_that_fails_gives_its_place_back() -> None:
    async def fail(_of: Prepared) -> Worker:
        raise OSError("no more processes")

    async def scenario() -> None:
        pool = Pool(fail, 1)
        for _ in range(3):
            with pytest.raises(OSError, match="no more processes"):
                await pool.acquire(A)
        assert pool.running == 0

    play(scenario)


def test_older_code_of_a_version_ends_when_newer_is_called() -> None:
    async def scenario() -> None:
        room = Room(2)
        room.pool.release(await room.acquire(A))
        newer = Prepared(A.spec, "edited", A.code, A.path, A.site, A.modules)
        await room.acquire(newer)
        assert [worker.ended for worker in room.started] == [True, False]

    play(scenario)


def test_warm_workers_are_as_many_as_there_are_places() -> None:
    async def scenario() -> None:
        room = Room(3)
        await room.pool.warm(A, 2)
        await room.pool.warm(A, 2)
        assert len(room.started) == 2
        busy = [await room.acquire(B) for _ in range(3)]
        await room.pool.warm(A, 5)
        assert len(room.started) == 5, "nobody is taken from those who run"
        assert len(busy) == 3

    play(scenario)
