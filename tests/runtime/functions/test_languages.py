"""Runtimes other than Python: Node with our client of the Runtime API, and programs that bring their own.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html,
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
"""

import shutil
from pathlib import Path

import pytest
from tests.runtime.functions.test_performer import Bench, run

from interstate.base.json import JSON, loads
from interstate.store.records.lambda_ import InvocationResult

node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def written(bench: Bench, runtime: str, files: dict[str, str], timeout_s: int = 60) -> str:
    arn = bench.write("", runtime=runtime, timeout_s=timeout_s, memory_mb=256)
    code = bench.folder / "Probe"
    (code / "app.py").unlink()
    for name, text in files.items():
        place = code / name.replace("__", ".")
        place.write_text(text)
        if name == "bootstrap":
            place.chmod(0o755)
    return arn


def called_within(
    timeout_s: int, tmp_path: Path, runtime: str, payload: str, files: dict[str, str]
) -> InvocationResult:
    results: list[InvocationResult] = []

    async def scenario(bench: Bench) -> None:
        results.append(await bench.call(written(bench, runtime, files, timeout_s), payload))

    run(tmp_path, scenario)
    return results[0]


def called(tmp_path: Path, runtime: str, payload: str = "{}", **files: str) -> InvocationResult:
    """A call that no machine is too slow for."""
    return called_within(60, tmp_path, runtime, payload, files)


HANDLERS = {
    "promise": {"app__mjs": "export const handler = async (event) => ({ got: event.n + 1 });"},
    "module by package": {
        "app__js": "export const handler = async (event) => ({ got: event.n + 1 });",
        "package__json": '{"type": "module"}',
    },
    "common": {"app__js": "exports.handler = async (event) => ({ got: event.n + 1 });"},
    "callback": {"app__js": "exports.handler = (event, context, done) => { setTimeout(() => done(null, { got: event.n + 1 }), 5); };"},
    "callback at once": {
        "app__js": """
            exports.handler = (event, context, done) => {
                context.callbackWaitsForEmptyEventLoop = false;
                setInterval(() => {}, 1000);
                done(null, { got: event.n + 1 });
            };
        """
    },
    "done": {"app__cjs": "exports.handler = (event, context) => { context.succeed({ got: event.n + 1 }); };"},
}  # fmt: skip


@node
@pytest.mark.parametrize("files", HANDLERS.values(), ids=HANDLERS.keys())
def test_node_handlers_answer_in_all_their_forms(tmp_path: Path, files: dict[str, str]) -> None:
    result = called(tmp_path, "nodejs20.x", '{"n": 41}', **files)
    assert (result.payload, result.function_error) == ('{"got":42}', None)


