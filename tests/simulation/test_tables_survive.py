"""Tables under crashes drawn from a seed: conditional counters, transactions, a stream.

Sixteen writers add to a few counters, each under the condition that the counter is as they read it, and move units between
two accounts by transactions. Batches hold what several writers want at once; the process dies before random commits, and
only what was committed was acknowledged. In the end every acknowledged increment is there once, transactions were done
whole or not at all, and the stream tells exactly the committed changes, in order for each key.
"""

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from interstate.runtime.batch import Job
from interstate.runtime.testing import Crash, World
from interstate.services.dynamodb import SERVICES

WRITERS = 16
COUNTERS = 3
ROUNDS = 24
TABLE: dict[str, Any] = {
    "TableName": "counters",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
Call = tuple[str, dict[str, Any]]


def key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}}


def increment(name: str, seen: int) -> Call:
    return "UpdateItem", {
        "TableName": "counters",
        "Key": key(name),
        "UpdateExpression": "SET n = :next",
        "ConditionExpression": "n = :seen",
        "ExpressionAttributeValues": {":seen": {"N": str(seen)}, ":next": {"N": str(seen + 1)}},
    }


def transfer(source: str, target: str, least: int) -> Call:
    """Move one unit, if the source has enough."""
    take = {
        "TableName": "counters", "Key": key(source), "UpdateExpression": "SET n = n - :one",
        "ConditionExpression": "n >= :least",
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":least": {"N": str(least)}},
    }  # fmt: skip
    give = {
        "TableName": "counters", "Key": key(target), "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }  # fmt: skip
    return "TransactWriteItems", {"TransactItems": [{"Update": take}, {"Update": give}]}


class Writers:
    """What sixteen writers do to a world that dies now and then."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = World(SERVICES, directory=directory)
        self.world.call("dynamodb", "CreateTable", TABLE)
        for name, start in (*((f"c{number}", 0) for number in range(COUNTERS)), ("left", 20), ("right", 20)):
            item = {**key(name), "n": {"N": str(start)}}
            self.world.call("dynamodb", "PutItem", {"TableName": "counters", "Item": item})
        self.acknowledged: dict[str, int] = defaultdict(int)
        self.crashes = 0

    def value(self, name: str) -> int:
        answer = self.world.call("dynamodb", "GetItem", {"TableName": "counters", "Key": key(name)})
        return int(answer["Item"]["n"]["N"])

    def wish(self) -> tuple[str, Call]:
        kind = self.random.random()
        if kind < 0.7:
            name = f"c{self.random.randrange(COUNTERS)}"
            return name, increment(name, self.value(name))
        source, target = self.random.sample(["left", "right"], 2)
        return f"{source}>{target}", transfer(source, target, self.random.choice([1, 1, 15, 1000]))

    def play(self) -> None:
        """One batch of what all writers want now; it may die before its commit."""
        wishes = [self.wish() for _ in range(WRITERS)]
        jobs = []
        for place, (_, (operation, members)) in enumerate(wishes):
            row = self.world.catalog.operation("dynamodb", operation)
            request = self.world.catalog.request("dynamodb", operation, members, checked=True)
            keys = () if row.keys is None else tuple(row.keys(request, self.world.caller))
            seed = self.random.getrandbits(128).to_bytes(16)
            jobs.append((place, Job(_call(row.handle, request), _nobody, seed, self.world.caller, keys)))
        if self.random.random() < 0.4:
            self.world.crash_before_commit = self.world.commits + 1
        left = [job for _, job in jobs]
        try:
            while left:
                decided = self.world._commit(left)
                left = left[len(left) - decided[-1].unreached :]
        except Crash:
            self.crashes += 1
            self.world = self.world.restart()
            return  # Nobody was answered.
        self.world.crash_before_commit = None
        for place, job in jobs:
            if job.error is None:
                self.acknowledged[wishes[place][0]] += 1


def _call(handle: Any, request: Any) -> Any:
    return lambda work: handle(request, work)


def _nobody(_job: Job) -> None:
    return None


def told(world: World) -> list[Any]:
    arn = world.call("dynamodb", "DescribeTable", {"TableName": "counters"})["Table"]["LatestStreamArn"]
    (shard,) = world.call("dynamodbstreams", "DescribeStream", {"StreamArn": arn})["StreamDescription"]["Shards"]
    place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = world.call("dynamodbstreams", "GetShardIterator", place)["ShardIterator"]
    records: list[Any] = []
    while True:
        answer = world.call("dynamodbstreams", "GetRecords", {"ShardIterator": iterator})
        if not answer["Records"]:
            return records
        records += answer["Records"]
        iterator = answer["NextShardIterator"]


@pytest.mark.parametrize("seed", range(3))
def test_acknowledged_writes_are_there_once_and_told_in_order(tmp_path: Path, seed: int) -> None:
    writers = Writers(tmp_path / "data", seed)
    for _ in range(ROUNDS):
        writers.play()
    assert writers.crashes > 3
    world = writers.world.restart()
    writers.world = world
    for number in range(COUNTERS):
        name = f"c{number}"
        assert writers.value(name) == writers.acknowledged[name] > 0
    moved = writers.acknowledged["left>right"] - writers.acknowledged["right>left"]
    assert (writers.value("left"), writers.value("right")) == (20 - moved, 20 + moved)
    last: dict[str, str] = {}
    numbers = []
    for record in told(world):
        change = record["dynamodb"]
        name = change["Keys"]["id"]["S"]
        assert change.get("OldImage", {}).get("n", {}).get("N") == last.get(name)
        last[name] = change["NewImage"]["n"]["N"]
        numbers.append(int(change["SequenceNumber"]))
    assert numbers == sorted(numbers)
    assert {name: int(n) for name, n in last.items()} == {name: writers.value(name) for name in last}
    assert len(numbers) == COUNTERS + 2 + sum(
        count * (2 if ">" in name else 1) for name, count in writers.acknowledged.items()
    )
    world.close()
