"""Where a call's time goes, by layer: ``python -m bench.profile``. In one process, without HTTP, under cProfile.

cProfile makes Python calls dearer than they are, so shares count, not seconds.
"""

import cProfile
import json
import pstats
from collections import Counter
from collections.abc import Callable
from typing import Any

from interstate.runtime.testing import World
from interstate.services.tables import SERVICES
from interstate.wire.codec import Wire
from interstate.wire.model import load

LAYERS = ("base", "core", "store", "wire", "services", "runtime")


def layer_of(path: str) -> str:
    for layer in LAYERS:
        if f"/interstate/{layer}/" in path:
            return layer
    return "python"


def profile(name: str, call: Callable[[], Any], count: int = 300) -> None:
    call()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(count):
        call()
    profiler.disable()
    shares: Counter[str] = Counter()
    for (path, _, function), (_, _, own, _, _) in pstats.Stats(profiler).stats.items():
        shares["sqlite" if "sqlite3" in function else layer_of(path)] += own
    total = sum(shares.values())
    print(f"{name:34}" + "".join(f"{layer} {share / total:5.0%}  " for layer, share in shares.most_common()))


def main() -> None:
    world = World(SERVICES, validate=Wire(load()).check)
    url = "http://localhost/000000000000/q"
    world.call("sqs", "CreateQueue", {"QueueName": "q"})
    world.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source": ["bench"]}'})
    arn = "arn:aws:sqs:us-east-1:000000000000:q"
    world.call("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "q", "Arn": arn}]})
    topic = world.call("sns", "CreateTopic", {"Name": "t"})["TopicArn"]
    world.call("sns", "Subscribe", {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn})
    event = {"Source": "bench", "DetailType": "t", "Detail": json.dumps({"orderId": "o-1", "total": 10})}
    entries = [{"Id": str(number), "MessageBody": "x" * 100} for number in range(10)]
    profile("SendMessage", lambda: world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x" * 100}))
    profile(
        "SendMessageBatch of 10", lambda: world.call("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
    )
    profile("PutEvents of 10, one target", lambda: world.call("events", "PutEvents", {"Entries": [event] * 10}))
    profile("Publish, one queue", lambda: world.call("sns", "Publish", {"TopicArn": topic, "Message": "x" * 100}))


if __name__ == "__main__":
    main()
