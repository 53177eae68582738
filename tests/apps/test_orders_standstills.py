"""A standstill is due work that nobody does; waiting for a time that comes is none. The faults' verdict tells them apart."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.json import dumps
from interstate.runtime.testing import World
from interstate.services.lambda_ import SERVICE as LAMBDA
from interstate.services.logs import SERVICE as LOGS
from interstate.services.sqs import SERVICE as SQS
from interstate.services.states import SERVICE as STATES
from interstate.store.ports import Work
from interstate.store.records.due import DUE, IN_FLIGHT, NEXT, STEP, WAITING
from interstate.store.records.lambda_ import Invocation, InvocationResult
from interstate.store.sqlite.engine import SqliteStore

ROOT = Path(__file__).parents[2]
SOURCE, SCRIPTS = ROOT / "src" / "interstate", ROOT / "apps" / "orders" / "scripts"
sys.path.insert(0, str(SCRIPTS))
stall: Any = importlib.import_module("proving.stall")  # A script's own package: no checker's path leads there.

QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
URL = "http://localhost/000000000000/orders"
COMES_BACK = stall.Oldest(100.0, "a message that comes back")
HEARTBEAT = stall.Oldest(100.0, "a heartbeat", net=True)
OVERDUE = stall.Oldest(0.0, "an effect in hand")
LATER = stall.Oldest(9000.0, "a sweep")


@dataclass
class Shown:
    """A store that is looked at each second: its newest step, and what is due first; None: away."""

    steps: Iterator[int | None]
    dues: Iterator[Any]

    def step(self) -> int | None:
        self.due = next(self.dues)
        return next(self.steps)

    def oldest(self) -> Any:
        return self.due


def judged(steps: Sequence[int | None], dues: list[Any]) -> Any:
    """A look each second from the second 1 on, by both clocks."""
    judge = stall.Judge(Shown(iter(steps), iter(dues)))
    for second in range(len(steps)):
        judge.look(float(second), float(second))
    return judge


STEPS = [7] * 120 + [8, 8]  # Two minutes of silence.
JUDGED: dict[str, tuple[Sequence[int | None], list[Any], float, float]] = {
    "due work that nobody does": (list(STEPS), [OVERDUE] * 122, 120, 0),
    "a message comes back, and is handled": ([7] * 101 + [8], [COMES_BACK] * 101 + [LATER], 1, 100),
    "a message comes back, and nobody looks": (list(STEPS), [COMES_BACK] * 122, 20, 100),
    "it is due, and later all waits": ([7] * 101 + [8], [OVERDUE] * 30 + [COMES_BACK] * 72, 29, 100),
    "all waits, and only a net ends it": ([7] * 101 + [8], [HEARTBEAT] * 102, 101, 0),
    "all waits, and somebody outside ends it": ([7] * 50 + [8], [COMES_BACK] * 51, 50, 0),
    "what came had nothing to do with it": (list(STEPS), [COMES_BACK] * 101 + [LATER] * 21, 120, 0),
    "a call to a partner, whose word comes soon": ([7] * 105 + [8], [COMES_BACK] * 101 + [LATER] * 5, 0, 104),
    "the store is away": ([7, *[None] * 40, 8], [COMES_BACK] * 42, 41, 0),
    "steps all the time": (list(range(60)), [OVERDUE] * 60, 0, 0),
}


@pytest.mark.parametrize("case", JUDGED)
def test_time_without_a_step_is_a_standstill_unless_what_it_waited_for_came_at_its_time(case: str) -> None:
    steps, dues, standstill_s, wait_s = JUDGED[case]
    judge = judged(steps, dues)
    assert abs(judge.stall["seconds"] - standstill_s) <= 1, judge.stall
    assert abs(judge.wait["seconds"] - wait_s) <= 1, judge.wait


def test_a_wait_tells_what_it_was_for_and_when_it_began() -> None:
    judge = judged([7] * 101 + [8], [COMES_BACK] * 101 + [LATER])
    assert judge.wait["for"] == "a message that comes back"
    assert judge.wait["beganAt"] == 0.0


def _only_of_directories(made: World) -> None:
    if not isinstance(made.store, SqliteStore):
        made.close()
        pytest.skip("about data directories; PostgreSQL's meter is used by the scenarios")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A queue into a function that fails."""

    def perform(_key: str, _body: Invocation) -> InvocationResult:
        return InvocationResult(dumps({"errorMessage": "away"}), function_error="Unhandled")

    performers = {"lambda.invoke": perform, "lambda.prepare": lambda _key, _body: None}
    made = World([LAMBDA, LOGS, SQS], directory=tmp_path / "data", performers=performers)
    _only_of_directories(made)
    code = tmp_path / "code"
    code.mkdir()
    words = {"FunctionName": "Ship", "Runtime": "python3.12", "Role": "r", "Handler": "a.b"}
    made.call("lambda", "CreateFunction", {**words, "Code": {"S3Bucket": "__local__", "S3Key": str(code)}})
    made.call("sqs", "CreateQueue", {"QueueName": "orders", "Attributes": {"VisibilityTimeout": "180"}})
    made.call("lambda", "CreateEventSourceMapping", {"EventSourceArn": QUEUE, "FunctionName": "Ship"})
    made.run_due()
    yield made
    made.close()


