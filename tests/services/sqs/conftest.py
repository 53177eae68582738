"""A world of queues alone, and short words for what tests ask of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.runtime.testing import World
from interstate.services.operation import Service, Step
from interstate.services.sqs import SERVICE
from interstate.store.records.lambda_ import Poll
from interstate.store.records.sqs import QUEUES

# SQS leaves polls for mappings; the step itself is Lambda's.
POLLS = Service("polls", (), steps=(Step("lambda.poll", Poll, lambda _body, _work: None),))


class Queues:
    """The operations of SQS on queues that are called by their names."""

    def __init__(self, world: World) -> None:
        self.world = world

    def call(self, operation: str, name: str = "q", caller: Caller | None = None, **request: Any) -> Any:
        url = f"http://localhost/000000000000/{name}"
        return self.world.call("sqs", operation, {"QueueUrl": url, **request}, caller=caller)

    def create(self, name: str = "q", **attributes: str) -> str:
        if name.endswith(".fifo"):
            attributes = {"FifoQueue": "true", **attributes}
        self.world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})
        return f"arn:aws:sqs:us-east-1:000000000000:{name}"

    def number(self, name: str = "q") -> int:
        """The queue's number in the store."""
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        found = self.world.run(lambda work: work.get(QUEUES, arn))
        assert found is not None
        number: int = found.id
        return number

    def send(self, body: str, name: str = "q", **more: Any) -> Any:
        return self.call("SendMessage", name, MessageBody=body, **more)

    def receive(self, name: str = "q", limit: int = 10, **more: Any) -> list[Any]:
        found: list[Any] = self.call("ReceiveMessage", name, MaxNumberOfMessages=limit, **more).get("Messages", [])
        return found

    def bodies(self, name: str = "q", limit: int = 10, **more: Any) -> list[str]:
        return [message["Body"] for message in self.receive(name, limit, **more)]

    def delete(self, message: Any, name: str = "q") -> None:
        self.call("DeleteMessage", name, ReceiptHandle=message["ReceiptHandle"])

    def attributes(self, name: str = "q") -> dict[str, str]:
        shown: dict[str, str] = self.call("GetQueueAttributes", name, AttributeNames=["All"])["Attributes"]
        return shown

    def counts(self, name: str = "q") -> list[int]:
        shown = self.attributes(name)
        return [int(shown[f"ApproximateNumberOfMessages{suffix}"]) for suffix in ("", "Delayed", "NotVisible")]


@pytest.fixture
def queues() -> Iterator[Queues]:
    world = World((SERVICE, POLLS))
    yield Queues(world)
    world.close()


@pytest.fixture
def durable(tmp_path: Path) -> Callable[[], Queues]:
    return lambda: Queues(World((SERVICE, POLLS), directory=tmp_path))
