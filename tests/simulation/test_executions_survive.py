"""An execution that meets everything survives a crash before any commit: nothing lost, nothing inside the store done twice."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.services.states.executing import FUNCTION, SERVICES, start

from interstate.base.json import dumps, loads
from interstate.core.asl.history import decode
from interstate.core.asl.vocabulary import HistoryEvent
from interstate.runtime.testing import World
from interstate.services.states import tasks
from interstate.store.records.lambda_ import FUNCTIONS, Function, Invocation, InvocationResult
from interstate.store.records.states import EXECUTIONS_OF_MACHINE, FRAMES_OF_EXECUTION, HISTORY_FROM, Execution

ITEMS = 6
PARTS = 8  # The crashes are shared among so many tests.
COMMITS_MIN = 20


class Crashed(Exception):
    """The process died just before a commit."""


class Mortal(World):
    """A world that dies before its ``dies_at``-th commit."""

    dies_at = 0
    commits = 0

    def _commit(self, jobs: list[Any]) -> Any:
        decided = self.batches.decide(jobs, self.now, effects_max=0)
        self.commits += 1
        if self.commits == self.dies_at:
            raise Crashed
        self.store.commit()
        return decided


def send(url: str, body: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": url, "MessageBody.$": body},
        "ResultPath": None,
    }


def order(url: str) -> dict[str, Any]:
    """Tasks inside and outside, a Map in slices, a Parallel that fails and is tried again, waits, a token."""
    flaky = {"Type": "Task", "Resource": FUNCTION, "End": True}
    item = {"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.r", "Next": "Tell"}
    callback = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 600,
        "HeartbeatSeconds": 300,
        "ResultPath": "$.answer",
        "Next": "Fork",
    }
    fork = {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": "Flaky", "States": {"Flaky": flaky}},
            {"StartAt": "Slow", "States": {"Slow": {"Type": "Wait", "Seconds": 30, "End": True}}},
        ],
        "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 7}],
        "ResultPath": "$.forked",
        "Next": "Each",
    }
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 2,
        "ItemProcessor": {"StartAt": "Item", "States": {"Item": item, "Tell": {**send(url, "$.name"), "End": True}}},
        "ResultPath": "$.each",
        "End": True,
    }
    return {"First": {**send(url, "$.first"), "Next": "Ask"}, "Ask": callback, "Fork": fork, "Each": each}


class Outside:
    """What lies outside the store: it outlives crashes, and remembers every call by its request id."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.flaky: list[str] = []

    def perform(self, _key: str, body: Invocation) -> InvocationResult:
        self.calls[body.request_id] += 1
        given = loads(body.payload)
        assert isinstance(given, dict)
        if "name" in given:
            return InvocationResult(dumps({"did": given["name"]}))
        if body.request_id not in self.flaky:
            self.flaky.append(body.request_id)
        if self.flaky.index(body.request_id) == 0:
            return InvocationResult(dumps({"errorType": "Flaky"}), function_error="Unhandled")
        return InvocationResult('"steady"')