def oldest(world: World) -> Any:
    assert world.directory is not None
    found = stall.OfSqlite(world.directory).oldest()
    assert found is not None
    return found


def test_work_in_hand_is_due_until_it_is_done(world: World) -> None:
    def take(work: Work) -> None:
        (row,) = work.select(NEXT, limit=1, lane=WAITING)
        work.put(DUE, type(row)(row.id, IN_FLIGHT, row.due_at, row.pulls, row.kind, row.tries, row.body))

    world.call("sqs", "SendMessage", {"QueueUrl": URL, "MessageBody": "{}"})
    world.run_due(effects=False)
    world.run(take)
    world.advance(timedelta(seconds=0))
    assert (oldest(world).at <= world.now.timestamp(), oldest(world).what) == (True, "lambda.invoke")


def test_a_message_whose_function_failed_is_due_when_it_can_be_seen_again(world: World) -> None:
    world.call("sqs", "SendMessage", {"QueueUrl": URL, "MessageBody": "{}"})
    world.run_due()
    found = oldest(world)
    assert found == stall.Oldest(
        world.now.timestamp() + 180, "a message for Ship that was received 1 times and comes back"
    )


def test_an_invoice_that_is_looked_after_is_a_net(world: World) -> None:
    message = {"QueueUrl": URL, "MessageBody": dumps({"orderId": "1", "check": 1}), "DelaySeconds": 300}
    world.call("sqs", "SendMessage", message)
    world.run_due()
    assert oldest(world).net


