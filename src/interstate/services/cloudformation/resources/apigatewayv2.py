"""AWS::ApiGatewayV2::*"""

from typing import Any, Final

from interstate.base.json import dumps
from interstate.core.templates.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    NUMBER,
    TEXT,
    TEXTS,
    Members,
    Named,
)
from interstate.services.cloudformation.resources.resource import (
    Before,
    Made,
    Making,
    ResourceType,
    nothing_to_delete,
)

_API: Final = (
    "ApiKeySelectionExpression",
    "CorsConfiguration",
    "CredentialsArn",
    "Description",
    "DisableExecuteApiEndpoint",
    "DisableSchemaValidation",
    "Name",
    "RouteKey",
    "RouteSelectionExpression",
    "Target",
    "Version",
)
_LIMITS: Final = Members(
    {
        "DetailedMetricsEnabled": BOOLEAN,
        "ThrottlingBurstLimit": INTEGER,
        "ThrottlingRateLimit": NUMBER,
    }
)


def _import_request(making: Making) -> dict[str, Any]:
    """The body as text, with what the properties say beside it written into it, as CloudFormation does."""
    body = dict(making.get("Body"))
    info = dict(body.get("info", {}))
    if making.get("Name"):
        info["title"] = making.get("Name")
    if making.get("Description"):
        info["description"] = making.get("Description")
    body["info"] = {"title": making.logical_id, **info}
    if making.get("CorsConfiguration"):
        body["x-amazon-apigateway-cors"] = _lower(making.get("CorsConfiguration"))
    return {"Body": dumps(body), **making.pick(FailOnWarnings="FailOnWarnings")}


def _lower(value: dict[str, Any]) -> dict[str, Any]:
    return {name[:1].lower() + name[1:]: item for name, item in value.items()}


def _made(api: dict[str, Any]) -> Made:
    return Made(api["ApiId"], {"ApiEndpoint": api["ApiEndpoint"], "ApiId": api["ApiId"]})


def _create_api(making: Making) -> Made:
    if making.get("Body"):
        api = making.call("apigatewayv2", "ImportApi", _import_request(making))
    else:
        api = making.call("apigatewayv2", "CreateApi", making.pick("ProtocolType", "Tags", *_API))
    return _made(api)


def _update_api(making: Making, before: Before) -> Made:
    if making.get("Body"):
        request = {"ApiId": before.physical_id, **_import_request(making)}
        return _made(making.call("apigatewayv2", "ReimportApi", request))
    return _made(making.call("apigatewayv2", "UpdateApi", {"ApiId": before.physical_id, **making.pick(*_API)}))


def _delete_api(making: Making, before: Before) -> None:
    making.call("apigatewayv2", "DeleteApi", {"ApiId": before.physical_id})


_STAGE: Final = (
    "AutoDeploy",
    "DefaultRouteSettings",
    "Description",
    "DeploymentId",
    "StageName",
    "StageVariables",
)


def _create_stage(making: Making) -> Made:
    making.call("apigatewayv2", "CreateStage", making.pick("ApiId", "Tags", *_STAGE))
    return Made(making.get("StageName"))


def _update_stage(making: Making, before: Before) -> Made:
    making.call("apigatewayv2", "UpdateStage", making.pick("ApiId", *_STAGE))
    return Made(before.physical_id)


def _delete_stage(making: Making, before: Before) -> None:
    request = {"ApiId": before.properties["ApiId"], "StageName": before.physical_id}
    making.call("apigatewayv2", "DeleteStage", request)


_INTEGRATION: Final = (
    "ConnectionType",
    "CredentialsArn",
    "Description",
    "IntegrationMethod",
    "IntegrationSubtype",
    "IntegrationType",
    "IntegrationUri",
    "PayloadFormatVersion",
    "RequestParameters",
    "TimeoutInMillis",
)


def _create_integration(making: Making) -> Made:
    made = making.call("apigatewayv2", "CreateIntegration", making.pick("ApiId", *_INTEGRATION))
    return Made(made["IntegrationId"], {"IntegrationId": made["IntegrationId"]})


def _update_integration(making: Making, before: Before) -> Made:
    request = {"IntegrationId": before.physical_id, **making.pick("ApiId", *_INTEGRATION)}
    making.call("apigatewayv2", "UpdateIntegration", request)
    return Made(before.physical_id, before.attributes)


