"""Nothing of ours goes on running when the server is killed."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

SERVER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from interstate.core.functions.configuration import FunctionSpec
from interstate.runtime.functions.performer import FunctionRuntime, Settings
from interstate.store.records.lambda_ import Invocation

folder = Path(sys.argv[1])
ARN = "arn:aws:lambda:us-east-1:000000000000:function:Probe"

class Clock:
    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC)

class Known:
    async def lookup(self, function, qualifier, choice):
        return FunctionSpec(function=ARN, version="$LATEST", revision="1", handler="app.handler", runtime="python3.11",
                            code=f"dir:{folder}", timeout_s=600, memory_mb=256)
    async def code(self, sha256):
        return None

async def main():
    runtime = FunctionRuntime(Known(), Clock(), Settings("http://localhost:4566", directory=folder / "cache"))
    await runtime.start()
    await runtime.perform("1", Invocation("r-1", ARN))

asyncio.run(main())
"""

HANDLER = """
import os, subprocess, sys, time
def handler(event, context):
    if os.fork() == 0:
        time.sleep(600)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    print("busy", file=open(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "busy"), "w"))
    time.sleep(600)
"""


def living(folder: Path) -> int:
    count = 0
    for process in Path("/proc").iterdir():
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        count += process.name.isdigit() and str(folder).encode() in told
    return count


def test_workers_and_what_they_started_end_when_the_server_is_killed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(HANDLER))
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)])
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "busy").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert living(tmp_path) >= 5  # The server, the zygote, the worker, its fork and its program.
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()
    deadline = time.monotonic() + 60
    while living(tmp_path):
        assert time.monotonic() < deadline, "somebody was left over"
        time.sleep(0.02)
