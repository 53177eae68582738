"""Function URLs: their configuration, what the function gets, what the caller gets.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html,
https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

from base64 import b64encode
from typing import Any

import pytest
from tests.services.lambda_.conftest import Cloud

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.services.lambda_ import URLS

ARN = "arn:aws:lambda:us-east-1:000000000000:function:Web"


class Site:
    """The function Web with an address."""

    def __init__(self, auth: str = "NONE", *, public: bool = True, **settings: Any) -> None:
        self.cloud = Cloud(URLS)
        self.answer: Any = None
        self.cloud.create("Web", lambda _event: self.answer)
        self.url = self.cloud.call("CreateFunctionUrlConfig", FunctionName="Web", AuthType=auth, **settings)
        self.id = self.url["FunctionUrl"].split("//")[1].split(".")[0]
        if public:
            self.permit("lambda:InvokeFunctionUrl", FunctionUrlAuthType=auth)
            self.permit("lambda:InvokeFunction", InvokedViaFunctionUrl=True)

    def permit(self, action: str, principal: str = "*", **conditions: Any) -> None:
        self.cloud.call(
            "AddPermission",
            FunctionName="Web",
            StatementId=action.rpartition(":")[2],
            Action=action,
            Principal=principal,
            **conditions,
        )

    def get(self, method: str = "GET", path: str = "/", **request: Any) -> tuple[int, dict[str, str], bytes]:
        call = {
            "UrlId": self.id,
            "Method": method,
            "Path": path,
            "Host": f"{self.id}.lambda-url.localhost:4566",
            **request,
        }
        answer = self.cloud.world.call("lambda-url", "Invoke", call)
        return answer["StatusCode"], {name.lower(): value for name, value in answer["Headers"]}, answer["Body"]

    @property
    def event(self) -> Any:
        return loads(self.cloud.calls[-1].payload)


def test_an_address_is_made_shown_changed_and_taken_away() -> None:
    site = Site()
    assert site.url["FunctionArn"] == ARN
    assert site.url.keys() == {"FunctionUrl", "FunctionArn", "AuthType", "CreationTime"}
    shown = site.cloud.call("GetFunctionUrlConfig", FunctionName="Web")
    assert (shown["InvokeMode"], shown["AuthType"]) == ("BUFFERED", "NONE")
    changed = site.cloud.call("UpdateFunctionUrlConfig", FunctionName="Web", AuthType="AWS_IAM")
    assert (changed["AuthType"], changed["FunctionUrl"]) == ("AWS_IAM", site.url["FunctionUrl"])
    assert len(site.cloud.call("ListFunctionUrlConfigs", FunctionName="Web")["FunctionUrlConfigs"]) == 1
    with pytest.raises(ServiceError) as refused:
        site.cloud.call("CreateFunctionUrlConfig", FunctionName="Web", AuthType="NONE")
    assert refused.value.code == "ResourceConflictException"
    site.cloud.call("DeleteFunctionUrlConfig", FunctionName="Web")
    with pytest.raises(ServiceError) as refused:
        site.cloud.call("GetFunctionUrlConfig", FunctionName="Web")
    assert refused.value.message == "The resource you requested does not exist."


def test_a_function_gets_format_2() -> None:
    site = Site()
    headers = [["Content-Type", "application/json"], ["Cookie", "a=1; b=2"], ["X-Two", "1"], ["x-two", "2"]]
    site.get("POST", "/a%20b", RawQuery="q=1&q=2&r=", Headers=headers, Body=b'{"n":1}', SourceIp="10.0.0.9")
    event = site.event
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/a b")
    assert event["queryStringParameters"] == {"q": "1,2", "r": ""}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-two"] == "1,2"
    assert (event["body"], event["isBase64Encoded"]) == ('{"n":1}', False)
    context = event["requestContext"]
    assert (context["accountId"], context["apiId"], context["stage"]) == ("anonymous", site.id, "$default")
    assert context["http"]["sourceIp"] == "10.0.0.9"


def test_a_body_that_is_no_text_comes_in_base64() -> None:
    site = Site()
    site.get("POST", Headers=[["content-type", "image/png"]], Body=b"\x00\x01")
    assert (site.event["body"], site.event["isBase64Encoded"]) == (b64encode(b"\x00\x01").decode(), True)


# What the handler returns; status, content type, body.
ANSWERS: list[tuple[Any, int, str, bytes]] = [
    ({"statusCode": 201, "body": "ok", "headers": {"Content-Type": "text/plain"}}, 201, "text/plain", b"ok"),
    ({"statusCode": 200, "body": "AAE=", "isBase64Encoded": True}, 200, "application/json", b"\x00\x01"),
    ({"hello": "world"}, 200, "application/json", b'{"hello":"world"}'),
    ("hello", 200, "application/json", b"hello"),
    (3.1, 200, "application/json", b"3.1"),
    (True, 200, "application/json", b"true"),
    (["a", 1], 200, "application/json", b'["a",1]'),
    (None, 200, "application/json", b""),
    ({"statusCode": "many"}, 502, "application/json", b"Internal Server Error"),
]


@pytest.mark.parametrize(("answer", "status", "kind", "body"), ANSWERS, ids=range(len(ANSWERS)))
def test_what_a_handler_returns_becomes_the_response(answer: Any, status: int, kind: str, body: bytes) -> None:
    site = Site()
    site.answer = answer
    got = site.get()
    assert (got[0], got[1]["content-type"], got[2]) == (status, kind, body)


def test_a_function_that_fails_is_a_bad_gateway() -> None:
    site = Site()
    site.cloud.handlers["Web"] = lambda _event: 1 // 0
    status, _, body = site.get()
    assert (status, body) == (502, b"Internal Server Error")


@pytest.mark.parametrize(
    ("auth", "public", "account", "status"),
    [
        ("NONE", True, "", 200),
        ("NONE", False, "", 403),
        ("NONE", False, "000000000000", 403),
        ("AWS_IAM", False, "", 403),
        ("AWS_IAM", False, "000000000000", 200),
        ("AWS_IAM", False, "999999999999", 403),
        ("AWS_IAM", True, "999999999999", 200),
    ],
)
def test_who_may_call_an_address(auth: str, public: bool, account: str, status: int) -> None:
    site = Site(auth, public=public)
    site.answer = {}
    got, headers, body = site.get(Account=account)
    assert got == status
    if status == 403:
        assert headers["x-amzn-errortype"] == "AccessDeniedException"
        assert b"urls-auth.html" in body


URL, INVOKE = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"


@pytest.mark.parametrize(
    ("auth", "permissions", "account", "status"),
    [
        ("NONE", [(URL, "*", {"FunctionUrlAuthType": "NONE"})], "", 403),
        ("NONE", [(INVOKE, "*", {"InvokedViaFunctionUrl": True})], "", 403),
        ("NONE", [(URL, "*", {"FunctionUrlAuthType": "NONE"}), (INVOKE, "*", {})], "", 200),
        ("NONE", [(URL, "*", {"FunctionUrlAuthType": "AWS_IAM"}), (INVOKE, "*", {})], "", 403),
        ("NONE", [("lambda:*", "*", {})], "", 200),
        ("AWS_IAM", [(URL, "999999999999", {})], "999999999999", 403),
        ("AWS_IAM", [(URL, "999999999999", {}), (INVOKE, "999999999999", {})], "999999999999", 200),
        ("AWS_IAM", [(URL, "*", {}), (INVOKE, "999999999999", {})], "888888888888", 403),
    ],
)
def test_an_address_needs_both_permissions(
    auth: str, permissions: list[tuple[str, str, dict[str, Any]]], account: str, status: int
) -> None:
    """Source: urls-auth.html: "both lambda:InvokeFunctionUrl and lambda:InvokeFunction permissions" since October 2025."""
    site = Site(auth, public=False)
    site.answer = {}
    for action, principal, conditions in permissions:
        site.permit(action, principal, **conditions)
    assert site.get(Account=account)[0] == status


def test_a_permission_for_the_address_lets_nobody_call_the_function_otherwise() -> None:
    """The statement of ``InvokedViaFunctionUrl`` holds for calls that came through the address only."""
    site = Site()
    with pytest.raises(ServiceError) as refused:
        site.cloud.world.call("lambda", "Invoke", {"FunctionName": ARN}, caller=Caller("999999999999"))
    assert refused.value.code == "AccessDeniedException"


def test_an_address_that_is_not_there_is_forbidden() -> None:
    site = Site()
    site.id = "nobody"
    assert site.get() == (
        403,
        {"content-type": "application/json", "x-amzn-errortype": "AccessDeniedException"},
        b'{"Message":null}',
    )


def test_a_browser_is_answered_by_the_addresss_own_rules() -> None:
    rules = {"AllowOrigins": ["https://shop.example"], "AllowMethods": ["GET"], "MaxAge": 60}
    site = Site(Cors=rules)
    asked = [["Origin", "https://shop.example"], ["Access-Control-Request-Method", "GET"]]
    status, headers, _ = site.get("OPTIONS", Headers=asked)
    assert (status, headers["access-control-allow-origin"]) == (200, "https://shop.example")
    assert (headers["access-control-allow-methods"], headers["access-control-max-age"]) == ("GET", "60")
    site.answer = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}}
    assert site.get(Headers=asked[:1])[1]["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-origin" not in site.get("OPTIONS", Headers=[["Origin", "https://evil"], asked[1]])[1]
