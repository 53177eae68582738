"""AWS::ApiGateway::*: REST APIs by their OpenAPI body or by resources and methods, with Lambda proxy integrations."""

from typing import Any, Final

from interstate.base.json import dumps
from interstate.core.templates.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    TAGS,
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
    tag_map,
)
from interstate.services.cloudformation.resources.states import camel


def _body(making: Making) -> bytes:
    body = dict(making.get("Body"))
    info = dict(body.get("info", {}))
    if making.get("Name"):
        info["title"] = making.get("Name")
    if making.get("Description"):
        info["description"] = making.get("Description")
    return dumps({**body, "info": {"title": making.logical_id, **info}}).encode()


def _made_api(making: Making, api_id: str) -> Made:
    root = making.call("apigateway", "GetRestApi", {"restApiId": api_id})["rootResourceId"]
    return Made(api_id, {"RestApiId": api_id, "RootResourceId": root})


def _create_api(making: Making) -> Made:
    if making.get("Body"):
        api = making.call("apigateway", "ImportRestApi", {"body": _body(making)})
    else:
        request: dict[str, Any] = making.pick(name="Name", description="Description")
        if making.get("Tags"):
            request["tags"] = tag_map(making.get("Tags"))
        api = making.call("apigateway", "CreateRestApi", {"name": making.logical_id, **request})
    return _made_api(making, api["id"])


def _update_api(making: Making, before: Before) -> Made:
    api_id = before.physical_id
    if making.get("Body"):
        making.call("apigateway", "PutRestApi", {"restApiId": api_id, "mode": "overwrite", "body": _body(making)})
    else:
        changes = [("/name", making.get("Name", making.logical_id)), ("/description", making.get("Description", ""))]
        patch = [{"op": "replace", "path": path, "value": value} for path, value in changes]
        making.call("apigateway", "UpdateRestApi", {"restApiId": api_id, "patchOperations": patch})
    return Made(api_id, before.attributes)


def _delete_api(making: Making, before: Before) -> None:
    making.call("apigateway", "DeleteRestApi", {"restApiId": before.physical_id})


def _create_deployment(making: Making) -> Made:
    request = making.pick(restApiId="RestApiId", description="Description", stageName="StageName")
    made = making.call("apigateway", "CreateDeployment", request)
    return Made(made["id"], {"DeploymentId": made["id"]})


def _delete_deployment(making: Making, before: Before) -> None:
    # SAM's deployments name a stage of their own ("Stage"), which goes with them.
    stage = before.properties.get("StageName")
    api_id = before.properties["RestApiId"]
    stages = making.call("apigateway", "GetStages", {"restApiId": api_id, "deploymentId": before.physical_id})["item"]
    for found in stages:
        if found["stageName"] == stage:
            making.call("apigateway", "DeleteStage", {"restApiId": api_id, "stageName": stage})
    making.call("apigateway", "DeleteDeployment", {"restApiId": api_id, "deploymentId": before.physical_id})


def _create_stage(making: Making) -> Made:
    request: dict[str, Any] = making.pick(
        restApiId="RestApiId",
        stageName="StageName",
        deploymentId="DeploymentId",
        description="Description",
        variables="Variables",
        tracingEnabled="TracingEnabled",
    )
    if making.get("Tags"):
        request["tags"] = tag_map(making.get("Tags"))
    making.call("apigateway", "CreateStage", request)
    return Made(making.get("StageName"))


def _update_stage(making: Making, before: Before) -> Made:
    patch = [{"op": "replace", "path": "/deploymentId", "value": making.get("DeploymentId")}]
    patch.append({"op": "replace", "path": "/description", "value": making.get("Description", "")})
    old, new = before.properties.get("Variables", {}), making.get("Variables", {})
    patch += [{"op": "replace", "path": f"/variables/{name}", "value": value} for name, value in new.items()]
    patch += [{"op": "remove", "path": f"/variables/{name}"} for name in old.keys() - new.keys()]
    request = {"restApiId": making.get("RestApiId"), "stageName": before.physical_id, "patchOperations": patch}
    making.call("apigateway", "UpdateStage", request)
    return Made(before.physical_id)


def _delete_stage(making: Making, before: Before) -> None:
    request = {"restApiId": before.properties["RestApiId"], "stageName": before.physical_id}
    making.call("apigateway", "DeleteStage", request)


def _create_resource(making: Making) -> Made:
    request = making.pick(restApiId="RestApiId", parentId="ParentId", pathPart="PathPart")
    made = making.call("apigateway", "CreateResource", request)
    return Made(made["id"], {"ResourceId": made["id"]})


