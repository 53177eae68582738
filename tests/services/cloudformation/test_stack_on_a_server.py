"""The way of `aws cloudformation deploy`, through the real SDK, a real server and a real function."""

import urllib.request
from typing import Any

import pytest
from tests.server_process import ServerProcess

from interstate.base.json import loads

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Greeting: {Type: String, Default: hello}}
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  Rest: {Type: AWS::Serverless::Api, Properties: {StageName: Prod}}
  Greet:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: index.handler
      Environment: {Variables: {GREETING: !Ref Greeting}}
      FunctionUrlConfig: {AuthType: NONE}
      InlineCode: |
        import json, os
        def handler(event, context):
            name = event.get("pathParameters", {"name": event["path" if "path" in event else "rawPath"][1:]})["name"]
            if name == "nobody":
                raise ValueError("nobody is there")
            return {"statusCode": 200, "body": json.dumps([os.environ["GREETING"], name, event.get("version")])}
      Events:
        Http: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: '/greet/{name}'}}
        Rest: {Type: Api, Properties: {RestApiId: !Ref Rest, Method: get, Path: '/greet/{name}'}}
Outputs:
  Api: {Value: !Ref Api}
  Rest: {Value: !Ref Rest}
  Url: {Value: !GetAtt GreetUrl.FunctionUrl}
"""
pytestmark = [pytest.mark.server, pytest.mark.slow]


def deploy(server: ServerProcess, name: str, kind: str, **parameters: str) -> dict[str, str]:
    """As the command does it: a change set, two waiters, the outputs."""
    client: Any = server.client("cloudformation")
    request = {
        "StackName": "greetings",
        "ChangeSetName": name,
        "ChangeSetType": kind,
        "TemplateBody": TEMPLATE,
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }
    change_set = client.create_change_set(**request)["Id"]
    client.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set)
    client.execute_change_set(ChangeSetName=change_set)
    client.get_waiter(f"stack_{kind.lower()}_complete").wait(StackName="greetings")
    stack = client.describe_stacks(StackName="greetings")["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def get(server: ServerProcess, path: str, host: str | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(server.url + path, headers={} if host is None else {"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, loads(error.read())


def test_a_template_is_deployed_served_killed_and_served_again(server: ServerProcess) -> None:
    outputs = deploy(server, "first", "CREATE")
    assert get(server, f"/_apis/{outputs['Api']}/greet/ada") == (200, ["hello", "ada", "2.0"])
    host = f"{outputs['Api']}.execute-api.us-east-1.localhost"
    assert get(server, "/greet/grace", host) == (200, ["hello", "grace", "2.0"])
    assert get(server, "/lovelace", outputs["Url"].split("/")[2]) == (200, ["hello", "lovelace", "2.0"])
    assert get(server, f"/_apis/{outputs['Rest']}/Prod/greet/ada") == (200, ["hello", "ada", None])
    assert get(server, f"/_apis/{outputs['Api']}/greet/nobody") == (500, {"message": "Internal Server Error"})
    assert get(server, f"/_apis/{outputs['Rest']}/Prod/greet/nobody") == (502, {"message": "Internal server error"})
    assert get(server, f"/_apis/{outputs['Api']}/elsewhere") == (404, {"message": "Not Found"})
    assert deploy(server, "second", "UPDATE", Greeting="annyeong") == outputs
    server.kill()
    server.start()
    assert get(server, f"/_apis/{outputs['Api']}/greet/ada") == (200, ["annyeong", "ada", "2.0"])
    client: Any = server.client("cloudformation")
    client.delete_stack(StackName="greetings")
    client.get_waiter("stack_delete_complete").wait(StackName="greetings")
    assert get(server, f"/_apis/{outputs['Api']}/greet/ada") == (404, {"message": "Not Found"})
