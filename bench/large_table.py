"""Whether a point read or write of DynamoDB costs the same in a table of 1,000 items and in one of 1,000,000.

    python -m bench.large_table [items]

Decided in batches and committed, without HTTP. Keys are drawn at random, so that no page is warm by order; the ratio of
the two columns is what counts.
"""

import random
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.items import TABLE, item, key, make_tables, run, update
from interstate.runtime.testing import World
from interstate.services.dynamodb import SERVICES

SMALL = 1_000
LARGE = 1_000_000
COUNT = 5_000


def measure(world: World, items: int) -> dict[str, float]:
    """Microseconds an operation, on a table of so many items."""
    draw = random.Random(items)
    numbers = [draw.randrange(items) for _ in range(COUNT)]
    plans: dict[str, tuple[str, list[dict[str, Any]]]] = {
        "GetItem": ("GetItem", [{"TableName": TABLE, "Key": key(number)} for number in numbers]),
        "PutItem, again": ("PutItem", [{"TableName": TABLE, "Item": item(number)} for number in numbers]),
        "UpdateItem, conditional": ("UpdateItem", [update(number) for number in numbers]),
        "Query of 10": ("Query", [_first_ten(number) for number in numbers[:1000]]),
    }
    return {name: run(world, operation, wishes) / len(wishes) * 1e6 for name, (operation, wishes) in plans.items()}


def _first_ten(number: int) -> dict[str, Any]:
    return {
        "TableName": TABLE,
        "Limit": 10,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": key(number)["pk"]},
    }


def filled(world: World, first: int, last: int) -> None:
    """Put the items of these numbers."""
    for start in range(first, last, 20_000):
        numbers = range(start, min(start + 20_000, last))
        run(world, "PutItem", [{"TableName": TABLE, "Item": item(number)} for number in numbers])


def main() -> None:
    large = int(sys.argv[1]) if len(sys.argv) > 1 else LARGE
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=Path.cwd()))
    world = World(SERVICES, directory=directory)
    try:
        make_tables(world)
        filled(world, 0, SMALL)
        small = measure(world, SMALL)
        filled(world, SMALL, large)
        grown = measure(world, large)
        for name, cost in small.items():
            print(f"{name:26} {SMALL:>9,}: {cost:7.1f} us   {large:>9,}: {grown[name]:7.1f} us", flush=True)
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")
    finally:
        world.close()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
