"""The process in which templates are packaged and transformed, seen from the server.

It is asked by frames (``framed``) on its input and answers by frames on its output, one order at a time, so that whoever deploys
again and again pays its imports once. One that dies, hangs, or is left in the middle of an order is ended; the next order starts
another. Orders are values and answers depend on nothing but the order and the files that it names, so none is ever lost by that.
"""

import asyncio
import sys
import tempfile
from typing import IO

import msgspec

from interstate.runtime.transform_child import SIZE_BYTES, Order, Result, framed

CHILD_S_MAX = 120
"""Guard time for an order; a template with 500 resources takes about 2 s."""
ORDERS_MAX = 500
"""Orders of one process: what SAM's translator keeps for itself is not ours to count."""
_FAULTS_BYTES_MAX = 4096


class _Child:
    """A process and what it says when it fails."""

    def __init__(self, process: asyncio.subprocess.Process, faults: IO[bytes]) -> None:
        self.process = process
        self.orders = 0
        self._faults = faults

    @property
    def is_usable(self) -> bool:
        return self.process.returncode is None and self.orders < ORDERS_MAX

    async def ask(self, order: Order) -> Result:
        """The answer to one order, or why there is none; after that the process may be gone."""
        self.orders += 1
        whole = False
        try:
            async with asyncio.timeout(CHILD_S_MAX):
                body = await self._exchange(msgspec.json.encode(order))
            whole = True
        except TimeoutError:
            return Result(error=f"the transform did not end within {CHILD_S_MAX} s", code="ValidationError")
        except (asyncio.IncompleteReadError, ConnectionError):
            status = await self.process.wait()
            error = f"the transform's process ended with {status}: {self._last_words()}"
            return Result(error=error, code="ValidationError")
        finally:
            if not whole:  # Or the next order would be given this one's answer.
                await self.end()
        return msgspec.json.decode(body, type=Result)

    async def _exchange(self, body: bytes) -> bytes:
        orders, answers = self.process.stdin, self.process.stdout
        assert orders is not None
        assert answers is not None
        orders.write(framed(body))
        await orders.drain()
        return await answers.readexactly(int.from_bytes(await answers.readexactly(SIZE_BYTES)))

    def _last_words(self) -> str:
        self._faults.seek(max(0, self._faults.seek(0, 2) - _FAULTS_BYTES_MAX))
        return self._faults.read().decode(errors="replace").strip().rpartition("\n")[2]

    async def end(self) -> None:
        """End the process, whatever it does."""
        if self._faults.closed:
            return
        if self.process.returncode is None:
            self.process.kill()
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.communicate()  # Reads what is left of an answer; without that its pipe stays open.
        self._faults.close()


async def _start(*arguments: str) -> _Child:
    faults = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process. A file, because nobody reads while it works.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "interstate.runtime.transform_child",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=faults,
    )
    return _Child(process, faults)


async def transformed_once(order: Order) -> Result:
    """The answer of a process of its own."""
    child = await _start()
    try:
        return await child.ask(order)
    finally:
        await child.end()


class Transformer:
    """A process that stays, for those who deploy again and again. One order at a time."""

    def __init__(self) -> None:
        self._starting: asyncio.Task[_Child] | None = None
        self._child: _Child | None = None

    def warm(self) -> None:
        """Start the process ahead of its first order, if there is none; it makes its imports meanwhile."""
        if self._starting is None and self._child is None:
            self._starting = asyncio.get_running_loop().create_task(_start("warm"))

    async def carry_out(self, order: Order) -> Result:
        """Package and transform."""
        child = await self._take()
        if child is None or not child.is_usable:
            if child is not None:
                await child.end()
            child = await _start()
        self._child = child
        return await child.ask(order)

    async def close(self) -> None:
        """End the process."""
        child = await self._take()
        if child is not None:
            await child.end()

    async def _take(self) -> _Child | None:
        starting, self._starting = self._starting, None
        child, self._child = self._child, None
        return child if starting is None else await starting
