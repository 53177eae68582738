"""Carries out the effect "lambda.invoke": finds the function, gets it a worker, has it called, says how it ended.

Failures are values: whatever happens to a function, its process or its code is the result of that call and of no other.
"""

import logging
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Protocol

import msgspec

from interstate.base.time import Clock
from interstate.core.functions import report
from interstate.core.functions.configuration import FunctionSpec
from interstate.core.functions.faults import Fault
from interstate.runtime.functions import usage
from interstate.runtime.functions.bootstrap import LINUX
from interstate.runtime.functions.code import CodeFolders, Prepared
from interstate.runtime.functions.output import tail
from interstate.runtime.functions.packages import runtime_distributions
from interstate.runtime.functions.pool import IDLE_MAX, Pool
from interstate.runtime.functions.worker import Ending, NotCalled, Place, Worker, launch
from interstate.runtime.supervisor import Supervisor
from interstate.store.records.lambda_ import Invocation, InvocationResult, LogLine, Preparation

_LOG = logging.getLogger(__name__)
_NOT_CALLED_MAX = 3
# Of all functions without a reservation. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ACCOUNT_CONCURRENCY = 1000


class NoSuchFunction(msgspec.Struct, frozen=True):
    """The store has no such function, version or alias."""

    message: str


class Functions(Protocol):
    """What is known of functions: committed state, read at each call."""

    async def lookup(self, function: str, qualifier: str | None, choice: float) -> FunctionSpec | NoSuchFunction:
        """The version that a call with this qualifier runs; ``choice`` (0 to 1) decides between an alias' two."""
        ...

    async def code(self, sha256: str) -> bytes | None:
        """The zip with this digest."""
        ...


class Settings(msgspec.Struct, frozen=True):
    """How workers run. ``directory`` is a cache: it can be deleted while nothing runs."""

    endpoint_url: str
    directory: Path | None = None  # None: a temporary one.
    workers: int | None = None  # Calls that run at once; None: twice the cores and four.
    secret_access_key: str = "interstate"  # noqa: S105 - what functions sign with where nobody checks.
    idle: int = IDLE_MAX  # Workers that are kept beside them for the next call of their function.
    client: str | None = None  # "aws" or "plain"; None: AWS's runtime client, where there is one for this system.
    processes: int = usage.PROCESSES_MAX  # That one worker may start.


