from collections.abc import Iterator
from typing import Any

import pytest
from tests.services.apigateway.function_worlds import FUNCTION, world_of

from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.store.records.lambda_ import Invocation, InvocationResult

URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


def perform(_key: str, call: Invocation) -> InvocationResult:
    event: Any = loads(call.payload)
    match event["path"]:
        case "/broken":
            return InvocationResult('{"errorMessage": "x"}', function_error="Unhandled")
        case "/raw":
            return InvocationResult('"hello"')
        case "/slow":
            return InvocationResult('{"statusCode": 200}', duration_ms=29_001)
        case _:
            return InvocationResult(dumps({"statusCode": 200, "body": dumps(event)}))


@pytest.fixture
def world() -> Iterator[World]:
    yield from world_of(perform)


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("apigateway", operation, request)


@pytest.mark.parametrize("operation", ["GetRestApis", "GetResources"])
def test_a_page_has_no_negative_size(world: World, operation: str) -> None:
    api = call(world, "CreateRestApi", name="orders")["id"]
    with pytest.raises(ServiceError, match="Invalid limit: -1") as refused:
        call(world, operation, limit=-1, **({"restApiId": api} if operation == "GetResources" else {}))
    assert refused.value.code == "BadRequestException"


def ask(world: World, api: str, method: str, path: str, body: bytes = b"") -> tuple[int, Any, dict[str, str]]:
    request = {"ApiId": api, "Method": method, "Path": path, "RawQuery": "", "Headers": [], "Body": body}
    answer = world.call("execute-api", "Invoke", {**request, "SourceIp": "127.0.0.1", "Host": "localhost"})
    return answer["StatusCode"], loads(answer["Body"]) if answer["Body"] else None, dict(answer["Headers"])


def method(**integration: Any) -> dict[str, Any]:
    return {"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": URI, **integration}}


# The OPTIONS method is the one that SAM writes for `Cors`.
OPTIONS = method(
    type="mock",
    requestTemplates={"application/json": '{\n  "statusCode" : 200\n}\n'},
    responses={
        "default": {
            "statusCode": "200",
            "responseParameters": {
                "method.response.header.Access-Control-Allow-Origin": "'*'",
                "method.response.header.Access-Control-Allow-Methods": "'GET,OPTIONS'",
            },
            "responseTemplates": {"application/json": "{}\n"},
        }
    },
)
PATHS = {
    "/orders/{id}": {"get": method(), "options": OPTIONS},
    "/{proxy+}": {"x-amazon-apigateway-any-method": method()},
}


def imported(world: World, paths: dict[str, Any] | None = None) -> str:
    body = dumps({"swagger": "2.0", "info": {"title": "shop", "version": "1.0"}, "paths": paths or PATHS})
    api: str = call(world, "ImportRestApi", body=body.encode())["id"]
    return api


def test_a_stage_serves_what_was_deployed(world: World) -> None:
    api = imported(world)
    assert ask(world, api, "GET", "/Prod/orders/7")[:2] == (403, {"message": "Forbidden"})
    call(world, "CreateDeployment", restApiId=api, stageName="Prod")
    status, event, headers = ask(world, api, "GET", "/Prod/orders/7", body="größe".encode())
    assert (status, headers["content-type"]) == (200, "application/json")
    assert (event["path"], event["pathParameters"], event["body"]) == ("/orders/7", {"id": "7"}, "größe")
    assert event["requestContext"]["stage"] == "Prod"
    assert ask(world, api, "POST", "/Prod/x/y")[1]["pathParameters"] == {"proxy": "x/y"}
    assert headers["x-amzn-RequestId"] == event["requestContext"]["requestId"]


def test_cors_as_sam_writes_it_is_answered(world: World) -> None:
    api = imported(world)
    call(world, "CreateDeployment", restApiId=api, stageName="Prod")
    status, body, headers = ask(world, api, "OPTIONS", "/Prod/orders/7")
    assert (status, body) == (200, {})
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Methods"] == "GET,OPTIONS"


