"""Mapping templates and custom integrations of REST APIs.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.store.records.lambda_ import Invocation, InvocationResult

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:Echo"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
JSON = "application/json"


def perform(_key: str, call: Invocation) -> InvocationResult:
    if "fail" in call.payload:
        told = {"errorMessage": "[NotFound] no order", "errorType": "KeyError"}
        return InvocationResult(dumps(told), function_error="Unhandled")
    return InvocationResult(call.payload)


@pytest.fixture
def world() -> Iterator[World]:
    world = World(performers={"lambda.invoke": perform})
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("apigateway", operation, request)


def serve(world: World, integration: dict[str, Any], *responses: dict[str, Any], path: str = "{id}", **api: Any) -> str:
    """An API with one method, made one by one."""
    made = call(world, "CreateRestApi", name="shop", **api)
    resource = call(world, "CreateResource", restApiId=made["id"], parentId=made["rootResourceId"], pathPart=path)
    place = {"restApiId": made["id"], "resourceId": resource["id"], "httpMethod": "POST"}
    call(world, "PutMethod", **place, authorizationType="NONE")
    call(
        world, "PutIntegration", **place, **{"type": "AWS", "integrationHttpMethod": "POST", "uri": URI, **integration}
    )
    for response in responses:
        call(world, "PutIntegrationResponse", **place, **{"statusCode": "200", **response})
    call(world, "CreateDeployment", restApiId=made["id"], stageName="v1", variables={"flag": "on"})
    identifier: str = made["id"]
    return identifier


def ask(
    world: World, api: str, body: str = "", query: str = "", headers: list[tuple[str, str]] | None = None
) -> tuple[int, str, dict[str, str]]:
    request: dict[str, Any] = {"ApiId": api, "Method": "POST", "Path": "/v1/7", "RawQuery": query}
    request |= {"Headers": headers or [], "Body": body.encode(), "SourceIp": "192.0.2.1", "Host": "localhost"}
    answer = world.call("execute-api", "Invoke", request)
    return answer["StatusCode"], answer["Body"].decode(), dict(answer["Headers"])


PASSED = [("", "{}"), ('{"a": 1}', '{"a": 1}'), ('"text"', '"text"'), ("null", "null")]


@pytest.mark.parametrize(("body", "event"), PASSED)
def test_without_a_template_the_body_is_the_event(world: World, body: str, event: str) -> None:
    status, text, headers = ask(world, serve(world, {}, {}), body)
    assert (status, text, headers["content-type"]) == (200, event, JSON)


def test_an_event_must_be_json(world: World) -> None:
    status, text, _ = ask(world, serve(world, {}, {}), "{broken")
    assert status == 400
    assert text.startswith('{"message":"Could not parse request body into json: ')


BODY = dumps({"message": ["Hello", "World!"], "name": 'Zoë "O\'Hara"', "b": "aGk="})
TEMPLATES = [
    (
        '{"body": $input.json("$"), "queryStringParameters": "$input.params().querystring"}',
        f'{{"body": {BODY}, "queryStringParameters": "{{p=Hello, q=a b}}"}}',
    ),
    ("$input.params('id') $input.params('p') $input.params('X-Tag') $input.params('none').", "7 Hello t ."),
    ("$input.path('$.message[1]') $input.path('$.message') $input.json('$.none')", 'World! ["Hello","World!"] ""'),
    ("#if($input.path('$.none'))a#{else}b#end#if($input.params('none') == '')c#end", "bc"),
    ("$util.escapeJavaScript($input.path('$.name'))", r"Zo\u00EB \"O\'Hara\""),
    (
        "$util.urlEncode('a b&ü') $util.urlDecode('a+b%26') $util.base64Encode('hi') $util.base64Decode('aGk=')",
        "a+b%26%C3%BC a b& aGk= hi",
    ),
    ("#set($o = $util.parseJson('{\"a\": [1, 2]}'))$o.a[1] $o", "2 {a=[1,2]}"),
    (
        "$context.stage $context.httpMethod $context.resourcePath $context.identity.sourceIp $context.authorizer.claims.sub.",
        "v1 POST /{id} 192.0.2.1 .",
    ),
    ("$stageVariables.flag $stageVariables.none.", "on ."),
    ("#foreach($m in $input.path('$.message'))$m#if($foreach.hasNext), #end#end", "Hello, World!"),
]


@pytest.mark.parametrize(("template", "written"), TEMPLATES)
def test_a_template_makes_the_answer(world: World, template: str, written: str) -> None:
    # The function gives back its event, so that the request's template can be seen, too.
    api = serve(world, {"requestTemplates": {JSON: "$input.json('$')"}}, {"responseTemplates": {JSON: template}})
    status, text, _ = ask(world, api, BODY, "p=Hello&q=a+b", [("X-Tag", "t")])
    assert (status, text) == (200, written)


def test_a_template_is_chosen_by_the_content_type(world: World) -> None:
    integration = {
        "requestTemplates": {"text/plain": '{"text": "$input.body"}'},
        "passthroughBehavior": "WHEN_NO_TEMPLATES",
    }
    api = serve(world, integration, {})
    assert ask(world, api, "hi", headers=[("Content-Type", "text/plain; charset=utf-8")])[1] == '{"text": "hi"}'
    assert ask(world, api, "{}")[:2] == (415, '{"message":"Unsupported Media Type"}')
    assert ask(world, serve(world, {"passthroughBehavior": "NEVER"}, {}), "{}")[0] == 415


def test_an_error_message_chooses_the_response(world: World) -> None:
    not_found = {
        "statusCode": "404",
        "selectionPattern": r"\[NotFound\].*",
        "responseParameters": {
            "method.response.header.X-Reason": "integration.response.body.errorType",
            "method.response.header.X-Stage": "context.stage",
            "method.response.header.X-Fixed": "'yes'",
            "method.response.header.X-None": "integration.response.body.none",
        },
        "responseTemplates": {JSON: '{"error": "$input.path(\'$.errorMessage\')"}'},
    }
    api = serve(world, {}, {}, not_found)
    status, text, headers = ask(world, api, '"fail"')
    assert (status, text) == (404, '{"error": "[NotFound] no order"}')
    assert (headers["X-Reason"], headers["X-Stage"], headers["X-Fixed"]) == ("KeyError", "v1", "yes")
    assert "X-None" not in headers
    assert ask(world, api, '"well"')[:2] == (200, '"well"')
    # No pattern matches and no response is without one: the mapping comes to nothing.
    assert ask(world, serve(world, {}, not_found), '"well"')[:2] == (500, '{"message":"Internal server error"}')


def test_a_template_overrides_status_and_headers(world: World) -> None:
    template = "#set($context.responseOverride.status = 202)#set($context.responseOverride.header.X-A = 'b')ok"
    status, text, headers = ask(world, serve(world, {}, {"responseTemplates": {JSON: template}}))
    assert (status, text, headers["X-A"]) == (202, "ok", "b")


def test_a_mock_answers_the_status_of_its_template(world: World) -> None:
    template = "{\"statusCode\": #if($input.params('broken') != '')500#{else}200#end}"
    responses = (
        {"responseTemplates": {JSON: '{"id": "$input.params("id")"}'}},
        {"statusCode": "500", "selectionPattern": r"5\d\d", "responseTemplates": {JSON: "$context.requestId"}},
    )
    api = serve(world, {"type": "MOCK", "requestTemplates": {JSON: template}}, *responses)
    assert ask(world, api)[:2] == (200, '{"id": "7"}')
    status, text, headers = ask(world, api, query="broken=1")
    assert (status, text) == (500, headers["x-amzn-RequestId"])


def test_an_asynchronous_call_is_answered_at_once(world: World) -> None:
    header = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    status, text, _ = ask(world, serve(world, {"requestParameters": header}, {"statusCode": "202"}), "{}")
    assert (status, "ResourceNotFoundException" in text) == (202, True)  # There is no such function to queue for.


def test_an_action_is_called_in_the_same_transaction(world: World) -> None:
    # What SAM writes for an Api event of a state machine.
    definition = dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    request = {"name": "m", "definition": definition, "roleArn": "arn:aws:iam::000000000000:role/r"}
    machine = world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    # An escaped apostrophe is no JSON; the documentation of $util turns it back in this way.
    escaped = """$util.escapeJavaScript($input.json('$')).replaceAll("\\\\'", "'")"""
    template = f'{{"input": "{escaped}", "stateMachineArn": "{machine}"}}'
    uri = "arn:aws:apigateway:us-east-1:states:action/StartExecution"
    integration = {"uri": uri, "requestTemplates": {JSON: template}}
    api = serve(world, integration, {}, {"statusCode": "400", "selectionPattern": "4\\d\\d"})
    status, text, _ = ask(world, api, '{"a": "it\'s"}')
    answer: Any = loads(text)
    assert status == 200
    ended = world.call("stepfunctions", "DescribeExecution", {"executionArn": answer["executionArn"]})
    assert loads(ended["input"]) == {"a": "it's"}
    world.call("stepfunctions", "DeleteStateMachine", {"stateMachineArn": machine})
    world.run_due()
    status, text, _ = ask(world, api, "{}")
    assert (status, "StateMachineDoesNotExist" in text) == (400, True)


def test_responses_are_described_and_taken_away(world: World) -> None:
    api = serve(world, {"requestTemplates": {JSON: "{}"}}, {"responseTemplates": {JSON: "x"}})
    resource = next(one["id"] for one in call(world, "GetResources", restApiId=api)["items"] if one["path"] != "/")
    place = {"restApiId": api, "resourceId": resource, "httpMethod": "POST"}
    shown = call(world, "GetIntegration", **place)
    assert shown["passthroughBehavior"] == "WHEN_NO_MATCH"
    assert shown["integrationResponses"] == {"200": {"statusCode": "200", "responseTemplates": {JSON: "x"}}}
    one = {**place, "statusCode": "200"}
    assert call(world, "GetIntegrationResponse", **one)["responseTemplates"] == {JSON: "x"}
    call(world, "PutMethodResponse", **one, responseParameters={"method.response.header.A": True})
    assert call(world, "GetMethod", **place)["methodResponses"]["200"]["responseParameters"]
    with pytest.raises(ServiceError, match="Response already exists for this resource"):
        call(world, "PutMethodResponse", **one)
    call(world, "DeleteMethodResponse", **one)
    call(world, "DeleteIntegrationResponse", **one)
    for operation in ("GetIntegrationResponse", "GetMethodResponse"):
        with pytest.raises(ServiceError, match="Invalid Response status code specified"):
            call(world, operation, **one)


def test_an_edge_optimized_api_shows_cloudfront(world: World) -> None:
    # Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-endpoint-types.html
    headers = ask(world, serve(world, {}, {}))[2]
    assert headers["X-Cache"] == "Miss from cloudfront"
    assert headers["X-Amzn-Trace-Id"].startswith("Root=1-")
    regional = ask(world, serve(world, {}, {}, endpointConfiguration={"types": ["REGIONAL"]}))[2]
    assert "X-Cache" not in regional


REFUSED = [
    (
        {"uri": "arn:aws:apigateway:us-east-1:sqs:path/000000000000/q"},
        NotImplementedHere,
        "AWS integrations call functions",
    ),
    ({"uri": "nowhere"}, ServiceError, "Invalid ARN specified in the request"),
    ({"requestTemplates": {JSON: "#if("}}, ServiceError, "Invalid mapping template specified"),
    ({"requestTemplates": {JSON: "#macro(a)#end"}}, NotImplementedHere, "the directive #macro"),
    ({"contentHandling": "CONVERT_TO_TEXT"}, NotImplementedHere, "contentHandling"),
]


@pytest.mark.parametrize(("integration", "error", "told"), REFUSED)
def test_what_cannot_be_served_is_refused(
    world: World, integration: dict[str, Any], error: type[ServiceError], told: str
) -> None:
    with pytest.raises(error, match=told):
        serve(world, integration)


def test_a_pattern_must_be_one(world: World) -> None:
    with pytest.raises(ServiceError, match="Invalid selection pattern specified"):
        serve(world, {}, {"selectionPattern": "("})
