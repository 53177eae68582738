"""What DynamoDB's operations cost by themselves: decided in batches, committed, without HTTP.

    python -m bench.items            every operation
    python -m bench.items UpdateItem the same, and where its time goes

The HTTP figures are in ``bench.scenarios`` (items); the difference is what a connection, the wire and the loop cost.
"""

import cProfile
import pstats
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interstate.runtime.batch import Job
from interstate.runtime.testing import World
from interstate.services.dynamodb import SERVICES

COUNT = 10_000
BATCH = 64
TABLE = "bench"


def key(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"customer-{number % 100:05d}"}, "sk": {"N": str(number)}}


def item(number: int) -> dict[str, Any]:
    return {
        **key(number),
        "status": {"S": "PLACED"},
        "total": {"N": "123.45"},
        "quantity": {"N": "3"},
        "owner": {"S": f"owner-{number % 50}"},
        "address": {"M": {"street": {"S": "Main street 1"}, "city": {"S": "Seoul"}, "zip": {"S": "12345"}}},
        "labels": {"SS": ["a", "b"]},
    }


def update(number: int) -> dict[str, Any]:
    return {
        "TableName": TABLE,
        "Key": key(number),
        "UpdateExpression": "SET #s = :s, quantity = quantity + :one",
        "ConditionExpression": "quantity >= :one",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":s": {"S": "PAID"}, ":one": {"N": "1"}},
    }


def query(number: int) -> dict[str, Any]:
    return {
        "TableName": TABLE,
        "Limit": 20,
        "KeyConditionExpression": "pk = :p AND sk >= :s",
        "ExpressionAttributeValues": {":p": {"S": f"customer-{number % 100:05d}"}, ":s": {"N": "1000"}},
    }


def by_owner(number: int) -> dict[str, Any]:
    return {
        "TableName": "indexed",
        "IndexName": "byOwner",
        "Limit": 20,
        "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": {"#o": "owner"},
        "ExpressionAttributeValues": {":o": {"S": f"owner-{number % 50}"}},
    }


def transaction(number: int) -> dict[str, Any]:
    actions = [{"Update": update(number)}, {"Put": {"TableName": TABLE, "Item": item((number + 7) % COUNT)}}]
    return {"ClientRequestToken": f"token-{number}", "TransactItems": actions}


# (what is shown, operation, its request, how many)
PLAN: tuple[tuple[str, str, Callable[[int], dict[str, Any]], int], ...] = (
    ("PutItem, new", "PutItem", lambda number: {"TableName": TABLE, "Item": item(number)}, COUNT),
    ("PutItem, again", "PutItem", lambda number: {"TableName": TABLE, "Item": item(number)}, COUNT),
    ("PutItem with an index", "PutItem", lambda number: {"TableName": "indexed", "Item": item(number)}, COUNT),
    ("PutItem with a stream", "PutItem", lambda number: {"TableName": "streamed", "Item": item(number)}, COUNT),
    ("GetItem", "GetItem", lambda number: {"TableName": TABLE, "Key": key(number)}, COUNT),
    ("UpdateItem, conditional", "UpdateItem", update, COUNT),
    ("TransactWriteItems of 2", "TransactWriteItems", transaction, COUNT // 2),
    ("Query of 20", "Query", query, COUNT // 4),
    ("Query of 20, index", "Query", by_owner, COUNT // 4),
)


def make_tables(world: World) -> None:
    table: dict[str, Any] = {
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    world.call("dynamodb", "CreateTable", {**table, "TableName": TABLE})
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    world.call("dynamodb", "CreateTable", {**table, "TableName": "streamed", "StreamSpecification": stream})
    owner = {"AttributeName": "owner", "AttributeType": "S"}
    index = {
        "IndexName": "byOwner",
        "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    definitions = [*table["AttributeDefinitions"], owner]
    world.call(
        "dynamodb",
        "CreateTable",
        {**table, "TableName": "indexed", "AttributeDefinitions": definitions, "GlobalSecondaryIndexes": [index]},
    )


def run(world: World, operation: str, requests: list[dict[str, Any]]) -> float:
    """Seconds that the requests take, 64 a batch."""
    row = world.catalog.operation("dynamodb", operation)
    begin = time.perf_counter()
    for start in range(0, len(requests), BATCH):
        jobs = []
        for place, members in enumerate(requests[start : start + BATCH], start):
            request = world.catalog.request("dynamodb", operation, members, checked=True)
            keys = () if row.keys is None else tuple(row.keys(request, world.caller))
            call = _call(row.handle, request)
            jobs.append(Job(call, _nothing, place.to_bytes(16), world.caller, keys))
        left = jobs
        while left:  # A batch that took too long closes before its end; the rest is decided next.
            decided = world._commit(left)  # noqa: SLF001 a batch of many jobs, as a server decides it
            left = left[len(left) - decided[-1].unreached :]
        for job in jobs:
            if job.error is not None:
                raise job.error
    return time.perf_counter() - begin


def _call(handle: Callable[..., Any], request: Any) -> Callable[[Any], Any]:
    return lambda work: handle(request, work)


def _nothing(_job: Job) -> None:
    return None


def main() -> None:
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=Path.cwd()))
    world = World(SERVICES, directory=directory)
    try:
        make_tables(world)
        for name, operation, request, count in PLAN:
            requests = [request(number) for number in range(count)]
            profile = cProfile.Profile() if operation in sys.argv[1:] else None
            if profile is not None:
                profile.enable()
            seconds = run(world, operation, requests)
            print(f"{name:28} {seconds / count * 1e6:8.1f} us {count / seconds:10,.0f}/s", flush=True)
            if profile is not None:
                profile.disable()
                pstats.Stats(profile).sort_stats("tottime").print_stats(20)
    finally:
        world.close()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