class FunctionRuntime:
    """All functions of an instance. ``perform`` can be called as often at once as one likes; calls wait for places."""

    def __init__(self, functions: Functions, clock: Clock, settings: Settings) -> None:
        self._functions = functions
        self._clock = clock
        self._settings = settings
        self._running: Counter[str] = Counter()
        self._temporary: Path | None = None
        self._folders: CodeFolders | None = None
        self._supervisor: Supervisor | None = None
        self._place: Place | None = None
        self.pool = Pool(self._launch, settings.workers or 2 * (os.cpu_count() or 1) + 4, settings.idle)

    async def start(self) -> None:
        """Make the folders; processes are started when they are needed, or by ``prewarm``."""
        directory = self._settings.directory
        if directory is None:
            directory = self._temporary = Path(tempfile.mkdtemp(prefix="interstate-"))
        directory = directory.resolve()
        running = directory / "workers"
        shutil.rmtree(running, ignore_errors=True)  # What a crash has left.
        running.mkdir(parents=True)
        self._folders = CodeFolders(directory, self._functions.code)
        # Forking a process that has loaded frameworks is not safe on macOS: there each worker starts afresh.
        self._supervisor = Supervisor(self._folders.site, preload=LINUX)
        settings = self._settings
        client = settings.client or ("aws" if "awslambdaric" in runtime_distributions() else "plain")
        self._place = Place(
            running,
            directory / "pycache",
            settings.endpoint_url,
            settings.secret_access_key,
            client,
            settings.processes,
        )

    async def stop(self) -> None:
        """End all workers; calls that run are not answered, and are repeated when the instance starts again."""
        self.pool.close()
        if self._supervisor is not None:
            await self._supervisor.stop()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    async def prewarm(self) -> None:
        """Start the process from which workers are forked, so that the first call need not wait for its imports."""
        assert self._supervisor is not None, "start() comes first"
        await self._supervisor.start()

    async def prepare(self, key: str, body: Preparation) -> str | None:  # noqa: ARG002 - the performer's signature.
        """Have a function's code unpacked and its requirements installed; tells what is wrong with them."""
        try:
            await self.prewarm()
            spec = await self._functions.lookup(body.function, body.qualifier, 0.0)
            if isinstance(spec, NoSuchFunction):
                return None
            prepared = await self._prepared(spec)
            if isinstance(prepared, Prepared):
                await self.pool.warm(prepared, min(body.warm, os.cpu_count() or 1))
        except Exception as error:  # noqa: BLE001 - the border: the first call says the same, and nothing else suffers.
            _LOG.exception("%s could not be prepared", body.function)
            return repr(error)
        return prepared.message if isinstance(prepared, Fault) else None

    async def perform(self, key: str, body: Invocation) -> InvocationResult:  # noqa: ARG002 - the performer's signature.
        """Call the function once. Never raises: failures are values."""
        try:
            return await self._perform(body)
        except Exception as error:  # noqa: BLE001 - the border: a bug of ours ends this call and no other.
            _LOG.exception("a call of %s could not be carried out", body.function)
            return InvocationResult(f"The call could not be carried out: {error!r}", refused="ServiceException")

    async def _perform(self, body: Invocation) -> InvocationResult:
        choice = int.from_bytes(os.urandom(4)) / 2**32
        spec = await self._functions.lookup(body.function, body.qualifier, choice)
        if isinstance(spec, NoSuchFunction):
            return InvocationResult(spec.message, refused="ResourceNotFoundException")
        limit = spec.reserved_concurrency
        if limit is not None and self._running[spec.function] >= limit:
            return _throttled(spec, "ReservedFunctionConcurrentInvocationLimitExceeded")
        if limit is None and self._running.total() >= ACCOUNT_CONCURRENCY:
            return _throttled(spec, "ConcurrentInvocationLimitExceeded")
        self._running[spec.function] += 1
        concurrent = self._running[spec.function]
        try:
            prepared = await self._prepared(spec)
            if isinstance(prepared, Fault):
                return self._not_run(body, spec, prepared)
            return msgspec.structs.replace(await self._call(body, prepared), concurrent=concurrent)
        finally:
            self._running[spec.function] -= 1
            if not self._running[spec.function]:
                del self._running[spec.function]

    async def _prepared(self, spec: FunctionSpec) -> Prepared | Fault:
        assert self._folders is not None, "start() comes first"
        return await self._folders.prepare(spec)

    async def _launch(self, prepared: Prepared) -> Worker:
        assert self._supervisor is not None
        assert self._place is not None
        return await launch(prepared, self._supervisor, self._place, self._clock, self._clock.now())

    async def _call(self, body: Invocation, prepared: Prepared) -> InvocationResult:
        for _ in range(_NOT_CALLED_MAX):
            worker = await self.pool.acquire(prepared)
            try:
                ending = await worker.call(body)
            except NotCalled:
                continue
            finally:
                self.pool.release(worker)
            if ending.lost and self._running.total() > 1:
                return await self._call_apart(body, prepared)
            return _result(body, worker, ending)
        msg = f"{_NOT_CALLED_MAX} workers of {prepared.spec.name} ended before they took the call"
        raise RuntimeError(msg)

    async def _call_apart(self, body: Invocation, prepared: Prepared) -> InvocationResult:
        """Repeat a call whose worker was lost with all others, below a supervisor of its own.

        One of the calls that ran has killed the process from which workers come; which one, nobody knows. Apart from each other,
        the others get their answer, under the same request id, and that one can only hurt itself.
        """
        assert self._folders is not None
        assert self._place is not None
        supervisor = Supervisor(self._folders.site, preload=False)
        try:
            worker = await launch(prepared, supervisor, self._place, self._clock, self._clock.now())
            try:
                return _result(body, worker, await worker.call(body))
            finally:
                worker.end()
        finally:
            await supervisor.stop()

    def _not_run(self, body: Invocation, spec: FunctionSpec, fault: Fault) -> InvocationResult:
        """A call that ends before there is a process for it, in the form of one that failed while it was loaded."""
        now, request_id = self._clock.now(), body.request_id
        nothing = report.Usage(0.0, 0)
        texts = (
            report.start(request_id, spec.version),
            f"[ERROR] {fault.error_type}: {fault.message}\n",
            report.end(request_id),
            report.report(request_id, nothing, spec.memory_mb, status="error", error_type=fault.error_type),
        )
        return InvocationResult(
            fault.payload,
            function_error="Unhandled",
            executed_version=spec.version,
            log=[LogLine(now, text) for text in texts],
            log_stream=report.stream_name(spec.version, os.urandom(16).hex(), now),
        )


def _throttled(spec: FunctionSpec, reason: str) -> InvocationResult:
    return InvocationResult(
        "Rate Exceeded.", refused="TooManyRequestsException", executed_version=spec.version, reason=reason
    )


def _result(body: Invocation, worker: Worker, ending: Ending) -> InvocationResult:
    return InvocationResult(
        ending.payload,
        function_error="Unhandled" if ending.status else None,
        executed_version=worker.spec.version,
        log=ending.log,
        log_stream=worker.stream,
        log_tail=tail(ending.log) if body.tail else "",
        duration_ms=ending.usage.duration_ms,
        billed_ms=ending.usage.billed_ms,
        init_ms=ending.usage.init_ms,
        memory_max_mb=ending.usage.memory_max_mb,
        streamed=ending.streamed,
    )
