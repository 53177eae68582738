"""Handlers of the order system, run as they are: only boto3 and HTTP are replaced, and dice decide where one dies."""

import importlib
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

from interstate.base.errors import ServiceError
from interstate.store.records.lambda_ import Invocation, InvocationResult

ORDERS = Path(__file__).parents[2] / "apps" / "orders"
CLIENTS = {
    "db": "dynamodb", "dynamodb": "dynamodb", "events": "events", "states": "stepfunctions", "sqs": "sqs", "sns": "sns",
    "functions": "lambda",
}  # fmt: skip
TRIES = 3
Call = Callable[[str, str, dict[str, Any]], Any]


class FunctionDied(BaseException):
    """The function's process ended in the middle."""


class WorkerGone(BaseException):
    """The node ended, and its workers with it."""


class Client:
    """A boto3 client's face."""

    def __init__(self, functions: "Functions", service: str) -> None:
        self._functions = functions
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = "".join(word.capitalize() for word in method.split("_"))
        return lambda **request: self._functions.asks(self._service, operation, request)


class Functions:
    """``call`` carries an AWS call out; ``partner`` a partner's. ``handlers`` maps ARNs to handlers, ``variables`` the environment.

    A call of a function dies at most once, at any of its calls: before it, or after it was made.
    """

    def __init__(
        self, handlers: Mapping[str, str], dice: random.Random, call: Call, partner: Callable[..., Any]
    ) -> None:
        self._handlers = handlers
        self._dice = dice
        self._call = call
        self._partner = partner
        self.calm = False
        self.dies = 0.0
        self.dead: Counter[str] = Counter()
        self.lost_answers = 0
        self._may_die = False

    def invoke(self, body: Invocation) -> InvocationResult:
        """Run a handler."""
        handler = self._handlers[body.function]
        luck = 1.0 if self.calm else self._dice.random()
        self._may_die = luck < self.dies and not self.dead[body.payload]
        try:
            with self._wired(handler) as module, redirect_stdout(StringIO()):
                answer = getattr(module, handler.rpartition(".")[2])(json.loads(body.payload), None)
        except FunctionDied:
            self.dead[body.payload] += 1
            return _failed("Runtime.ExitError", "it died as the dice fell")
        except Exception as error:  # noqa: BLE001 whatever a handler raises is its function error
            return _failed(type(error).__name__, str(error))
        return InvocationResult(json.dumps(answer))

    def asks(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        """A handler's AWS call; its client repeats one whose answer was lost, as boto3 does."""
        self._may_end()
        error: Any = None
        for attempt in range(TRIES):
            answer, error = self._call(service, operation, request)
            if error is None and not self.calm and attempt == 0 and self._dice.random() < self.dies / 3:
                self.lost_answers += 1
                continue
            if error is None:
                self._may_end()
                return _read(answer)
            if error.status < 500:
                break
        raise _client_error(error, operation)

    def _may_end(self) -> None:
        if self._may_die and self._dice.random() < 0.3:
            raise FunctionDied

    @contextmanager
    def _wired(self, handler: str) -> Iterator[ModuleType]:
        module = module_of(handler)
        partner = importlib.import_module("ordering.partner")
        for attribute, service in CLIENTS.items():
            if hasattr(module, attribute):
                setattr(module, attribute, Client(self, service))
        before = partner.call
        setattr(partner, "call", self._partner)  # noqa: B010 mypy knows its signature
        try:
            yield module
        finally:
            setattr(partner, "call", before)  # noqa: B010 as above


def _read(answer: Any) -> Any:
    return answer


def _failed(kind: str, text: str) -> InvocationResult:
    return InvocationResult(json.dumps({"errorType": kind, "errorMessage": text}), function_error="Unhandled")


def _client_error(error: ServiceError, operation: str) -> Exception:
    from botocore.exceptions import ClientError  # noqa: PLC0415 only who plays orders needs it

    told: Any = {"Error": {"Code": error.code, "Message": error.message}, **error.members}
    return ClientError(told, operation)


def module_of(handler: str) -> ModuleType:
    """The module of a handler; the folder of the functions is a root, as Lambda makes it."""
    return importlib.import_module(handler.rpartition(".")[0])


def prepare(variables: Mapping[str, str]) -> None:
    """Make the functions importable, with the environment that they are deployed with."""
    for root in (ORDERS, ORDERS / "functions"):
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))
    os.environ.update(variables)
    for name, value in (
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ):
        os.environ.setdefault(name, value)
