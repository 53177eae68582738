"""Faults on request: errors, throttles, latency and lost answers, by resource, rate and seed.

A rule's target is ``service:name``. The name is a function's (``lambda:ProcessPayment``), an operation's
(``sqs:SendMessage``), a resource's that a request names (``dynamodb:Orders``, ``sqs:email-queue``), or ``*``. Which calls are
hit follows from the rule's seed and how many it has seen, so a run with one caller repeats itself.

* *error*: the call is refused with this code, or the function fails with it. ``Timeout``, ``Throttle`` and ``Error`` mean what
  the service itself would say.
* *latency*: the call waits first (guard time; business time stands still for effects meanwhile).
* *lost*: the call is carried out, and its answer never arrives: who asked must ask again.

Calls inside the store (a Task that sends a message) can fail, but neither wait nor lose their answer: they are one commit.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from interstate.base.errors import ServiceError, TransientError
from interstate.store.records.lambda_ import Invocation, InvocationResult

_TARGET = re.compile(r"([a-z0-9-]+):(\S+)")
_ALIASES = {"states": "stepfunctions", "sfn": "stepfunctions", "eventbridge": "events"}
_THROTTLES = {
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "lambda": ("TooManyRequestsException", 429),
    "sqs": ("RequestThrottled", 403),
    "sns": ("Throttled", 429),
}
_LAMBDA = "lambda"
SETTING = "faults"


class InvalidFault(ServiceError):
    """A rule cannot be made of this."""

    code = "ValidationException"


class NoSuchFault(ServiceError):
    """No rule has this number."""

    code = "NotFound"
    status = 404

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no fault {number}. 'interstate faults list' shows what there is.")


class InjectedFault(ServiceError):
    """What a rule asked for."""


class Fault(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A rule. ``rate`` is the share of calls that are hit; ``left`` how many may still be, None without end."""

    number: int
    target: str
    rate: float = 1.0
    error: str | None = None
    latency_ms: int = 0
    lost: bool = False
    seed: int = 0
    left: int | None = None

    def told(self) -> str:
        """What it does, in a few words."""
        parts = [self.error and f"error {self.error}", self.latency_ms and f"latency {self.latency_ms} ms"]
        return ", ".join([part for part in parts if part] + (["lost answer"] if self.lost else []))


class _Counted:
    """A rule with what it has seen and hit."""

    __slots__ = ("fault", "hits", "name", "seen", "service")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        service, _, self.name = fault.target.partition(":")
        self.service = _ALIASES.get(service, service)
        self.seen = self.hits = 0

    def hit(self) -> bool:
        """Whether the next call is hit."""
        if self.fault.left is not None and self.hits >= self.fault.left:
            return False
        self.seen += 1
        digest = blake2b(f"{self.fault.seed}.{self.seen}".encode(), digest_size=8).digest()
        if int.from_bytes(digest) / 2**64 >= self.fault.rate:
            return False
        self.hits += 1
        return True


