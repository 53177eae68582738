"""EventBridge without sockets: how many events a second match, and are accepted and delivered.

    .venv/bin/python bench/events_core.py [--events 20000] [--profile]

Matching is measured on one rule and on a thousand of which one matches; accepting goes through PutEvents (ten entries a
call) to one queue, in a World: SQLite in memory, one commit a call, no HTTP. Durable figures over HTTP come from the
benches that start a server.
"""

import argparse
import cProfile
import os
import pstats
from collections.abc import Callable
from time import perf_counter

import orjson

from interstate.core.patterns import PatternIndex, parse_pattern
from interstate.runtime.testing import World
from interstate.services.events import SERVICE as EVENTS
from interstate.services.events.rules import RULES_QUOTA
from interstate.services.sqs import SERVICE as SQS
from interstate.store.records.due import SETTINGS, Setting

DETAIL = (
    '{"metadata":{"eventId":"e-1","domain":"orders","type":"Order Placed"},"data":{"orderId":"ORD-2025-001234",'
    '"customerId":"CUST-567890","items":[{"productId":"P-1","quantity":2,"price":12.5},{"productId":"P-2","quantity":1,'
    '"price":3.75}],"totalAmount":28.75,"currency":"GBP"}}'
)
POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},'
    '"Action":"sqs:SendMessage","Resource":"*"}]}'
)
EVENT = {
    "version": "0",
    "id": "5c6f4d0e",
    "detail-type": "Type 7",
    "source": "ecommerce.orders",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {"orderId": "ORD-1", "items": [{"productId": "P-1", "quantity": 2}], "metadata": {"domain": "orders"}},
}


def pattern(number: int) -> str:
    return f'{{"source":["ecommerce.orders"],"detail-type":["Type {number}"]}}'


def matching(rules: int, events: int) -> float:
    first = 7 if rules == 1 else 0
    index = PatternIndex((number, parse_pattern(pattern(first + number))) for number in range(rules))
    assert len(index.matching(EVENT)) == 1
    begin = perf_counter()
    for _ in range(events):
        index.matching(EVENT)
    return events / (perf_counter() - begin)


MATCH_KINDS: dict[str, Callable[[int], str]] = {
    "exact, detail too": lambda number: (
        f'{{"source":["ecommerce.orders"],"detail-type":["Type {number}"],'
        f'"detail":{{"metadata":{{"domain":["orders"]}}}}}}'
    ),
    "wildcard": lambda number: f'{{"detail":{{"orderId":[{{"wildcard":"ORD-{number}*"}}]}}}}',
    "wildcard in the middle": lambda number: f'{{"detail":{{"orderId":[{{"wildcard":"*x{number:04d}x*"}}]}}}}',
    "anything-but": lambda number: f'{{"source":[{{"anything-but":["s{number}","ecommerce.orders"]}}]}}',
    "prefix and suffix": lambda number: f'{{"detail-type":[{{"prefix":"Type {number} "}},{{"suffix":" {number}!"}}]}}',
}


def parsing_and_matching(kind: str, rules: int, events: int) -> float:
    """The event's JSON is read each time."""
    make = MATCH_KINDS.get(kind, pattern)
    index = PatternIndex((number, parse_pattern(make(number))) for number in range(rules))
    text = orjson.dumps(EVENT)
    begin = perf_counter()
    for _ in range(events):
        index.matching(orjson.loads(text))
    return events / (perf_counter() - begin)


def delivering(rules: int, events: int, *, profile: bool) -> float:
    world = World([EVENTS, SQS])
    world.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": POLICY}})
    world.run(lambda work: work.put(SETTINGS, Setting(RULES_QUOTA, "10000")))
    target = {"Id": "t", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
    for number in range(rules):
        world.call("events", "PutRule", {"Name": f"r{number}", "EventPattern": pattern(number)})
        world.call("events", "PutTargets", {"Rule": f"r{number}", "Targets": [target]})
    entry = {"Source": "ecommerce.orders", "DetailType": "Type 0", "Detail": DETAIL}
    request = {"Entries": [entry] * 10}
    world.call("events", "PutEvents", request)
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    begin = perf_counter()
    for _ in range(events // 10):
        world.call("events", "PutEvents", request)
    took = perf_counter() - begin
    profiler.disable()
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    world.run_due()
    url = "http://localhost/000000000000/q"
    attributes = world.call("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})["Attributes"]
    assert int(attributes["ApproximateNumberOfMessages"]) == events + 10, attributes
    return events / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores")
    for rules in (1, 1_000):
        print(f"match, {rules} rules: {matching(rules, options.events * 5):,.0f} events/s")
    for kind in ("exact", *MATCH_KINDS):
        rate = parsing_and_matching(kind, 1_000, options.events * 5 if kind != "anything-but" else options.events)
        print(f"parse and match, 1,000 rules of {kind}: {rate:,.0f} events/s")
    for rules in (1, 1_000):
        rate = delivering(rules, options.events, profile=options.profile and rules == 1)
        print(f"accept and deliver to one queue, {rules} rules: {rate:,.0f} events/s")


if __name__ == "__main__":
    main()
