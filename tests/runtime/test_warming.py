"""When a server loads what functions share."""

import asyncio

import pytest

from interstate.runtime.performers import BUSY_JOBS, until_quiet


@pytest.mark.parametrize(
    ("begun_in_each_pause", "pauses"),
    [([0], 1), ([BUSY_JOBS - 1], 1), ([BUSY_JOBS, 0], 2), ([5000, 5000, BUSY_JOBS, 3, 5000], 4)],
)
def test_a_busy_server_without_functions_waits_with_it(begun_in_each_pause: list[int], pauses: int) -> None:
    begun, paused = 0, 0

    async def pause() -> None:
        nonlocal begun, paused
        begun += begun_in_each_pause[paused]
        paused += 1

    asyncio.run(until_quiet(lambda: begun, pause))
    assert paused == pauses
