"""A world in which the corpus runs, what lies outside of it, and one execution's story through a crash."""

from collections import Counter
from pathlib import Path
from typing import Any

from tests.simulation.machine_corpus import ACTIVITY, FUNCTION, Case, one, passing

from interstate.base.json import dumps, loads
from interstate.core.asl.history import decode
from interstate.core.asl.vocabulary import HistoryEvent
from interstate.runtime.testing import Crash, World
from interstate.services.states import tasks
from interstate.services.tables import SERVICES
from interstate.store.records.lambda_ import FUNCTIONS, Function, Invocation, InvocationResult
from interstate.store.records.map_runs import MAP_RUNS
from interstate.store.records.open_counts import EXECUTIONS_OPEN, MAP_RUNS_OPEN
from interstate.store.records.states import (
    EXECUTION_ARNS,
    EXECUTIONS,
    FRAMES_OF_EXECUTION,
    HISTORY_FROM,
    TASKS_OF_ACTIVITY,
    Execution,
)
from interstate.store.tables import Scalar

ROLE = "arn:aws:iam::000000000000:role/r"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:m:e"
SCOPE = "000000000000/us-east-1"
RUNNING = Scalar("SELECT COUNT(*) FROM states_executions WHERE status = 'RUNNING' AND type = 'STANDARD'", (EXECUTIONS,))
RUNS_OPEN = Scalar("SELECT COUNT(*) FROM states_map_runs WHERE status = 'RUNNING' AND backlogged = 0", (MAP_RUNS,))
CSV = b"n\n1\n2\n3\n"


