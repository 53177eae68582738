"""AWS::Lambda::*: what hangs on functions: versions, aliases, permissions, layers, invoke configurations."""

from typing import Any, Final

from interstate.core.templates.properties import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    TEXTS,
    Many,
    Members,
)
from interstate.services.cloudformation.resources.lambda_ import FUNCTION
from interstate.services.cloudformation.resources.lambda_url import URL_TYPES
from interstate.services.cloudformation.resources.resource import (
    Before,
    Made,
    Making,
    ResourceType,
)

_PROVISIONED: Final = Members(
    {"ProvisionedConcurrentExecutions": INTEGER}, frozenset({"ProvisionedConcurrentExecutions"})
)
_DESTINATION: Final = Members({"Destination": TEXT}, frozenset({"Destination"}))


def _split_name(name: str) -> tuple[str, str | None]:
    """A function's name or ARN, and the version or alias that stands behind it."""
    parts = name.split(":")
    qualified = len(parts) == 8 if name.startswith("arn:") else len(parts) == 2
    return (":".join(parts[:-1]), parts[-1]) if qualified else (name, None)


def _provision(making: Making, function: str, qualifier: str) -> None:
    wanted = making.get("ProvisionedConcurrencyConfig")
    if wanted:
        request = {"FunctionName": function, "Qualifier": qualifier, **wanted}
        making.call("lambda", "PutProvisionedConcurrencyConfig", request)


# Versions and aliases -----------------------------------------------------------------------------------------------


def _create_version(making: Making) -> Made:
    function, _ = _split_name(making.get("FunctionName"))
    made = making.call("lambda", "PublishVersion", making.pick("FunctionName", "CodeSha256", "Description"))
    _provision(making, function, made["Version"])
    arn = made["FunctionArn"]
    return Made(arn, {"FunctionArn": arn, "Version": made["Version"]})


def _delete_version(making: Making, before: Before) -> None:
    function, version = _split_name(before.physical_id)
    making.call("lambda", "DeleteFunction", {"FunctionName": function, "Qualifier": version})


def _alias_request(making: Making) -> dict[str, Any]:
    request = making.pick("FunctionName", "FunctionVersion", "Name")
    weights = (making.get("RoutingConfig") or {}).get("AdditionalVersionWeights", [])
    routing = {"AdditionalVersionWeights": {entry["FunctionVersion"]: entry["FunctionWeight"] for entry in weights}}
    return {**request, "Description": making.get("Description", ""), "RoutingConfig": routing}


def _create_alias(making: Making) -> Made:
    arn = making.call("lambda", "CreateAlias", _alias_request(making))["AliasArn"]
    _provision(making, making.get("FunctionName"), making.get("Name"))
    return Made(arn, {"AliasArn": arn})


def _update_alias(making: Making, before: Before) -> Made:
    making.call("lambda", "UpdateAlias", _alias_request(making))
    if before.changed(making, "ProvisionedConcurrencyConfig"):
        if making.get("ProvisionedConcurrencyConfig"):
            _provision(making, making.get("FunctionName"), making.get("Name"))
        else:
            request = {"FunctionName": making.get("FunctionName"), "Qualifier": making.get("Name")}
            making.call("lambda", "DeleteProvisionedConcurrencyConfig", request)
    return Made(before.physical_id, {"AliasArn": before.physical_id})


def _delete_alias(making: Making, before: Before) -> None:
    request = {"FunctionName": before.properties["FunctionName"], "Name": before.properties["Name"]}
    if before.properties.get("ProvisionedConcurrencyConfig"):
        provisioned = {"FunctionName": request["FunctionName"], "Qualifier": request["Name"]}
        making.call("lambda", "DeleteProvisionedConcurrencyConfig", provisioned)
    making.call("lambda", "DeleteAlias", request)


# Permissions --------------------------------------------------------------------------------------------------------


def _create_permission(making: Making) -> Made:
    statement = making.generated(100)
    function, qualifier = _split_name(making.get("FunctionName"))
    names = (
        "Action",
        "EventSourceToken",
        "FunctionUrlAuthType",
        "InvokedViaFunctionUrl",
        "Principal",
        "PrincipalOrgID",
        "SourceAccount",
        "SourceArn",
    )
    request = making.pick(*names)
    request |= {"FunctionName": function, "StatementId": statement}
    if qualifier is not None:
        request["Qualifier"] = qualifier
    making.call("lambda", "AddPermission", request)
    return Made(statement, {"Id": statement})


def _delete_permission(making: Making, before: Before) -> None:
    function, qualifier = _split_name(before.properties["FunctionName"])
    request = {"FunctionName": function, "StatementId": before.physical_id}
    if qualifier is not None:
        request["Qualifier"] = qualifier
    making.call("lambda", "RemovePermission", request)


