"""A world with buses, queues, and the services that targets live in, as far as they exist here."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.services.events import SERVICE as EVENTS
from interstate.services.operation import Operation, Service
from interstate.services.sqs import SERVICE as SQS
from interstate.store.ports import Work

ACCOUNT = "000000000000"
REGION = "us-east-1"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


class Refuses:
    """Services that take every call, or refuse it with the error that a test sets; they stand for the ones that are
    tested in their own folders."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.error: ServiceError | None = None

    def service(self, name: str, requests: Mapping[str, type[msgspec.Struct]]) -> Service:
        return Service(name, tuple(self._operation(name, operation, shape) for operation, shape in requests.items()))

    def _operation(self, service: str, operation: str, shape: type[msgspec.Struct]) -> Operation[Any]:
        def handle(request: msgspec.Struct, work: Work) -> dict[str, Any]:
            if self.error is not None:
                raise self.error
            self.calls.append((f"{service}:{operation}", msgspec.to_builtins(request, builtin_types=(bytes,))))
            return {}

        return Operation(operation, shape, handle)


class StartExecution(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_arn: str
    name: str
    input: str


class Invoke(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    invocation_type: str
    payload: bytes


class Publish(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    message: str


class Stream(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str
    log_stream_name: str


class PutLogEvents(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str
    log_stream_name: str
    log_events: list[dict[str, Any]]


class Bench:
    """Short words for what these tests do all the time."""

    def __init__(self, directory: Path | None = None) -> None:
        self.others = Refuses()
        self.world = World(
            [
                EVENTS,
                SQS,
                self.others.service("stepfunctions", {"StartExecution": StartExecution}),
                self.others.service("lambda", {"Invoke": Invoke}),
                self.others.service("sns", {"Publish": Publish}),
                self.others.service("logs", {"CreateLogStream": Stream, "PutLogEvents": PutLogEvents}),
            ],
            directory=directory,
        )

    def __call__(self, operation: str, **request: Any) -> Any:
        return self.world.call("events", operation, request)

    def error(self, operation: str, **request: Any) -> tuple[str, str]:
        """The code and message with which a call is refused."""
        with pytest.raises(ServiceError) as refusal:
            self(operation, **request)
        return refusal.value.code, refusal.value.message

    def queue(self, name: str, *, open_to: str | None = "events.amazonaws.com") -> str:
        """A queue whose policy lets EventBridge in, unless told otherwise."""
        attributes = {}
        if open_to is not None:
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": open_to},
                "Action": "sqs:SendMessage",
                "Resource": arn("sqs", name),
            }
            attributes["Policy"] = dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})
        return arn("sqs", name)

    def messages(self, name: str) -> list[Any]:
        """Bodies of the messages of a queue, which are taken out of it."""
        return [message["Body"] for message in self.received(name)]

    def received(self, name: str) -> list[Any]:
        self.world.run_due()
        url = f"http://localhost/{ACCOUNT}/{name}"
        taken: list[Any] = []
        while True:
            request = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
            found = self.world.call("sqs", "ReceiveMessage", request).get("Messages", [])
            if not found:
                return taken
            for message in found:
                self.world.call("sqs", "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})
            taken += found

    def events(self, name: str) -> list[Any]:
        return [loads(body) for body in self.messages(name)]

    def rule(self, name: str, *targets: Any, pattern: str = '{"source":["shop"]}', bus: str = "default") -> str:
        answer = self("PutRule", Name=name, EventPattern=pattern, EventBusName=bus)
        if targets:
            given = [target if isinstance(target, dict) else {"Arn": target} for target in targets]
            rows = [{"Id": f"t{at}", **target} for at, target in enumerate(given)]
            self("PutTargets", Rule=name, EventBusName=bus, Targets=rows)
        rule_arn: str = answer["RuleArn"]
        return rule_arn

    def put(self, detail: str = '{"n":1}', **members: Any) -> Any:
        entry = {"Source": "shop", "DetailType": "Order Placed", "Detail": detail, **members}
        answer = self("PutEvents", Entries=[entry])
        self.world.run_due()
        return answer["Entries"][0]

    def advance(self, **by: float) -> None:
        self.world.advance(timedelta(**by))


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.world.close()


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Bench]:
    """A bench that can be crashed: ``bench.world = bench.world.restart()``."""
    bench = Bench(tmp_path)
    yield bench
    bench.world.close()
