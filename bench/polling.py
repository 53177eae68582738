"""Long polls under load for minutes: nobody starves, nothing is lost, an idle server costs nothing, memory stays flat.

    python -m bench.polling                       50 consumers, 20 producers, 3 minutes on the real clock
    python -m bench.polling --clock frozen        the same on a clock that is moved on a minute every two seconds, with delays
    python -m bench.polling --seconds 30

Each consumer asks for one message, waits up to 20 s, and deletes what it got; each producer sends about twice a second. Afterwards
the producers are silent for a while and the consumers go on waiting: what the server takes then is its idle cost.
Ends with an error when a message was lost or told twice, or when a consumer got less than a third of its share.
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections import Counter
from pathlib import Path

from bench.client import Connection
from bench.servers import Server

CONSUMERS, PRODUCERS = 50, 20
PAUSE_S = 0.5  # Between two messages of a producer, in the mean.
DELAY_S = 60
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Run:
    """What was sent and got, and when."""

    def __init__(self, port: int, url: str, *, delayed: bool) -> None:
        self.port, self.url, self.delayed = port, url, delayed
        self.sent: dict[str, float] = {}
        self.got: Counter[str] = Counter()
        self.shares = [0] * CONSUMERS
        self.waits: list[float] = []
        self.empty = 0

    async def produce(self, number: int, until: float) -> None:
        random_ = random.Random(number)
        connection = await Connection(self.port).open()
        count = 0
        while time.monotonic() < until:
            await asyncio.sleep(random_.expovariate(1 / PAUSE_S))
            body = f"{number}-{count}"
            late = {"DelaySeconds": DELAY_S} if self.delayed and count % 3 == 0 else {}
            self.sent[body] = time.monotonic()
            await connection.json("sqs", "SendMessage", {"QueueUrl": self.url, "MessageBody": body, **late})
            count += 1
        connection.close()

    async def consume(self, number: int, until: float) -> None:
        connection = await Connection(self.port).open()
        wanted = {"QueueUrl": self.url, "WaitTimeSeconds": 20, "VisibilityTimeout": 43_200}
        while time.monotonic() < until:
            messages = (await connection.json("sqs", "ReceiveMessage", wanted)).get("Messages", [])
            self.empty += not messages
            for message in messages:
                self.waits.append(time.monotonic() - self.sent[message["Body"]])
                self.got[message["Body"]] += 1
                self.shares[number] += 1
                receipt = {"QueueUrl": self.url, "ReceiptHandle": message["ReceiptHandle"]}
                await connection.json("sqs", "DeleteMessage", receipt)
        connection.close()


def usage(pid: int) -> tuple[float, float]:
    """MiB in memory, and seconds of processor, of a process."""
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / (1 << 20)
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return resident, (int(times[11]) + int(times[12])) / TICKS


async def watch(pid: int, seconds: float, sizes: list[float]) -> float:
    """The share of one core that a process takes meanwhile; its size every five seconds."""
    begin, (_, before) = time.monotonic(), usage(pid)
    while (left := begin + seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(5, left))
        sizes.append(usage(pid)[0])
    return (usage(pid)[1] - before) / (time.monotonic() - begin)


async def move_clock(port: int, until: float) -> None:
    """Let a minute of business time pass every two seconds."""
    connection = await Connection(port).open()
    body = b'{"advance": "60s"}'
    head = f"POST /_interstate/clock HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    while time.monotonic() < until:
        await asyncio.sleep(2)
        status, answer = await connection.call(head.encode() + body)
        assert status == 200, answer
    connection.close()


async def measure(port: int, pid: int, seconds: float, idle_s: float, *, delayed: bool) -> dict[str, float]:
    client = await Connection(port).open()
    url = (await client.json("sqs", "CreateQueue", {"QueueName": "load"}))["QueueUrl"]
    run = Run(port, url, delayed=delayed)
    until = time.monotonic() + seconds
    consumers = [asyncio.create_task(run.consume(n, until + idle_s - 20)) for n in range(CONSUMERS)]
    producers = [asyncio.create_task(run.produce(n, until)) for n in range(PRODUCERS)]
    if delayed:
        producers.append(asyncio.create_task(move_clock(port, until + 6)))
    sizes: list[float] = []
    busy = await watch(pid, seconds, sizes)
    await asyncio.gather(*producers)
    await asyncio.sleep(2)
    idle = await watch(pid, max(5.0, until + idle_s - 22 - time.monotonic()), [])
    await asyncio.gather(*consumers)
    client.close()
    waits = sorted(run.waits)
    tenth = max(1, len(sizes) // 10)
    return {
        "messages": len(run.sent),
        "lost": len(run.sent.keys() - run.got.keys()),
        "twice": sum(times - 1 for times in run.got.values()),
        "empty answers": run.empty,
        "least of a consumer": min(run.shares),
        "most of a consumer": max(run.shares),
        "wait p50 ms": waits[len(waits) // 2] * 1e3,
        "wait p99 ms": waits[int(len(waits) * 0.99)] * 1e3,
        "core under load %": busy * 100,
        "core of 50 waiting polls %": idle * 100,
        "MiB at first": sum(sizes[:tenth]) / tenth,
        "MiB at last": sum(sizes[-tenth:]) / tenth,
        "MiB at most": max(sizes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--idle", type=float, default=40, help="seconds of silence afterwards")
    parser.add_argument("--clock", choices=("real", "frozen"), default="real")
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    server = Server("serve", memory=False, cpus=None, more=("--clock", arguments.clock))
    with server as port:
        figures = asyncio.run(
            measure(port, server.pid, arguments.seconds, arguments.idle, delayed=arguments.clock == "frozen")
        )
    for name, value in figures.items():
        print(f"{name:30} {value:10,.1f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=1))
    share = figures["messages"] / CONSUMERS
    if figures["lost"] or figures["twice"] or figures["least of a consumer"] < share / 3 - 3:
        raise SystemExit("a law of the queue was broken")


if __name__ == "__main__":
    main()