class Outside:
    """The function ``f``: it outlives crashes, and gives one answer to one key, however often that is asked."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.answers: dict[str, InvocationResult] = {}
        self.failed = 0

    def perform(self, _key: str, body: Invocation) -> InvocationResult:
        self.calls[body.request_id] += 1
        if body.request_id not in self.answers:
            self.answers[body.request_id] = self._answer(loads(body.payload))
        return self.answers[body.request_id]

    def _answer(self, given: Any) -> InvocationResult:
        if given["do"] == "fail":
            return InvocationResult(dumps({"errorType": "Bad"}), function_error="Unhandled")
        if given["do"] == "flaky" and self.failed < given["times"]:
            self.failed += 1
            return InvocationResult(dumps({"errorType": "Flaky"}), function_error="Unhandled")
        return InvocationResult(dumps(given))


class Story:
    """One execution of the corpus, from its start to its end; ``dies_at`` is the commit before which the process dies."""

    def __init__(self, case: Case, directory: Path, dies_at: int | None = None) -> None:
        self.case = case
        self.taken: dict[str, Any] = {}
        self.outside = Outside()
        self.world = World(SERVICES, directory=directory, performers={"lambda.invoke": self.outside.perform})
        self.world.work_s = 60.0  # What one batch reaches must not depend on how fast the machine is.
        self._prepare(case)
        self.given = dumps({} if case.given is None else case.given)
        self.crashes = 0
        self.world.commits = 0
        self.world.crash_before_commit = dies_at

    def _prepare(self, case: Case) -> None:
        world = self.world
        world.run(lambda work: work.put(FUNCTIONS, Function(FUNCTION, "000000000000/us-east-1", "f")))
        world.call("sqs", "CreateQueue", {"QueueName": "q"})
        world.call("stepfunctions", "CreateActivity", {"name": "a"})
        world.call("s3", "CreateBucket", {"Bucket": "bucket"})
        world.call("s3", "PutObject", {"Bucket": "bucket", "Key": "items.csv", "Body": CSV})
        child = {**passing(ResultPath="$.child"), "Result": 1}
        machines = {
            "child": one("P", {**child}),
            "broken": one("F", {"Type": "Fail", "Error": "Broken"}),
            "m": {"StartAt": next(iter(case.states)), "States": case.states, **case.top},
        }
        for name, definition in machines.items():
            request = {"name": name, "definition": dumps(definition), "roleArn": ROLE}
            world.call("stepfunctions", "CreateStateMachine", request)

    def run(self) -> "Story":
        for _ in range(500):
            try:
                if self._move():
                    self.world.crash_before_commit = None
                    return self
            except Crash:
                self.crashes += 1
                self.world = self.world.restart()
                self.world.recover()
        raise AssertionError("it hangs")

    def _move(self) -> bool:
        """One move of the world outside: the client starts, somebody answers tokens, time passes; True at the end."""
        row = self.row()
        if row is None:
            self.world.call(
                "stepfunctions", "StartExecution", {"stateMachineArn": MACHINE, "name": "e", "input": self.given}
            )
            return False
        self.world.run_due()
        self.world.run(self._answer_tokens)
        while self._work():
            self.world.run_due()
        self.world.run_due()
        row = self.row()
        assert row is not None
        if row.status != "RUNNING":
            return self._is_over(row)
        due = self.world.next_due()
        assert due is not None, "nothing will ever happen"
        self.world.now = max(self.world.now, due)
        return False

    def _is_over(self, row: Execution) -> bool:
        if row.redrive_count == self.case.redrives:
            return True
        assert row.status == "FAILED", "there is nothing to redrive"
        self.world.call("stepfunctions", "RedriveExecution", {"executionArn": EXECUTION})
        return False

    def _work(self) -> bool:
        """A worker of the activity does what waits for one; what it has taken it answers, whatever happens to the server."""
        waiting = self.world.run(lambda work: work.select(TASKS_OF_ACTIVITY, limit=1, activity=ACTIVITY))
        if self.case.works and not self.taken and waiting:
            self.taken = self.world.call("stepfunctions", "GetActivityTask", {"activityArn": ACTIVITY})
        if not self.taken.get("taskToken"):
            return False
        given = loads(self.taken["input"])
        token = {"taskToken": self.taken["taskToken"]}
        if isinstance(given, dict) and given.get("fail"):
            self.world.call("stepfunctions", "SendTaskFailure", {**token, "error": "Refused"})
        else:
            self.world.call("stepfunctions", "SendTaskSuccess", {**token, "output": dumps({"done": given})})
        self.taken = {}
        return True

    def _answer_tokens(self, work: Any) -> None:
        number = work.get(EXECUTION_ARNS, EXECUTION).execution
        for frame in work.select(FRAMES_OF_EXECUTION, limit=99, execution=number, after=-1):
            token = getattr(frame.awaiting, "token", "")
            if token and frame.awaiting.heartbeat_s == 100:
                tasks.succeed(token, '"yes"', work)

    def row(self) -> Execution | None:
        def read(work: Any) -> Execution | None:
            named = work.get(EXECUTION_ARNS, EXECUTION)
            return None if named is None else work.get(EXECUTIONS, named.execution)

        found: Execution | None = self.world.run(read)
        return found

    @property
    def ended(self) -> Execution:
        row = self.row()
        assert row is not None
        return row

    def history(self) -> list[HistoryEvent]:
        number = self.ended.id
        chunks = self.world.run(lambda work: work.select(HISTORY_FROM, limit=9999, execution=number, first=0))
        return [event for chunk in chunks for event in decode(chunk.body)]

    def miscounted(self) -> tuple[int, int]:
        """By how many the executions and Map Runs that are counted as open differ from those that are."""

        def read(work: Any) -> tuple[int, int]:
            executions = work.scalar(EXECUTIONS_OPEN, scope=SCOPE) - work.scalar(RUNNING)
            return executions, work.scalar(MAP_RUNS_OPEN, scope=SCOPE) - work.scalar(RUNS_OPEN)

        found: tuple[int, int] = self.world.run(read)
        return found

    def left(self) -> list[Any]:
        """Frames that were not forgotten."""
        number = self.ended.id
        found: list[Any] = self.world.run(
            lambda work: work.select(FRAMES_OF_EXECUTION, limit=9, execution=number, after=-1)
        )
        return found
