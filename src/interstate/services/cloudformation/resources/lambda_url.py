"""AWS::Lambda::Url, AWS::Lambda::LayerVersionPermission, AWS::Lambda::CodeSigningConfig."""

from typing import Any, Final

from interstate.core.templates.properties import BOOLEAN, INTEGER, TAGS, TEXT, TEXTS, Members
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType, tag_map

_SETTINGS: Final = ("AuthType", "Cors", "InvokeMode")


def _place(target: str, qualifier: str | None) -> dict[str, str]:
    return {"FunctionName": target} if qualifier is None else {"FunctionName": target, "Qualifier": qualifier}


def _request(making: Making) -> dict[str, Any]:
    return {**_place(making.get("TargetFunctionArn"), making.get("Qualifier")), **making.pick(*_SETTINGS)}


def _made(answer: dict[str, Any]) -> Made:
    return Made(answer["FunctionArn"], {"FunctionArn": answer["FunctionArn"], "FunctionUrl": answer["FunctionUrl"]})


def _create(making: Making) -> Made:
    return _made(making.call("lambda", "CreateFunctionUrlConfig", _request(making)))


def _update(making: Making, before: Before) -> Made:
    request = _request(making)
    if before.properties.get("Cors") and "Cors" not in request:
        request["Cors"] = {}
    return _made(making.call("lambda", "UpdateFunctionUrlConfig", {"InvokeMode": "BUFFERED", **request}))


def _delete(making: Making, before: Before) -> None:
    request = _place(before.properties["TargetFunctionArn"], before.properties.get("Qualifier"))
    making.call("lambda", "DeleteFunctionUrlConfig", request)


def _layer_and_version(arn: str) -> dict[str, Any]:
    layer, _, version = arn.rpartition(":")
    return {"LayerName": layer, "VersionNumber": int(version)}


def _create_permission(making: Making) -> Made:
    arn = making.get("LayerVersionArn")
    statement = making.generated(100)
    request = {
        **_layer_and_version(arn),
        "StatementId": statement,
        **making.pick("Action", "OrganizationId", "Principal"),
    }
    making.call("lambda", "AddLayerVersionPermission", request)
    return Made(f"{arn}#{statement}", {"Id": f"{arn}#{statement}"})


def _delete_permission(making: Making, before: Before) -> None:
    arn, _, statement = before.physical_id.partition("#")
    making.call("lambda", "RemoveLayerVersionPermission", {**_layer_and_version(arn), "StatementId": statement})


def _create_signing(making: Making) -> Made:
    request = making.pick("AllowedPublishers", "CodeSigningPolicies", "Description")
    if making.get("Tags"):
        request["Tags"] = tag_map(making.get("Tags"))
    config = making.call("lambda", "CreateCodeSigningConfig", request)["CodeSigningConfig"]
    return _made_signing(config)


def _made_signing(config: dict[str, Any]) -> Made:
    arn = config["CodeSigningConfigArn"]
    return Made(arn, {"CodeSigningConfigArn": arn, "CodeSigningConfigId": config["CodeSigningConfigId"]})


def _update_signing(making: Making, before: Before) -> Made:
    request = {"Description": "", **making.pick("AllowedPublishers", "CodeSigningPolicies", "Description")}
    request["CodeSigningConfigArn"] = before.physical_id
    return _made_signing(making.call("lambda", "UpdateCodeSigningConfig", request)["CodeSigningConfig"])


def _delete_signing(making: Making, before: Before) -> None:
    making.call("lambda", "DeleteCodeSigningConfig", {"CodeSigningConfigArn": before.physical_id})


URL_TYPES: Final = (
    ResourceType(
        name="AWS::Lambda::Url",
        properties=Members(
            {
                "AuthType": TEXT,
                "Cors": Members(
                    {
                        "AllowCredentials": BOOLEAN,
                        "AllowHeaders": TEXTS,
                        "AllowMethods": TEXTS,
                        "AllowOrigins": TEXTS,
                        "ExposeHeaders": TEXTS,
                        "MaxAge": INTEGER,
                    }
                ),
                "InvokeMode": TEXT,
                "Qualifier": TEXT,
                "TargetFunctionArn": TEXT,
            },
            frozenset({"AuthType", "TargetFunctionArn"}),
        ),
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=frozenset({"Qualifier", "TargetFunctionArn"}),
        reference="the function's ARN",
        attributes=("FunctionArn", "FunctionUrl"),
    ),
    ResourceType(
        name="AWS::Lambda::LayerVersionPermission",
        properties=Members(
            {"Action": TEXT, "LayerVersionArn": TEXT, "OrganizationId": TEXT, "Principal": TEXT},
            frozenset({"Action", "LayerVersionArn", "Principal"}),
        ),
        create=_create_permission,
        delete=_delete_permission,
        reference="the permission's id",
        attributes=("Id",),
    ),
    ResourceType(
        name="AWS::Lambda::CodeSigningConfig",
        properties=Members(
            {
                "AllowedPublishers": Members({"SigningProfileVersionArns": TEXTS}),
                "CodeSigningPolicies": Members({"UntrustedArtifactOnDeployment": TEXT}),
                "Description": TEXT,
                "Tags": TAGS,
            },
            frozenset({"AllowedPublishers"}),
        ),
        create=_create_signing,
        update=_update_signing,
        delete=_delete_signing,
        replaced_by=frozenset({"Tags"}),
        reference="the configuration's ARN",
        attributes=("CodeSigningConfigArn", "CodeSigningConfigId"),
        remark="Stored and described.",
    ),
)
