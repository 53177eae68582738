from collections.abc import Iterator
from typing import Any

import pytest
from tests.services.apigateway.function_worlds import ANY_ROUTE, FUNCTION, world_of

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.store.records.lambda_ import POLICIES, Invocation, InvocationResult, Policy


def perform(_key: str, call: Invocation) -> InvocationResult:
    """A function that echoes, or does what the path says."""
    event: Any = loads(call.payload)
    match event.get("rawPath", event.get("path")):
        case "/broken":
            return InvocationResult('{"errorMessage": "x"}', function_error="Unhandled")
        case "/gone":
            return InvocationResult("Function not found", refused="ResourceNotFoundException")
        case "/slow":
            return InvocationResult('{"statusCode": 200}', duration_ms=30_001)
        case "/raw":
            return InvocationResult('"hello"')
        case _:
            body = dumps({"function": call.function, "qualifier": call.qualifier, "event": event})
            headers = {"x-own": "1", "content-type": "application/json"}
            return InvocationResult(dumps({"statusCode": 201, "headers": headers, "body": body}))


@pytest.fixture
def world() -> Iterator[World]:
    yield from world_of(perform)


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("apigatewayv2", operation, request)


def ask(world: World, api: str, method: str, path: str, **request: Any) -> tuple[int, Any, dict[str, str]]:
    query = request.pop("query", "")
    headers = [[name.replace("_", "-"), value] for name, value in request.pop("headers", {}).items()]
    body = request.pop("body", b"")
    asked = {"ApiId": api, "Method": method, "Path": path, "RawQuery": query, "Headers": headers, "Body": body}
    answer = world.call("execute-api", "Invoke", {**asked, "SourceIp": "127.0.0.1", "Host": "localhost"})
    shown = {name.lower(): value for name, value in answer["Headers"]}
    content: Any = answer["Body"].decode()
    if shown.get("content-type") == "application/json" and content:
        content = loads(content)
    return answer["StatusCode"], content, shown


def make(world: World, *routes: str, stage: str = "$default", **integration: Any) -> str:
    """An API whose routes all have one integration; by default the function, in format 2.0."""
    if not integration:
        integration = {"IntegrationUri": FUNCTION, "PayloadFormatVersion": "2.0"}
    api: str = call(world, "CreateApi", Name="shop", ProtocolType="HTTP")["ApiId"]
    made = call(world, "CreateIntegration", ApiId=api, IntegrationType="AWS_PROXY", **integration)["IntegrationId"]
    for key in routes:
        call(world, "CreateRoute", ApiId=api, RouteKey=key, Target=f"integrations/{made}")
    call(world, "CreateStage", ApiId=api, StageName=stage, AutoDeploy=True)
    return api


def test_a_route_calls_its_function(world: World) -> None:
    api = make(world, "POST /orders/{id}")
    status, body, headers = ask(world, api, "POST", "/orders/7", query="a=1", body=b"{}")
    assert status == 201
    assert (body["function"], body["qualifier"]) == (FUNCTION, None)
    assert body["event"]["pathParameters"] == {"id": "7"}
    assert body["event"]["routeKey"] == "POST /orders/{id}"
    assert headers["x-own"] == "1"
    assert headers["apigw-requestid"] == body["event"]["requestContext"]["requestId"]


def test_an_alias_and_api_gateways_own_arn_are_understood(world: World) -> None:
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}:live/invocations"
    api = make(world, "GET /a", IntegrationUri=uri)
    _, body, _ = ask(world, api, "GET", "/a")
    assert (body["function"], body["qualifier"]) == (FUNCTION, "live")
    assert body["event"]["version"] == "1.0"


FAILURES = [
    ("/broken", 500, {"message": "Internal Server Error"}),
    ("/gone", 500, {"message": "Internal Server Error"}),
    ("/slow", 503, {"message": "Service Unavailable"}),
    ("/raw", 200, "hello"),
    ("/elsewhere", 404, {"message": "Not Found"}),
]


@pytest.mark.parametrize(("path", "status", "body"), FAILURES)
def test_failures_are_answered_in_the_gateways_words(world: World, path: str, status: int, body: Any) -> None:
    api = make(world, "GET /broken", "GET /gone", "GET /slow", "GET /raw")
    assert ask(world, api, "GET", path)[:2] == (status, body)


def test_an_api_that_is_not_there_is_not_found(world: World) -> None:
    assert ask(world, "nothere000", "GET", "/")[:2] == (404, {"message": "Not Found"})


def test_a_named_stage_is_the_first_segment(world: World) -> None:
    api = make(world, "GET /orders", stage="prod")
    _, body, _ = ask(world, api, "GET", "/prod/orders")
    assert body["event"]["rawPath"] == "/prod/orders"
    assert ask(world, api, "GET", "/orders")[0] == 404
    assert ask(world, api, "GET", "/prod")[0] == 404