class Story:
    """One execution from its start to its end, through a crash."""

    def __init__(self, directory: Path, dies_at: int = 0) -> None:
        self.outside = Outside()
        self.world = Mortal(SERVICES, directory=directory, performers={"lambda.invoke": self.outside.perform})
        self.world.run(lambda work: work.put(FUNCTIONS, Function(FUNCTION, "000000000000/us-east-1", "f")))
        self.url: str = self.world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
        self.world.commits = 0
        self.world.dies_at = dies_at
        self.crashes = 0

    def restart(self) -> None:
        self.crashes += 1
        old = self.world
        old.store.close()
        self.world = Mortal(SERVICES, directory=old.directory, performers=old.performers, now=old.now)
        self.world._calls = old._calls + 1_000_000

    def alive(self, do: Any) -> Any:
        """Do it; after a crash, do it again."""
        try:
            return do()
        except Crashed:
            self.restart()
            return do()

    def run(self) -> "Story":
        self.alive(self.begin)
        for _ in range(100):
            self.alive(self.world_runs)
            if self.row.status != "RUNNING":
                self.world.dies_at = 0
                return self
            self.alive(self.answer)
            self.alive(self.next_instant)
        raise AssertionError("it hangs")

    @property
    def row(self) -> Execution:
        rows = self.alive(
            lambda: self.world.run(
                lambda work: work.select(EXECUTIONS_OF_MACHINE, limit=9, machine_id=1, below=1 << 62)
            )
        )
        (row,) = rows
        assert isinstance(row, Execution)
        return row

    def begin(self) -> None:
        """The client starts the execution; when it got no answer, it asks first whether there is one."""
        found = self.world.run(lambda work: work.select(EXECUTIONS_OF_MACHINE, limit=9, machine_id=1, below=1 << 62))
        if not found:
            items = [{"name": f"item {n}"} for n in range(ITEMS)]
            start(self.world, order(self.url), {"first": "first", "items": items}, run=False)

    def world_runs(self) -> None:
        self.world.run_due()

    def answer(self) -> None:
        """Somebody answers the token, if one is waited for."""

        def give(work: Any) -> None:
            (row,) = work.select(EXECUTIONS_OF_MACHINE, limit=9, machine_id=1, below=1 << 62)
            for frame in work.select(FRAMES_OF_EXECUTION, limit=99, execution=row.id, after=-1):
                if getattr(frame.awaiting, "token", ""):
                    tasks.succeed(frame.awaiting.token, '"yes"', work)

        self.world.run(give)

    def next_instant(self) -> None:
        self.world.run_due()
        due = self.world.next_due()
        if due is not None:
            self.world.now = max(self.world.now, due)

    @property
    def history(self) -> list[HistoryEvent]:
        number = self.row.id
        chunks = self.world.run(lambda work: work.select(HISTORY_FROM, limit=999, execution=number, first=0))
        return [event for chunk in chunks for event in decode(chunk.body)]

    def messages(self) -> Counter[str]:
        found: Counter[str] = Counter()
        while True:
            got = self.world.call("sqs", "ReceiveMessage", {"QueueUrl": self.url, "MaxNumberOfMessages": 10})
            if not got.get("Messages"):
                return found
            for message in got["Messages"]:
                body = message["Body"]
                found["token" if body.startswith("{") else body] += 1


def test_a_calm_run_ends_well(tmp_path: Path) -> None:
    story = Story(tmp_path).run()
    assert story.crashes == 0
    check(story)


def check(story: Story) -> None:
    row = story.row
    assert row.status == "SUCCEEDED", row
    output = loads(row.output or "")
    assert isinstance(output, dict)
    assert output["answer"] == "yes"
    assert output["forked"][0] == "steady"
    assert output["each"] == [{"name": f"item {n}", "r": {"did": f"item {n}"}} for n in range(ITEMS)]
    assert story.messages() == {"first": 1, "token": 1, **{f"item {n}": 1 for n in range(ITEMS)}}
    assert len(story.outside.calls) == ITEMS + 2, "a repeated call has the same key"
    assert sum(story.outside.calls.values()) <= ITEMS + 2 + story.crashes
    assert row.stopped is not None
    assert row.stopped - row.started >= timedelta(seconds=37)
    events = story.history
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert [event.type for event in events].count("ExecutionSucceeded") == 1
    assert story.world.run(lambda work: work.select(FRAMES_OF_EXECUTION, limit=9, execution=row.id, after=-1)) == []


@pytest.mark.parametrize("part", range(PARTS))
def test_it_survives_a_crash_before_any_commit(part: int, tmp_path: Path) -> None:
    """Batches end by real time too, so how many commits there are is seen when a story has no crash any more."""
    dies_at = 1 + part
    while True:
        story = Story(tmp_path / str(dies_at), dies_at).run()
        check(story)
        if not story.crashes:
            break
        dies_at += PARTS
    assert dies_at > COMMITS_MIN
