"""Whether calls of DynamoDB cost the same in a table of 1,000 items and in one of 1,000,000.

    python -m bench.large_table [items]

Decided in batches and committed, without HTTP. Keys are drawn at random, so that no page is warm by order. The two tables
lie in one database and are measured in turns; of the rounds the fastest counts, so that a busy machine hurts both alike.
The ratio of the two columns is what counts.
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
COUNT = 2_000
ROUNDS = 5
SMALL_TABLE = "streamed"  # Has the same key.


def measure(world: World, table: str, items: int, draw: random.Random) -> dict[str, float]:
    """Microseconds an operation, on a table of so many items."""
    numbers = [draw.randrange(items) for _ in range(COUNT)]
    plans: dict[str, tuple[str, list[dict[str, Any]]]] = {
        "GetItem": ("GetItem", [{"TableName": table, "Key": key(number)} for number in numbers]),
        "PutItem, again": ("PutItem", [{"TableName": table, "Item": item(number)} for number in numbers]),
        "UpdateItem, conditional": ("UpdateItem", [{**update(number), "TableName": table} for number in numbers]),
        "Query of 10": ("Query", [_first_ten(table, number) for number in numbers[:500]]),
    }
    return {name: run(world, operation, wishes) / len(wishes) * 1e6 for name, (operation, wishes) in plans.items()}


def _first_ten(table: str, number: int) -> dict[str, Any]:
    return {
        "TableName": table,
        "Limit": 10,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": key(number)["pk"]},
    }


def filled(world: World, table: str, last: int) -> None:
    """Put the items of these numbers."""
    for start in range(0, last, 20_000):
        numbers = range(start, min(start + 20_000, last))
        run(world, "PutItem", [{"TableName": table, "Item": item(number)} for number in numbers])


def main() -> None:
    large = int(sys.argv[1]) if len(sys.argv) > 1 else LARGE
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=Path.cwd()))
    world = World(SERVICES, directory=directory)
    try:
        make_tables(world)
        world.call(
            "dynamodb", "UpdateTable", {"TableName": SMALL_TABLE, "StreamSpecification": {"StreamEnabled": False}}
        )
        filled(world, SMALL_TABLE, SMALL)
        filled(world, TABLE, large)
        draw = random.Random(large)
        best: dict[str, dict[str, float]] = {SMALL_TABLE: {}, TABLE: {}}
        for _ in range(ROUNDS):
            for table, items in ((SMALL_TABLE, SMALL), (TABLE, large)):
                for name, cost in measure(world, table, items, draw).items():
                    best[table][name] = min(cost, best[table].get(name, cost))
        for name, cost in best[SMALL_TABLE].items():
            print(f"{name:26} {SMALL:>9,}: {cost:7.1f} us   {large:>9,}: {best[TABLE][name]:7.1f} us", flush=True)
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")
    finally:
        world.close()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
