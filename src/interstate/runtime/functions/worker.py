"""One process that runs one version of a function, a call at a time.

Theory of operation
-------------------
A worker is *starting* until its runtime client asks for the first call, then *ready* or *busy*, and *ended* for good when its
process is. It may be given a call while it starts. A call ends once, by whichever comes first: the handler's answer, its error,
an error while it was loaded, the end of the process, the time limit, the memory limit. All but the first two end the
worker. A worker that dies between two calls has not seen the second one, which another worker can carry out.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from interstate.base.time import Clock
from interstate.core.functions import faults, report
from interstate.core.functions.configuration import FunctionSpec
from interstate.core.functions.environment import Surroundings, environment_of
from interstate.core.functions.faults import Fault
from interstate.core.functions.tracing import trace_of
from interstate.runtime.functions import usage
from interstate.runtime.functions.code import Prepared
from interstate.runtime.functions.output import Output
from interstate.runtime.functions.runtime_api import RuntimeAPI, listen
from interstate.runtime.functions.streaming import STREAM, Stream
from interstate.runtime.supervisor import Child, Supervisor
from interstate.store.records.lambda_ import Invocation, LogLine

# Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (Init phase)
INIT_S_MAX = 10.0
# The handler's memory limit is kept by looking at it; this much more is refused by the kernel between two looks.
MEMORY_SLACK_BYTES = 2 << 30  # Stacks of threads count too, 8 MiB each whether they are used or not.
_MIB = 1 << 20
_READ_BYTES = 65_536
_SLOW_READ_S = 0.01


class Ending(msgspec.Struct, frozen=True):
    """How a call ended: ``status`` is "" when the handler returned, else "error" or "timeout"."""

    payload: str
    usage: report.Usage
    log: list[LogLine]
    status: str = ""
    error_type: str = ""
    streamed: bytes | None = None
    lost: bool = False  # The process from which all workers come was ended, by this call or by another one.


class NotCalled(Exception):
    """The worker died before it saw the call; another one can have it."""


class Place(msgspec.Struct, frozen=True):
    """Where and as whom workers run."""

    directory: Path
    pycache: Path
    endpoint_url: str
    secret_access_key: str
    client: str  # "aws" or "plain": which runtime client workers run.
    processes_max: int  # That a worker may have started.


class _Call:
    """The call that a worker has in hand."""

    def __init__(self, invocation: Invocation, now: datetime, *, traced: bool) -> None:
        self.invocation = invocation
        self.trace = trace_of(
            invocation.trace,
            request_id=invocation.request_id,
            attempt=invocation.attempt,
            began=invocation.accepted or now,
            active=traced,
            function=invocation.function,
        )
        self.stream = STREAM.get()
        self.ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.delivered = False
        self.began = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.streamed: bytes | None = None


class Worker:
    """A process with its Runtime API and its output; made by ``launch``."""

    def __init__(self, prepared: Prepared, stream: str, clock: Clock) -> None:
        self.prepared = prepared
        self.spec: FunctionSpec = prepared.spec
        self.stream = stream
        self.ended = False
        self.calls = 0
        self.memory_peak_mb = 0
        self._clock = clock
        self._lines = report.Lines(self.spec.version, self.spec.memory_mb, as_json=self.spec.log_format == "JSON")
        self._output = Output()
        self._call: _Call | None = None
        self._answer: Callable[[Mapping[str, str], bytes], None] | None = None
        self._launched = time.monotonic()
        self._init_ms: float | None = None
        self._processes_max = usage.PROCESSES_MAX
        self._killed_for: Callable[[str], Fault] | None = None
        self._api: RuntimeAPI | None = None
        self._child: Child | None = None
        self._supervisor: Supervisor | None = None
        self._temporary: Path | None = None
        self._reading: int | None = None
        self._paused: asyncio.TimerHandle | None = None

    # Start --------------------------------------------------------------------------------------------------------

    async def start(self, supervisor: Supervisor, place: Place) -> None:
        """Start the process; the handler is loaded while the caller goes on."""
        self._supervisor = supervisor
        self._processes_max = place.processes_max
        self._output.add(report.init_start(self.spec.runtime, self.prepared.runs_on), self._clock.now())
        self._temporary = Path(tempfile.mkdtemp(dir=place.directory, prefix="worker-"))
        output = self._temporary.with_suffix(".out")
        os.mkfifo(output, 0o600)
        try:
            # Open for writing too, so that a worker that closes its output is not mistaken for the end.
            self._reading = os.open(output, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            asyncio.get_running_loop().add_reader(self._reading, self._on_output)
            self._api = await listen(self)
            self._child = await supervisor.launch(self._job(place, output, self._api.address), self._on_exit)
        except BaseException:
            self._close()
            raise

    def _job(self, place: Place, output: Path, address: str) -> dict[str, Any]:
        spec, prepared = self.spec, self.prepared
        environment = environment_of(
            spec,
            Surroundings(
                endpoint_url=place.endpoint_url,
                secret_access_key=place.secret_access_key,
                runtime_api=address,
                task_root=str(prepared.code),
                runtime_directory=str(prepared.site),
                temporary_directory=str(self._temporary),
                log_stream=self.stream,
            ),
        )
        environment.update(prepared.variables)
        return {
            "output": str(output),
            "environment": environment,
            "path": [*map(str, prepared.path), *_python_path(environment, prepared.code)],
            "modules": sorted(prepared.modules),
            "handler": spec.handler,
            "directory": str(prepared.code),
            "temporary": str(self._temporary),
            "pycache": str(place.pycache),
            "client": place.client,
            "command": list(prepared.command),
            "wrapper": prepared.wrapper,
            "memory_bytes_max": spec.memory_mb * _MIB + MEMORY_SLACK_BYTES,
            "file_bytes_max": spec.ephemeral_mb * _MIB,
        }

    # A call -------------------------------------------------------------------------------------------------------

    async def call(self, invocation: Invocation) -> Ending:
        """Have the handler called.

        Raises:
            NotCalled: the process ended before the call reached it, after it had served others.
        """
        assert self._call is None
        if self.ended:
            raise NotCalled
        call = self._call = _Call(invocation, self._clock.now(), traced=self.spec.tracing == "Active")
        self.calls += 1
        if self._answer is not None:
            self._deliver(call)
        else:
            limit_s = INIT_S_MAX + self.spec.timeout_s
            call.timer = asyncio.get_running_loop().call_later(limit_s, self._on_timeout, call)
        try:
            return await call.ending
        finally:
            if not call.ending.done() or call.ending.cancelled():  # Whoever waited has gone: nobody may get its answer.
                self.end()
            self._call = None

    def _deliver(self, call: _Call) -> None:
        assert self._answer is not None
        answer, self._answer = self._answer, None
        call.delivered = True
        call.began = time.monotonic()
        invocation = call.invocation
        loop = asyncio.get_running_loop()
        if call.timer is not None:
            call.timer.cancel()
        call.timer = loop.call_later(self.spec.timeout_s, self._on_timeout, call)
        self._say(self._lines.start(invocation.request_id, self._clock.now(), call.trace))
        # The handler compares the deadline with the system's clock, so it is real time and not business time.
        deadline_ms = time.time_ns() // 1_000_000 + self.spec.timeout_s * 1000
        qualifier = invocation.qualifier
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": f"{self.spec.function}:{qualifier}"
            if qualifier
            else self.spec.function,
            "Lambda-Runtime-Trace-Id": call.trace.header,
        }
        if invocation.client_context:
            headers["Lambda-Runtime-Client-Context"] = invocation.client_context
        answer(headers, invocation.payload.encode())

    # What the runtime client says (runtime_api.Asked) --------------------------------------------------------------

    def on_next(self, answer: Callable[[Mapping[str, str], bytes], None]) -> None:
        """The worker is ready for a call."""
        if self._init_ms is None:
            self._init_ms = (time.monotonic() - self._launched) * 1000
        self._answer = answer
        if self._call is not None and not self._call.delivered:
            self._deliver(self._call)

    def on_response(self, request_id: str, body: bytes, *, too_large: bool, streamed: bool) -> bool:
        """The handler has returned, or written its stream to the end."""
        call = self._open_call(request_id)
        if call is None:
            return False
        if too_large:
            self._finish_by(call, faults.response_too_large())
        else:
            call.streamed = body if streamed else None
            self._finish(call, body.decode("utf-8", "replace"))
        return True

    def on_stream(self, request_id: str) -> Stream | None:
        """Who reads what the handler begins to write."""
        call = self._open_call(request_id)
        return call.stream if call is not None else None

    def on_error(self, request_id: str, error_type: str, body: bytes) -> bool:
        """The handler has raised."""
        call = self._open_call(request_id)
        if call is None:
            return False
        payload = self._as_on_aws(faults.document_of(body))
        self._finish(call, payload, status="error", error_type=error_type or faults.error_type_of(body))
        return True

    def on_init_error(self, error_type: str, body: bytes) -> None:
        """The handler could not be loaded; the process ends by itself."""
        self._init_ms = self._init_ms or (time.monotonic() - self._launched) * 1000
        call = self._call
        if call is not None:
            self._begin_undelivered(call)
            payload = self._as_on_aws(faults.document_of(body, call.invocation.request_id))
            self._finish(call, payload, status="error", error_type=faults.error_type_of(body) or error_type)
        self.end()

    def _as_on_aws(self, text: str) -> str:
        """A text in which files lie where they lie on AWS: below /var/task, /opt and /var/runtime."""
        for here, on_aws in self.prepared.places:
            text = text.replace(here, on_aws)
        return text

    def _open_call(self, request_id: str) -> _Call | None:
        call = self._call
        if call is None or call.ending.done() or not call.delivered or call.invocation.request_id != request_id:
            return None
        return call

    # Other ends ---------------------------------------------------------------------------------------------------

    def _on_exit(self, code: int) -> None:
        call = self._call
        if call is not None and not call.ending.done():
            if not call.delivered and self.calls > 1:
                call.ending.set_exception(NotCalled())
            else:
                self._begin_undelivered(call)
                request_id = call.invocation.request_id
                self._finish_by(
                    call, self._killed_for(request_id) if self._killed_for else faults.exited(request_id, code)
                )
        self.ended = True
        self._close()

    def _on_timeout(self, call: _Call) -> None:
        if call.ending.done():
            return
        self._begin_undelivered(call)
        request_id, timeout_s = call.invocation.request_id, self.spec.timeout_s
        self.end()
        self._drain()
        self._output.add(report.timed_out(request_id, timeout_s, self._clock.now()), self._clock.now())
        self._finish_by(call, faults.timed_out(request_id, timeout_s), status="timeout")

    def inspect(self) -> None:
        """End the worker if its call takes more memory or processes than it may."""
        pid = self._child.pid if self._child is not None else None
        if pid is None or self._call is None or self.ended:
            return
        family = usage.descendants(pid, self._processes_max)
        taken_mb = usage.family_mb(pid, family, self.spec.memory_mb)
        self.memory_peak_mb = max(self.memory_peak_mb, taken_mb)
        if taken_mb > self.spec.memory_mb:
            self._killed_for = faults.out_of_memory
        elif len(family) > self._processes_max:
            self._killed_for = faults.too_many_processes
        else:
            return
        self.end()

    def end(self) -> None:
        """End the process and all that it started."""
        self.ended = True
        if self._supervisor is not None and self._child is not None:
            self._supervisor.kill(self._child)

    # The end of a call --------------------------------------------------------------------------------------------

    def _begin_undelivered(self, call: _Call) -> None:
        if not call.delivered:
            call.delivered = True
            call.began = time.monotonic()
            self._drain()
            self._say(self._lines.start(call.invocation.request_id, self._clock.now(), call.trace))

    def _finish_by(self, call: _Call, fault: Fault, status: str = "error") -> None:
        self._drain()
        if status == "error":
            self._output.add(f"{fault.message}\n{fault.error_type}\n", self._clock.now())
        self._finish(call, fault.payload, status=status, error_type=fault.error_type)

    def _finish(self, call: _Call, payload: str, *, status: str = "", error_type: str = "") -> None:
        duration_ms = (time.monotonic() - call.began) * 1000
        if call.timer is not None:
            call.timer.cancel()
        self._drain()
        pid = self._child.pid if self._child is not None else None
        self.memory_peak_mb = max(self.memory_peak_mb, usage.peak_mb(pid) if pid is not None and not self.ended else 0)
        used = report.Usage(duration_ms, self.memory_peak_mb, self._init_ms if self.calls == 1 else None)
        now, request_id = self._clock.now(), call.invocation.request_id
        shown_type = error_type if status == "error" and error_type.startswith(("Runtime.", "Function.")) else ""
        shown_status = status if status == "timeout" or shown_type else ""
        log = self._output.take(now)
        if not self.spec.code.startswith("dir:"):  # The paths of a local folder lead its developer to the line.
            log = [LogLine(line.at, self._as_on_aws(line.message)) for line in log]
        ends = self._lines.ends(request_id, used, now, status=shown_status, error_type=shown_type, trace=call.trace)
        log += [LogLine(now, text) for text in ends]
        streamed = call.streamed if not status else None
        lost = self._child is not None and self._child.lost
        call.ending.set_result(Ending(payload, used, log, status, error_type, streamed, lost))

    def _say(self, texts: list[str]) -> None:
        for text in texts:
            self._output.add(text, self._clock.now())

    # Output -------------------------------------------------------------------------------------------------------

    def _on_output(self) -> None:
        if self._read() and self._output.full and self._reading is not None:
            # What nobody keeps is read at 6 MB/s, so that a handler that prints without end disturbs nobody else.
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._reading)
            self._paused = loop.call_later(_SLOW_READ_S, self._resume_output)

    def _resume_output(self) -> None:
        self._paused = None
        if self._reading is not None:
            asyncio.get_running_loop().add_reader(self._reading, self._on_output)

    def _read(self) -> bool:
        if self._reading is None:
            return False
        try:
            data = os.read(self._reading, _READ_BYTES)
        except BlockingIOError:
            return False
        self._output.feed(data, self._clock.now())
        return True

    def _drain(self) -> None:
        """Take what the worker printed before it answered: the pipe's content, which is bounded, and no more."""
        for _ in range(16):
            if not self._read() or self._output.full:
                break

    def _close(self) -> None:
        if self._api is not None:
            self._api.close()
        if self._paused is not None:
            self._paused.cancel()
        if self._reading is not None:
            asyncio.get_running_loop().remove_reader(self._reading)
            os.close(self._reading)
            self._reading = None
        if self._temporary is not None:
            temporary, self._temporary = self._temporary, None
            temporary.with_suffix(".out").unlink(missing_ok=True)
            try:
                temporary.rmdir()
            except OSError:  # The handler left files, of any number and size: no work for the event loop.
                asyncio.get_running_loop().run_in_executor(None, lambda: shutil.rmtree(temporary, ignore_errors=True))


async def launch(prepared: Prepared, supervisor: Supervisor, place: Place, clock: Clock, at: datetime) -> Worker:
    """Start a worker for a prepared function."""
    worker = Worker(prepared, report.stream_name(prepared.spec.version, os.urandom(16).hex(), at), clock)
    await worker.start(supervisor, place)
    return worker


def _python_path(environment: Mapping[str, str], code: Path) -> list[str]:
    """The folders of a configured PYTHONPATH; those below /var/task lie in the function's folder."""
    parts = environment.get("PYTHONPATH", "").split(os.pathsep)
    return [str(code / part.removeprefix("/var/task/")) for part in parts if part]