# Layers, invoke configurations --------------------------------------------------------------------------------------


def _create_layer(making: Making) -> Made:
    request = making.pick("CompatibleArchitectures", "CompatibleRuntimes", "Content", "Description", "LicenseInfo")
    request["LayerName"] = making.get("LayerName") or making.generated(140)
    arn = making.call("lambda", "PublishLayerVersion", request)["LayerVersionArn"]
    return Made(arn, {"LayerVersionArn": arn})


def _delete_layer(making: Making, before: Before) -> None:
    layer, _, version = before.physical_id.rpartition(":")
    making.call("lambda", "DeleteLayerVersion", {"LayerName": layer, "VersionNumber": int(version)})


def _put_invoke(making: Making) -> Made:
    names = ("DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier")
    making.call("lambda", "PutFunctionEventInvokeConfig", making.pick(*names))
    return Made(f"{making.get('FunctionName')}|{making.get('Qualifier')}")


def _update_invoke(making: Making, before: Before) -> Made:
    del before
    return _put_invoke(making)


def _delete_invoke(making: Making, before: Before) -> None:
    request = {"FunctionName": before.properties["FunctionName"], "Qualifier": before.properties["Qualifier"]}
    making.call("lambda", "DeleteFunctionEventInvokeConfig", request)


TYPES: Final = (
    FUNCTION,
    *URL_TYPES,
    ResourceType(
        name="AWS::Lambda::Version",
        properties=Members(
            {
                "CodeSha256": TEXT,
                "Description": TEXT,
                "FunctionName": TEXT,
                "ProvisionedConcurrencyConfig": _PROVISIONED,
            },
            frozenset({"FunctionName"}),
        ),
        create=_create_version,
        delete=_delete_version,
        reference="the version's ARN",
        attributes=("FunctionArn", "Version"),
    ),
    ResourceType(
        name="AWS::Lambda::Alias",
        properties=Members(
            {
                "Description": TEXT,
                "FunctionName": TEXT,
                "FunctionVersion": TEXT,
                "Name": TEXT,
                "ProvisionedConcurrencyConfig": _PROVISIONED,
                "RoutingConfig": Members(
                    {"AdditionalVersionWeights": Many(Members({"FunctionVersion": TEXT, "FunctionWeight": NUMBER}))}
                ),
            },
            frozenset({"FunctionName", "FunctionVersion", "Name"}),
        ),
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
        replaced_by=frozenset({"FunctionName", "Name"}),
        reference="the alias's ARN",
        attributes=("AliasArn",),
    ),
    ResourceType(
        name="AWS::Lambda::Permission",
        properties=Members(
            {
                "Action": TEXT,
                "EventSourceToken": TEXT,
                "FunctionName": TEXT,
                "FunctionUrlAuthType": TEXT,
                "InvokedViaFunctionUrl": BOOLEAN,
                "Principal": TEXT,
                "PrincipalOrgID": TEXT,
                "SourceAccount": TEXT,
                "SourceArn": TEXT,
            },
            frozenset({"Action", "FunctionName", "Principal"}),
        ),
        create=_create_permission,
        delete=_delete_permission,
        reference="the statement's id",
        attributes=("Id",),
    ),
    ResourceType(
        name="AWS::Lambda::LayerVersion",
        properties=Members(
            {
                "CompatibleArchitectures": TEXTS,
                "CompatibleRuntimes": TEXTS,
                "Content": Members({"S3Bucket": TEXT, "S3Key": TEXT, "S3ObjectVersion": TEXT}),
                "Description": TEXT,
                "LayerName": TEXT,
                "LicenseInfo": TEXT,
            },
            frozenset({"Content"}),
        ),
        create=_create_layer,
        delete=_delete_layer,
        reference="the layer version's ARN",
        attributes=("LayerVersionArn",),
    ),
    ResourceType(
        name="AWS::Lambda::EventInvokeConfig",
        properties=Members(
            {
                "DestinationConfig": Members({"OnFailure": _DESTINATION, "OnSuccess": _DESTINATION}),
                "FunctionName": TEXT,
                "MaximumEventAgeInSeconds": INTEGER,
                "MaximumRetryAttempts": INTEGER,
                "Qualifier": TEXT,
            },
            frozenset({"FunctionName", "Qualifier"}),
        ),
        create=_put_invoke,
        update=_update_invoke,
        delete=_delete_invoke,
        replaced_by=frozenset({"FunctionName", "Qualifier"}),
        reference="function|qualifier",
    ),
)