class Faults:
    """The rules of an instance."""

    def __init__(self) -> None:
        self._rules: list[_Counted] = []

    def __bool__(self) -> bool:
        return bool(self._rules)

    def show(self) -> list[dict[str, Any]]:
        """The rules with their counts."""
        return [
            {**msgspec.to_builtins(rule.fault), "does": rule.fault.told(), "seen": rule.seen, "hits": rule.hits}
            for rule in self._rules
        ]

    def add(self, wanted: Mapping[str, Any]) -> Fault:
        """A new rule.

        Raises:
            InvalidFault: a member is missing or makes no sense.
        """
        number = max((rule.fault.number for rule in self._rules), default=0) + 1
        try:
            fault = msgspec.convert({**wanted, "number": number}, Fault)
        except msgspec.ValidationError as error:
            raise InvalidFault(f"The fault cannot be read: {error}") from None
        _check(fault)
        self._rules.append(_Counted(fault))
        return fault

    def remove(self, number: int | None) -> int:
        """Take one rule away, or all; tells how many.

        Raises:
            NoSuchFault: no rule has this number.
        """
        kept = [] if number is None else [rule for rule in self._rules if rule.fault.number != number]
        removed = len(self._rules) - len(kept)
        if number is not None and not removed:
            raise NoSuchFault(number)
        self._rules = kept
        return removed

    def saved(self) -> str:
        """The rules as text, for the store."""
        return msgspec.json.encode([rule.fault for rule in self._rules]).decode()

    def load(self, text: str) -> None:
        """The rules that the store has; those that were here before go on counting."""
        known = {rule.fault: rule for rule in self._rules}
        self._rules = [known.get(fault) or _Counted(fault) for fault in msgspec.json.decode(text, type=list[Fault])]

    # Where calls pass -------------------------------------------------------------------------------------------

    def inside(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        """A call inside the store: refused when an error is asked for.

        Raises:
            InjectedFault: a rule hit it.
        """
        for rule in self._matching(service, operation, request):
            if rule.fault.error is not None and rule.hit():
                raise _refusal(rule.fault, service)

    async def around(
        self, service: str, operation: str, request: Mapping[str, Any], call: Callable[[], Awaitable[Any]]
    ) -> Any:
        """A call from outside, with what the rules do to it.

        Raises:
            InjectedFault: a rule refuses it.
            TransientError: it was carried out and its answer is lost.
        """
        lost = False
        for rule in self._matching(service, operation, request):
            if not rule.hit():
                continue
            if rule.fault.latency_ms:
                await asyncio.sleep(rule.fault.latency_ms / 1000)
            if rule.fault.error is not None:
                raise _refusal(rule.fault, service)
            lost = lost or rule.fault.lost
        answer = await call()
        if lost:
            raise TransientError("the answer was lost, as a fault rule asked")
        return answer

    async def around_function(
        self, invocation: Invocation, call: Callable[[], Awaitable[InvocationResult]]
    ) -> InvocationResult:
        """A function's call. A lost answer repeats it under its key, as after a crash."""
        name = invocation.function.rpartition(":")[2]
        lost = False
        for rule in self._rules:
            if rule.service != _LAMBDA or not _named(rule.name, name) or not rule.hit():
                continue
            if rule.fault.latency_ms:
                await asyncio.sleep(rule.fault.latency_ms / 1000)
            if rule.fault.error is not None:
                return _failed(rule.fault, invocation)
            lost = lost or rule.fault.lost
        result = await call()
        return await call() if lost else result

    def _matching(self, service: str, operation: str, request: Mapping[str, Any]) -> list[_Counted]:
        return [
            rule
            for rule in self._rules
            if rule.service == service
            and (rule.name in ("*", operation) or (service != _LAMBDA and _mentions(request, rule.name)))
        ]


def _named(pattern: str, name: str) -> bool:
    """SAM and people leave ``Function`` at the end of a name away."""
    return pattern in ("*", name, name.removesuffix("Function"))


def _mentions(request: Mapping[str, Any], name: str) -> bool:
    """Whether a request names a resource: alone, or as the last part of an ARN or URL."""
    return any(
        isinstance(value, str) and (value == name or re.split(r"[:/]", value)[-1] == name) for value in request.values()
    )


def _check(fault: Fault) -> None:
    if not _TARGET.fullmatch(fault.target):
        raise InvalidFault(
            f"The target {fault.target!r} is not service:name, e.g. lambda:ProcessPayment or sqs:SendMessage."
        )
    if not 0 < fault.rate <= 1:
        raise InvalidFault(f"The rate {fault.rate} is not between 0 and 1 (0% and 100%).")
    if fault.latency_ms < 0 or fault.latency_ms > 900_000:
        raise InvalidFault(f"The latency {fault.latency_ms} ms is not between 0 and 900000.")
    if fault.error is None and not fault.latency_ms and not fault.lost:
        raise InvalidFault("A fault needs an error, a latency or a lost answer.")
    if fault.left is not None and fault.left < 1:
        raise InvalidFault(f"The number of calls {fault.left} is not above 0.")


def _refusal(fault: Fault, service: str) -> InjectedFault:
    match fault.error:
        case "Throttle":
            code, status = _THROTTLES.get(service, ("ThrottlingException", 400))
            return InjectedFault("Rate exceeded", code=code, status=status)
        case "Timeout":
            return InjectedFault("The request timed out.", code="RequestTimeout", status=503)
        case "Error":
            return InjectedFault("An internal error occurred.", code="InternalError", status=500)
        case code:
            return InjectedFault(f"A fault rule asked for {code}.", code=code)


def _failed(fault: Fault, invocation: Invocation) -> InvocationResult:
    if fault.error == "Throttle":
        return InvocationResult("Rate Exceeded.", refused="TooManyRequestsException", reason="CallerRateLimitExceeded")
    document = {"errorMessage": f"A fault rule asked for {fault.error}.", "errorType": fault.error}
    if fault.error == "Timeout":
        document = {
            "errorType": "Sandbox.Timedout",
            "errorMessage": f"RequestId: {invocation.request_id} Error: Task timed out, as a fault rule asked",
        }
    return InvocationResult(msgspec.json.encode(document).decode(), function_error="Unhandled")
