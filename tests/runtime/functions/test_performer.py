"""Real processes, one call at a time: what a handler sees, and how calls end."""

import asyncio
import io
import os
import textwrap
import zipfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import uvloop

from interstate.base.arn import Caller
from interstate.base.json import JSON, loads
from interstate.core.functions.configuration import FunctionSpec
from interstate.runtime.functions.performer import FunctionRuntime, NoSuchFunction, Settings
from interstate.store.records.lambda_ import Invocation, InvocationResult

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ACCOUNT = Caller("111122223333")


class Stopped:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


class Known:
    """Functions that a test has written."""

    def __init__(self) -> None:
        self.specs: dict[str, FunctionSpec] = {}
        self.zips: dict[str, bytes] = {}

    async def lookup(self, function: str, qualifier: str | None, choice: float) -> FunctionSpec | NoSuchFunction:  # noqa: ARG002 - a port.
        return self.specs.get(function) or NoSuchFunction(f"Function not found: {function}")

    async def code(self, sha256: str) -> bytes | None:
        return self.zips.get(sha256)


class Bench:
    """A runtime, and functions made of source text."""

    def __init__(self, runtime: FunctionRuntime, known: Known, folder: Path) -> None:
        self.runtime = runtime
        self.known = known
        self.folder = folder

    def write(self, source: str, name: str = "Probe", **configuration: object) -> str:
        code = self.folder / name
        code.mkdir(exist_ok=True)
        (code / "app.py").write_text(textwrap.dedent(source))
        arn = ACCOUNT.arn("lambda", f"function:{name}")
        spec = FunctionSpec(
            function=arn,
            version="$LATEST",
            revision="1",
            handler="app.handler",
            runtime="python3.11",
            code=f"dir:{code}",
            timeout_s=60,
            memory_mb=128,
            log_group=f"/aws/lambda/{name}",
        )
        self.known.specs[arn] = msgspec.structs.replace(spec, **configuration)
        return arn

    async def call(self, function: str, payload: str = "{}", request_id: str = "r-1") -> InvocationResult:
        return await self.runtime.perform(request_id, Invocation(request_id, function, payload, tail=True))


def run(
    folder: Path,
    scenario: Callable[[Bench], Awaitable[None]],
    *,
    workers: int = 2,
    idle: int = 64,
    client: str | None = None,
    processes: int = 1024,
) -> None:
    async def play() -> None:
        known = Known()
        settings = Settings(
            "http://localhost:4566",
            directory=folder.parent / "cache",
            workers=workers,
            idle=idle,
            client=client,
            processes=processes,
        )
        runtime = FunctionRuntime(known, Stopped(), settings)
        await runtime.start()
        try:
            await asyncio.wait_for(scenario(Bench(runtime, known, folder)), 180)
        finally:
            await runtime.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # As the server does.
        runner.run(play())


def document(result: InvocationResult) -> dict[str, JSON]:
    value = loads(result.payload)
    assert isinstance(value, dict)
    return value


def messages(result: InvocationResult) -> list[str]:
    return [line.message for line in result.log]


