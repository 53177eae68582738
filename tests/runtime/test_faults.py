"""Faults that were asked for: who is hit, by what, and how often."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError, TransientError
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock
from interstate.runtime.faults import Faults, InjectedFault, InvalidFault, NoSuchFault
from interstate.runtime.instance import Instance
from interstate.runtime.testing import World
from interstate.services.sqs import SERVICE as SQS
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.records.lambda_ import Invocation, InvocationResult
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore

QUEUE = "http://localhost/000000000000/email-queue"
CALL = Invocation("r", "arn:aws:lambda:us-east-1:000000000000:function:ProcessPaymentFunction")


def with_rule(**rule: Any) -> Faults:
    faults = Faults()
    faults.add(rule)
    return faults


def around(faults: Faults, operation: str = "SendMessage", request: Mapping[str, Any] | None = None) -> Any:
    async def call() -> str:
        return "done"

    return asyncio.run(faults.around("sqs", operation, request or {"QueueUrl": QUEUE}, call))


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        ("sqs:SendMessage", True),
        ("sqs:email-queue", True),
        ("sqs:*", True),
        ("sqs:ReceiveMessage", False),
        ("sqs:queue", False),
        ("sns:SendMessage", False),
    ],
)
def test_a_target_is_an_operation_a_resource_or_all(target: str, hit: bool) -> None:
    faults = with_rule(target=target, error="Error")
    if hit:
        with pytest.raises(InjectedFault):
            around(faults)
    else:
        assert around(faults) == "done"


@pytest.mark.parametrize(
    ("error", "code"),
    [("Throttle", "RequestThrottled"), ("Timeout", "RequestTimeout"), ("QueueDoesNotExist", "QueueDoesNotExist")],
)
def test_an_error_has_the_code_that_was_asked_for(error: str, code: str) -> None:
    with pytest.raises(InjectedFault) as refused:
        around(with_rule(target="sqs:*", error=error))
    assert refused.value.code == code


def hits(seed: int, rate: float = 0.2) -> list[bool]:
    faults = with_rule(target="sqs:*", error="Error", rate=rate, seed=seed)
    found = []
    for _ in range(500):
        try:
            around(faults)
            found.append(False)
        except InjectedFault:
            found.append(True)
    return found


def test_the_seed_says_which_calls_are_hit() -> None:
    assert hits(7) == hits(7) != hits(8)
    assert 70 < sum(hits(7)) < 130


def test_a_rule_can_end_by_itself() -> None:
    faults = with_rule(target="sqs:*", error="Error", left=2)
    refused = 0
    for _ in range(5):
        try:
            around(faults)
        except InjectedFault:
            refused += 1
    assert refused == 2


def test_a_lost_answer_comes_after_the_call() -> None:
    done: list[str] = []

    async def call() -> str:
        done.append("done")
        return "done"

    with pytest.raises(TransientError):
        asyncio.run(with_rule(target="sqs:*", lost=True).around("sqs", "SendMessage", {}, call))
    assert done == ["done"]


def function(faults: Faults) -> tuple[InvocationResult, int]:
    calls = 0

    async def call() -> InvocationResult:
        nonlocal calls
        calls += 1
        return InvocationResult("{}")

    return asyncio.run(faults.around_function(CALL, call)), calls


def test_a_function_fails_without_being_called() -> None:
    result, calls = function(with_rule(target="lambda:ProcessPayment", error="Timeout"))
    assert (calls, result.function_error) == (0, "Unhandled")
    assert "Sandbox.Timedout" in result.payload
    result, calls = function(with_rule(target="lambda:ProcessPaymentFunction", error="Throttle"))
    assert (calls, result.refused) == (0, "TooManyRequestsException")
    result, calls = function(with_rule(target="lambda:Other", error="Timeout"))
    assert (calls, result.ok) == (1, True)


def test_a_functions_lost_answer_repeats_its_call() -> None:
    assert function(with_rule(target="lambda:*", lost=True))[1] == 2


def test_a_call_inside_the_store_is_refused_and_leaves_nothing() -> None:
    world = World((SQS,))
    world.call("sqs", "CreateQueue", {"QueueName": "email-queue"})
    world.catalog.faults.add({"target": "sqs:email-queue", "error": "Throttle"})

    def send(work: Any) -> str:
        try:
            work.call("sqs", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": "x"}, caller=Caller())
        except ServiceError as error:
            return error.code
        return "sent"

    assert world.run(send) == "RequestThrottled"
    world.catalog.faults.remove(None)
    assert world.run(send) == "sent"


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"target": "lambda"},
        {"target": "lambda:f"},
        {"target": "lambda:f", "error": "Error", "rate": 0},
        {"target": "lambda:f", "error": "Error", "rate": 20},
        {"target": "lambda:f", "latencyMs": -1},
        {"target": "lambda:f", "error": "Error", "left": 0},
        {"target": "lambda:f", "error": 3},
    ],
)
def test_a_rule_without_sense_is_refused(rule: dict[str, Any]) -> None:
    faults = Faults()
    with pytest.raises(InvalidFault):
        faults.add(rule)
    assert faults.show() == []


def test_rules_are_kept_and_removed_by_number() -> None:
    faults = with_rule(target="sqs:*", error="Error")
    faults.add({"target": "sns:*", "latencyMs": 5})
    again = Faults()
    again.load(faults.saved())
    assert [rule["target"] for rule in again.show()] == ["sqs:*", "sns:*"]
    assert again.remove(1) == 1
    with pytest.raises(NoSuchFault):
        again.remove(1)
    assert again.remove(None) == 1


def test_rules_that_stay_go_on_counting_when_others_are_added_elsewhere() -> None:
    faults = with_rule(target="sqs:*", error="Error", left=1)
    with pytest.raises(InjectedFault):
        around(faults)
    elsewhere = Faults()
    elsewhere.load(faults.saved())
    elsewhere.add({"target": "sns:*", "error": "Error"})
    faults.load(elsewhere.saved())
    assert [(rule["target"], rule["hits"]) for rule in faults.show()] == [("sqs:*", 1), ("sns:*", 0)]
    assert around(faults) == "done"


def test_a_rule_that_another_node_added_stays_when_one_is_added_here() -> None:
    async def run() -> None:
        instance = Instance(SqliteStore(None), Catalog((SQS,)), BusinessClock("frozen"), b"seed", Sequences())
        await instance.start()
        await instance.change_faults(lambda rules: rules.add({"target": "sqs:*", "error": "Error"}))
        elsewhere = Faults()
        elsewhere.load(instance.catalog.faults.saved())
        elsewhere.add({"target": "sns:*", "error": "Error"})
        saved = elsewhere.saved()  # This instance has not looked since.
        await instance.run(lambda work: work.put(SETTINGS, Setting("faults", saved)))
        added = await instance.change_faults(lambda rules: rules.add({"target": "lambda:f", "error": "Error"}))
        assert added.number == 3
        assert [rule["target"] for rule in instance.catalog.faults.show()] == ["sqs:*", "sns:*", "lambda:f"]
        await instance.stop()

    asyncio.run(run())
