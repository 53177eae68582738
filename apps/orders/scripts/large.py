"""A store with much in it: how long a server takes to start on it, what it holds in memory, and whether due work goes on.

    python apps/orders/scripts/large.py            # both stores
    python apps/orders/scripts/large.py sqlite --events 100000

By the AWS API it starts executions that wait for a day, sends messages, and runs loops until the histories have as many events as
asked for: everything durably, as users make it. PostgreSQL gets the same by ``interstate copy``. The server is killed (kill -9) and started again; some executions came due meanwhile.
Progress goes to standard error, the verdict as JSON to standard output. Exit 0: the start took less than 2 s, idle memory was under
150 MiB, and what was due had ended 2 s after the start.
"""

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from proving.database import Database
from proving.processes import cpu_s, descendants, free_ports, memory_mib
from proving.stage import Failed, Node, Stage

START_S_MAX, MEMORY_MIB_MAX, DUE_S_MAX = 2.0, 150.0, 2.0
_DUE = 200
_LOOPS = 5000  # Four events each: below the 25,000 that AWS allows a history.
_EVENTS_A_LOOP = 4
_THREADS = 32
_IDLE_S = 8.0

_WAITS = {"StartAt": "W", "States": {"W": {"Type": "Wait", "SecondsPath": "$.s", "End": True}}}
_COUNTS = {
    "StartAt": "Add",
    "States": {
        "Add": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, -1)"}, "Next": "More"},
        "More": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 0, "Next": "Add"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}