def _delete_resource(making: Making, before: Before) -> None:
    request = {"restApiId": before.properties["RestApiId"], "resourceId": before.physical_id}
    making.call("apigateway", "DeleteResource", request)


def _put_method(making: Making) -> Made:
    place = making.pick(restApiId="RestApiId", resourceId="ResourceId", httpMethod="HttpMethod")
    request = {**place, "authorizationType": making.get("AuthorizationType", "NONE")}
    request |= making.pick(
        apiKeyRequired="ApiKeyRequired", operationName="OperationName", requestParameters="RequestParameters"
    )
    making.call("apigateway", "PutMethod", request)
    integration = making.get("Integration")
    if integration:
        members: Any = camel(integration)
        if "integrationHttpMethod" in members:
            members["integrationHttpMethod"] = integration["IntegrationHttpMethod"]
        making.call("apigateway", "PutIntegration", {**place, **members})
    return Made(making.generated(128))


def _update_method(making: Making, before: Before) -> Made:
    _delete_method(making, before)
    _put_method(making)
    return Made(before.physical_id)


def _delete_method(making: Making, before: Before) -> None:
    old = before.properties
    request = {"restApiId": old["RestApiId"], "resourceId": old["ResourceId"], "httpMethod": old["HttpMethod"]}
    making.call("apigateway", "DeleteMethod", request)


_INTEGRATION: Final = Members(
    {
        "ConnectionType": TEXT,
        "Credentials": TEXT,
        "IntegrationHttpMethod": TEXT,
        "PassthroughBehavior": TEXT,
        "RequestParameters": Named(TEXT),
        "RequestTemplates": Named(TEXT),
        "TimeoutInMillis": INTEGER,
        "Type": TEXT,
        "Uri": TEXT,
    },
    frozenset({"Type"}),
)

TYPES: Final = (
    ResourceType(
        name="AWS::ApiGateway::RestApi",
        properties=Members(
            {
                "Body": DOCUMENT,
                "Description": TEXT,
                "EndpointConfiguration": Members({"IpAddressType": TEXT, "Types": TEXTS}),
                "FailOnWarnings": BOOLEAN,
                "Name": TEXT,
                "Parameters": Named(TEXT),
                "Tags": TAGS,
            }
        ),
        create=_create_api,
        update=_update_api,
        delete=_delete_api,
        reference="the API's id",
        attributes=("RestApiId", "RootResourceId"),
        remark="Endpoint configuration has no meaning on one machine.",
    ),
    ResourceType(
        name="AWS::ApiGateway::Deployment",
        properties=Members({"Description": TEXT, "RestApiId": TEXT, "StageName": TEXT}, frozenset({"RestApiId"})),
        create=_create_deployment,
        delete=_delete_deployment,
        reference="the deployment's id",
        attributes=("DeploymentId",),
    ),
    ResourceType(
        name="AWS::ApiGateway::Stage",
        properties=Members(
            {
                "DeploymentId": TEXT,
                "Description": TEXT,
                "RestApiId": TEXT,
                "StageName": TEXT,
                "Tags": TAGS,
                "TracingEnabled": BOOLEAN,
                "Variables": Named(TEXT),
            },
            frozenset({"DeploymentId", "RestApiId", "StageName"}),
        ),
        create=_create_stage,
        update=_update_stage,
        delete=_delete_stage,
        replaced_by=frozenset({"RestApiId", "StageName"}),
        reference="the stage's name",
    ),
    ResourceType(
        name="AWS::ApiGateway::Resource",
        properties=Members(
            {"ParentId": TEXT, "PathPart": TEXT, "RestApiId": TEXT}, frozenset({"ParentId", "PathPart", "RestApiId"})
        ),
        create=_create_resource,
        delete=_delete_resource,
        reference="the resource's id",
        attributes=("ResourceId",),
    ),
    ResourceType(
        name="AWS::ApiGateway::Method",
        properties=Members(
            {
                "ApiKeyRequired": BOOLEAN,
                "AuthorizationType": TEXT,
                "HttpMethod": TEXT,
                "Integration": _INTEGRATION,
                "OperationName": TEXT,
                "RequestParameters": Named(BOOLEAN),
                "ResourceId": TEXT,
                "RestApiId": TEXT,
            },
            frozenset({"HttpMethod", "ResourceId", "RestApiId"}),
        ),
        create=_put_method,
        update=_update_method,
        delete=_delete_method,
        replaced_by=frozenset({"HttpMethod", "ResourceId", "RestApiId"}),
        reference="an id",
    ),
)