def _delete_integration(making: Making, before: Before) -> None:
    request = {"ApiId": before.properties["ApiId"], "IntegrationId": before.physical_id}
    making.call("apigatewayv2", "DeleteIntegration", request)


_ROUTE: Final = ("ApiId", "AuthorizationType", "OperationName", "RouteKey", "Target")


def _create_route(making: Making) -> Made:
    made = making.call("apigatewayv2", "CreateRoute", making.pick(*_ROUTE))
    return Made(made["RouteId"], {"RouteId": made["RouteId"]})


def _update_route(making: Making, before: Before) -> Made:
    making.call("apigatewayv2", "UpdateRoute", {"RouteId": before.physical_id, **making.pick(*_ROUTE)})
    return Made(before.physical_id, before.attributes)


def _delete_route(making: Making, before: Before) -> None:
    request = {"ApiId": before.properties["ApiId"], "RouteId": before.physical_id}
    making.call("apigatewayv2", "DeleteRoute", request)


def _create_deployment(making: Making) -> Made:
    made = making.call("apigatewayv2", "CreateDeployment", making.pick("ApiId", "Description", "StageName"))
    return Made(made["DeploymentId"], {"DeploymentId": made["DeploymentId"]})


TYPES: Final = (
    ResourceType(
        name="AWS::ApiGatewayV2::Api",
        properties=Members(
            dict.fromkeys(_API, TEXT)
            | {
                "Body": DOCUMENT,
                "CorsConfiguration": Members(
                    {
                        "AllowCredentials": BOOLEAN,
                        "AllowHeaders": TEXTS,
                        "AllowMethods": TEXTS,
                        "AllowOrigins": TEXTS,
                        "ExposeHeaders": TEXTS,
                        "MaxAge": INTEGER,
                    }
                ),
                "DisableExecuteApiEndpoint": BOOLEAN,
                "DisableSchemaValidation": BOOLEAN,
                "FailOnWarnings": BOOLEAN,
                "ProtocolType": TEXT,
                "Tags": Named(TEXT),
            }
        ),
        create=_create_api,
        update=_update_api,
        delete=_delete_api,
        replaced_by=frozenset({"ProtocolType"}),
        reference="the API's id",
        attributes=("ApiEndpoint", "ApiId"),
        remark="HTTP APIs.",
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::Stage",
        properties=Members(
            {
                "ApiId": TEXT,
                "AutoDeploy": BOOLEAN,
                "DefaultRouteSettings": _LIMITS,
                "DeploymentId": TEXT,
                "Description": TEXT,
                "StageName": TEXT,
                "StageVariables": Named(TEXT),
                "Tags": Named(TEXT),
            },
            frozenset({"ApiId", "StageName"}),
        ),
        create=_create_stage,
        update=_update_stage,
        delete=_delete_stage,
        replaced_by=frozenset({"ApiId", "StageName"}),
        reference="the stage's name",
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::Integration",
        properties=Members(
            dict.fromkeys(_INTEGRATION, TEXT)
            | {"ApiId": TEXT, "RequestParameters": Named(TEXT), "TimeoutInMillis": INTEGER},
            frozenset({"ApiId", "IntegrationType"}),
        ),
        create=_create_integration,
        update=_update_integration,
        delete=_delete_integration,
        replaced_by=frozenset({"ApiId"}),
        reference="the integration's id",
        attributes=("IntegrationId",),
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::Route",
        properties=Members(dict.fromkeys(_ROUTE, TEXT), frozenset({"ApiId", "RouteKey"})),
        create=_create_route,
        update=_update_route,
        delete=_delete_route,
        replaced_by=frozenset({"ApiId"}),
        reference="the route's id",
        attributes=("RouteId",),
    ),
    ResourceType(
        name="AWS::ApiGatewayV2::Deployment",
        properties=Members({"ApiId": TEXT, "Description": TEXT, "StageName": TEXT}, frozenset({"ApiId"})),
        create=_create_deployment,
        delete=nothing_to_delete,
        reference="the deployment's id",
        attributes=("DeploymentId",),
        remark="Stages always show the API as it is now.",
    ),
)