def test_a_stage_without_automatic_deployment_shows_what_was_deployed(world: World) -> None:
    api = make(world, "GET /a")
    call(world, "CreateStage", ApiId=api, StageName="v1")
    assert ask(world, api, "GET", "/v1/a")[0] == 404
    call(world, "CreateDeployment", ApiId=api, StageName="v1")
    assert ask(world, api, "GET", "/v1/a")[0] == 201
    route = call(world, "GetRoutes", ApiId=api)["Items"][0]
    call(world, "UpdateRoute", ApiId=api, RouteId=route["RouteId"], RouteKey="GET /b")
    assert (ask(world, api, "GET", "/v1/a")[0], ask(world, api, "GET", "/v1/b")[0]) == (201, 404)
    assert (ask(world, api, "GET", "/a")[0], ask(world, api, "GET", "/b")[0]) == (404, 201)


def test_preflights_are_answered_without_a_route(world: World) -> None:
    api = make(world, "GET /a")
    cors = {"AllowOrigins": ["https://shop.example"], "AllowMethods": ["GET"]}
    call(world, "UpdateApi", ApiId=api, CorsConfiguration=cors)
    asked = {"origin": "https://shop.example", "access-control-request-method": "GET"}
    status, _, headers = ask(world, api, "OPTIONS", "/a", headers=asked)
    assert (status, headers["access-control-allow-origin"]) == (204, "https://shop.example")
    _, _, headers = ask(world, api, "GET", "/a", headers={"origin": "https://shop.example"})
    assert headers["access-control-allow-origin"] == "https://shop.example"
    call(world, "DeleteCorsConfiguration", ApiId=api)
    assert ask(world, api, "OPTIONS", "/a", headers=asked)[0] == 404


# Direct integrations ------------------------------------------------------------------------------------------------


def test_a_route_puts_events_without_a_function(world: World) -> None:
    events = {"Service": "events.amazonaws.com"}
    lets_in = {"Statement": [{"Effect": "Allow", "Principal": events, "Action": "sqs:SendMessage", "Resource": "*"}]}
    world.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": dumps(lets_in)}})
    world.call("events", "CreateEventBus", {"Name": "orders"})
    pattern = '{"source": ["shop"], "detail-type": ["Order Placed"]}'
    world.call("events", "PutRule", {"Name": "r", "EventBusName": "orders", "EventPattern": pattern})
    target = {"Id": "q", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
    world.call("events", "PutTargets", {"Rule": "r", "EventBusName": "orders", "Targets": [target]})
    parameters = {
        "Detail": "$request.body",
        "DetailType": "Order Placed",
        "Source": "shop",
        "EventBusName": "orders",
        "Resources": "${request.path.id}",
    }
    api = make(world, "POST /events/{id}", IntegrationSubtype="EventBridge-PutEvents", RequestParameters=parameters)
    status, body, headers = ask(world, api, "POST", "/events/7", body=b'{"orderId": "o-1"}')
    assert (status, body["FailedEntryCount"], headers["content-type"]) == (200, 0, "application/json")
    world.run_due()
    url = "http://localhost/000000000000/q"
    (message,) = world.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    event: Any = loads(message["Body"])
    assert (event["id"], event["detail"], event["resources"]) == (
        body["Entries"][0]["EventId"],
        {"orderId": "o-1"},
        ["7"],
    )


def test_a_route_sends_a_message(world: World) -> None:
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    parameters = {"QueueUrl": url, "MessageBody": "$request.body.order", "DelaySeconds": "0"}
    api = make(world, "POST /", IntegrationSubtype="SQS-SendMessage", RequestParameters=parameters)
    status, body, _ = ask(world, api, "POST", "/", body=b'{"order": {"id": 1}}')
    assert status == 200
    (message,) = world.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    assert (message["MessageId"], message["Body"]) == (body["MessageId"], '{"id":1}')


def test_a_missing_value_is_a_bad_request(world: World) -> None:
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    parameters = {"QueueUrl": url, "MessageBody": "$request.body.order"}
    api = make(world, "POST /", IntegrationSubtype="SQS-SendMessage", RequestParameters=parameters)
    status, body, _ = ask(world, api, "POST", "/", body=b"{}")
    assert (status, body["message"].split(" from ")[0]) == (400, "Unable to resolve property MessageBody")


def test_a_refusal_of_the_service_is_the_answer(world: World) -> None:
    parameters = {"QueueUrl": "http://localhost/000000000000/gone", "MessageBody": "x"}
    api = make(world, "POST /", IntegrationSubtype="SQS-SendMessage", RequestParameters=parameters)
    status, body, _ = ask(world, api, "POST", "/")
    assert (status, body) == (400, {"message": "The specified queue does not exist."})


MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"done": True}, "End": True}}}


