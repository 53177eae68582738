"""Rules at creation. Sources: States Language specification (Comment); Developer Guide, "Choosing workflow type"."""

from typing import Any

import pytest

from interstate.base.json import dumps
from interstate.core.asl.creation_rules import DISTRIBUTED_IN_EXPRESS, faults_at_creation
from interstate.core.asl.parse import parse

PASS: dict[str, Any] = {"Type": "Pass", "End": True}
ACTIVITY = "arn:aws:states:us-east-1:000000000000:activity:a"
SYNC = "arn:aws:states:::states:startExecution.sync"
TOKEN = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
PLAIN = "arn:aws:states:::sqs:sendMessage"


def task(resource: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "End": True}


def distributed(state: Any, kind: str = "EXPRESS", name: str = "I") -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    return {
        "Type": "Map",
        "End": True,
        "ItemProcessor": {"ProcessorConfig": config, "StartAt": name, "States": {name: state}},
    }


def machine(state: Any) -> dict[str, Any]:
    return {"StartAt": "M", "States": {"M": state}}


def found(definition: Any) -> list[tuple[str, str | None]]:
    parse(dumps(definition))
    return [(fault.message, fault.place) for fault in faults_at_creation(definition)]


INSIDE = "/States/M/ItemProcessor/States/I"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (task(ACTIVITY), ("Express state machine does not support Activity ARN", f"{INSIDE}/Resource")),
        (task(SYNC), ("Express state machine does not support '.sync' service integration", f"{INSIDE}/Resource")),
        (
            task(TOKEN),
            ("Express state machine does not support '.waitForTaskToken' service integration ", f"{INSIDE}/Resource"),
        ),
        (
            distributed(PASS, "STANDARD", "J"),
            (DISTRIBUTED_IN_EXPRESS, f"{INSIDE}/ItemProcessor/ProcessorConfig/Mode"),
        ),
        (
            {"Type": "Parallel", "Branches": [{"StartAt": "T", "States": {"T": task(SYNC)}}], "End": True},
            (
                "Express state machine does not support '.sync' service integration",
                f"{INSIDE}/Branches[0]/States/T/Resource",
            ),
        ),
    ],
)
def test_express_children_are_held_to_what_express_supports(state: Any, expected: tuple[str, str]) -> None:
    assert found(machine(distributed(state))) == [expected]
    assert found(machine(distributed(state, "STANDARD"))) == []


def test_what_express_supports_is_accepted_in_its_children() -> None:
    inline = {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "T", "States": {"T": task(PLAIN)}}}
    assert found(machine(distributed(inline))) == []


@pytest.mark.parametrize("comment", [1, None, {}, ["a"]])
def test_a_comment_is_a_string(comment: Any) -> None:
    said = "Expected value of type String"
    assert found({**machine(PASS), "Comment": comment}) == [(said, "/Comment")]
    assert found(machine({**PASS, "Comment": comment})) == [(said, "/States/M/Comment")]
    assert found(machine({**PASS, "Comment": "a"})) == []
