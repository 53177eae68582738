"""A runtime of one's own: an executable ``bootstrap`` that speaks the Runtime API, as on AWS.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html (response streaming, errors, chunked encoding)
"""

import http.client
import io
import json
import sys
import textwrap
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

# It streams what its event asks for, breaks in the middle of a stream, or answers at once.
BOOTSTRAP = """\
#!{python}
import base64, http.client, json, os, sys

host = os.environ["AWS_LAMBDA_RUNTIME_API"]
base = "/2018-06-01/runtime/invocation/"
print("bootstrap of", os.environ["_HANDLER"], "in", os.getcwd(), flush=True)
while True:
    api = http.client.HTTPConnection(host)
    api.request("GET", base + "next")
    asked = api.getresponse()
    event = json.loads(asked.read())
    where = base + asked.headers["Lambda-Runtime-Aws-Request-Id"]
    if "rawPath" in event:
        event = {{"stream": ["a", "b", "c"], "head": True}}
    if "stream" not in event:
        api.request("POST", where + "/response", json.dumps({{"plain": event}}))
        api.getresponse().read()
        continue
    api.putrequest("POST", where + "/response")
    api.putheader("Transfer-Encoding", "chunked")
    api.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    kind = "application/vnd.awslambda.http-integration-response" if event.get("head") else "application/octet-stream"
    api.putheader("Content-Type", kind)
    api.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    api.endheaders()
    def chunk(data):
        api.send(b"%x\\r\\n%s\\r\\n" % (len(data), data))
    if event.get("head"):
        chunk(json.dumps({{"statusCode": 202, "headers": {{"x-own": "yes"}}}}).encode() + bytes(8))
    for part in event["stream"]:
        chunk(part.encode())
    if event.get("breaks"):
        body = base64.b64encode(json.dumps({{"errorMessage": "broken", "errorType": "Own.Error"}}).encode()).decode()
        api.send(b"0\\r\\nLambda-Runtime-Function-Error-Type: Own.Error\\r\\n")
        api.send(b"Lambda-Runtime-Function-Error-Body: " + body.encode() + b"\\r\\n\\r\\n")
    else:
        api.send(b"0\\r\\n\\r\\n")
    api.getresponse().read()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("own") / "data")
    process.start()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, textwrap.dedent(BOOTSTRAP).format(python=sys.executable))
    functions = process.client("lambda")
    functions.create_function(
        FunctionName="Own",
        Runtime="provided.al2023",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="any.name",
        Timeout=60,
        Code={"ZipFile": content.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="Own")
    yield process
    process.kill()


def streamed(server: ServerProcess, event: Any) -> tuple[bytes, dict[str, Any]]:
    answer = server.client("lambda").invoke_with_response_stream(FunctionName="Own", Payload=json.dumps(event))
    events = list(answer["EventStream"])
    content = b"".join(each["PayloadChunk"]["Payload"] for each in events if "PayloadChunk" in each)
    return content, events[-1]["InvokeComplete"]


def test_a_bootstrap_answers_and_streams(server: ServerProcess) -> None:
    answer = server.client("lambda").invoke(FunctionName="Own", Payload=b'{"a": 1}', LogType="Tail")
    assert json.load(answer["Payload"]) == {"plain": {"a": 1}}
    assert streamed(server, {"stream": ["one ", "two ", "three"]}) == (b"one two three", {})
    assert streamed(server, {"a": 2}) == (b'{"plain": {"a": 2}}', {}), "an answer that is no stream is one part"


def test_a_stream_that_breaks_says_why_at_its_end(server: ServerProcess) -> None:
    content, complete = streamed(server, {"stream": ["begun"], "breaks": True})
    assert content == b"begun"
    assert complete["ErrorCode"] == "Unhandled"
    assert json.loads(complete["ErrorDetails"]) == {"errorMessage": "broken", "errorType": "Own.Error"}


def test_an_address_streams_the_status_the_headers_and_the_body(server: ServerProcess) -> None:
    functions = server.client("lambda")
    url = functions.create_function_url_config(FunctionName="Own", AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    functions.add_permission(
        FunctionName="Own",
        StatementId="open",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    functions.add_permission(
        FunctionName="Own",
        StatementId="invoke",
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
    )
    place = urlsplit(url["FunctionUrl"])
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/", headers={"Host": place.netloc})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["x-own"], answer.read()) == (202, "yes", b"abc")
    connection.close()
