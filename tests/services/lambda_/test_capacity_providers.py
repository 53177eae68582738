"""Capacity providers are kept and described; durable executions are not there.

Source: Lambda API Reference, CreateCapacityProvider, PutFunctionScalingConfig, GetDurableExecution and their neighbours.
"""

from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.services.lambda_ import DURABLE

ARN = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:gpu"
REQUEST: dict[str, Any] = {
    "CapacityProviderName": "gpu",
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "PermissionsConfig": {"CapacityProviderOperatorRoleArn": "arn:aws:iam::000000000000:role/r"},
}


def test_a_capacity_provider_is_made_shown_changed_tagged_and_taken_away(cloud: Any) -> None:
    made = cloud.call("CreateCapacityProvider", **REQUEST, Tags={"a": "b"})["CapacityProvider"]
    assert (made["CapacityProviderArn"], made["State"]) == (ARN, "Pending")
    shown = cloud.call("GetCapacityProvider", CapacityProviderName=ARN)["CapacityProvider"]
    assert shown == {**made, "State": "Active"}
    assert shown["CapacityProviderScalingConfig"] == {"MaxVCpuCount": 400, "ScalingMode": "Auto"}
    changed = cloud.call(
        "UpdateCapacityProvider", CapacityProviderName="gpu", CapacityProviderScalingConfig={"MaxVCpuCount": 8}
    )["CapacityProvider"]
    assert changed["CapacityProviderScalingConfig"] == {"MaxVCpuCount": 8, "ScalingMode": "Auto"}
    cloud.call("TagResource", Resource=ARN, Tags={"c": "d"})
    assert cloud.call("ListTags", Resource=ARN)["Tags"] == {"a": "b", "c": "d"}
    assert cloud.call("ListFunctionVersionsByCapacityProvider", CapacityProviderName="gpu") == {
        "CapacityProviderArn": ARN,
        "FunctionVersions": [],
    }
    gone = cloud.call("DeleteCapacityProvider", CapacityProviderName="gpu")["CapacityProvider"]
    assert gone["State"] == "Deleting"
    with pytest.raises(ServiceError) as refused:
        cloud.call("GetCapacityProvider", CapacityProviderName="gpu")
    assert (refused.value.code, refused.value.message) == (
        "ResourceNotFoundException",
        f"Capacity provider not found: {ARN}",
    )


def test_capacity_providers_are_listed_page_by_page_and_by_state(cloud: Any) -> None:
    for name in ("a", "b", "c"):
        cloud.call("CreateCapacityProvider", **{**REQUEST, "CapacityProviderName": name})
    first = cloud.call("ListCapacityProviders", MaxItems=2)
    rest = cloud.call("ListCapacityProviders", MaxItems=2, Marker=first["NextMarker"])
    names = [one["CapacityProviderArn"][-1] for page in (first, rest) for one in page["CapacityProviders"]]
    assert (names, "NextMarker" in rest) == (["a", "b", "c"], False)
    assert cloud.call("ListCapacityProviders", State="Failed")["CapacityProviders"] == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "ResourceConflictException"),
        (
            {"InstanceRequirements": {"AllowedInstanceTypes": ["m7g.*"], "ExcludedInstanceTypes": ["m5.*"]}},
            "InvalidParameterValueException",
        ),
        ({"CapacityProviderScalingConfig": {"ScalingMode": "Manual"}}, "InvalidParameterValueException"),
    ],
)
def test_a_capacity_provider_that_cannot_be_is_refused(cloud: Any, parameters: dict[str, Any], code: str) -> None:
    cloud.call("CreateCapacityProvider", **REQUEST)
    name = {} if code == "ResourceConflictException" else {"CapacityProviderName": "other"}
    with pytest.raises(ServiceError) as refused:
        cloud.call("CreateCapacityProvider", **REQUEST | name | parameters)
    assert refused.value.code == code


def test_a_function_without_capacity_provider_has_no_scaling_configuration(cloud: Any) -> None:
    with pytest.raises(ServiceError) as refused:
        cloud.call("GetFunctionScalingConfig", FunctionName="Ship", Qualifier="1")
    assert refused.value.code == "ResourceNotFoundException"
    cloud.create("Ship", Publish=True)
    with pytest.raises(ServiceError) as refused:
        cloud.call(
            "PutFunctionScalingConfig",
            FunctionName="Ship",
            Qualifier="1",
            FunctionScalingConfig={"MinExecutionEnvironments": 1},
        )
    assert refused.value.code == "InvalidParameterValueException"


EXECUTION = "arn:aws:lambda:us-east-1:000000000000:function:Ship:1/durable-execution/order-1/id-1"


@pytest.mark.parametrize("operation", [name for name in DURABLE if not name.startswith("List")])
def test_a_durable_execution_is_not_there(cloud: Any, operation: str) -> None:
    parameters: dict[str, Any] = (
        {"CallbackId": "abc="}
        if "Callback" in operation
        else {"DurableExecutionArn": EXECUTION, "CheckpointToken": "abc="}
    )
    if operation in ("GetDurableExecutionState", "CheckpointDurableExecution"):
        expected = "InvalidParameterValueException"
    else:
        parameters.pop("CheckpointToken", None)
        expected = "ResourceNotFoundException"
    with pytest.raises(ServiceError) as refused:
        cloud.call(operation, **parameters)
    assert refused.value.code == expected


def test_a_function_has_no_durable_executions(cloud: Any) -> None:
    with pytest.raises(ServiceError) as refused:
        cloud.call("ListDurableExecutionsByFunction", FunctionName="Ship")
    assert refused.value.code == "ResourceNotFoundException"
    cloud.create("Ship")
    assert cloud.call("ListDurableExecutionsByFunction", FunctionName="Ship") == {"DurableExecutions": []}
