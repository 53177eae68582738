"""Sixteen writers on a server that is killed without warning, again and again (design, laws 1 and 2).

Every writer notes in the item which increment it was, so that "there, once" is exact: what was acknowledged is in the
set, and the counter is as large as the set. The stream tells every change of every key, in order, and nothing else.
"""

import contextlib
import random
import threading
import time
from collections import defaultdict
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

WRITERS = 16
KILLS = 3
BETWEEN_KILLS = (40, 120)  # Writes that were acknowledged.
TABLE: dict[str, Any] = {
    "TableName": "counters",
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "writer", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "byWriter",
            "KeySchema": [{"AttributeName": "writer", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
UNKNOWN = (BotoCoreError,)


def key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}}


class Writers:
    """Sixteen threads that count and move, each with a client of its own, and note what was acknowledged."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.over = threading.Event()
        self.acknowledged: dict[str, set[str]] = defaultdict(set)
        self.unknown: dict[str, set[str]] = defaultdict(set)

    def client(self) -> Any:
        return boto3.session.Session().client(
            "dynamodb",
            endpoint_url=self.server.url,
            region_name="us-east-1",
            aws_access_key_id="000000000000",
            aws_secret_access_key="interstate",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=20),
        )

    def write(self, number: int) -> None:
        client, dice = self.client(), random.Random(number)
        for count in range(100_000):
            if self.over.is_set():
                return
            mark = f"{number}.{count}"
            what = self.counted if dice.random() < 0.7 else self.moved
            what(client, f"c{dice.randrange(3)}", number, mark)

    def wait(self, more: int) -> None:
        """Until so many more writes were acknowledged."""
        ends, begin = time.monotonic() + 120, self.total()
        while self.total() < begin + more:
            assert time.monotonic() < ends, f"{self.total()} writes"
            time.sleep(0.005)

    def total(self) -> int:
        return sum(len(self.acknowledged[name]) for name in ("c0", "c1", "c2", "right"))

    def counted(self, client: Any, name: str, number: int, mark: str) -> None:
        """One conditional increment, of the counter as it was seen."""
        with contextlib.suppress(*UNKNOWN, ClientError):
            seen = client.get_item(TableName="counters", Key=key(name), ConsistentRead=True)["Item"]["n"]["N"]
            self.noted(
                name,
                mark,
                client.update_item,
                TableName="counters",
                Key=key(name),
                UpdateExpression="SET n = :next, writer = :w ADD marks :mark",
                ConditionExpression="n = :seen",
                ExpressionAttributeValues={
                    ":seen": {"N": seen}, ":next": {"N": str(int(seen) + 1)},
                    ":w": {"S": f"w{number}"}, ":mark": {"SS": [mark]},
                },
            )  # fmt: skip

    def moved(self, client: Any, _name: str, _number: int, mark: str) -> None:
        """One unit from an account to another, while there is one."""
        change = {
            "TableName": "counters",
            "UpdateExpression": "ADD n :by, marks :mark",
        }
        take = {
            **change, "Key": key("left"), "ConditionExpression": "n > :none",
            "ExpressionAttributeValues": {":by": {"N": "-1"}, ":none": {"N": "0"}, ":mark": {"SS": [mark]}},
        }  # fmt: skip
        give = {
            **change, "Key": key("right"),
            "ExpressionAttributeValues": {":by": {"N": "1"}, ":mark": {"SS": [mark]}},
        }  # fmt: skip
        with contextlib.suppress(*UNKNOWN, ClientError):
            self.noted("right", mark, client.transact_write_items, TransactItems=[{"Update": take}, {"Update": give}])

    def noted(self, name: str, mark: str, call: Any, **members: Any) -> None:
        try:
            call(**members)
        except UNKNOWN:
            self.unknown[name].add(mark)
            raise
        self.acknowledged[name].add(mark)


def told(server: ServerProcess, arn: str) -> list[Any]:
    streams = server.client("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    place = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records: list[Any] = []
    iterator = place["ShardIterator"]
    while True:
        answer = streams.get_records(ShardIterator=iterator)
        if not answer["Records"]:
            return records
        records += answer["Records"]
        iterator = answer["NextShardIterator"]


def test_what_was_acknowledged_is_there_once_after_kills(server: ServerProcess) -> None:
    client = server.client("dynamodb")
    arn = client.create_table(**TABLE)["TableDescription"]["LatestStreamArn"]
    for name, start in (("c0", 0), ("c1", 0), ("c2", 0), ("left", 40), ("right", 0)):
        client.put_item(TableName="counters", Item={**key(name), "n": {"N": str(start)}})
    writers = Writers(server)
    threads = [threading.Thread(target=writers.write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    dice = random.Random(7)
    for _ in range(KILLS):
        writers.wait(dice.randint(*BETWEEN_KILLS))
        server.kill()
        server.start()
    writers.wait(BETWEEN_KILLS[0])
    writers.over.set()
    for thread in threads:
        thread.join()
    server.kill()
    server.start()
    client = server.client("dynamodb")
    items = {item["id"]["S"]: item for item in client.scan(TableName="counters")["Items"]}
    for name in ("c0", "c1", "c2", "right"):
        marks = set(items[name].get("marks", {"SS": []})["SS"])
        assert writers.acknowledged[name] <= marks <= writers.acknowledged[name] | writers.unknown[name]
        assert int(items[name]["n"]["N"]) == len(marks) > 0
    assert set(items["left"]["marks"]["SS"]) == set(items["right"]["marks"]["SS"])
    left, right = (int(items[name]["n"]["N"]) for name in ("left", "right"))
    assert left + right == 40
    assert left >= 0
    indexed = client.scan(TableName="counters", IndexName="byWriter")["Items"]
    assert sorted(indexed, key=str) == sorted((item for item in items.values() if "writer" in item), key=str)
    last: dict[str, Any] = {}
    numbers = []
    for record in told(server, arn):
        change = record["dynamodb"]
        name = change["Keys"]["id"]["S"]
        assert change.get("OldImage") == last.get(name)
        last[name] = change["NewImage"]
        numbers.append(int(change["SequenceNumber"]))
    assert numbers == sorted(set(numbers))
    assert last == items
