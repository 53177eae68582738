"""An instance with functions, queues and logs, whose functions are plain Python."""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.services.lambda_ import DOWNLOADS
from interstate.services.lambda_ import SERVICE as LAMBDA
from interstate.services.logs import SERVICE as LOGS
from interstate.services.operation import Service, Step
from interstate.services.sqs import SERVICE as SQS
from interstate.store.ports import Work
from interstate.store.records.lambda_ import Invocation, InvocationResult, LogLine, TaskAnswer

Handler = Callable[[Any], Any]


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return content.getvalue()


MODEL = botocore.session.get_session().get_service_model("lambda")


def has_shape(value: Any, shape: Any, path: str) -> None:
    """Assert that an answer has only members that the model knows, of the types that it says."""
    types = {
        "string": str,
        "integer": int,
        "long": int,
        "boolean": bool,
        "double": float,
        "blob": bytes,
        "timestamp": datetime,
    }
    match shape.type_name:
        case "structure":
            assert set(value) <= set(shape.members), f"{path}: {set(value) - set(shape.members)}"
            for name, member in value.items():
                has_shape(member, shape.members[name], f"{path}.{name}")
        case "list":
            for member in value:
                has_shape(member, shape.member, f"{path}[]")
        case "map":
            for member in value.values():
                has_shape(member, shape.value, f"{path}{{}}")
        case name:
            assert isinstance(value, types[name]), f"{path}: {value!r}"


class Cloud:
    """The world, with handlers by function name and all calls in their order."""

    def __init__(self, *more: Service, directory: Path | None = None) -> None:
        self.handlers: dict[str, Handler] = {}
        self.calls: list[Invocation] = []
        self.answers: list[TaskAnswer] = []
        states = Service("states", (), steps=(Step("states.task_answer", TaskAnswer, self._task_answer),))
        self.world = World(
            [LAMBDA, DOWNLOADS, LOGS, SQS, states, *more],
            directory=directory,
            performers={"lambda.invoke": self._perform, "lambda.prepare": lambda _key, _body: None},
        )

    def _task_answer(self, body: TaskAnswer, _work: Work) -> None:
        self.answers.append(body)

    def _perform(self, _key: str, body: Invocation) -> InvocationResult:
        self.calls.append(body)
        log = [LogLine(self.world.now, f"START RequestId: {body.request_id} Version: $LATEST\n")]
        name = body.function.rsplit(":", 1)[1]
        try:
            answer = self.handlers[name](loads(body.payload))
        except InterruptedError as error:  # The pool refuses.
            return InvocationResult("Rate Exceeded.", refused=str(error))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises.
            document = dumps({"errorMessage": str(error), "errorType": type(error).__name__})
            return InvocationResult(document, function_error="Unhandled", log=log, log_stream="s")
        return InvocationResult(dumps(answer), log=log, log_stream="s", log_tail="the tail" if body.tail else "")

    def create(self, name: str, handler: Handler | None = None, **parameters: Any) -> Any:
        if handler is not None:
            self.handlers[name] = handler
        request = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": "arn:aws:iam::000000000000:role/r",
            "Handler": "app.handler",
            "Code": {"ZipFile": zipped(app="def handler(event, context): pass")},
            **parameters,
        }
        return self.call("CreateFunction", **request)

    def call(self, operation: str, **parameters: Any) -> Any:
        answer = self.world.call("lambda", operation, parameters)
        answer.pop("_RequestId", None)  # The answer's header.
        shape = MODEL.operation_model(operation).output_shape
        if shape is not None:
            has_shape(answer, shape, operation)
        else:
            assert answer == {}
        return answer

    def queue(self, name: str, **attributes: str) -> str:
        self.world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})
        return f"arn:aws:sqs:us-east-1:000000000000:{name}"

    def send(self, name: str, *bodies: str) -> None:
        for body in bodies:
            request = {"QueueUrl": f"http://localhost/000000000000/{name}", "MessageBody": body}
            self.world.call("sqs", "SendMessage", request)

    def received(self, name: str) -> list[dict[str, Any]]:
        request = {
            "QueueUrl": f"http://localhost/000000000000/{name}",
            "MaxNumberOfMessages": 10,
            "MessageAttributeNames": ["All"],
        }
        messages: list[dict[str, Any]] = self.world.call("sqs", "ReceiveMessage", request).get("Messages", [])
        return messages

    def depth(self, name: str) -> int:
        """Messages in the queue, hidden ones too."""
        request = {"QueueUrl": f"http://localhost/000000000000/{name}", "AttributeNames": ["All"]}
        attributes = self.world.call("sqs", "GetQueueAttributes", request)["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud()
    yield cloud
    cloud.world.close()


@pytest.fixture
def make_cloud() -> Callable[[Path], Cloud]:
    """A cloud in a directory, which can be restarted."""
    return lambda directory: Cloud(directory=directory)
