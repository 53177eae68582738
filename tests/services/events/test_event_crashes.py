"""A crash before any commit: each accepted event reaches each target, inside the store exactly once, outside at least once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.services.events.conftest import Bench
from tests.services.events.test_api_destinations import connect

from interstate.runtime.testing import Crash
from interstate.store.records.events_connections import HttpAnswer, HttpCall

EVENTS = 4
CRASHES = 40


class Outside:
    """An endpoint that fails at first; it outlives the crashes."""

    def __init__(self) -> None:
        self.calls: list[HttpCall] = []

    def perform(self, _key: str, call: HttpCall) -> HttpAnswer:
        self.calls.append(call)
        return HttpAnswer(503 if len(self.calls) % 2 else 200)


def prepare(bench: Bench) -> None:
    endpoint = {"InvocationEndpoint": "https://h", "HttpMethod": "POST", "Name": "d"}
    api = bench("CreateApiDestination", ConnectionArn=connect(bench), **endpoint)["ApiDestinationArn"]
    dead = {"DeadLetterConfig": {"Arn": bench.queue("dead")}}
    bench.rule("r", bench.queue("q"), {"Arn": api, **dead}, {"Arn": bench.queue("closed", open_to=None), **dead})
    bench("CreateArchive", ArchiveName="a", EventSourceArn="arn:aws:events:us-east-1:000000000000:event-bus/default")


def survive(bench: Bench, outside: Outside, work: Callable[[], Any]) -> bool:
    """Do something; after a crash start again. Tells whether it was done."""
    try:
        work()
    except Crash:
        bench.world = bench.world.restart()
        bench.world.recover()
        bench.world.performers["events.http"] = outside.perform
        return False
    return True


@pytest.mark.parametrize("crash_at", range(1, CRASHES))
def test_events_survive_a_crash_before_any_commit(crash_at: int, tmp_path: Path) -> None:
    bench, outside = Bench(tmp_path), Outside()
    bench.world.performers["events.http"] = outside.perform
    prepare(bench)
    bench.world.crash_before_commit = bench.world.commits + crash_at
    accepted: list[str] = []
    while len(accepted) < EVENTS:
        answers: list[str] = []
        if survive(bench, outside, lambda: answers.append(bench.put()["EventId"])) or answers:  # noqa: B023 called at once
            accepted += answers
    while not survive(bench, outside, lambda: bench.advance(hours=30)):
        pass
    bench.world.crash_before_commit = None
    inside = [event["id"] for event in bench.events("q")]
    assert set(accepted) <= set(inside)  # An event whose answer was lost in the crash may be there as well.
    assert len(inside) == len(set(inside))
    dead = bench.received("dead")
    assert len(dead) == len(inside)
    assert {one["MessageAttributes"]["ERROR_CODE"]["StringValue"] for one in dead} == {"NO_PERMISSIONS"}
    called = {call.headers["X-Interstate-Event-Id"] for call in outside.calls}
    assert called == set(inside)
    assert bench("DescribeArchive", ArchiveName="a")["EventCount"] == len(inside)
    bench.world.close()


@pytest.mark.parametrize("crash_at", range(1, 9))
def test_a_dead_letter_survives_a_crash_before_any_commit(crash_at: int, tmp_path: Path) -> None:
    """The queue of dead letters is away at first."""
    bench, outside = Bench(tmp_path), Outside()
    dead = {"DeadLetterConfig": {"Arn": bench.queue("dead")}}
    bench.rule("r", {"Arn": "arn:aws:sqs:us-east-1:000000000000:gone", **dead})
    bench.world.catalog.faults.add({"target": "sqs:SendMessage", "error": "ServiceUnavailable"})
    bench.world.crash_before_commit = bench.world.commits + crash_at
    accepted: list[str] = []
    while not accepted:
        survive(bench, outside, lambda: accepted.append(bench.put()["EventId"]))
    while not survive(bench, outside, lambda: bench.advance(minutes=1)):
        pass
    bench.world.catalog.faults.remove(None)
    while not survive(bench, outside, lambda: bench.advance(hours=30)):
        pass
    bench.world.crash_before_commit = None
    letters = [event["id"] for event in bench.events("dead")]
    assert set(accepted) <= set(letters)
    assert len(letters) == len(set(letters))
    bench.world.close()
