"""What lies outside the store: functions and an HTTP endpoint. It outlives every crash and remembers every call."""

import random
from collections import Counter, defaultdict
from typing import Any

from interstate.base.json import dumps, loads
from interstate.store.records.events_connections import HttpAnswer, HttpCall
from interstate.store.records.lambda_ import Invocation, InvocationResult

FAILS, THROTTLED = 0.15, 0.05


class Outside:
    """Performs effects as the dice fall. ``calm`` ends all failures."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.calm = False
        self.performed: Counter[str] = Counter()  # By key.
        self.bodies: dict[str, Any] = {}  # What each key was first performed with.
        self.keys_of_request: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.answered: list[tuple[str, Any, Any]] = []  # Key, body and result, as answers were accepted.
        self.handled: Counter[str] = Counter()  # Bodies of the inbox that the function has handled.
        self.followed: dict[str, dict[str, Any]] = {}  # Changes of the stream, by their event ids, in order of arrival.
        self.hooked: Counter[str] = Counter()
        self.later: Counter[str] = Counter()
        self.problems: list[str] = []

    def __call__(self, _kind: str, key: str, body: Any) -> Any:
        self.performed[key] += 1
        before = self.bodies.setdefault(key, body)
        if before != body:
            self.problems.append(f"effect {key} was repeated with another body")
        if isinstance(body, Invocation):
            return self._invoke(key, body)
        if isinstance(body, HttpCall):
            return self._post(body)
        return None  # lambda.prepare

    # Functions -------------------------------------------------------------------------------------------------

    def _invoke(self, key: str, body: Invocation) -> InvocationResult:
        self.keys_of_request[body.request_id, body.attempt].add(key)
        luck = 1.0 if self.calm else self._dice.random()
        if luck < THROTTLED:
            return InvocationResult("Rate Exceeded.", refused="TooManyRequestsException")
        name = body.function.rpartition(":")[2]
        fails = luck < THROTTLED + FAILS
        given: Any = loads(body.payload)
        if fails and name != "handle":
            return InvocationResult(
                dumps({"errorType": "Broken", "errorMessage": "as the dice fell"}), function_error="Unhandled"
            )
        match name:
            case "handle":
                return self._handle(given, fails=fails)
            case "follow":
                for record in given["Records"]:
                    self._follow(record)
            case "later":
                self.later[given["id"]] += 1
        return InvocationResult(dumps({"did": self.performed[key]}))

    def _handle(self, given: Any, *, fails: bool) -> InvocationResult:
        failed = []
        for record in given["Records"]:
            if fails and self._dice.random() < 0.5:
                failed.append({"itemIdentifier": record["messageId"]})
            else:
                self.handled[record["messageId"]] += 1
        return InvocationResult(dumps({"batchItemFailures": failed}))

    def _follow(self, record: Any) -> None:
        if record["eventID"] in self.followed:
            return
        change = record["dynamodb"]
        name = change["Keys"]["id"]["S"]
        known = [one["dynamodb"] for one in self.followed.values() if one["dynamodb"]["Keys"]["id"]["S"] == name]
        last = known[-1] if known else None
        if last is not None and change.get("OldImage") != last.get("NewImage"):
            self.problems.append(f"the stream skips from {last} to {change}")
        if last is None and "OldImage" in change:
            self.problems.append(f"the stream begins with {change}")
        self.followed[record["eventID"]] = record

    # HTTP ------------------------------------------------------------------------------------------------------

    def _post(self, body: HttpCall) -> HttpAnswer:
        luck = 1.0 if self.calm else self._dice.random()
        if luck < 0.1:
            return HttpAnswer(error="no answer", code="CONNECTION_FAILURE")
        if luck < 0.3:
            return HttpAnswer(429 if luck < 0.2 else 503)
        self.hooked[body.headers["X-Interstate-Event-Id"]] += 1
        return HttpAnswer(200)
