"""What was accepted survives: between any two commits the process may end."""

from pathlib import Path
from typing import Any

from interstate.base.json import loads
from interstate.runtime.testing import World
from interstate.services.lambda_ import SERVICE as LAMBDA
from interstate.services.logs import SERVICE as LOGS
from interstate.services.sqs import SERVICE as SQS
from interstate.store.records.lambda_ import BATCHES_IN_HAND, Invocation, InvocationResult

QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
URL = "http://localhost/000000000000/orders"


class Crashed(Exception):
    """The process ends while a function runs."""


class Shop:
    """A world in a directory whose function crashes the process at its first call."""

    def __init__(self, folder: Path) -> None:
        self.calls: list[Invocation] = []
        code = folder / "code"
        code.mkdir()
        performers = {"lambda.invoke": self._perform, "lambda.prepare": lambda _key, _body: None}
        self.world = World([LAMBDA, LOGS, SQS], directory=folder / "data", performers=performers)
        request = {
            "FunctionName": "Ship",
            "Runtime": "python3.12",
            "Role": "r",
            "Handler": "a.b",
            "Code": {"S3Bucket": "__local__", "S3Key": str(code)},
        }
        self.world.call("lambda", "CreateFunction", request)

    def _perform(self, _key: str, body: Invocation) -> InvocationResult:
        self.calls.append(body)
        if len(self.calls) == 1:
            raise Crashed
        return InvocationResult("null")

    def crash(self) -> None:
        try:
            self.world.run_due()
        except Crashed:
            self.world = self.world.restart()
            return
        raise AssertionError("nothing crashed")


def test_an_accepted_event_is_called_again_under_the_same_request_id(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.world.call("lambda", "Invoke", {"FunctionName": "Ship", "InvocationType": "Event", "Payload": b"{}"})
    shop.crash()
    shop.world.run_until_idle()
    first, second = shop.calls
    assert first.request_id == second.request_id
    shop.world.close()


def test_a_batch_is_handed_over_again_and_deleted_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.world.call("sqs", "CreateQueue", {"QueueName": "orders"})
    mapping = shop.world.call("lambda", "CreateEventSourceMapping", {"EventSourceArn": QUEUE, "FunctionName": "Ship"})
    for body in "abc":
        shop.world.call("sqs", "SendMessage", {"QueueUrl": URL, "MessageBody": body})
    shop.crash()
    shop.world.run_until_idle()
    assert shop.calls[0].request_id == shop.calls[1].request_id
    seen: list[Any] = [loads(call.payload) for call in shop.calls[1:]]
    assert sorted(record["body"] for event in seen for record in event["Records"]) == ["a", "b", "c"]
    attributes = shop.world.call("sqs", "GetQueueAttributes", {"QueueUrl": URL, "AttributeNames": ["All"]})[
        "Attributes"
    ]
    assert attributes["ApproximateNumberOfMessages"] == attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
    assert shop.world.run(lambda work: work.scalar(BATCHES_IN_HAND, mapping=mapping["UUID"])) == 0
    shop.world.close()
