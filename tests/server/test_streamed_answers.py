"""Answers that go out while their handler runs.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
"""

import http.client
import io
import shutil
import textwrap
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.server_process import ServerProcess

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed"),
]
# The handler goes on when the file that its event names is there: when the first part has been read.
WAITS = """
const fs = require("node:fs");
const wait = async (path) => { while (!fs.existsSync(path)) await new Promise((done) => setTimeout(done, 5)); };
exports.handler = awslambda.streamifyResponse(async (event, out) => {
    const path = event.path || event.queryStringParameters.path;
    if (event.queryStringParameters) {
        out = awslambda.HttpResponseStream.from(out, { statusCode: 201, headers: { "x-a": "b" } });
    }
    out.write("first ");
    await wait(path);
    out.write("second");
    out.end();
});
"""
LARGE = """
exports.handler = awslambda.streamifyResponse(async (event, out) => {
    const part = Buffer.alloc(1 << 20, "x");
    for (let number = 0; number < 30; number += 1) {
        if (!out.write(part)) await new Promise((done) => out.once("drain", done));
    }
    out.end();
});
"""
BREAKS = """
exports.handler = awslambda.streamifyResponse(async (event, out) => {
    out.write("begun");
    await new Promise((done) => setTimeout(done, 50));
    throw new RangeError("broken");
});
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("streamed") / "data")
    process.start()
    for name, source in (("Waits", WAITS), ("Large", LARGE), ("Breaks", BREAKS)):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("app.js", textwrap.dedent(source))
        process.client("lambda").create_function(
            FunctionName=name,
            Runtime="nodejs20.x",
            Handler="app.handler",
            Role="arn:aws:iam::000000000000:role/r",
            Code={"ZipFile": content.getvalue()},
            Timeout=60,
            MemorySize=256,
        )
    yield process
    process.kill()


def stream_of(server: ServerProcess, name: str, payload: bytes = b"{}") -> Any:
    answer = server.client("lambda").invoke_with_response_stream(FunctionName=name, Payload=payload)
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    return iter(answer["EventStream"])


def test_a_chunk_is_there_before_the_handler_has_ended(server: ServerProcess, tmp_path: Path) -> None:
    events = stream_of(server, "Waits", f'{{"path": "{tmp_path / "go"}"}}'.encode())
    assert next(events) == {"PayloadChunk": {"Payload": b"first "}}
    (tmp_path / "go").touch()
    assert list(events) == [{"PayloadChunk": {"Payload": b"second"}}, {"InvokeComplete": {}}]


def test_a_function_url_streams(server: ServerProcess, tmp_path: Path) -> None:
    client = server.client("lambda")
    client.create_function_url_config(FunctionName="Waits", AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    client.add_permission(
        FunctionName="Waits",
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    client.add_permission(
        FunctionName="Waits",
        StatementId="invoke",
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
    )
    url = urlsplit(client.get_function_url_config(FunctionName="Waits")["FunctionUrl"])
    here = urlsplit(server.url)
    connection = http.client.HTTPConnection(here.hostname or "", here.port, timeout=60)
    connection.request("GET", f"/?path={tmp_path / 'go'}", headers={"Host": url.netloc})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("x-a"), answer.getheader("content-length")) == (201, "b", None)
    assert answer.read(6) == b"first "
    (tmp_path / "go").touch()
    assert answer.read() == b"second"
    connection.close()


def test_more_than_is_kept_of_other_answers_comes_through(server: ServerProcess) -> None:
    """Up to 200 MB. Source: Lambda quotas, "response streaming"."""
    *chunks, last = stream_of(server, "Large")
    assert sum(len(chunk["PayloadChunk"]["Payload"]) for chunk in chunks) == 30 << 20
    assert last == {"InvokeComplete": {}}


def test_an_error_after_the_beginning_ends_the_stream(server: ServerProcess) -> None:
    first, last = stream_of(server, "Breaks")
    assert first == {"PayloadChunk": {"Payload": b"begun"}}
    assert last["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert "broken" in last["InvokeComplete"]["ErrorDetails"]
