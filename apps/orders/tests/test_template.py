"""The template deploys to AWS, and its state machines keep the rules of the order system."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ordering import keep

ROOT = Path(__file__).parents[1]
MACHINES = sorted((ROOT / "statemachines").glob("*.asl.json"))
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
TEMPLATE = (ROOT / "template.yaml").read_text(encoding="utf-8")

State = dict[str, Any]


def states(machine: dict[str, Any], *, guarded: bool = False) -> Iterator[tuple[str, State, bool]]:
    """Each state with its name, and whether a Catch of a state around it catches its errors."""
    for name, state in machine["States"].items():
        yield name, state, guarded
        for branch in state.get("Branches", []):
            yield from states(branch, guarded=guarded or catches_all(state))


def catches_all(state: State) -> bool:
    return any("States.ALL" in catcher["ErrorEquals"] for catcher in state.get("Catch", []))


def load(path: Path) -> dict[str, Any]:
    machine: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return machine


@pytest.fixture(params=MACHINES, ids=lambda path: path.stem)
def machine(request: pytest.FixtureRequest) -> dict[str, Any]:
    return load(request.param)


def test_every_task_can_fail_only_into_a_state_of_ours(machine: dict[str, Any]) -> None:
    loose = [
        name
        for name, state, guarded in states(machine)
        if state["Type"] in {"Task", "Parallel"} and not (guarded or catches_all(state))
    ]
    assert loose == []


def test_every_task_says_what_it_selects_and_where_it_puts_it(machine: dict[str, Any]) -> None:
    for name, state, guarded in states(machine):
        if state["Type"] != "Task" or guarded:
            continue
        assert "Parameters" in state, name
        assert "ResultPath" in state, name
        assert state["ResultPath"] is None or state["ResultPath"] not in {"$", "$.order"}, name
        if state["ResultPath"] is not None:
            assert "ResultSelector" in state, name


def test_every_function_task_has_a_timeout_and_retries(machine: dict[str, Any]) -> None:
    for name, state, _ in states(machine):
        if state.get("Resource", "").startswith("arn:aws:states:::lambda:invoke"):
            assert state["TimeoutSeconds"] > 0, name
            assert state["Retry"], name


def test_every_next_exists_and_every_state_is_reached(machine: dict[str, Any]) -> None:
    reached = set(ends(machine))
    assert reached == set(machine["States"])


def ends(machine: dict[str, Any]) -> Iterator[str]:
    seen: list[str] = [machine["StartAt"]]
    for name in seen:
        yield name
        state = machine["States"][name]
        steps = [state.get("Next"), state.get("Default")]
        steps += [choice["Next"] for choice in state.get("Choices", [])] + [
            catcher["Next"] for catcher in state.get("Catch", [])
        ]
        seen += [step for step in dict.fromkeys(steps) if step and step not in seen]


def test_an_express_machine_waits_for_no_token() -> None:
    assert "waitForTaskToken" not in (ROOT / "statemachines" / "fulfillment.asl.json").read_text()


def test_payment_waits_with_a_heartbeat_and_retries_a_decline_once() -> None:
    task = load(ROOT / "statemachines" / "order_processing.asl.json")["States"]["ProcessPayment"]
    assert task["HeartbeatSeconds"] < task["TimeoutSeconds"]
    assert task["Retry"][0] == {"ErrorEquals": ["PaymentDeclined"], "IntervalSeconds": 1, "MaxAttempts": 1}


def test_whoever_follows_the_ends_of_orders_is_called_for_every_end() -> None:
    wanted = re.search(r"FilterPolicyScope: MessageBody\n      FilterPolicy:\n        status: \[(.*)\]", TEMPLATE)
    assert wanted is not None
    assert wanted[1].split(", ") == list(keep.OUTCOMES)


def test_every_placeholder_is_substituted_and_every_substitution_used() -> None:
    for path in MACHINES:
        block = re.search(
            rf"statemachines/{path.name}\n      DefinitionSubstitutions:\n((?:        \w+: .*\n)+)", TEMPLATE
        )
        assert block, path
        given = set(re.findall(r"^        (\w+):", block[1], re.MULTILINE))
        assert set(re.findall(r"\$\{(\w+)\}", path.read_text(encoding="utf-8"))) == given, path.name


def test_every_folder_of_functions_is_one_function() -> None:
    handlers = re.findall(r"Handler: (\w+)\.app\.handler", TEMPLATE)
    assert sorted(handlers) == FUNCTIONS


def test_every_rules_target_has_retries_and_dead_letters() -> None:
    rules = TEMPLATE.split("Type: AWS::Events::Rule")[1:]
    for rule in rules:
        rule = rule.split("\n\n")[0]
        targets = rule.count("- Id: ")
        assert targets
        assert rule.count("MaximumEventAgeInSeconds: 300") == rule.count("DeadLetterConfig") == targets


def test_every_consumer_of_a_queue_or_stream_answers_batches_in_part() -> None:
    sources = re.findall(r"          Type: (?:SQS|DynamoDB)\n          Properties:\n((?:            .*\n)+)", TEMPLATE)
    assert sources
    assert [source for source in sources if "FunctionResponseTypes: [ReportBatchItemFailures]" not in source] == []


def test_every_queue_of_dead_letters_is_read() -> None:
    queues = set(re.findall(r"^  (\w+DeadLetters):\n    Type: AWS::SQS::Queue$", TEMPLATE, re.MULTILINE))
    reader = TEMPLATE.split("  DlqProcessorFunction:\n")[1].split("\nOutputs:")[0]
    assert set(re.findall(r"Queue: !GetAtt (\w+DeadLetters)\.Arn", reader)) == queues


def test_every_subscription_lays_aside_what_it_cannot_deliver() -> None:
    for subscription in TEMPLATE.split("Type: AWS::SNS::Subscription")[1:]:
        assert "deadLetterTargetArn: !GetAtt TopicDeadLetters.Arn" in subscription.split("\n\n")[0]


def test_who_is_let_into_a_queue_or_topic_is_named() -> None:
    policies = re.split(r"Type: AWS::(?:SQS::QueuePolicy|SNS::TopicPolicy)", TEMPLATE)[1:]
    assert policies
    for policy in policies:
        assert "aws:SourceArn" in policy.split("\n\n")[0]


def test_every_bus_has_a_policy() -> None:
    buses = set(re.findall(r"^  (\w+):\n    Type: AWS::Events::EventBus$", TEMPLATE, re.MULTILINE))
    refused = set(
        re.findall(r"Type: AWS::Events::EventBusPolicy\n    Properties:\n      EventBusName: !Ref (\w+)", TEMPLATE)
    )
    assert refused == buses


def test_functions_import_nothing_but_the_library_boto3_and_their_own() -> None:
    allowed = sys.stdlib_module_names | {"boto3", "botocore", "ordering"}
    for path in (ROOT / "functions").rglob("*.py"):
        modules = re.findall(r"^(?:from|import) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(modules) <= allowed, path


@pytest.mark.slow
def test_cfn_lint_finds_nothing() -> None:
    command = [Path(sys.executable).parent / "cfn-lint", ROOT / "template.yaml"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own tool on our own file
    assert found.returncode == 0, found.stdout
