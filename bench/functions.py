"""How long a function call takes: warm, cold, cold with boto3. Run: python bench/functions.py."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from interstate.core.functions.configuration import FunctionSpec
from interstate.runtime.functions.performer import FunctionRuntime, Settings
from interstate.store.records.lambda_ import Invocation

WARM = "def handler(event, context):\n    return event\n"
BOTO3 = "import boto3\nclient = boto3.client('sqs')\n" + WARM


class Clock:
    def now(self):
        return datetime.now(UTC)


class Known:
    def __init__(self, folder):
        self.folder = folder

    async def lookup(self, function, qualifier, choice):  # noqa: ARG002 - a port.
        name = function.rsplit(":", 1)[1]
        return FunctionSpec(function=function, version="$LATEST", revision="1", handler="app.handler",
                            runtime="python3.11", code=f"dir:{self.folder / name}", timeout_s=10, memory_mb=512)  # fmt: skip

    async def code(self, sha256):  # noqa: ARG002 - a port.
        return None


def arn(name):
    return f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


async def timed(runtime, name, number):
    began = time.perf_counter()
    result = await runtime.perform("1", Invocation(f"r-{number}", arn(name), '{"orderId": "o-1"}'))
    assert result.ok, result
    return (time.perf_counter() - began) * 1000


def shown(what, times):
    times = sorted(times)
    print(
        f"{what:24} n={len(times):<5} p50 {statistics.median(times):8.2f} ms   p99 {times[int(len(times) * 0.99)]:8.2f} ms"
    )


async def main(folder):
    runtime = FunctionRuntime(Known(folder), Clock(), Settings("http://localhost:4566", folder / "cache", workers=8))
    for number in range(40):
        for kind, source in (("plain", WARM), ("boto3", BOTO3)):
            (folder / f"{kind}{number}").mkdir()
            (folder / f"{kind}{number}" / "app.py").write_text(source)
    await runtime.start()
    began = time.perf_counter()
    await runtime.prewarm()
    print(
        f"first call of all        {await timed(runtime, 'plain0', 0):8.2f} ms, zygote included; {os.cpu_count()} cores"
    )
    del began
    shown("cold, no imports", [await timed(runtime, f"plain{n}", n) for n in range(1, 40)])
    shown("cold, boto3 client", [await timed(runtime, f"boto3{n}", n) for n in range(1, 40)])
    await timed(runtime, "plain1", 0)
    shown("warm, one caller", [await timed(runtime, "plain1", n) for n in range(2000)])
    began = time.perf_counter()
    for _ in range(50):
        await asyncio.gather(*(timed(runtime, "plain1", n) for n in range(8)))
    print(f"warm, 8 callers          {400 / (time.perf_counter() - began):8.0f} calls/s")
    await runtime.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        if "--uvloop" in sys.argv:
            import uvloop

            uvloop.run(main(Path(name)))
        else:
            asyncio.run(main(Path(name)))