def machine(world: World, kind: str, definition: Any = MACHINE) -> str:
    request = {
        "name": kind,
        "definition": dumps(definition),
        "roleArn": "arn:aws:iam::000000000000:role/r",
        "type": kind,
    }
    arn: str = world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    return arn


def test_a_route_starts_a_workflow(world: World) -> None:
    parameters = {
        "StateMachineArn": machine(world, "STANDARD"),
        "Input": "$request.body",
        "Name": "n-${request.path.id}",
    }
    api = make(world, "POST /run/{id}", IntegrationSubtype="StepFunctions-StartExecution", RequestParameters=parameters)
    status, body, _ = ask(world, api, "POST", "/run/7", body=b"{}")
    assert status == 200
    assert body["executionArn"].endswith(":STANDARD:n-7")
    assert isinstance(body["startDate"], int | float)
    world.run_due()
    assert world.call("stepfunctions", "DescribeExecution", body)["status"] == "SUCCEEDED"


def test_a_route_waits_for_an_express_workflow(world: World) -> None:
    parameters = {"StateMachineArn": machine(world, "EXPRESS"), "Input": "$request.body"}
    api = make(world, "POST /run", IntegrationSubtype="StepFunctions-StartSyncExecution", RequestParameters=parameters)
    status, body, _ = ask(world, api, "POST", "/run", body=b"{}")
    assert (status, body["status"], loads(body["output"])) == (200, "SUCCEEDED", {"done": True})


# Importing ----------------------------------------------------------------------------------------------------------

PROXY = {
    "type": "aws_proxy",
    "httpMethod": "POST",
    "payloadFormatVersion": "2.0",
    "uri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations",
}


def document(paths: dict[str, Any], **more: Any) -> str:
    return dumps({"openapi": "3.0.1", "info": {"title": "shop", "version": "1.0"}, "paths": paths, **more})


def test_a_document_becomes_routes(world: World) -> None:
    integration = {"x-amazon-apigateway-integration": PROXY, "responses": {}}
    body = document(
        {
            "/orders/{id}": {"get": integration, "parameters": []},
            "/any": {
                "x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": {"$ref": "#/components/x/p"}}
            },
            "/$default": {"x-amazon-apigateway-any-method": integration},
        },
        components={"x": {"p": PROXY}},
        tags=[{"name": "team", "x-amazon-apigateway-tag-value": "a"}, {"name": "other"}],
        **{"x-amazon-apigateway-cors": {"allowOrigins": ["*"], "maxAge": 60}},
    )
    api = call(world, "ImportApi", Body=body)
    assert (api["Name"], api["Tags"], api["CorsConfiguration"]) == (
        "shop",
        {"team": "a"},
        {"AllowCredentials": False, "AllowOrigins": ["*"], "MaxAge": 60},
    )
    keys = {route["RouteKey"] for route in call(world, "GetRoutes", ApiId=api["ApiId"])["Items"]}
    assert keys == {"GET /orders/{id}", "ANY /any", "$default"}
    call(world, "CreateStage", ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)
    assert ask(world, api["ApiId"], "DELETE", "/what/ever")[1]["event"]["routeKey"] == "$default"
    call(world, "ReimportApi", ApiId=api["ApiId"], Body=document({"/b": {"get": integration}}))
    assert ask(world, api["ApiId"], "GET", "/b")[0] == 201
    assert ask(world, api["ApiId"], "GET", "/any")[0] == 404


NOT_HERE: list[tuple[Any, str]] = [
    ({"get": {"security": [{"jwt": []}]}}, r"authorizers of APIs \(GET /a\)"),
    (
        {"get": {"x-amazon-apigateway-integration": {"type": "http_proxy", "uri": "http://x"}}},
        "integrations of type HTTP_PROXY",
    ),
    (
        {"get": {"x-amazon-apigateway-integration": {"type": "aws", "uri": "x", "requestTemplates": {"a": "b"}}}},
        r"integrations of type AWS \(GET /a\)",
    ),
    (
        {"get": {"x-amazon-apigateway-integration": {"type": "aws_proxy", "integrationSubtype": "Kinesis-PutRecord"}}},
        "the integration subtype Kinesis-PutRecord",
    ),
]


@pytest.mark.parametrize(("path", "what"), NOT_HERE)
def test_what_is_not_here_is_refused_by_name(world: World, path: Any, what: str) -> None:
    with pytest.raises(NotImplementedHere, match=what):
        call(world, "ImportApi", Body=document({"/a": path}))
    assert call(world, "GetApis")["Items"] == []


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("ImportApi", {"Body": "{"}, "Unable to parse API definition"),
    ("ImportApi", {"Body": "{}"}, "Invalid OpenAPI input"),
    ("GetApi", {"ApiId": "nothere000"}, "Invalid API identifier specified nothere000"),
    (
        "CreateApi",
        {"Name": "x", "ProtocolType": "HTTP", "RouteSelectionExpression": "x"},
        "RouteSelectionExpression must be",
    ),
]