def test_a_handler_gets_its_event_and_its_answer_comes_back(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write("def handler(event, context): return {'got': event, 'id': context.aws_request_id}")
        result = await bench.call(function, '{"orderId": "o-1"}')
        assert loads(result.payload) == {"got": {"orderId": "o-1"}, "id": "r-1"}
        assert result.ok
        assert result.executed_version == "$LATEST"

    run(tmp_path, scenario)


def test_a_second_call_finds_the_worker_of_the_first(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write(
            """
            import os
            calls = 0
            def handler(event, context):
                global calls
                calls += 1
                return [os.getpid(), calls]
            """
        )
        first, second = loads((await bench.call(function)).payload), loads((await bench.call(function)).payload)
        assert isinstance(first, list)
        assert second == [first[0], 2]

    run(tmp_path, scenario)


def test_the_environment_is_that_of_aws_and_leads_back_here(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        os.environ["INTERSTATE_SECRET_OF_THE_SERVER"] = "1"
        function = bench.write(
            """
            import os, sys
            def handler(event, context):
                return {"env": dict(os.environ), "path": sys.path, "cwd": os.getcwd(), "fds": sorted(os.listdir("/proc/self/fd")),
                        "arn": context.invoked_function_arn, "left": context.get_remaining_time_in_millis()}
            """,
            environment=(("TABLE", "orders"),),
        )
        try:
            seen = document(await bench.call(function))
        finally:
            del os.environ["INTERSTATE_SECRET_OF_THE_SERVER"]
        env = seen["env"]
        assert isinstance(env, dict)
        assert "INTERSTATE_SECRET_OF_THE_SERVER" not in env
        code = str(tmp_path / "Probe")
        expected = {
            "TABLE": "orders",
            "AWS_LAMBDA_FUNCTION_NAME": "Probe",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "111122223333",
            "AWS_ENDPOINT_URL": "http://localhost:4566",
            "LAMBDA_TASK_ROOT": code,
            "_HANDLER": "app.handler",
        }
        assert expected.items() <= env.items()
        assert seen["cwd"] == code
        assert seen["arn"] == function
        assert isinstance(seen["left"], int)
        assert 0 < seen["left"] <= 60_000
        path = seen["path"]
        assert isinstance(path, list)
        assert path[0] == code
        assert not [entry for entry in path if "/src" in entry or entry.endswith("/site-packages")]

    run(tmp_path, scenario)


@pytest.mark.parametrize("name", ["interstate", "pytest", "msgspec", "orjson", "samtranslator"])
def test_interstates_own_packages_are_out_of_sight(tmp_path: Path, name: str) -> None:
    async def scenario(bench: Bench) -> None:
        result = await bench.call(bench.write(f"import {name}\ndef handler(event, context): pass"))
        assert document(result)["errorType"] == "Runtime.ImportModuleError"
        assert document(result)["errorMessage"] == f"Unable to import module 'app': No module named '{name}'"

    run(tmp_path, scenario)


# A configuration's variables, and region, profile and user agent of a client that is made with them.
SESSIONS: list[tuple[dict[str, str], list[str | None]]] = [
    ({}, ["us-east-1", None]),
    ({"AWS_CONFIG_FILE": "/config", "AWS_PROFILE": "other"}, ["us-east-1", "other"]),
]


@pytest.mark.parametrize(("variables", "seen"), SESSIONS, ids=range(len(SESSIONS)))
def test_boto3_is_there_and_signs_for_the_functions_account(
    tmp_path: Path, variables: dict[str, str], seen: list[str | None]
) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write(
            """
            import boto3
            client = boto3.client("sqs")
            def handler(event, context):
                return [
                    client.meta.endpoint_url,
                    client._request_signer._credentials.access_key,
                    "exec-env/AWS_Lambda_python3.11" in client.meta.config.user_agent,
                    client.meta.region_name,
                    boto3.DEFAULT_SESSION._session.get_config_variable("profile"),
                    boto3.DEFAULT_SESSION.available_profiles,
                ]
            """,
            environment=tuple(variables.items()),
        )
        if "AWS_CONFIG_FILE" in variables:
            config = tmp_path / "config"
            config.write_text("[profile other]\nregion = eu-west-1\n")
            variables["AWS_CONFIG_FILE"] = str(config)
            bench.write((tmp_path / "Probe" / "app.py").read_text(), environment=tuple(variables.items()))
        answer = await bench.call(function)
        profiles = ["other"] if variables else []
        assert loads(answer.payload) == ["http://localhost:4566", "111122223333", True, *seen, profiles]

    run(tmp_path, scenario)


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", textwrap.dedent(text))
    return content.getvalue()


@pytest.mark.parametrize("client", ["aws", "plain"])
def test_errors_name_files_where_they_lie_on_aws(tmp_path: Path, client: str) -> None:
    async def scenario(bench: Bench) -> None:
        source = """
        from common import fail
        def handler(event, context):
            fail()
        """
        layer = {"python__common": "def fail(): raise ValueError(__file__)"}
        bench.known.zips = {f"c-{client}": zipped(app=source), f"l-{client}": zipped(**layer)}
        code, layers = f"sha256:c-{client}", (f"sha256:l-{client}",)
        result = await bench.call(bench.write("", code=code, layers=layers))
        trace = document(result)["stackTrace"]
        assert isinstance(trace, list)
        assert [line.split(",")[0] for line in trace] == ['  File "/var/task/app.py"', '  File "/opt/python/common.py"']
        assert document(result)["errorMessage"] == "/opt/python/common.py"
        assert str(tmp_path.parent) not in "".join(messages(result)), "nothing of ours is in the log"

    run(tmp_path, scenario, client=client)


def test_errors_name_pythons_own_modules_where_they_lie_on_aws(tmp_path: Path) -> None:
    """Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html (Python lies below /var/lang)."""

    async def scenario(bench: Bench) -> None:
        result = await bench.call(bench.write("import json\ndef handler(event, context): json.loads('{')"))
        trace = document(result)["stackTrace"]
        assert isinstance(trace, list)
        assert trace[-1].startswith('  File "/var/lang/lib/python3.'), trace

    run(tmp_path, scenario)


def test_a_module_of_the_functions_own_wins_over_one_that_is_preloaded(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write("import jmespath\ndef handler(event, context): return jmespath.mine")
        (tmp_path / "Probe" / "jmespath.py").write_text("mine = 'mine'")
        assert (await bench.call(function)).payload == '"mine"'

    run(tmp_path, scenario)


@pytest.mark.parametrize("client", ["aws", "plain"])
def test_what_is_printed_is_in_the_log_in_order_and_an_error_is_one_event(tmp_path: Path, client: str) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write(
            """
            import logging, os
            print("while loading")
            def handler(event, context):
                print("one\\ntwo")
                logging.warning("three\\nlines")
                os.write(1, b"raw")
                raise ValueError("no")
            """
        )
        result = await bench.call(function)
        assert document(result)["errorType"] == "ValueError"
        assert document(result)["errorMessage"] == "no"
        assert result.function_error == "Unhandled"
        init, loading, start, one, two, warning, raw, error, end, report = messages(result)
        assert init.startswith("INIT_START Runtime Version: python:3.11")
        assert loading == "while loading\n"
        assert start == "START RequestId: r-1 Version: $LATEST\n"
        assert (one, two, raw) == ("one\n", "two\n", "raw")
        assert "three\nlines" in warning
        assert error.startswith("[ERROR] ValueError: no\nTraceback (most recent call last):")
        assert end == "END RequestId: r-1\n"
        assert report.startswith("REPORT RequestId: r-1\tDuration: ")
        assert "Init Duration" in report
        assert result.log_tail.endswith(report)

    run(tmp_path, scenario, client=client)


# Every way to fail: source, error type, message (with the request id in it).
FAILURES = [
    ("def handler(event, context): import os; os._exit(3)", "Runtime.ExitError",
     "RequestId: r-1 Error: Runtime exited with error: exit status 3"),
    ("def handler(event, context): import os; os._exit(0)", "Runtime.ExitError",
     "RequestId: r-1 Error: Runtime exited without providing a reason"),
    ("def handler(event, context): import os; os.kill(os.getpid(), 11)", "Runtime.ExitError",
     "RequestId: r-1 Error: Runtime exited with error: signal: segmentation fault"),
    ("def handler(event, context): import sys; sys.exit(1)", "Runtime.ExitError",
     "RequestId: r-1 Error: Runtime exited with error: exit status 1"),
    ("def handler(event, context): import time; time.sleep(600)", "Sandbox.Timedout",
     "RequestId: r-1 Error: Task timed out after 1.00 seconds"),
    ("def handler(event, context): return 'x' * 7_000_000", "Function.ResponseSizeTooLarge",
     "Response payload size exceeded maximum allowed payload size (6291556 bytes)."),
    ("def handler(event, context): return object()", "Runtime.MarshalError", None),
    ("def other(event, context): pass", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
    ("def handler(event, context) return 1", "Runtime.UserCodeSyntaxError", None),
    ("import nowhere", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nowhere'"),
    ("raise RuntimeError('while loading')", "RuntimeError", "while loading"),
    ("def handler(event, context):\n    while True: print('x' * 1000)", "Sandbox.Timedout", None),
    ("def handler(event, context):\n    x = bytearray(300_000_000)\n    import time; time.sleep(600)", "Runtime.OutOfMemory",
     "RequestId: r-1 Error: Runtime exited with error: signal: killed"),
    ("def handler(event, context): return bytearray(3_000_000_000)", "MemoryError", None),
]  # fmt: skip


@pytest.mark.parametrize("client", ["aws", "plain"])
def test_a_failure_is_one_of_its_call_and_of_no_other(tmp_path: Path, client: str) -> None:
    async def fail(bench: Bench, row: int) -> None:
        source, error_type, message = FAILURES[row]
        function = bench.write(source, f"Failing{row}", timeout_s=1 if error_type == "Sandbox.Timedout" else 60)
        result = await bench.call(function)
        assert result.function_error == "Unhandled", source
        assert document(result)["errorType"] == error_type, source
        assert message is None or document(result)["errorMessage"] == message, source
        assert messages(result)[-2] == "END RequestId: r-1\n", source
        assert sum(len(message) for message in messages(result)) < 2 << 20, source

    async def scenario(bench: Bench) -> None:
        sound = bench.write("def handler(event, context): return 'sound'", "Sound")
        rows = range(len(FAILURES))
        await asyncio.gather(*(fail(bench, row) for row in rows), *(bench.call(sound) for _ in rows))
        assert (await bench.call(sound)).payload == '"sound"'

    run(tmp_path, scenario, workers=4, client=client)


def test_a_call_that_kills_the_parent_of_all_workers_ends_no_other_call(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        slow = bench.write(
            """
            import time
            def handler(event, context):
                time.sleep(0.5)
                return context.aws_request_id
            """,
            "Slow",
        )
        killer = bench.write(
            """
            import os, time
            def handler(event, context):
                time.sleep(0.2)
                os.kill(os.getppid(), 9)
                time.sleep(600)
            """,
            "Killer",
        )
        await bench.call(slow)
        *answers, killed = await asyncio.gather(
            *(bench.call(slow, request_id=f"r-{number}") for number in range(3)), bench.call(killer)
        )
        assert [answer.payload for answer in answers] == ['"r-0"', '"r-1"', '"r-2"']
        assert document(killed)["errorType"] == "Runtime.ExitError"
        assert (await bench.call(slow)).ok

    run(tmp_path, scenario, workers=8)


def test_a_worker_that_failed_on_its_way_out_is_not_used_again(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write(
            """
            import os, threading, time
            def die(answered):
                while not os.path.exists(answered):
                    time.sleep(0.01)
                os._exit(1)
            def handler(event, context):
                if event["die"]:
                    threading.Thread(target=die, args=("answered",)).start()
                return os.getpid()
            """
        )
        first = await bench.call(function, '{"die": true}')
        (bench.folder / "Probe" / "answered").touch()
        await until(lambda: not is_alive(first.payload))
        second = await bench.call(function, '{"die": false}')
        assert first.ok
        assert second.ok
        assert first.payload != second.payload

    run(tmp_path, scenario)


def test_an_edit_is_seen_without_a_deployment(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write("def handler(event, context): return 'old'")
        assert (await bench.call(function)).payload == '"old"'
        (tmp_path / "Probe" / "app.py").write_text("def handler(event, context): return 'fresh'")
        await asyncio.sleep(0.3)  # LOOK_AGAIN_S: the runtime looks at a folder four times a second.
        assert (await bench.call(function)).payload == '"fresh"'

    run(tmp_path, scenario)


@pytest.mark.slow
@pytest.mark.parametrize("client", ["aws", "plain"])
def test_an_edit_within_the_second_that_keeps_the_size_is_seen(tmp_path: Path, client: str) -> None:
    """Python itself takes cached bytecode for current when the second and the size are the same."""

    async def scenario(bench: Bench) -> None:
        second = 1_700_000_000 * 10**9
        for number in range(2):
            function = bench.write(f"def handler(event, context): return {number}")
            await asyncio.sleep(0.3 * number)  # LOOK_AGAIN_S
            os.utime(bench.folder / "Probe" / "app.py", ns=(second + number * 1000, second + number * 1000))
            assert (await bench.call(function)).payload == str(number)

    run(tmp_path, scenario, client=client)


def test_calls_wait_for_a_place_in_order_and_a_circle_of_calls_gets_one_beyond_the_limit(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        slow = bench.write(
            """
            import os, time
            def handler(event, context):
                while event["waits"] and not os.path.exists("answered"):
                    time.sleep(0.01)
            """
        )
        # One place: the second call waits, and after a standstill gets a place of its own.
        long = asyncio.create_task(bench.call(slow, '{"waits": true}'))
        await asyncio.sleep(0.05)
        short = asyncio.create_task(bench.call(slow, '{"waits": false}', "r-2"))
        done, _ = await asyncio.wait({long, short}, return_when=asyncio.FIRST_COMPLETED)
        assert done == {short}
        assert bench.runtime.pool.size == 2
        (bench.folder / "Probe" / "answered").touch()
        assert (await long).ok

    run(tmp_path, scenario, workers=1)


def test_reserved_concurrency_refuses_as_lambda_throttles(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write("import time\ndef handler(event, context): time.sleep(0.3)", reserved_concurrency=1)
        first, second = await asyncio.gather(bench.call(function), bench.call(function, request_id="r-2"))
        assert first.ok
        assert second.refused == "TooManyRequestsException"

    run(tmp_path, scenario)


def test_idle_workers_are_kept_and_the_one_used_longest_ago_goes_first(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        source = "import os\ndef handler(event, context): return os.getpid()"
        one, two, three = [bench.write(source, f"F{i}") for i in range(3)]
        pids = {function: (await bench.call(function)).payload for function in (one, two, one, three)}
        assert bench.runtime.pool.size == 2
        assert (await bench.call(one)).payload == pids[one]
        assert (await bench.call(two)).payload != pids[two]

    run(tmp_path, scenario, idle=2)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        nobody = await bench.call(ACCOUNT.arn("lambda", "function:Nobody"))
        assert nobody.refused == "ResourceNotFoundException"
        gone = bench.write("def handler(event, context): pass", code="dir:/nowhere/at/all")
        assert document(await bench.call(gone))["errorType"] == "Runtime.InvalidCode"

    run(tmp_path, scenario)


FORKS = """
import os, subprocess, sys, time
def handler(event, context):
    if event["how"] == "fork":
        if os.fork() == 0:
            time.sleep(600); os._exit(0)
    elif event["how"] == "escape":
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        os.wait()
    elif event["how"] == "program":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    if event["end"]:
        os._exit(1)
    return os.getpid()
"""


def living(folder: Path) -> list[str]:
    """The processes whose command line or environment names the folder of the tests' workers."""
    cache = str(folder.parent / "cache").encode()
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_bytes()
                variables = (process / "environ").read_bytes()
            except OSError:
                continue
            if cache in line or cache in variables:
                found.append(process.name)
    return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what comes soon, and on a slow machine not so soon."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 other processes tell no event
            await asyncio.sleep(0.02)


def is_alive(pid: str) -> bool:
    """Whether a process runs: not gone, and not only waiting for its parent to hear of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", ["fork", "escape", "program"])
def test_what_a_handler_started_ends_with_its_worker(tmp_path: Path, how: str) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write(FORKS)
        result = await bench.call(function, f'{{"how": "{how}", "end": true}}')
        assert document(result)["errorType"] == "Runtime.ExitError"
        await until(lambda: len(living(tmp_path)) == 1)  # The zygote.

    run(tmp_path, scenario)
    assert living(tmp_path) == []


def test_what_forked_children_share_is_counted_once(tmp_path: Path) -> None:
    """Nine processes of 45 MB each, of which nearly all is the same memory, fit into 128 MB."""

    async def scenario(bench: Bench) -> None:
        source = """
        import os, time
        def handler(event, context):
            for _ in range(8):
                if os.fork() == 0:
                    time.sleep(600); os._exit(0)
            time.sleep(0.4)
            return "all of them"
        """
        result = await bench.call(bench.write(source, memory_mb=128))
        assert result.payload == '"all of them"'
        assert result.memory_max_mb <= 128

    run(tmp_path, scenario)


def test_what_children_take_for_themselves_counts(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        source = """
        import os, time
        def handler(event, context):
            for _ in range(4):
                if os.fork() == 0:
                    taken = bytearray(os.urandom(30_000_000)); time.sleep(600); os._exit(0)
            time.sleep(600)
        """
        result = await bench.call(bench.write(source, memory_mb=128))
        assert document(result)["errorType"] == "Runtime.OutOfMemory"

    run(tmp_path, scenario)


def test_processes_without_end_are_ended(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        # Bounded, so that a failing test does not take the machine along.
        source = """
        import os, time
        def handler(event, context):
            for _ in range(60):
                if os.fork() == 0:
                    time.sleep(600); os._exit(0)
            time.sleep(600)
        """
        result = await bench.call(bench.write(source, memory_mb=10_240))
        assert document(result)["errorType"] == "Runtime.ExitError"

    run(tmp_path, scenario, processes=40)
    assert living(tmp_path) == []


@pytest.mark.parametrize("client", ["aws", "plain"])
def test_a_client_context_reaches_the_handler(tmp_path: Path, client: str) -> None:
    async def scenario(bench: Bench) -> None:
        function = bench.write("def handler(event, context): return context.client_context.custom")
        body = Invocation("r-1", function, client_context='{"custom": {"a": "b"}}')
        assert loads((await bench.runtime.perform("1", body)).payload) == {"a": "b"}

    run(tmp_path, scenario, client=client)
