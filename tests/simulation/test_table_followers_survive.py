"""What follows a table's writes, under crashes drawn from a seed: indexes, replicas, expiry and the stream.

Writers put, change and delete items with index attributes and a time to live, in two regions; the process dies before
random commits, also before those of due steps (replication, a backfill, the sweep). In the end the indexes hold exactly
what the table holds, both regions are equal, what has expired is gone, and the stream leads from nothing to the table.
"""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.testing import Crash, World
from interstate.services.dynamodb import SERVICES

STEPS = 120
KEYS = 6
HOME, PARIS = Caller(), Caller(region="eu-west-3")
TABLE: dict[str, Any] = {
    "TableName": "things",
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "colour", "AttributeType": "S"},
        {"AttributeName": "rank", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "byColour",
            "KeySchema": [
                {"AttributeName": "colour", "KeyType": "HASH"},
                {"AttributeName": "rank", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


class Town:
    """Two regions, one of which is told what to do, and dies now and then."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.world = World(SERVICES, directory=directory)
        self.crashes = 0
        self.call("CreateTable", **TABLE)
        members = {"Enabled": True, "AttributeName": "expires"}
        self.call("UpdateTimeToLive", TableName="things", TimeToLiveSpecification=members)
        self.call("UpdateTable", TableName="things", ReplicaUpdates=[{"Create": {"RegionName": PARIS.region}}])
        self.world.run_due()

    def call(self, operation: str, place: Caller = HOME, **members: Any) -> Any:
        return self.world.call("dynamodb", operation, members, caller=place)

    def play(self) -> None:
        """One write, or some due work, or some time; it may end in a crash."""
        if self.dice.random() < 0.3:
            self.world.crash_before_commit = self.world.commits + self.dice.randint(1, 3)
        try:
            self._act()
            self.world.crash_before_commit = None
        except Crash:
            self.crashes += 1
            self.world = self.world.restart()
            self.world.recover()

    def _act(self) -> None:
        dice = self.dice
        kind = dice.random()
        key = {"id": {"S": f"k{dice.randrange(KEYS)}"}}
        place = dice.choice([HOME, HOME, PARIS])
        if kind < 0.45:
            more: dict[str, Any] = {"n": {"N": str(dice.randrange(100))}}
            if dice.random() < 0.7:
                more |= {"colour": {"S": dice.choice(["red", "blue"])}, "rank": {"N": str(dice.randrange(5))}}
            if dice.random() < 0.4:
                until = int(self.world.now.timestamp()) + dice.randrange(300)
                more["expires"] = {"N": str(until)}
            self.call("PutItem", place, TableName="things", Item={**key, **more})
        elif kind < 0.6:
            change = "SET colour = :c REMOVE expires" if dice.random() < 0.5 else "SET #r = :n"
            values = {":c": {"S": "green"}} if "colour" in change else {":n": {"N": "7"}}
            names = {} if "colour" in change else {"ExpressionAttributeNames": {"#r": "rank"}}
            self.call(
                "UpdateItem", place, TableName="things", Key=key, UpdateExpression=change,
                ExpressionAttributeValues=values, **names,
            )  # fmt: skip
        elif kind < 0.7:
            self.call("DeleteItem", place, TableName="things", Key=key)
        elif kind < 0.85:
            self.world.run_due()
        else:
            self.world.advance(timedelta(seconds=dice.randrange(120)))

    def all(self, place: Caller, **more: Any) -> list[Any]:
        found = self.call("Scan", place, TableName="things", **more)["Items"]
        return sorted(found, key=lambda item: item["id"]["S"])

    def told(self, place: Caller) -> dict[str, Any]:
        """What the stream of a region leads to; each change begins where the one before has ended."""

        def streams(operation: str, **members: Any) -> Any:
            return self.world.call("dynamodbstreams", operation, members, caller=place)

        arn = self.call("DescribeTable", place, TableName="things")["Table"]["LatestStreamArn"]
        state: dict[str, Any] = {}
        for shard in streams("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]:
            where = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = streams("GetShardIterator", **where)["ShardIterator"]
            while records := (answer := streams("GetRecords", ShardIterator=iterator))["Records"]:
                for change in (record["dynamodb"] for record in records):
                    name = change["Keys"]["id"]["S"]
                    assert state.get(name) == change.get("OldImage")
                    state[name] = change.get("NewImage")
                iterator = answer.get("NextShardIterator")
                if iterator is None:
                    break
        return {name: item for name, item in state.items() if item is not None}


@pytest.mark.parametrize("seed", range(4))
def test_indexes_replicas_expiry_and_stream_say_what_the_table_says(tmp_path: Path, seed: int) -> None:
    town = Town(tmp_path / "data", seed)
    for _ in range(STEPS):
        town.play()
    assert town.crashes > 5
    town.world.run_due()
    town.world.advance(timedelta(minutes=10))  # Everything that has a time to live has expired by then.
    town.world.run_due()
    home = town.all(HOME)
    assert home == town.all(PARIS) != []
    assert not any("expires" in item for item in home)
    for place in (HOME, PARIS):
        entries = town.all(place, IndexName="byColour")
        assert entries == [item for item in home if "colour" in item and "rank" in item]
        assert town.told(place) == {item["id"]["S"]: item for item in home}
    town.world.close()


@pytest.mark.parametrize("commit", [1, 2])
def test_a_crash_while_an_index_is_made_leaves_no_gap(tmp_path: Path, commit: int) -> None:
    world = World(SERVICES, directory=tmp_path / "data")
    world.call("dynamodb", "CreateTable", TABLE)
    for start in range(0, 450, 25):
        puts = [
            {"PutRequest": {"Item": {"id": {"S": f"k{n}"}, "colour": {"S": "red"}, "rank": {"N": str(n)}}}}
            for n in range(start, start + 25)
        ]
        world.call("dynamodb", "BatchWriteItem", {"RequestItems": {"things": puts}})
    later = {**TABLE["GlobalSecondaryIndexes"][0], "IndexName": "later"}
    change = {
        "TableName": "things",
        "AttributeDefinitions": TABLE["AttributeDefinitions"],
        "GlobalSecondaryIndexUpdates": [{"Create": later}],
    }
    world.crash_before_commit = world.commits + commit
    try:
        world.call("dynamodb", "UpdateTable", change)
        world.call("dynamodb", "DeleteItem", {"TableName": "things", "Key": {"id": {"S": "k449"}}})
    except Crash:
        world = world.restart()
        world.recover()
        if commit == 1:
            world.call("dynamodb", "UpdateTable", change)
        world.call("dynamodb", "DeleteItem", {"TableName": "things", "Key": {"id": {"S": "k449"}}})
    world.run_due()
    with pytest.raises(ServiceError, match="Duplicate index name"):
        world.call("dynamodb", "UpdateTable", change)
    found = world.call("dynamodb", "Scan", {"TableName": "things", "IndexName": "later", "Select": "COUNT"})
    assert found["Count"] == 449
    world.close()
