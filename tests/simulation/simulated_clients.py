"""What clients do to the application, and what they may rely on: each is a generator that asks, and is told what came of it.

``answer = yield Ask(...)`` gives the answer, ``LOST`` when the node died before it could say so, or the ServiceError.
``yield seconds`` waits. What was acknowledged is written into the ledger, which the invariants read.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tests.simulation.simulated_application import TOPIC, VISIBILITY_S, machine_arn, url
from tests.simulation.simulated_node import Clock

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads

LOST = object()
EMPTY_MIN = (
    4  # Receives, each after the visibility timeout, that find nothing: the queue is empty, and no delay is left.
)
TOKENS_KEPT = timedelta(minutes=10)
"""Source: TransactWriteItems, ClientRequestToken: the same request is the same one for ten minutes."""


MET: dict[str, Any] = {"TableName": "lines", "Key": {"id": {"S": "met"}}}


class Ask(NamedTuple):
    """A call that a client makes."""

    service: str
    operation: str
    request: dict[str, Any]


Player = Generator[Ask | float, Any, Any]


@dataclass
class Ledger:
    """What clients know for certain, and what may be."""

    sent: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # Acknowledged message ids by queue.
    unsure: Counter[str] = field(default_factory=Counter)  # Sends by queue whose answer was lost.
    deleted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    deleting: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # Asked for; the answer was lost.
    held: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # Message ids and until when by receipt.
    hidden: dict[str, datetime] = field(default_factory=dict)
    fifo: dict[str, list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )  # Deduplication ids in order, by group.
    fifo_ids: dict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))  # By deduplication id.
    fifo_asked: dict[str, datetime] = field(default_factory=dict)
    fifo_received: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    events: set[str] = field(default_factory=set)  # Acknowledged ids for the bus.
    told: set[str] = field(default_factory=set)  # Those of them that go to the destination.
    unsure_events: int = 0
    executions: dict[str, str] = field(default_factory=dict)  # Acknowledged ARNs and how they were begun.
    published: list[str] = field(default_factory=list)
    unsure_published: set[str] = field(default_factory=set)
    counted: Counter[str] = field(
        default_factory=Counter
    )  # Acknowledged increments by counter; transfers by direction.
    unsure_counted: Counter[str] = field(default_factory=Counter)
    highest: int = 0  # What anybody was told of the item in which all meet.
    reached: set[int] = field(default_factory=set)  # What increments of it were told.
    invoked: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def see(self, ask: "Ask", answer: Any, now: datetime) -> None:
        """A call was answered: what it tells, in the order of commits."""
        if ask.operation == "ReceiveMessage":
            for message in answer.get("Messages", ()):
                self._received(ask.request["QueueUrl"].rpartition("/")[2], message, now)
        elif "MessageDeduplicationId" in ask.request:
            self.fifo_ids[ask.request["MessageDeduplicationId"]].setdefault(answer["MessageId"], now)
        elif ask.operation == "DeleteMessage":
            message_id, until = self.held[ask.request["ReceiptHandle"]]
            if until > now:  # A stale receipt deletes nothing for certain.
                self.deleted[ask.request["QueueUrl"].rpartition("/")[2]].add(message_id)
        elif ask.request.get("Key") == MET["Key"]:
            self._told(ask, answer.get("Item") or answer.get("Attributes"))

    def _told(self, ask: "Ask", item: dict[str, Any] | None) -> None:
        number = int(item["n"]["N"]) if item else 0
        self.highest = max(self.highest, number)
        if ask.operation == "UpdateItem":
            if number in self.reached:
                self.problems.append(f"two increments were told that they made it {number}")
            self.reached.add(number)

    def _received(self, queue: str, message: dict[str, Any], now: datetime) -> None:
        message_id = message["MessageId"]
        if message_id in self.deleted[queue]:
            self.problems.append(f"message {message_id} of {queue} came back after it was deleted")
        until = self.hidden.get(message_id)
        if until is not None and until > now:
            self.problems.append(f"message {message_id} of {queue} was received while it was hidden until {until}")
        self.hidden[message_id] = now + timedelta(seconds=VISIBILITY_S)
        self.held[message["ReceiptHandle"]] = (message_id, now + timedelta(seconds=VISIBILITY_S))
        group = message.get("Attributes", {}).get("MessageGroupId")
        if group is not None and message["Body"] not in self.fifo_received[group]:
            self.fifo_received[group].append(message["Body"])


class Clients:
    """All players of a run."""

    def __init__(self, dice: random.Random, clock: Clock, ledger: Ledger) -> None:
        self._dice = dice
        self._clock = clock
        self.ledger = ledger
        self.quiet = False  # Faults are over: consumers empty their queues and go.

    def players(self) -> dict[str, Player]:
        """Who plays; which and how much is drawn."""
        dice = self._dice
        found: dict[str, Player] = {}
        makers: tuple[tuple[str, Callable[[], Player]], ...] = (
            ("sender", lambda: self.send("work", dice.randint(2, 6))),
            ("inbox", lambda: self.send("inbox", dice.randint(1, 5))),
            ("fifo-a", lambda: self.send_in_order(("g0", "g1"), dice.randint(2, 6))),
            ("fifo-b", lambda: self.send_in_order(("g2",), dice.randint(1, 4))),
            ("publisher", lambda: self.publish(dice.randint(1, 4))),
            ("shop", lambda: self.shop(dice.randint(1, 3))),
            ("starter", lambda: self.start(dice.randint(1, 2))),
            ("counter-a", lambda: self.count(dice.randint(2, 5))),
            ("counter-b", lambda: self.count(dice.randint(2, 5))),
            ("mover", lambda: self.transfer(dice.randint(1, 4))),
            ("invoker", lambda: self.invoke(dice.randint(1, 3))),
            ("stopper", self.stop),
        )
        for name, make in makers:
            if dice.random() < 0.75:
                found[name] = make()
        found["consumer-a"] = self.consume("work")
        found["consumer-b"] = self.consume("work")
        found["reader-a"] = self.read_in_order()
        found["reader-b"] = self.read_in_order()
        found["keeper"] = self.answer_tokens()
        return found

    def crowd(self) -> dict[str, Player]:
        """More of those who may be many: so many calls that batches meet."""
        dice = self._dice
        found: dict[str, Player] = {}
        for number in range(dice.randint(2, 5)):
            found[f"crowd-{number}"] = self.send("work", dice.randint(3, 8))
            found[f"consumer-{number}"] = self.consume("work")
            found[f"counter-{number}"] = self.count(dice.randint(2, 5))
        found["crowd-inbox"] = self.send("inbox", dice.randint(2, 4))
        found["crowd-shop"] = self.shop(dice.randint(1, 3))
        return found

    # Helpers ---------------------------------------------------------------------------------------------------

    def _insist(self, service: str, operation: str, request: dict[str, Any]) -> Player:
        """Repeat an idempotent call until it is answered."""
        while True:
            answer = yield Ask(service, operation, request)
            if answer is LOST or (isinstance(answer, ServiceError) and answer.status >= 500):
                continue
            return answer

    def _problem(self, text: str) -> None:
        self.ledger.problems.append(text)

    def _refused(self, answer: Any, what: str) -> bool:
        """Whether a call was refused; only failures of the store are expected."""
        if isinstance(answer, ServiceError):
            if answer.status < 500:
                self._problem(f"{what} was refused: {answer.code}: {answer.message}")
            return True
        return False

    # Queues ----------------------------------------------------------------------------------------------------

    def send(self, queue: str, count: int) -> Player:
        """Send messages; a lost answer leaves it open whether there is one."""
        for number in range(count):
            request: dict[str, Any] = {"QueueUrl": url(queue), "MessageBody": f"{queue}-{number}"}
            if self._dice.random() < 0.2:
                request["DelaySeconds"] = self._dice.randint(1, 60)
            answer = yield Ask("sqs", "SendMessage", request)
            if answer is LOST:
                self.ledger.unsure[queue] += 1
            elif not self._refused(answer, "a message"):
                self.ledger.sent[queue].add(answer["MessageId"])

    def consume(self, queue: str) -> Player:
        """Receive and delete; now and then forget to."""
        empty = 0
        while empty < EMPTY_MIN:
            answer = yield Ask(
                "sqs", "ReceiveMessage", {"QueueUrl": url(queue), "MaxNumberOfMessages": self._dice.randint(1, 4)}
            )
            if answer is LOST or self._refused(answer, "a receive"):
                continue
            messages = answer.get("Messages", [])
            empty = 0 if messages or not self.quiet else empty + 1
            for message in messages:
                if self._dice.random() < 0.2 and not self.quiet:
                    continue
                yield from self._delete(queue, message)
            yield float(VISIBILITY_S + 1 if self.quiet else self._dice.randint(1, 40))

    def _delete(self, queue: str, message: dict[str, Any]) -> Player:
        request = {"QueueUrl": url(queue), "ReceiptHandle": message["ReceiptHandle"]}
        self.ledger.deleting[queue].add(message["MessageId"])
        answer = yield Ask("sqs", "DeleteMessage", request)
        expired = isinstance(answer, ServiceError) and "expired" in answer.message and queue.endswith(".fifo")
        if answer is not LOST and not expired:
            self._refused(answer, "a delete")

    def send_in_order(self, groups: tuple[str, ...], count: int) -> Player:
        """Send to FIFO groups; what was not answered is repeated under its deduplication id, and some for no reason."""
        ledger = self.ledger
        for number in range(count):
            group = self._dice.choice(groups)
            name = f"{group}-{number}"
            request = {
                "QueueUrl": url("steps.fifo"), "MessageBody": name, "MessageGroupId": group, "MessageDeduplicationId": name,
            }  # fmt: skip
            ledger.fifo[group].append(name)
            ledger.fifo_asked[name] = self._clock.now()
            for _ in range(2 if self._dice.random() < 0.3 else 1):
                answer = yield from self._insist("sqs", "SendMessage", request)
                self._refused(answer, "a message in order")

    def read_in_order(self) -> Player:
        """Receive and delete from a FIFO queue."""
        queue, empty = "steps.fifo", 0
        while empty < EMPTY_MIN:
            request = {
                "QueueUrl": url(queue),
                "MaxNumberOfMessages": self._dice.randint(1, 3),
                "AttributeNames": ["All"],
            }
            answer = yield Ask("sqs", "ReceiveMessage", request)
            if answer is LOST or self._refused(answer, "a receive in order"):
                continue
            messages = answer.get("Messages", [])
            empty = 0 if messages or not self.quiet else empty + 1
            for message in messages:
                if self._dice.random() < 0.15 and not self.quiet:
                    break
                yield from self._delete(queue, message)
            yield float(VISIBILITY_S + 1 if self.quiet else self._dice.randint(1, 40))

    def publish(self, count: int) -> Player:
        """Publish to the topic."""
        for number in range(count):
            answer = yield Ask("sns", "Publish", {"TopicArn": TOPIC, "Message": f"news {number}"})
            if answer is LOST:
                self.ledger.unsure_published.add(f"news {number}")
            elif not self._refused(answer, "news"):
                self.ledger.published.append(f"news {number}")

    # Events and workflows --------------------------------------------------------------------------------------

    def shop(self, count: int) -> Player:
        """Put events; a lost answer leaves it open whether they are there."""
        for number in range(count):
            kind = self._dice.choice(["Placed", "Told"])
            size = self._dice.randint(1, 2)
            entry = {"Source": "shop", "DetailType": kind, "Detail": dumps({"number": number})}
            answer = yield Ask("events", "PutEvents", {"Entries": [entry] * size})
            if answer is LOST:
                self.ledger.unsure_events += size
            elif not self._refused(answer, "events"):
                ids = {one["EventId"] for one in answer["Entries"]}
                self.ledger.events |= ids
                self.ledger.told |= ids if kind == "Told" else set()

    def start(self, count: int) -> Player:
        """Start executions by name; the name makes a repeated start the same one."""
        for number in range(count):
            request = {
                "stateMachineArn": machine_arn(),
                "name": f"own-{number}",
                "input": dumps({"id": f"own-{number}"}),
            }
            answer = yield from self._insist("stepfunctions", "StartExecution", request)
            if isinstance(answer, ServiceError) and answer.code == "ExecutionAlreadyExists":
                continue  # A start whose answer was lost; it has ended since.
            if not self._refused(answer, "a start"):
                arn = answer["executionArn"]
                if self.ledger.executions.setdefault(arn, request["name"]) != request["name"]:
                    self._problem(f"two starts have one execution: {arn}")

    def stop(self) -> Player:
        """Stop an execution, and redrive it."""
        yield float(self._dice.randint(1, 300))
        arn = f"{machine_arn().replace(':stateMachine:', ':execution:')}:own-0"
        answer = yield from self._insist("stepfunctions", "StopExecution", {"executionArn": arn, "error": "Stopped"})
        if isinstance(answer, ServiceError):
            return  # There is none (yet).
        yield float(self._dice.randint(1, 60))
        yield Ask("stepfunctions", "RedriveExecution", {"executionArn": arn, "clientToken": "t"})

    def answer_tokens(self) -> Player:
        """Answer what waits for a token: well, badly, late, or never."""
        empty = 0
        while empty < EMPTY_MIN:
            answer = yield Ask("sqs", "ReceiveMessage", {"QueueUrl": url("tokens")})
            if answer is LOST or self._refused(answer, "a receive of tokens"):
                continue
            messages = answer.get("Messages", [])
            empty = 0 if messages or not self.quiet else empty + 1
            for message in messages:
                yield from self._answer_token(loads(message["Body"]), message)  # type: ignore[arg-type]  # an object
            yield float(VISIBILITY_S + 1 if self.quiet else self._dice.randint(1, 60))

    def _answer_token(self, body: dict[str, Any], message: dict[str, Any]) -> Player:
        token, luck = body["token"], self._dice.random()
        if luck < 0.15 and not self.quiet:
            return
        if luck < 0.4:
            yield Ask("stepfunctions", "SendTaskHeartbeat", {"taskToken": token})
        if luck < 0.5:
            yield Ask("stepfunctions", "SendTaskFailure", {"taskToken": token, "error": "No"})
        else:
            yield from self._insist(
                "stepfunctions", "SendTaskSuccess", {"taskToken": token, "output": dumps({"said": "yes"})}
            )
        yield from self._delete("tokens", message)

    # Tables and functions --------------------------------------------------------------------------------------

    def count(self, count: int) -> Player:
        """Add one under the condition that the counter is as it was read."""
        for _ in range(count):
            name = self._dice.choice(("c0", "c1"))
            key = {"TableName": "counters", "Key": {"id": {"S": name}}}
            found = yield from self._insist("dynamodb", "GetItem", {**key, "ConsistentRead": True})
            seen = int(found["Item"]["n"]["N"])
            update = {
                **key,
                "UpdateExpression": "SET n = :next",
                "ConditionExpression": "n = :seen",
                "ExpressionAttributeValues": {":seen": {"N": str(seen)}, ":next": {"N": str(seen + 1)}},
            }
            answer = yield Ask("dynamodb", "UpdateItem", update)
            if answer is LOST:
                self.ledger.unsure_counted[name] += 1
            elif not isinstance(answer, ServiceError):
                self.ledger.counted[name] += 1
            elif answer.code != "ConditionalCheckFailedException":
                self._refused(answer, "an increment")

    def add(self, count: int) -> Player:
        """Add one to the item in which all meet, and be told what it is then. No stream has it: no due work comes between two calls."""
        for _ in range(count):
            update = {
                **MET,
                "UpdateExpression": "SET n = if_not_exists(n, :none) + :one",
                "ExpressionAttributeValues": {":none": {"N": "0"}, ":one": {"N": "1"}},
                "ReturnValues": "UPDATED_NEW",
            }
            answer = yield Ask("dynamodb", "UpdateItem", update)
            if answer is LOST:
                self.ledger.unsure_counted["met"] += 1
            elif not self._refused(answer, "an increment"):
                self.ledger.counted["met"] += 1

    def watch(self, count: int) -> Player:
        """Read it: what was seen once is there for ever, for it only rises."""
        for _ in range(count):
            yield from self._insist("dynamodb", "GetItem", {**MET, "ConsistentRead": True})

    def transfer(self, count: int) -> Player:
        """Move units between two items; the token makes a repeated transaction the same one."""
        for number in range(count):
            source, target = self._dice.sample(["left", "right"], 2)
            parts = [
                {"Update": {
                    "TableName": "counters", "Key": {"id": {"S": name}}, "UpdateExpression": "ADD n :by",
                    "ExpressionAttributeValues": {":by": {"N": by}},
                }}
                for name, by in ((source, "-1"), (target, "1"))
            ]  # fmt: skip
            request = {"TransactItems": parts, "ClientRequestToken": f"move-{number}"}
            began = self._clock.now()
            for _ in range(2 if self._dice.random() < 0.3 else 1):
                answer = yield from self._insist("dynamodb", "TransactWriteItems", request)
            if self._clock.now() - began >= TOKENS_KEPT:
                self.ledger.unsure_counted[f"{source}>"] += 1
            elif not self._refused(answer, "a transaction"):
                self.ledger.counted[f"{source}>"] += 1

    def invoke(self, count: int) -> Player:
        """Have a function called later."""
        for number in range(count):
            request = {
                "FunctionName": "later",
                "InvocationType": "Event",
                "Payload": dumps({"id": str(number)}).encode(),
            }
            answer = yield Ask("lambda", "Invoke", request)
            if answer is not LOST and not self._refused(answer, "an invocation"):
                self.ledger.invoked.add(str(number))
