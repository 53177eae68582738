"""What runs in the processes of functions; executed as a script, with nothing of Interstate on its path.

Theory of operation
-------------------
One *zygote* process imports what nearly every Python handler needs (boto3 costs 200 ms, the service models of a first client 60)
and then forks a *worker* for each place in the pool: a cold start costs milliseconds, and workers share that memory. It has one thread and
speaks lines of JSON: commands come on standard input, notices go out on standard output::

    {"start": {"id": 7, "output": "/.../out", "environment": {...}, "path": [...], ...}}    {"id": 7, "pid": 4711}
    {"kill": 7}                                                                             {"id": 7, "exit": -9}

A worker is its own session and process group. Its end takes the whole group along, and also descendants that left the
group: the zygote is their reaper, and knows them by their environment or name. The zygote ends, with all workers, when its standard
input does, which the kernel guarantees however the supervisor died; workers that lose their zygote are killed by the kernel.

A handler whose own packages would meet a module that is imported already (its own boto3, a module called ``queue``) gets a fresh
interpreter instead: the forked process executes this script again.
"""

import contextlib
import ctypes
import gc
import importlib
import importlib.machinery
import importlib.util
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, cast

PRELOADED = (
    "boto3",
    "boto3.dynamodb.transform",
    "boto3.resources.factory",
    "boto3.session",
    "botocore.auth",
    "botocore.client",
    "botocore.endpoint",
    "botocore.httpsession",
    "botocore.parsers",
    "botocore.retries.standard",
    "botocore.session",
    "concurrent.futures.thread",
    "http.client",
    "logging",
    "simplejson",
    "snapshot_restore_py",
)
# Services whose models the default session has read: those that handlers here have clients of.
MODELS = ("dynamodb", "events", "lambda", "sns", "sqs", "stepfunctions")
# A handler whose environment has one of these expects a session that has read them, so its interpreter starts afresh.
SESSION_VARIABLES = frozenset(
    {"AWS_CONFIG_FILE", "AWS_DATA_PATH", "AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"}
)
OPEN_FILES_MAX = 1024  # Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
PROCESSES_MAX = 1024  # Source: the same page, execution processes/threads.
COMMAND_BYTES_MAX = 1 << 20
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform == "linux"

Job = dict[str, Any]


def prctl(option: int, argument: int | bytes) -> None:
    """Ask the kernel for something about this process; a system without prctl does without."""
    if LINUX:
        ctypes.CDLL(None).prctl(option, ctypes.c_char_p(argument) if isinstance(argument, bytes) else argument, 0, 0, 0)


def name_of(worker: int) -> str:
    """The name of a worker's process, which its forks inherit (at most 15 bytes)."""
    return f"fn-{worker}"