FAILURES = [
    ("/Prod/broken", 502, {"message": "Internal server error"}),
    ("/Prod/raw", 502, {"message": "Internal server error"}),
    ("/Prod/slow", 504, {"message": "Endpoint request timed out"}),
    ("/Prod", 403, {"message": "Missing Authentication Token"}),
    ("/Test/a", 403, {"message": "Forbidden"}),
]


@pytest.mark.parametrize(("path", "status", "body"), FAILURES)
def test_failures_are_answered_in_the_gateways_words(world: World, path: str, status: int, body: Any) -> None:
    api = imported(world)
    call(world, "CreateDeployment", restApiId=api, stageName="Prod")
    assert ask(world, api, "GET", path)[:2] == (status, body)


def test_resources_and_methods_can_be_made_one_by_one(world: World) -> None:
    made = call(world, "CreateRestApi", name="shop")
    api, root = made["id"], made["rootResourceId"]
    orders = call(world, "CreateResource", restApiId=api, parentId=root, pathPart="orders")["id"]
    one = call(world, "CreateResource", restApiId=api, parentId=orders, pathPart="{id}")
    assert one["path"] == "/orders/{id}"
    place = {"restApiId": api, "resourceId": one["id"], "httpMethod": "GET"}
    call(world, "PutMethod", **place, authorizationType="NONE")
    with pytest.raises(ServiceError, match="No integration defined for method"):
        call(world, "CreateDeployment", restApiId=api)
    call(world, "PutIntegration", **place, type="AWS_PROXY", integrationHttpMethod="POST", uri=URI)
    assert call(world, "GetIntegration", **place)["uri"] == URI
    assert call(world, "GetMethod", **place)["methodIntegration"]["type"] == "AWS_PROXY"
    deployment = call(world, "CreateDeployment", restApiId=api)["id"]
    stage = {"restApiId": api, "stageName": "v1"}
    call(world, "CreateStage", **stage, deploymentId=deployment, variables={"a": "1"})
    assert ask(world, api, "GET", "/v1/orders/7")[1]["stageVariables"] == {"a": "1"}
    patch = [{"op": "replace", "path": "/variables/a", "value": "2"}]
    call(world, "UpdateStage", **stage, patchOperations=patch)
    assert call(world, "GetStage", **stage)["variables"] == {"a": "2"}
    with pytest.raises(ServiceError, match="Active stages pointing to this deployment"):
        call(world, "DeleteDeployment", restApiId=api, deploymentId=deployment)
    call(world, "DeleteStage", **stage)
    call(world, "DeleteDeployment", restApiId=api, deploymentId=deployment)
    call(world, "DeleteResource", restApiId=api, resourceId=orders)
    assert [resource["path"] for resource in call(world, "GetResources", restApiId=api)["items"]] == ["/"]


def test_a_document_takes_the_place_of_what_was_there(world: World) -> None:
    api = imported(world)
    body = dumps({"swagger": "2.0", "info": {"title": "new"}, "paths": {"/b": {"get": method()}}}).encode()
    call(world, "PutRestApi", restApiId=api, mode="overwrite", body=body)
    assert call(world, "GetRestApi", restApiId=api)["name"] == "new"
    paths = {resource["path"] for resource in call(world, "GetResources", restApiId=api)["items"]}
    assert paths == {"/", "/b"}
    with pytest.raises(NotImplementedHere, match="mode merge"):
        call(world, "PutRestApi", restApiId=api, body=body)


def test_authorizers_are_refused_by_name(world: World) -> None:
    with pytest.raises(NotImplementedHere, match=r"authorizers of APIs \(GET /a\)"):
        imported(world, {"/a": {"get": {**method(), "security": [{"Cognito": []}]}}})


def test_a_deleted_api_leaves_nothing(world: World) -> None:
    api = imported(world)
    call(world, "CreateDeployment", restApiId=api, stageName="Prod")
    call(world, "DeleteRestApi", restApiId=api)
    assert ask(world, api, "GET", "/Prod/orders/7")[0] == 404
    assert call(world, "GetRestApis")["items"] == []
