"""How long requests may be, at the exact byte.

Source: API Reference: "Length constraints apply to the payload size, and are expressed as bytes in UTF-8 encoding"; quotas, 1 MB
definitions and 256 KiB inputs. How many characters there may be, the service's model says.
"""

from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.runtime.testing import World

ROLE = "arn:aws:iam::000000000000:role/r"
ASL: dict[str, Any] = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
INPUT_MAX, DEFINITION_MAX = 262_144, 1_048_576


def call(world: World, operation: str, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = world.call("stepfunctions", operation, request)
    return answer


def too_long(name: str, size_max: int) -> str:
    return (
        f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
        f"Member must have length less than or equal to {size_max}"
    )


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_an_input_has_256_kib_of_utf8(kind: str) -> None:
    world = World()
    machine = call(world, "CreateStateMachine", name="m", definition=dumps(ASL), roleArn=ROLE, type=kind)
    arn = machine["stateMachineArn"]
    text = dumps("é" * (INPUT_MAX // 2 - 1))
    operations = ["StartExecution"] if kind == "STANDARD" else ["StartExecution", "StartSyncExecution"]
    for operation in operations:
        call(world, operation, stateMachineArn=arn, input=text)
        with pytest.raises(ServiceError, match="1 validation error") as refused:
            call(world, operation, stateMachineArn=arn, input=text + " ")
        assert refused.value.message == too_long("input", INPUT_MAX)
        assert refused.value.code == "ValidationException"


def test_a_definition_has_a_mebibyte_of_utf8() -> None:
    world = World()
    plain = dumps({**ASL, "Comment": ""})
    comment = "é" * ((DEFINITION_MAX - len(plain)) // 2)
    text = plain.replace('"Comment":""', f'"Comment":"{comment}"')
    text += " " * (DEFINITION_MAX - len(text.encode()))
    machine = call(world, "CreateStateMachine", name="m", definition=text, roleArn=ROLE)["stateMachineArn"]
    call(world, "UpdateStateMachine", stateMachineArn=machine, definition=text)
    assert call(world, "ValidateStateMachineDefinition", definition=text)["result"] == "OK"
    requests: list[tuple[str, dict[str, Any]]] = [
        ("CreateStateMachine", {"name": "n", "roleArn": ROLE}),
        ("UpdateStateMachine", {"stateMachineArn": machine}),
        ("ValidateStateMachineDefinition", {}),
    ]
    for operation, request in requests:
        with pytest.raises(ServiceError, match="1 validation error") as refused:
            call(world, operation, **request, definition=text + " ")
        assert refused.value.message == too_long("definition", DEFINITION_MAX)


def test_the_output_of_a_token_has_256_kib_of_utf8() -> None:
    world = World()
    with pytest.raises(ServiceError, match="1 validation error") as refused:
        call(world, "SendTaskSuccess", taskToken="x", output=dumps("é" * (INPUT_MAX // 2)))
    assert refused.value.message == too_long("output", INPUT_MAX)