class Zygote:
    """The workers of this process, by id and by process id."""

    def __init__(self) -> None:
        self.pids: dict[int, int] = {}
        self.ids: dict[int, int] = {}
        self.apis: dict[int, str] = {}
        self.buffer = b""
        self.wakeups, self.wakeup = os.pipe()
        for end in (self.wakeups, self.wakeup):
            os.set_blocking(end, False)

    def loop(self) -> Job | None:
        """Obey until the input ends; in a forked child, return its job."""
        signal.set_wakeup_fd(self.wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select((0, self.wakeups), (), ())
            if self.wakeups in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.wakeups, 4096)
                self.reap()
            if 0 in ready:
                received = os.read(0, 65_536)
                if not received:
                    self.end()
                    return None
                job = self.obey(received)
                if job is not None:
                    return job

    def obey(self, received: bytes) -> Job | None:
        *lines, self.buffer = (self.buffer + received).split(b"\n")
        for line in lines:
            command = json.loads(line)
            if "kill" in command:
                self.kill(command["kill"])
            elif "start" in command:
                job: Job = command["start"]
                pid = os.fork()
                if pid == 0:
                    return job
                self.pids[job["id"]] = pid
                self.ids[pid] = job["id"]
                self.apis[job["id"]] = job["environment"]["AWS_LAMBDA_RUNTIME_API"]
                notify({"id": job["id"], "pid": pid})
        return None

    def kill(self, worker: int) -> None:
        """End a worker and its group; a pid stays ours until ``reap``, so nobody else can be hit."""
        pid = self.pids.get(worker)
        if pid is not None:
            end_group(pid)

    def reap(self) -> bool:
        """Take the exits of workers, and of what they left behind; tells whether anybody is left."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return False
            if found is None:
                self.end_orphans()
                return True
            worker = self.ids.pop(found.si_pid, None)
            if worker is not None:
                end_group(found.si_pid)  # While the pid is not reaped, it cannot be another's group.
            _, status = os.waitpid(found.si_pid, 0)
            if worker is not None:
                del self.pids[worker], self.apis[worker]
                notify({"id": worker, "exit": os.waitstatus_to_exitcode(status)})

    def end_orphans(self) -> None:
        """Kill descendants that left their group, once their worker is gone."""
        living = {*self.apis.values(), *map(name_of, self.pids)}
        for pid in children_of(os.getpid()):
            if pid not in self.ids and owner_of(pid) not in living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        for pid in self.ids:
            end_group(pid)
        deadline = time.monotonic() + 2
        while self.reap() and time.monotonic() < deadline:
            time.sleep(0.005)


def end_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # A worker that was forked just now may not lead its group yet.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as children:  # noqa: PTH123 - pathlib is not imported here.
            return [int(child) for child in children.read().split()]
    except OSError:
        return []


def owner_of(pid: int) -> str:
    """The worker that a descendant came from: its Runtime API's address (after exec) or its name (after fork)."""
    marker = b"AWS_LAMBDA_RUNTIME_API="
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:  # noqa: PTH123 - see children_of.
            for variable in environment.read(65_536).split(b"\0"):
                if variable.startswith(marker):
                    return variable[len(marker) :].decode(errors="replace")
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as comm:  # noqa: PTH123 - see children_of.
            return comm.read().strip()
    except OSError:
        return ""


def notify(notice: dict[str, int]) -> None:
    # A broken pipe means that the supervisor died; the input's end says so too.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(notice).encode() + b"\n")


# In the worker ----------------------------------------------------------------------------------------------------


def become_worker(job: Job, zygote: int) -> None:
    """Turn the forked process into the worker's: own session, own output, no descriptor of the zygote's."""
    os.setsid()
    prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != zygote:
        os._exit(1)
    prctl(_PR_SET_NAME, name_of(job["id"]).encode())
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(job["output"], os.O_WRONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(output, 3)  # Frames of the telemetry log go the same way as what is printed, so both keep their order.
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0] if not LINUX else OPEN_FILES_MAX)
    limit_resources(job["memory_bytes_max"], job["file_bytes_max"])
    # The zygote's environment is nobody's business; values come from the job alone.
    os.environ.clear()
    os.environ.update(job["environment"])
    os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = "3"
    time.tzset()
    os.chdir(job["directory"])


def limit_resources(memory_bytes_max: int, file_bytes_max: int) -> None:
    """Bound what a runaway handler can take before the look at its memory ends it."""
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_NOFILE, OPEN_FILES_MAX)
    lower(resource.RLIMIT_FSIZE, file_bytes_max)
    if LINUX:
        lower(resource.RLIMIT_DATA, memory_bytes_max)
        if os.getuid() != 0:  # Counted over all of the user's processes, hence on top of what may run already.
            lower(resource.RLIMIT_NPROC, PROCESSES_MAX * 8)


def lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def serve(job: Job) -> None:
    """Run the handler on a runtime client, which never returns."""
    run = client(job)
    sys.pycache_prefix = job[
        "pycache"
    ]  # The handler's folder is not ours to write to; its imports are cached all the same.
    importlib.machinery.SourceFileLoader.path_stats = stats_of_source  # type: ignore[assignment, method-assign]  # see there
    sys.path[:] = [*job["path"], *sys.path]
    sys.argv = ["/var/runtime/bootstrap.py", job["handler"]]
    run()


