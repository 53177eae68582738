"""Clients that read logs in order (a table's stream, a bus as it goes, a replay), and one that starts distributed Maps.

Who reads a log is passed over nothing: of two nodes, the one that drew the lower number may commit last. What each reader was
told is kept in ``Read``, which ``simulated_readers_laws`` compares with what is there.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.simulation.simulated_application import AGAIN_RULE, ARCHIVE, BUS, ITEMS, machine_arn
from tests.simulation.simulated_clients import LOST, Ask, Clients, Player

from interstate.base.errors import ServiceError
from interstate.base.json import dumps

EMPTY_MIN = 2  # Reads at the end that find nothing.
SPAN = timedelta(days=30)


@dataclass
class Read:
    """What readers were told."""

    changes: dict[str, Any] = field(
        default_factory=dict
    )  # Records of the stream by id, in the order in which they came.
    events: Counter[str] = field(default_factory=Counter)  # Ids of the shop's events, as the bus was followed.
    order: list[int] = field(default_factory=list)  # The places that the bus's follower had, one after another.
    replays: dict[str, set[str]] = field(
        default_factory=dict
    )  # Events that were acknowledged before each replay began.
    maps: dict[str, str] = field(default_factory=dict)  # Executions with a Map Run, by ARN.


class Readers:
    """The players; they have dice of their own."""

    def __init__(self, dice: random.Random, clients: Clients) -> None:
        self._dice = dice
        self._clients = clients
        self._insist = clients._insist
        self.read = Read()
        self.calm = False

    def writers(self) -> dict[str, Player]:
        """Who writes logs and nothing else: no two of them ever ask for one row, so that all may commit in any order."""
        found = {f"writer-{number}": self.write(f"w{number}", self._dice.randint(8, 20)) for number in range(4)}
        return {**found, "shop-a": self._clients.shop(9), "shop-b": self._clients.shop(6)}

    def write(self, name: str, count: int) -> Player:
        """Put an item again and again."""
        for number in range(count):
            item = {"id": {"S": name}, "n": {"N": str(number)}}
            yield from self._insist("dynamodb", "PutItem", {"TableName": "counters", "Item": item})

    def players(self) -> dict[str, Player]:
        """Who plays."""
        found: dict[str, Player] = {"reader-of-stream": self.follow_stream(), "reader-of-bus": self.follow_bus()}
        if self._dice.random() < 0.6:
            found["replayer"] = self.replay(self._dice.randint(1, 2))
        if self._dice.random() < 0.6:
            found["mapper"] = self.map_items(self._dice.randint(1, 2))
        return found

    def _pause(self) -> float:
        """Not at all, as long as others write: what it must not pass over may be committed at any moment."""
        if self._clients.quiet:
            return 31.0
        return float(self._dice.choice((0, 0, 0, 1, 5) if not self.calm else (20, 60)))

    # The stream ------------------------------------------------------------------------------------------------

    def follow_stream(self) -> Player:
        """Read the table's stream from its begin; what is told again after a lost answer is the same."""
        arn = (yield from self._insist("dynamodb", "DescribeTable", {"TableName": "counters"}))["Table"][
            "LatestStreamArn"
        ]
        described = yield from self._insist("dynamodbstreams", "DescribeStream", {"StreamArn": arn})
        shard = described["StreamDescription"]["Shards"][0]["ShardId"]
        place: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        iterator, empty = "", 0
        while empty < EMPTY_MIN:
            if not iterator:
                wanted = {"StreamArn": arn, "ShardId": shard, **place}
                iterator = (yield from self._insist("dynamodbstreams", "GetShardIterator", wanted))["ShardIterator"]
            answer = yield Ask(
                "dynamodbstreams", "GetRecords", {"ShardIterator": iterator, "Limit": self._dice.randint(1, 9)}
            )
            if answer is LOST:
                continue
            if isinstance(answer, ServiceError):
                if answer.code == "ExpiredIteratorException":
                    iterator = ""
                else:
                    self._clients._refused(answer, "a read of the stream")
                continue
            for record in answer["Records"]:
                self.read.changes.setdefault(record["eventID"], record["dynamodb"])
                number = record["dynamodb"]["SequenceNumber"]
                place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number}
            iterator = answer.get("NextShardIterator", "")
            if not iterator:  # The shard was closed, and all of it was read: the next one begins where it ended.
                described = yield from self._insist("dynamodbstreams", "DescribeStream", {"StreamArn": arn})
                shards = described["StreamDescription"]["Shards"]
                shard = next(one["ShardId"] for one in shards if one.get("ParentShardId") == shard)
                place = {"ShardIteratorType": "TRIM_HORIZON"}
            empty = empty + 1 if self._clients.quiet and not answer["Records"] else 0
            if not answer["Records"]:
                yield self._pause()

    # The bus ---------------------------------------------------------------------------------------------------

    def follow_bus(self) -> Player:
        """Follow the bus as ``interstate events tail`` does."""
        after, empty = 0, 0
        while empty < EMPTY_MIN:
            answer = yield Ask("interstate.why", "TailEvents", {"after": after, "source": "shop"})
            if answer is LOST or self._clients._refused(answer, "a look at the bus"):
                continue
            for found in answer["events"]:
                if "replay-name" not in found["event"]:
                    self.read.events[found["event"]["id"]] += 1
            moved, after = answer["after"] > after, answer["after"]
            self.read.order.append(after)
            empty = empty + 1 if self._clients.quiet and not moved else 0
            if not moved:
                yield self._pause()

    # Replays ---------------------------------------------------------------------------------------------------

    def replay(self, count: int) -> Player:
        """Send all that the archive has again, to one rule alone."""
        for number in range(count):
            yield float(self._dice.randint(1, 120))
            name = f"replay-{number}"
            before, now = set(self._clients.ledger.events), self._clients._clock.now()
            request = {
                "ReplayName": name, "EventSourceArn": ARCHIVE, "Destination": {"Arn": BUS, "FilterArns": [AGAIN_RULE]},
                "EventStartTime": now - SPAN, "EventEndTime": now + SPAN,
            }  # fmt: skip
            answer = yield from self._insist("events", "StartReplay", request)
            if isinstance(answer, ServiceError) and answer.code != "ResourceAlreadyExistsException":
                self._clients._refused(answer, "a replay")
                return
            self.read.replays[name] = before
            while True:
                answer = yield from self._insist("events", "DescribeReplay", {"ReplayName": name})
                if answer["State"] not in ("STARTING", "RUNNING"):
                    break
                yield 5.0

    # Maps ------------------------------------------------------------------------------------------------------

    def map_items(self, count: int) -> Player:
        """Start executions that have a Map Run."""
        for number in range(count):
            name = f"many-{number}"
            items = [f"{name}/{item}" for item in range(ITEMS)]
            request = {"stateMachineArn": machine_arn("many"), "name": name, "input": dumps({"items": items})}
            answer = yield from self._insist("stepfunctions", "StartExecution", request)
            if isinstance(answer, ServiceError) and answer.code == "ExecutionAlreadyExists":
                continue
            if not self._clients._refused(answer, "a start of a Map"):
                self.read.maps[answer["executionArn"]] = name
