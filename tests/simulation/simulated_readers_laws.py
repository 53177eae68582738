"""The laws of logs, archives, replays and Map Runs: what must hold when a run has come to rest."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from tests.simulation.simulated_application import ARCHIVE_NAME, ITEMS
from tests.simulation.simulated_laws import MANY, Found, Problems

from interstate.base.json import loads
from interstate.store.records.map_runs import MAP_RUNS
from interstate.store.tables import Select

ALL_MAP_RUNS = Select(MAP_RUNS, "id > 0", "id")


def _ask(found: Found, service: str, operation: str, request: dict[str, Any]) -> Any:
    node = found.run.nodes[0]
    row = node.catalog.operation(service, operation)
    typed = node.catalog.request(service, operation, request, checked=False)
    return node.run(lambda work: row.handle(typed, work))


def streams_are_read_whole(found: Found) -> Problems:
    """Who read the stream saw every change of every item, each following the one before; so did the function."""
    read = found.run.readers.read
    last: dict[str, Any] = {}
    for change in read.changes.values():
        name = change["Keys"]["id"]["S"]
        if change.get("OldImage") != last.get(name):
            yield f"a reader of the stream saw {change} after {last.get(name)}"
        last[name] = change.get("NewImage")
    for name, image in last.items():
        if image != (found.item("counters", name) or None):
            yield f"a reader of the stream knows {name} as {image}, and it is {found.item('counters', name)}"
    called = set(found.run.outside.followed)
    if called != set(read.changes):
        yield f"the function had {len(called)} changes, a reader {len(read.changes)}: {called ^ set(read.changes)}"


def the_bus_is_followed_whole(found: Found) -> Problems:
    """Who followed the bus saw each event once, and no other."""
    read = found.run.readers.read
    there = Counter(str(_document(message.body)["id"]) for message in found.messages["placed"])
    if read.events != there:
        yield f"the bus had {sorted(there)}, its follower saw {sorted(read.events.elements())}"
    if read.order != sorted(read.order):
        yield f"the follower of the bus went back: {read.order}"


def archives_are_whole(found: Found) -> Problems:
    """The archive has each event once, and counts them."""
    there = len(found.messages["placed"])
    counted = _ask(found, "events", "DescribeArchive", {"ArchiveName": ARCHIVE_NAME})["EventCount"]
    if counted != there:
        yield f"the archive counts {counted} events of {there}"


def replays_are_whole(found: Found) -> Problems:
    """A replay sends each event that was there when it began, once; one that came meanwhile at most once."""
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for message in found.messages["again"]:
        event = _document(message.body)
        told[str(event["replay-name"])][str(event["id"])] += 1
    there = {str(_document(message.body)["id"]) for message in found.messages["placed"]}
    for name, before in found.run.readers.read.replays.items():
        state = _ask(found, "events", "DescribeReplay", {"ReplayName": name})["State"]
        if state != "COMPLETED":
            yield f"{name} is {state}"
        if before - set(told[name]):
            yield f"{name} left out {before - set(told[name])}"
        if set(told[name]) - there or max(told[name].values(), default=1) > 1:
            yield f"{name} sent {told[name]} of {there}"
    for name in told.keys() - found.run.readers.read.replays.keys():
        yield f"{name} was begun by nobody"


def map_runs_are_counted(found: Found) -> Problems:
    """A Map Run's counts are those of its children, all of which have ended; each that went well did its work once."""
    did = Counter(message.body for message in found.messages["mapped"])
    numbers = {row.arn: row.id for row in found.run.nodes[0].run(lambda work: work.select(ALL_MAP_RUNS, limit=MANY))}
    for arn, name in found.run.readers.read.maps.items():
        (run,) = _ask(found, "stepfunctions", "ListMapRuns", {"executionArn": arn})["mapRuns"]
        told = _ask(found, "stepfunctions", "DescribeMapRun", {"mapRunArn": run["mapRunArn"]})
        children = [row for row in found.executions if row.machine_id == -numbers[run["mapRunArn"]]]
        ends = Counter(row.status for row in children)
        if told["status"] != "SUCCEEDED" or len(children) != ITEMS:
            yield f"the Map Run of {name} is {told['status']} with {len(children)} children"
        for counts in (told["itemCounts"], told["executionCounts"]):
            seen = (counts["succeeded"], counts["failed"], counts["total"], counts["pending"], counts["running"])
            if seen != (ends["SUCCEEDED"], ends["FAILED"], ITEMS, 0, 0):
                yield f"the Map Run of {name} counts {counts} of {ends}"
        for row in children:
            item = str(loads(row.input))
            if did[item] > 1 or (row.status == "SUCCEEDED" and not did[item]):
                yield f"{item} ended as {row.status} and was done {did[item]} times"


def _document(text: str) -> dict[str, Any]:
    document = loads(text)
    assert isinstance(document, dict)
    return document


READERS_AT_REST: tuple[Callable[[Found], Problems], ...] = (
    streams_are_read_whole,
    the_bus_is_followed_whole,
    archives_are_whole,
    replays_are_whole,
    map_runs_are_counted,
)