def stats_of_source(_loader: object, path: str) -> dict[str, int]:
    """By what cached bytecode is known to belong to its source: to the microsecond.

    Python compares whole seconds and the size, so that a second edit within a second, of one digit say, would not be seen.
    """
    status = os.stat(path)  # noqa: PTH116 - pathlib is not imported here.
    return {"mtime": status.st_mtime_ns // 1000, "size": status.st_size}


def client(job: Job) -> Callable[[], None]:
    """AWS's own runtime client, or ours where it has none for this system."""
    if job["client"] == "aws":
        main = importlib.import_module("awslambdaric.__main__").main
        return lambda: main(["bootstrap", job["handler"]])
    place = os.path.join(os.path.dirname(__file__), "plain_client.py")  # noqa: PTH118, PTH120 - see above.
    specification = importlib.util.spec_from_file_location("plain_client", place)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return lambda: module.run(job["handler"])


def execute_afresh(job: Job) -> None:
    """Give the worker an interpreter that has imported nothing."""
    start = os.path.join(job["temporary"], "start.json")  # noqa: PTH118 - pathlib is not imported here.
    with open(start, "w", encoding="utf-8") as file:  # noqa: PTH123 - see above.
        json.dump(job, file)
    # A wrapper may set variables of Python's own, so that they count.
    flags = ("-s", "-P", "-S") if job["wrapper"] else ("-I", "-S")
    interpreter = [sys.executable, *flags, "-X", "utf8", __file__, "worker", start, job["site"]]
    execute_program([job["wrapper"], *interpreter] if job["wrapper"] else interpreter)


def execute_program(command: list[str]) -> None:
    """Become another program: another interpreter, a wrapper, or a runtime that speaks the Runtime API itself."""
    os.set_inheritable(3, True)  # noqa: FBT003 - the standard library's signature.
    try:
        os.execve(command[0], command, os.environ)  # noqa: S606 - without a shell.
    except OSError as error:
        os.write(2, f"fork/exec {command[0]}: {error.strerror}\n".encode())
        os._exit(1)


def preload() -> None:
    """Import what handlers import, and let the session that ``boto3.client`` uses read its models.

    A session reads the environment when a client is made, but for its configuration files, which are kept from it here, and
    for what it says of itself (``renew_user_agent``); so the one that a worker inherits behaves like one that is made there.
    """
    for name in PRELOADED:
        importlib.import_module(name)
    importlib.import_module("encodings.idna")  # Imported by the first connection otherwise.
    boto3 = importlib.import_module("boto3")
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    # Which methods keep what they have read is botocore's own affair: another version may only make this useless.
    with contextlib.suppress(
        AttributeError, KeyError, ValueError, importlib.import_module("botocore.exceptions").BotoCoreError
    ):
        boto3.setup_default_session()
        loader = boto3.DEFAULT_SESSION._session.get_component("data_loader")  # noqa: SLF001 - there is no other way.
        for name in MODELS:
            for kind in ("service-2", "endpoint-rule-set-1"):
                loader.load_service_model(name, kind, api_version=None)
        loader.load_data_with_path("endpoints")
        for name in ("partitions", "sdk-default-configuration", "_retry"):
            loader.load_data(name)


def renew_user_agent() -> None:
    """A session notes where it runs when it is made; the inherited one notes it again, in the worker."""
    boto3 = sys.modules.get("boto3")
    session = getattr(boto3, "DEFAULT_SESSION", None)
    with contextlib.suppress(AttributeError, ImportError):
        if session is not None:
            agent = importlib.import_module("botocore.useragent").UserAgentString.from_environment()
            session._session.register_component("user_agent_creator", agent)  # noqa: SLF001 - see preload.


def main(arguments: list[str]) -> None:
    role, argument, site = arguments
    sys.path.append(site)
    if role == "worker":
        with open(argument, encoding="utf-8") as file:  # noqa: PTH123 - see execute_afresh.
            job = cast("Job", json.load(file))
        os.unlink(argument)  # noqa: PTH108 - see execute_afresh.
        serve(job)
        return
    if argument == "preload":
        preload()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    notify({"loaded": len(sys.modules)})
    gc.collect()
    gc.freeze()  # The collector leaves these pages alone, so that they stay shared.
    zygote = os.getpid()
    started = Zygote().loop()
    if started is None:
        return
    started["site"] = site
    become_worker(started, zygote)
    if started.get("command"):
        execute_program([started["wrapper"], *started["command"]] if started["wrapper"] else started["command"])
    if started["wrapper"] or not (
        set(started["modules"]).isdisjoint(sys.modules) and SESSION_VARIABLES.isdisjoint(os.environ)
    ):
        execute_afresh(started)
    renew_user_agent()
    serve(started)


if __name__ == "__main__":
    main(sys.argv[1:])