class Api:
    """AWS's JSON protocol on one connection a thread: as little work for the caller as can be."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._local = threading.local()

    def call(self, service: str, operation: str, **request: Any) -> Any:
        """The answer.

        Raises:
            Failed: the call was refused.
        """
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = HTTPConnection("127.0.0.1", self._node.port, timeout=120)
        credential = f"Credential=local/20260101/us-east-1/{'states' if 'Step' in service else 'sqs'}/aws4_request"
        headers = {
            "X-Amz-Target": f"{service}.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0",
        }
        connection.request("POST", "/", json.dumps(request), headers)
        answer = connection.getresponse()
        body = json.loads(answer.read() or b"null")
        if answer.status != 200:
            raise Failed(f"{operation}: {answer.status} {body}")
        return body

    def close(self) -> None:
        """Forget the connections: the server is about to end."""
        self._local = threading.local()


def fill(api: Api, chosen: argparse.Namespace, say: Callable[[str], None]) -> tuple[str, str, float]:
    """Waiting executions, messages and histories; answers the machine that waits, a queue, and how long it took."""
    began = time.monotonic()
    waits = _machine(api, "waits", _WAITS)
    counts = _machine(api, "counts", _COUNTS)
    queue = api.call("AmazonSQS", "CreateQueue", QueueName="many")["QueueUrl"]
    with ThreadPoolExecutor(_THREADS) as pool:
        say(f"{chosen.executions:,} executions begin to wait")
        _all(pool, lambda _: _start(api, waits, {"s": 86_400}), range(chosen.executions))
        say(f"{chosen.messages:,} messages are sent")
        _all(pool, lambda each: _send(api, queue, each), range(0, chosen.messages, 10))
        loops = max(1, chosen.events // (_LOOPS * _EVENTS_A_LOOP))
        say(f"{loops} executions write {chosen.events:,} events of history")
        arns = _all(pool, lambda _: _start(api, counts, {"n": _LOOPS}), range(loops))
        for number, arn in enumerate(arns):
            while api.call("AWSStepFunctions", "DescribeExecution", executionArn=arn)["status"] == "RUNNING":
                time.sleep(0.5)
            if number % 10 == 9:
                say(f"{number + 1} of {loops} have ended")
    return waits, queue, round(time.monotonic() - began, 1)


def _all(pool: ThreadPoolExecutor, work: Callable[[int], Any], numbers: range) -> list[Any]:
    return list(pool.map(work, numbers))


def _machine(api: Api, name: str, definition: Any) -> str:
    arn: str = api.call(
        "AWSStepFunctions", "CreateStateMachine", name=name, definition=json.dumps(definition),
        roleArn="arn:aws:iam::000000000000:role/r",
    )["stateMachineArn"]  # fmt: skip
    return arn


def _start(api: Api, machine: str, value: Any) -> str:
    arn: str = api.call("AWSStepFunctions", "StartExecution", stateMachineArn=machine, input=json.dumps(value))[
        "executionArn"
    ]
    return arn


def _send(api: Api, queue: str, first: int) -> None:
    entries = [{"Id": str(each), "MessageBody": f"message {first + each}"} for each in range(10)]
    api.call("AmazonSQS", "SendMessageBatch", QueueUrl=queue, Entries=entries)


def measure(stage: Stage, node: Node, chosen: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Fill, kill, start, look."""
    stage.start(node)
    api = Api(node)
    filled = stage.folder.parent / "filled.json"  # A folder that is named again is measured again.
    if not filled.exists():
        filled.write_text(json.dumps(fill(api, chosen, say)))
    waits, queue, filled_s = json.loads(filled.read_text())
    say(f"{_DUE} executions come due while the server is down")
    due = [_start(api, waits, {"s": 3}) for _ in range(_DUE)]
    api.close()
    stage.kill(node)
    time.sleep(4)
    begun = time.monotonic()
    stage.launch(node)
    while not node.health().get("serving"):
        if node.process is None or node.process.poll() is not None:
            raise Failed(f"the server does not start again; see {node.log}")
        time.sleep(0.01)
    start_s, start_cpu_s = time.monotonic() - begun, cpu_s(node.pid)
    say(f"started in {start_s:.2f} s")
    ended_s = _until_ended(api, due) + start_s
    attributes = api.call("AmazonSQS", "GetQueueAttributes", QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    received = api.call("AmazonSQS", "ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    say(f"{_DUE} due executions had ended {ended_s:.2f} s after the start began")
    time.sleep(_IDLE_S)
    memory, children = memory_mib(node.pid), [memory_mib(pid) for pid in descendants(node.pid)]
    facts = {
        "executionsWaiting": chosen.executions,
        "messages": int(attributes["ApproximateNumberOfMessages"]),
        "historyEvents": chosen.events,
        "filledSeconds": filled_s,
        "startSeconds": round(start_s, 2),
        "startCpuSeconds": start_cpu_s,
        "idleMemoryMiB": memory,
        "childrenMiB": children,
        "dueEndedSecondsAfterStart": round(ended_s - start_s, 2),
        "received": len(received),
    }
    limits = {
        "startSeconds": start_s < START_S_MAX,
        "idleMemoryMiB": memory < MEMORY_MIB_MAX,
        "dueEndedSecondsAfterStart": ended_s - start_s < DUE_S_MAX,
        "received": len(received) == 10,
    }
    return {"held": all(limits.values()), "over": [name for name, held in limits.items() if not held], **facts}


def _until_ended(api: Api, arns: list[str]) -> float:
    begun = time.monotonic()
    for arn in arns:
        while api.call("AWSStepFunctions", "DescribeExecution", executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.02)
    return time.monotonic() - begun


def words_of(
    store: str, folder: Path, stage: Stage, say: Callable[[str], None]
) -> tuple[list[str], Callable[[], None]]:
    """The words that choose a store, and what closes it."""
    if store == "sqlite":
        return ["--data", str(folder / "data")], _nothing
    fresh = not (folder / "database").exists()
    database = Database(folder / "database", free_ports(1)[0])
    if fresh:
        say("everything is copied there")
        began = time.monotonic()
        copied = stage.finish("interstate", "copy", str(folder / "data"), database.url(), timeout_s=600)
        if copied.returncode:
            raise Failed(copied.stderr)
        say(f"{copied.stdout.splitlines()[0]} It took {time.monotonic() - began:.1f} s.")
    return ["--database", database.url()], database.close


def _nothing() -> None:
    """An embedded store is closed with its server."""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", nargs="?", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--executions", type=int, default=10_000, help="that wait (default: 10,000)")
    parser.add_argument("--messages", type=int, default=100_000, help="in a queue (default: 100,000)")
    parser.add_argument("--events", type=int, default=1_000_000, help="of history (default: 1,000,000)")
    parser.add_argument("--folder", type=Path, help="keep data and logs here; one that is filled is measured again")
    chosen = parser.parse_args()
    if chosen.store == "postgres" and not (chosen.folder and (chosen.folder / "filled.json").exists()):
        parser.error("PostgreSQL gets what the embedded store has: measure 'both', or a --folder that is filled.")
    return chosen


def main() -> None:
    """Measure, print, and say by the exit status whether the limits were kept."""
    chosen = arguments()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # Nothing that was started stays.
    began = time.monotonic()
    found = {}
    with tempfile.TemporaryDirectory(prefix="large-", ignore_cleanup_errors=True) as temporary:
        folder: Path = (chosen.folder or Path(temporary)).resolve()
        for name in ("sqlite", "postgres") if chosen.store == "both" else (chosen.store,):

            def say(what: str, name: str = name) -> None:
                sys.stderr.write(f"{time.monotonic() - began:7.1f} s  {name}: {what}\n")

            stage, close = Stage(folder / name, say), _nothing
            try:
                words, close = words_of(name, folder, stage, say)
                found[name] = measure(stage, stage.node(*words), chosen, say)
            finally:
                stage.close()
                close()
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if all(each["held"] for each in found.values()) else 1)


if __name__ == "__main__":
    main()