@pytest.mark.parametrize(("operation", "request_", "message"), BAD)
def test_bad_requests_are_refused(world: World, operation: str, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        call(world, operation, **request_)


@pytest.mark.parametrize("key", ["GET", "FETCH /a", "GET a", "GET /{a+}/b", "GET /{a", "get /a"])
def test_route_keys_are_checked(world: World, key: str) -> None:
    api = make(world)
    with pytest.raises(ServiceError) as refused:
        call(world, "CreateRoute", ApiId=api, RouteKey=key)
    assert refused.value.code == "BadRequestException"


def test_routes_and_integrations_guard_each_other(world: World) -> None:
    api = make(world, "GET /a")
    (route,) = call(world, "GetRoutes", ApiId=api)["Items"]
    with pytest.raises(ServiceError, match="Route with key GET /a already exists"):
        call(world, "CreateRoute", ApiId=api, RouteKey="GET /a")
    with pytest.raises(ServiceError, match="referenced by Route"):
        call(world, "DeleteIntegration", ApiId=api, IntegrationId=route["Target"].split("/")[1])
    with pytest.raises(ServiceError, match="Invalid integration identifier"):
        call(world, "CreateRoute", ApiId=api, RouteKey="GET /b", Target="integrations/gone")
    call(world, "DeleteRoute", ApiId=api, RouteId=route["RouteId"])
    call(world, "DeleteIntegration", ApiId=api, IntegrationId=route["Target"].split("/")[1])
    assert call(world, "GetIntegrations", ApiId=api)["Items"] == []


def test_quick_create_serves_a_function_at_once(world: World) -> None:
    api = call(world, "CreateApi", Name="quick", ProtocolType="HTTP", Target=FUNCTION)["ApiId"]
    assert ask(world, api, "PATCH", "/what/ever")[1]["event"]["version"] == "2.0"


def test_apis_belong_to_an_account_and_region(world: World) -> None:
    api = make(world)
    other = Caller("111111111111", "eu-west-1")
    with pytest.raises(ServiceError, match="Invalid API identifier"):
        world.call("apigatewayv2", "GetApi", {"ApiId": api}, caller=other)
    assert world.call("apigatewayv2", "GetApis", {}, caller=other) == {"Items": []}


def test_a_deleted_api_leaves_nothing(world: World) -> None:
    api = make(world, "GET /a")
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api}"
    call(world, "TagResource", ResourceArn=arn, Tags={"a": "1", "b": "2"})
    call(world, "UntagResource", ResourceArn=arn, TagKeys=["a"])
    assert call(world, "GetTags", ResourceArn=arn) == {"Tags": {"b": "2"}}
    call(world, "DeleteApi", ApiId=api)
    assert ask(world, api, "GET", "/a")[0] == 404
    assert call(world, "GetApis")["Items"] == []


def test_pages_are_followed(world: World) -> None:
    made = {make(world) for _ in range(3)}
    first = call(world, "GetApis", MaxResults="2")
    second = call(world, "GetApis", MaxResults="2", NextToken=first["NextToken"])
    assert {api["ApiId"] for api in first["Items"] + second["Items"]} == made
    assert "NextToken" not in second


# What the policy's statement allows, and the status of a request to ``ANY /orders/{id}`` and of one to ``$default``.
# Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (permissions)
PERMISSIONS = [
    ("{api}/*/*/orders/{{id}}", 201, 500),
    ("{api}/*/*/orders/*", 201, 500),
    ("{api}/*/GET/orders/*", 500, 500),
    ("{api}/*/$default", 500, 201),
    ("{api}/*", 201, 201),
    ("other/*", 500, 500),
]


@pytest.mark.parametrize(("resource", "route", "default"), PERMISSIONS, ids=[row[0] for row in PERMISSIONS])
def test_a_function_is_called_for_the_routes_that_its_policy_names(
    world: World, resource: str, route: int, default: int
) -> None:
    api = make(world, "ANY /orders/{id}", "$default")
    source = f"arn:aws:execute-api:us-east-1:000000000000:{resource.format(api=api)}"
    statement = {**ANY_ROUTE, "Condition": {"ArnLike": {"AWS:SourceArn": source}}}
    world.run(lambda work: work.put(POLICIES, Policy(FUNCTION, "", [statement], "1")))
    assert (ask(world, api, "GET", "/orders/7")[0], ask(world, api, "GET", "/else")[0]) == (route, default)
    world.run(lambda work: work.delete(POLICIES, FUNCTION, ""))
    assert ask(world, api, "GET", "/orders/7")[:2] == (500, {"message": "Internal Server Error"})
