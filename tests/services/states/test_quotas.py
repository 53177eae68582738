"""How many versions and aliases a machine may have, and which encryption can be configured.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html; API Reference, EncryptionConfiguration
"""

from datetime import timedelta
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.runtime.testing import World
from interstate.services.states import SERVICE
from interstate.services.states.aliases import ALIASES_MAX
from interstate.services.states.quotas import ACTIVITIES_MAX, RATES_OF, STATE_MACHINES_MAX, enforcing
from interstate.services.states.versions import VERSIONS_MAX
from interstate.services.tables import SERVICES
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.records.states import ALIASES, VERSIONS, Alias, Version

DEFINITION = dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
MACHINE = {"name": "m", "definition": DEFINITION, "roleArn": "arn:aws:iam::000000000000:role/r"}
KEY = "arn:aws:kms:us-east-1:000000000000:key/k"


def call(world: World, operation: str, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = world.call("stepfunctions", operation, request)
    return answer


def test_a_machine_has_a_thousand_versions() -> None:
    world = World()
    machine = call(world, "CreateStateMachine", **MACHINE)["stateMachineArn"]

    def fill(work: Any) -> None:
        for number in range(2, VERSIONS_MAX + 1):
            work.put(VERSIONS, Version(f"{machine}:{number}", machine, number, 0, "", work.now))

    world.run(fill)
    call(world, "PublishStateMachineVersion", stateMachineArn=machine)
    call(world, "UpdateStateMachine", stateMachineArn=machine, roleArn="arn:aws:iam::000000000000:role/other")
    with pytest.raises(ServiceError) as refused:
        call(world, "PublishStateMachineVersion", stateMachineArn=machine)
    assert refused.value.code == "ServiceQuotaExceededException"


def test_a_machine_has_a_hundred_aliases() -> None:
    world = World()
    machine = call(world, "CreateStateMachine", **MACHINE, publish=True)
    arn, version = machine["stateMachineArn"], machine["stateMachineVersionArn"]
    routing = [{"stateMachineVersionArn": version, "weight": 100}]

    def fill(work: Any) -> None:
        for number in range(1, ALIASES_MAX):
            work.put(ALIASES, Alias(f"{arn}:a{number}", arn, f"a{number}", None, routing, work.now, work.now))

    world.run(fill)
    call(world, "CreateStateMachineAlias", name="last", routingConfiguration=routing)
    call(world, "CreateStateMachineAlias", name="last", routingConfiguration=routing)  # The same again.
    with pytest.raises(ServiceError) as refused:
        call(world, "CreateStateMachineAlias", name="more", routingConfiguration=routing)
    assert refused.value.code == "ServiceQuotaExceededException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "CUSTOMER_MANAGED_KMS_KEY"},
        {"type": "AWS_OWNED_KEY", "kmsKeyId": KEY},
        {"type": "AWS_OWNED_KEY", "kmsDataKeyReusePeriodSeconds": 60},
    ],
)
def test_key_and_type_of_an_encryption_must_fit(wrong: dict[str, Any]) -> None:
    world = World()
    for operation, request in (("CreateStateMachine", MACHINE), ("CreateActivity", {"name": "a"})):
        with pytest.raises(ServiceError) as refused:
            call(world, operation, **request, encryptionConfiguration=wrong)
        assert refused.value.code == "InvalidEncryptionConfiguration"


def test_an_encryption_alone_can_be_changed_and_is_described() -> None:
    world = World()
    machine = call(world, "CreateStateMachine", **MACHINE)["stateMachineArn"]
    wanted = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": KEY, "kmsDataKeyReusePeriodSeconds": 300}
    call(world, "UpdateStateMachine", stateMachineArn=machine, encryptionConfiguration=wanted)
    assert call(world, "DescribeStateMachine", stateMachineArn=machine)["encryptionConfiguration"] == wanted


def set_quota(world: World, name: str, value: int) -> None:
    world.run(lambda work: work.put(SETTINGS, Setting(f"quota.states.{name}", str(value))))


def test_so_many_machines_and_activities_may_be_registered() -> None:
    assert (STATE_MACHINES_MAX, ACTIVITIES_MAX) == (100_000, 100_000)
    world = World()
    set_quota(world, "state-machines", 2)
    set_quota(world, "activities", 1)
    for name in ("m", "n", "m"):  # The last again.
        call(world, "CreateStateMachine", **{**MACHINE, "name": name})
    with pytest.raises(ServiceError) as refused:
        call(world, "CreateStateMachine", **{**MACHINE, "name": "o"})
    assert refused.value.code == "StateMachineLimitExceeded"
    call(world, "CreateActivity", name="a")
    call(world, "CreateActivity", name="a")
    with pytest.raises(ServiceError) as refused:
        call(world, "CreateActivity", name="b")
    assert refused.value.code == "ActivityLimitExceeded"


@pytest.mark.parametrize(
    ("kind", "bucket", "refill"),
    [pytest.param("STANDARD", 1300, 300, marks=pytest.mark.slow), ("EXPRESS", 6000, 6000)],
)
def test_a_bucket_of_starts_is_emptied_and_filled_again(kind: str, bucket: int, refill: int) -> None:
    """Source: service quotas, "Quotas related to API action throttling": us-east-1."""
    world = World(list(enforcing(SERVICES)))
    arn = call(world, "CreateStateMachine", **MACHINE, type=kind)["stateMachineArn"]

    def starts() -> int:
        for number in range(bucket + 1):
            try:
                call(world, "StartExecution", stateMachineArn=arn)
            except ServiceError as refused:
                assert (refused.code, refused.message) == ("ThrottlingException", "Rate exceeded")  # noqa: PT017 - the loop ends here
                return number
        return bucket + 1

    if kind == "STANDARD":
        assert starts() == bucket
        world.advance(timedelta(seconds=1))
        assert starts() == refill
    else:  # Express starts have a bucket of their own; a lowered quota is as good to see it.
        set_quota(world, "StartExecution.EXPRESS", 50)
        assert starts() == 50


def test_nothing_is_throttled_where_nobody_asked_for_it() -> None:
    world = World()
    for number in range(150):
        call(world, "CreateActivity", name=f"a{number}")


def test_every_rate_is_that_of_an_operation() -> None:
    operations = {operation.name for operation in SERVICE.operations}
    assert set(RATES_OF) <= operations
