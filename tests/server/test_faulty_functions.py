"""Functions that fail in every way that a process can: each is the error of its own call, and nothing else notices.

Source: error documents as Lambda's Python runtime and its supervisor write them.
"""

import base64
import contextlib
import io
import json
import textwrap
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

ROLE = "arn:aws:iam::000000000000:role/r"
PAYLOAD_BYTES_MAX = 6_291_556


class Faulty(NamedTuple):
    name: str
    source: str
    error: str
    message: str
    timeout_s: int = 60  # Long enough for any machine, but where running out of time is the fault.


EXIT = "Runtime.ExitError"
FAULTY = [
    Faulty("Syntax", "def handler(event, context)\n    return 1", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
    Faulty("NoHandler", "def other(event, context): return 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
    Faulty("NoImport", "import nowhere_to_be_found", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nowhere_to_be_found'"),
    Faulty("RaisesAtImport", "raise ValueError('at import')", "ValueError", "at import"),
    Faulty("ExitsAtImport", "import sys; sys.exit(3)", EXIT, "Runtime exited with error: exit status 3"),
    Faulty("DiesAtImport", "import os; os._exit(4)", EXIT, "Runtime exited with error: exit status 4"),
    Faulty("Exits", "import sys\ndef handler(event, context): sys.exit(5)", EXIT, "Runtime exited with error: exit status 5"),
    Faulty("ExitsWell", "import os\ndef handler(event, context): os._exit(0)", EXIT, "Runtime exited without providing a reason"),
    Faulty("Segfault", "import ctypes\ndef handler(event, context): ctypes.string_at(0)", EXIT, "signal: segmentation fault"),
    Faulty("Aborts", "import os\ndef handler(event, context): os.abort()", EXIT, "signal: aborted"),
    Faulty("KillsItself", "import os\ndef handler(event, context): os.kill(os.getpid(), 9)", EXIT, "signal: killed"),
    Faulty("KillsItsParent", "import os, time\ndef handler(event, context): os.kill(os.getppid(), 9); time.sleep(600)", EXIT, "Runtime exited"),
    Faulty("Loops", "def handler(event, context):\n    while True: pass", "Sandbox.Timedout", "Task timed out after 1.00 seconds", 1),
    Faulty("IgnoresTerm", "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ndef handler(event, context): time.sleep(60)", "Sandbox.Timedout", "Task timed out after 1.00 seconds", 1),
    Faulty("PrintsWithoutEnd", "def handler(event, context):\n    while True: print('x' * 1000)", "Sandbox.Timedout", "Task timed out after 1.00 seconds", 1),
    Faulty("WritesBytesWithoutEnd", "import os\ndef handler(event, context):\n    while True: os.write(2, b'\\xff\\x00' * 500)", "Sandbox.Timedout", "Task timed out after 1.00 seconds", 1),
    Faulty("Eats", "def handler(event, context):\n    taken = []\n    while True: taken.append(bytearray(10_000_000))", "Runtime.OutOfMemory", "signal: killed"),
    Faulty("AnswersTooMuch", "def handler(event, context): return 'x' * 7_000_000", "Function.ResponseSizeTooLarge", f"exceeded maximum allowed payload size ({PAYLOAD_BYTES_MAX} bytes)."),
    Faulty("AnswersNoJson", "def handler(event, context): return object()", "Runtime.MarshalError", "Unable to marshal response: Object of type object is not JSON serializable"),
    Faulty("AnswersItself", "def handler(event, context):\n    answer = []; answer.append(answer); return answer", "Runtime.MarshalError", "Circular reference detected"),
    Faulty("Recurs", "def handler(event, context): return handler(event, context)", "RecursionError", "maximum recursion depth exceeded"),
    Faulty("RaisesAGroup", "def handler(event, context): raise ExceptionGroup('g', [ValueError('a')])", "ExceptionGroup", "g (1 sub-exception)"),
    Faulty("RaisesTheBase", "def handler(event, context): raise BaseException('b')", EXIT, "exit status 1"),
    Faulty("CannotBeShown", "class E(Exception):\n    def __str__(self): raise RuntimeError('no')\ndef handler(event, context): raise E()", EXIT, "exit status 1"),
]  # fmt: skip

FORKS = """
import os, time
def handler(event, context):
    for _ in range(50):
        if os.fork() == 0:
            if event["leave"]:
                os.setsid()
            time.sleep(600)
            os._exit(0)
    time.sleep(event["stay"])
    return "fifty"
"""
HARMLESS = "def handler(event, context): return event"


def zipped(source: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", textwrap.dedent(source))
    return content.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("faulty") / "data")
    process.start()
    create(process, "Harmless", HARMLESS)
    yield process
    process.kill()


@pytest.fixture(autouse=True)
def unharmed(server: ServerProcess) -> Iterator[None]:
    """After every test, functions are called as before, and the log tells of no bug."""
    yield
    assert invoke(server, "Harmless", {"still": "there"}) == (None, {"still": "there"})
    assert "Traceback" not in server.output()


@cache
def client(server: ServerProcess, service: str) -> Any:
    """A client, made once: its model takes a while to read."""
    return server.client(service)


@cache
def unchecked(server: ServerProcess) -> Any:
    """A client that sends whatever it is given."""
    return boto3.client(
        "lambda",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="interstate",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


def create(server: ServerProcess, name: str, source: str, **configuration: Any) -> None:
    unchecked(server).create_function(
        **{"FunctionName": name, "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE, "Timeout": 60}
        | {"Code": {"ZipFile": zipped(source)}}
        | configuration
    )


def invoke(server: ServerProcess, name: str, event: Any) -> tuple[str | None, Any]:
    answer = client(server, "lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    assert answer["StatusCode"] == 200
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


@pytest.mark.parametrize("faulty", FAULTY, ids=[row.name for row in FAULTY])
def test_a_function_fails_alone(server: ServerProcess, faulty: Faulty) -> None:
    create(server, faulty.name, faulty.source, Timeout=faulty.timeout_s)
    kind, error = invoke(server, faulty.name, {})
    assert (kind, error["errorType"]) == ("Unhandled", faulty.error)
    assert faulty.message in error["errorMessage"]


@pytest.mark.parametrize("leave", [False, True])
def test_what_a_function_forks_ends_with_it(server: ServerProcess, leave: bool) -> None:
    name = f"Forks{leave}"
    create(server, name, FORKS, MemorySize=512)
    invoke(server, "Harmless", {})  # Its worker is not counted.
    before = processes_below(server.pid)
    assert invoke(server, name, {"leave": leave, "stay": 0}) == (None, "fifty")
    assert len(processes_below(server.pid) - before) == 51
    client(server, "lambda").update_function_configuration(FunctionName=name, Timeout=5)
    kind, error = invoke(server, name, {"leave": leave, "stay": 600})
    assert (kind, error["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    ends = time.monotonic() + 60
    while left := processes_below(server.pid) - before:  # They end after the call is answered.
        assert time.monotonic() < ends, left
        time.sleep(0.02)


def processes_below(pid: int) -> set[int]:
    """The processes that a process started, and theirs."""
    parents: dict[int, int] = {}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    found, new = set[int](), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def test_failures_beside_calls_touch_no_call(server: ServerProcess) -> None:
    """The worst ones at once, again and again, beside twenty calls that want their answer."""
    worst = [row for row in FAULTY if row.name in ("Segfault", "KillsItself", "Eats", "ExitsAtImport")]
    for row in worst:
        create(server, f"{row.name}Beside", row.source)
    with ThreadPoolExecutor(8) as threads:
        failing = [threads.submit(invoke, server, f"{row.name}Beside", {}) for row in worst for _ in range(3)]
        wanted = [threads.submit(invoke, server, "Harmless", {"number": number}) for number in range(20)]
        assert [call.result() for call in wanted] == [(None, {"number": number}) for number in range(20)]
        assert {call.result()[0] for call in failing} == {"Unhandled"}


def test_a_flood_is_kept_in_part_and_says_so(server: ServerProcess) -> None:
    """The first 10,000 lines of a call are kept; the tail is its last 4 KiB, with the report."""
    source = "def handler(event, context):\n    for number in range(30_000): print(number)\n    return 'done'"
    create(server, "Floods", source)
    answer = client(server, "lambda").invoke(FunctionName="Floods", LogType="Tail")
    assert answer["Payload"].read() == b'"done"'
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert len(tail) <= 4096
    assert "[The rest of what this call printed was not kept.]\n" in tail
    assert "REPORT RequestId: " in tail.splitlines()[-1]


BAD_CONFIGURATIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file"),
    ({"Code": {}}, "InvalidParameterValueException", "Please provide a source for function code."),
    ({"Runtime": "cobol"}, "InvalidParameterValueException", "Value cobol at 'runtime' failed to satisfy constraint"),
    ({"Runtime": "java21"}, "NotImplemented", "the runtime java21; it runs python, nodejs and provided"),
    ({"PackageType": "Image"}, "NotImplemented", "functions from container images"),
    ({"Role": "nobody"}, "ValidationException", "at 'role' failed to satisfy constraint"),
    ({"Timeout": 0}, "ValidationException", "at 'timeout' failed to satisfy constraint"),
    ({"Timeout": 901}, "InvalidParameterValueException", "at 'timeout' failed to satisfy constraint"),
    ({"MemorySize": 64}, "ValidationException", "at 'memorySize' failed to satisfy constraint"),
    ({"FunctionName": "a b"}, "ValidationException", "at 'functionName' failed to satisfy constraint"),
    ({"Environment": {"Variables": {f"A{n}": "x" * 1000 for n in range(5)}}}, "InvalidParameterValueException", "exceeded the 4KB limit."),
    ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException", "reserved keys"),
    ({"Environment": {"Variables": {"1A": "x"}}}, "ValidationException", "Map keys must satisfy constraint"),
    ({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:no:1"]}, "InvalidParameterValueException", "does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("configuration", "code", "message"), BAD_CONFIGURATIONS)
def test_a_bad_configuration_makes_no_function(
    server: ServerProcess, configuration: dict[str, Any], code: str, message: str
) -> None:
    client = unchecked(server)
    before = [function["FunctionName"] for function in client.list_functions(MaxItems=100)["Functions"]]
    with pytest.raises(ClientError) as refused:
        create(server, "Bad", HARMLESS, **configuration)
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]
    assert [function["FunctionName"] for function in client.list_functions(MaxItems=100)["Functions"]] == before


BAD_CALLS: list[tuple[dict[str, Any], str, str]] = [
    ({"Payload": b"{"}, "InvalidRequestContentException", "Could not parse request body into json"),
    ({"FunctionName": "Nobody"}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:Nobody"),
    ({"Qualifier": "9"}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:Harmless:9"),
    ({"Payload": b'"' + b"x" * PAYLOAD_BYTES_MAX + b'"'}, "RequestTooLargeException", ""),
    ({"InvocationType": "Sometimes"}, "ValidationException", "at 'invocationType' failed to satisfy constraint"),
    ({"InvocationType": "Event", "Payload": b'"' + b"x" * 1_100_000 + b'"'}, "RequestTooLargeException", ""),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "code", "message"), BAD_CALLS)
def test_a_bad_call_runs_nothing(server: ServerProcess, request_: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(ClientError) as refused:
        unchecked(server).invoke(**{"FunctionName": "Harmless"} | request_)
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]