@node
def test_a_second_call_finds_the_node_process_of_the_first(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        arn = written(bench, "nodejs20.x", {"app__js": "let n = 0; exports.handler = async () => ++n;"})
        assert [(await bench.call(arn)).payload for _ in range(3)] == ["1", "2", "3"]

    run(tmp_path, scenario)


@node
def test_a_node_handler_finds_its_context_and_writes_its_log(tmp_path: Path) -> None:
    source = """
        exports.handler = async (event, context) => {
            console.log("one\\ntwo", { a: 1 });
            console.error("bad");
            return [context.awsRequestId, context.functionName, context.getRemainingTimeInMillis() > 1000,
                    process.env.AWS_LAMBDA_FUNCTION_NAME, process.cwd() === process.env.LAMBDA_TASK_ROOT];
        };
    """
    result = called(tmp_path, "nodejs20.x", app__js=source)
    assert loads(result.payload) == ["r-1", "Probe", True, "Probe", True]
    texts = [line.message for line in result.log]
    (info,) = [text for text in texts if "\tINFO\t" in text]
    assert info.endswith("\tr-1\tINFO\tone\ntwo { a: 1 }\n")
    assert any(text.endswith("\tr-1\tERROR\tbad\n") for text in texts)


FAILURES: dict[str, tuple[dict[str, str], str, str]] = {
    "raises": ({"app__js": "exports.handler = async () => { throw new TypeError('no'); };"}, "TypeError", "no"),
    "rejects": ({"app__js": "exports.handler = (e, c, done) => done(new RangeError('far'));"}, "RangeError", "far"),
    "no module": ({"other__js": ""}, "Runtime.ImportModuleError", "Error: Cannot find module 'app'"),
    "no handler": ({"app__js": "exports.other = 1;"}, "Runtime.HandlerNotFound", "app.handler is undefined or not exported"),
    "syntax": ({"app__js": "exports.handler = ("}, "Runtime.UserCodeSyntaxError", "SyntaxError"),
    "exits": ({"app__js": "exports.handler = async () => { process.exit(3); };"}, "Runtime.ExitError", "exit status 3"),
    "memory": ({"app__js": "exports.handler = async () => { const kept = []; for (;;) kept.push(Buffer.alloc(1 << 24, 1)); };"},
               "Runtime.OutOfMemory", "signal: killed"),
    "endless": ({"app__js": "exports.handler = async () => { for (;;); };"}, "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
}  # fmt: skip


@node
@pytest.mark.parametrize(("files", "error", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_a_node_failure_is_told_as_on_aws(tmp_path: Path, files: dict[str, str], error: str, message: str) -> None:
    timeout_s = 2 if error == "Sandbox.Timedout" else 60
    result = called_within(timeout_s, tmp_path, "nodejs20.x", "{}", files)
    document: JSON = loads(result.payload)
    assert isinstance(document, dict)
    assert (result.function_error, document["errorType"]) == ("Unhandled", error)
    assert message in str(document["errorMessage"])
    assert str(tmp_path) not in result.payload


@node
def test_a_streaming_handler_writes_as_it_goes(tmp_path: Path) -> None:
    source = """
        exports.handler = awslambda.streamifyResponse(async (event, out) => {
            const http = awslambda.HttpResponseStream.from(out, { statusCode: 201, headers: { "x-a": "b" } });
            http.write("one ");
            http.write("two");
            http.end();
        });
    """
    result = called(tmp_path, "nodejs20.x", app__js=source)
    assert result.streamed is not None
    prelude, _, rest = result.streamed.partition(bytes(8))
    assert loads(prelude) == {"statusCode": 201, "headers": {"x-a": "b"}}
    assert rest == b"one two"


@node
def test_a_stream_that_breaks_is_an_error_of_the_function(tmp_path: Path) -> None:
    source = """
        exports.handler = awslambda.streamifyResponse(async (event, out) => {
            out.write("begun");
            throw new RangeError("broken");
        });
    """
    result = called(tmp_path, "nodejs20.x", app__js=source)
    document: JSON = loads(result.payload)
    assert isinstance(document, dict)
    assert (result.function_error, document["errorType"], document["errorMessage"]) == (
        "Unhandled",
        "RangeError",
        "broken",
    )


BOOTSTRAP = """#!/bin/sh
# The Runtime API in a few lines, as AWS's tutorial of custom runtimes has them.
base="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
exec python3 - <<'END'
import json, os, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime"
while True:
    with urllib.request.urlopen(base + "/invocation/next") as call:
        request_id, event = call.headers["Lambda-Runtime-Aws-Request-Id"], json.load(call)
    print("handling", os.environ["_HANDLER"], flush=True)
    body = json.dumps({"got": event["n"] + 1}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{base}/invocation/{request_id}/response", body)).read()
END
"""


def test_a_bootstrap_of_the_functions_own_serves_calls(tmp_path: Path) -> None:
    result = called(tmp_path, "provided.al2023", '{"n": 1}', bootstrap=BOOTSTRAP)
    assert loads(result.payload) == {"got": 2}
    assert any("handling app.handler" in line.message for line in result.log)


def test_without_a_bootstrap_the_call_says_where_it_was_looked_for(tmp_path: Path) -> None:
    result = called(tmp_path, "provided.al2023", readme="")
    document: JSON = loads(result.payload)
    assert isinstance(document, dict)
    assert document["errorType"] == "Runtime.InvalidEntrypoint"
    assert "[/var/task/bootstrap /opt/bootstrap]" in str(document["errorMessage"])


WRAPPER = """#!/bin/sh
export GREETING="wrapped $(basename "$1")"
exec "$@"
"""
WRAPPED = {
    "python3.11": {"app__py": "import os\ndef handler(event, context): return os.environ['GREETING'].split()[0]"},
    "nodejs20.x": {"app__mjs": "export const handler = async () => process.env.GREETING.split(' ')[0];"},
}


@pytest.mark.parametrize("runtime", [pytest.param(name, marks=[node] if "node" in name else []) for name in WRAPPED])
@pytest.mark.parametrize(
    ("place", "mode", "payload"),
    [
        ("/var/task/wrap", 0o755, '"wrapped"'),
        ("/var/task/wrap", 0o644, "fork/exec /var/task/wrap: permission denied"),
        ("/var/task/gone", 0o755, "fork/exec /var/task/gone: no such file or directory"),
    ],
    ids=["wrapped", "not executable", "gone"],
)
def test_a_wrapper_starts_the_runtime(tmp_path: Path, runtime: str, place: str, mode: int, payload: str) -> None:
    """Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper"""
    results: list[InvocationResult] = []

    async def scenario(bench: Bench) -> None:
        environment = (("AWS_LAMBDA_EXEC_WRAPPER", place),)
        arn = bench.write("", runtime=runtime, timeout_s=60, memory_mb=256, environment=environment)
        code = bench.folder / "Probe"
        (code / "app.py").unlink()
        (code / "wrap").write_text(WRAPPER)
        (code / "wrap").chmod(mode)
        for name, text in WRAPPED[runtime].items():
            (code / name.replace("__", ".")).write_text(text)
        results.append(await bench.call(arn))

    run(tmp_path, scenario)
    assert payload in results[0].payload
