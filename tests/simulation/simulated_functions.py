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
    """``call`` carries an AWS call out; ``partner`` a partner's. ``handlers`` maps ARNs to handlers.

    A call of a function dies at most once, at any of its calls: before it, or after it was made.
    """

    def __init__(
        self,
        handlers: Mapping[str, str],
        dice: random.Random,
        call: Call,
        partner: Callable[..., Any],
        surroundings: "Surroundings",
    ) -> None:
        self._handlers = handlers
        self._surroundings = surroundings
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
            with self._surroundings.entered(), redirect_stdout(StringIO()):
                module = self._wired(handler)
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

    def _wired(self, handler: str) -> ModuleType:
        module = importlib.import_module(handler.rpartition(".")[0])
        for attribute, service in CLIENTS.items():
            if hasattr(module, attribute):
                setattr(module, attribute, Client(self, service))
        partner = importlib.import_module("ordering.partner")
        setattr(partner, "call", self._partner)  # noqa: B010 mypy knows its signature
        return module


def _read(answer: Any) -> Any:
    return answer


def _failed(kind: str, text: str) -> InvocationResult:
    return InvocationResult(json.dumps({"errorType": kind, "errorMessage": text}), function_error="Unhandled")


def _client_error(error: ServiceError, operation: str) -> Exception:
    from botocore.exceptions import ClientError  # noqa: PLC0415 only who plays orders needs it

    told: Any = {"Error": {"Code": error.code, "Message": error.message}, **error.members}
    return ClientError(told, operation)


class Surroundings:
    """The functions' modules and environment as they are deployed: other tests import the same modules without one."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = {**CREDENTIALS, **variables}
        self._modules: dict[str, ModuleType] = {}
        self._roots = {path.stem for path in (ORDERS / "functions").iterdir()}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The modules and the environment, until this ends; what was there before comes back."""
        modules, environment = self._imported(), {name: os.environ.get(name) for name in self._variables}
        self._put(self._modules, self._variables)
        try:
            yield
        finally:
            self._modules = self._imported()
            self._put(modules, environment)

    def _imported(self) -> dict[str, ModuleType]:
        return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in self._roots}

    def _put(self, modules: Mapping[str, ModuleType], environment: Mapping[str, str | None]) -> None:
        for name in self._imported():
            del sys.modules[name]
        sys.modules.update(modules)
        for name, value in environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


CREDENTIALS = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


def prepare() -> None:
    """Make the functions importable; their folder is a root, as Lambda makes it."""
    for root in (ORDERS, ORDERS / "functions"):
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))