def test_what_a_bug_put_off_is_due_now(world: World) -> None:
    def put_off(work: Work) -> None:
        (row,) = work.select(NEXT, limit=1, lane=STEP)
        work.put(DUE, type(row)(row.id, STEP, row.due_at, row.pulls, row.kind, 3, row.body))

    world.call("sqs", "SendMessage", {"QueueUrl": URL, "MessageBody": "{}", "DelaySeconds": 600})
    world.run(put_off)
    assert oldest(world).at == 0.0


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_each_execution_is_a_step(tmp_path: Path, kind: str) -> None:
    made = World([STATES, LOGS], directory=tmp_path / "data")
    _only_of_directories(made)
    definition = dumps({"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}})
    words = {"name": "m", "definition": definition, "roleArn": "arn:aws:iam::000000000000:role/r", "type": kind}
    arn = made.call("stepfunctions", "CreateStateMachine", words)["stateMachineArn"]
    seen = {stall.OfSqlite(tmp_path / "data").step()}
    for _ in range(3):
        made.call("stepfunctions", "StartExecution", {"stateMachineArn": arn})
        made.run_due()
        seen.add(stall.OfSqlite(tmp_path / "data").step())
    assert len(seen) == 4
    made.close()


@pytest.mark.parametrize(
    ("kind", "body", "what", "net"),
    [
        ("states.event", {"execution": 7, "events": [[0, {"type": "timer", "timer": "retry"}]]}, "retry", False),
        ("states.event", {"execution": 7, "events": [[0, {"type": "timer", "timer": "heartbeat"}]]}, "heartbeat", True),
        ("states.event", {"execution": 7, "events": [[0, {"type": "started"}]]}, "started", False),
        ("events.delivery", {"bus": "b", "events": [["id", 1, "{}"]]}, "events.delivery", False),
    ],
)
def test_what_is_due_is_told_by_its_kind(tmp_path: Path, kind: str, body: Any, what: str, net: bool) -> None:
    found = stall.OfSqlite(tmp_path)._told(5.0, kind, body)
    assert (found.what.endswith(what), found.net) == (True, net)


def test_the_step_that_ends_the_load_ends_its_wait_though_nobody_looks_any_more() -> None:
    came = stall.Oldest(0.0, "a message that comes back")
    meter = stall.StallMeter(Shown(iter([8]), iter([LATER])), lambda: False)
    meter._thread.join(60)
    meter._judge._last, meter._judge._began, meter._judge._stepped = 7, 0.0, 0.0
    meter._judge._free, meter._judge._next = 180.0, came
    meter.close()
    assert meter.waited() == {"seconds": 180.0, "beganAt": 0.0, "for": "a message that comes back"}


def test_a_meter_that_failed_does_not_say_that_all_went_on() -> None:
    class Broken:
        def step(self) -> int:
            raise ValueError("what is this?")

    meter = stall.StallMeter(Broken(), lambda: True)
    meter._thread.join(60)
    with pytest.raises(AssertionError, match="what is this"):
        meter.close()


def test_a_store_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    reader = stall.OfSqlite(tmp_path / "nothing")
    assert (reader.step(), reader.oldest()) == (None, None)


def test_the_words_that_are_looked_for_in_a_nodes_log_are_those_that_nodes_say() -> None:
    words = importlib.import_module("proving.shared")
    source = "".join(file.read_text(encoding="utf-8") for file in (SOURCE / "runtime").glob("*.py"))
    source += "".join(file.read_text(encoding="utf-8") for file in (SOURCE / "store" / "postgres").glob("*.py"))
    assert [
        each for each in (words.TAKEN_OVER, words.REFUSED, words.CUT) if each not in source.replace("%d ", "")
    ] == []


@dataclass
class Going:
    """A load that books one shipment a look, so many looks."""

    looks: int
    booked: int = 0

    def runs(self) -> bool:
        return self.booked < self.looks

    def bookings(self) -> int:
        self.booked += 1
        return self.booked


@pytest.mark.parametrize(
    ("looks", "missed"), [(100, ""), (2, "the load was over before the fault; place more --invoices")]
)
def test_a_fault_waits_until_the_load_is_under_way_and_tells_what_it_missed(looks: int, missed: str) -> None:
    scene = importlib.import_module("proving.scene").Scene("frozen", Path(), None, lambda _what: None)
    assert scene.under_way(Going(looks)) == missed


def test_a_node_that_gets_no_processor_is_told_from_one_that_does_nothing() -> None:
    stage = object.__new__(importlib.import_module("proving.stage").Stage)
    stage.nodes, stage._ended = [], []
    assert stage.starved() == 0
    stage._ended = [(2.0, 38.0), (3.0, 57.0)]
    assert stage.starved() == 0.95
    processes = importlib.import_module("proving.processes")
    assert processes.ran_and_waited_s(2**30) == (0, 0)


class Held:
    """A load and a customer with nothing to complain of."""

    def verdict(self) -> dict[str, Any]:
        return {"held": True}


@pytest.mark.parametrize(
    ("missed", "fact_held", "held"),
    [("", True, True), ("", False, False), ("the load was over", False, False), ("the load was over", True, None)],
)
def test_a_load_that_was_over_before_the_faults_decides_nothing(
    missed: str, fact_held: bool, held: bool | None
) -> None:
    scene = importlib.import_module("proving.scene").Scene("kill", Path(), None, lambda _what: None)
    facts = scene.verdict(Held(), Held(), ("fact", 1, fact_held), missed=missed)
    assert (facts["held"], "undecided" in facts) == (held, held is None)


class Starved:
    """A stage whose servers waited for a processor for such a share of their time."""

    def __init__(self, share: float) -> None:
        self.share = share

    def starved(self) -> float:
        return self.share


@pytest.mark.parametrize(
    ("share", "in_time", "fact_held", "held"),
    [
        (0.9, True, True, True),
        (0.9, False, True, None),
        (0.9, False, False, False),
        (0.2, False, True, False),
        (0.2, True, True, True),
    ],
)
def test_what_took_too_long_decides_nothing_where_servers_got_no_processor(
    share: float, in_time: bool, fact_held: bool, held: bool | None
) -> None:
    scene = importlib.import_module("proving.scene").Scene("frozen-node", Path(), None, lambda _what: None)
    scene._stages.append(Starved(share))
    facts = scene.verdict(Held(), Held(), ("fact", 1, fact_held), timed=[("takenOverSeconds", 11, in_time)])
    assert (facts["held"], facts["serversWaitedForAProcessor"]) == (held, share)
    assert ("takenOverSeconds: servers waited 90%" in facts.get("undecided", "")) == (held is None)
