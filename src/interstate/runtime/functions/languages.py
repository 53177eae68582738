"""How each runtime's process is started: which program, and what it finds in its environment.

Python handlers run in a fork of the zygote (``bootstrap``). Every other runtime is a program that speaks the Runtime API: Node
with a client of ours, or the function's own ``bootstrap``.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html,
https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html (where each runtime looks below /opt)
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from interstate.core.functions.configuration import FunctionSpec
from interstate.core.functions.faults import Fault

NODE_CLIENT = Path(__file__).with_name("node_client.mjs")


class Program(msgspec.Struct, frozen=True):
    """What a worker executes; no command: the zygote's own Python."""

    command: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    runs_on: str = ""  # The version of the language on this machine; "" where it has none.
    wrapper: str = ""  # A script that is executed with the command.


def program_of(spec: FunctionSpec, code: Path, layers: Sequence[Path]) -> Program | Fault:
    """The program that runs a function, or why there is none."""
    if spec.runtime.startswith("nodejs"):
        return _wrapped(_node(spec, layers), spec, code, layers)
    if spec.runtime.startswith("provided"):
        return _provided(code, layers)
    return _wrapped(Program(runs_on=sys.version.split()[0]), spec, code, layers)


def _wrapped(program: Program | Fault, spec: FunctionSpec, code: Path, layers: Sequence[Path]) -> Program | Fault:
    """The program, started by the script that AWS_LAMBDA_EXEC_WRAPPER names; it gets the program's command as its arguments.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper (not for ``provided`` runtimes)
    """
    named = dict(spec.environment).get("AWS_LAMBDA_EXEC_WRAPPER")
    if not named or isinstance(program, Fault):
        return program
    if named.startswith("/opt/"):
        places = [layer / named.removeprefix("/opt/") for layer in layers]
    else:
        places = [code / named.removeprefix("/var/task/")]
    for place in places:
        if place.is_file():
            if not os.access(place, os.X_OK):
                return Fault("Runtime.InvalidEntrypoint", f"fork/exec {named}: permission denied")
            return msgspec.structs.replace(program, wrapper=str(place))
    return Fault("Runtime.InvalidEntrypoint", f"fork/exec {named}: no such file or directory")


def _node(spec: FunctionSpec, layers: Sequence[Path]) -> Program | Fault:
    found = shutil.which("node")
    if found is None:
        return Fault(
            "Runtime.NotInstalled",
            f"Node.js is not installed on this machine: {spec.name} has the runtime {spec.runtime}.",
        )
    version = _node_version(found)
    major = version.partition(".")[0]
    folders = [layer / part for layer in layers for part in (f"nodejs/node{major}/node_modules", "nodejs/node_modules")]
    variables = (("NODE_PATH", os.pathsep.join(map(str, folders))), *_libraries(layers))
    # V8 sizes its heap by the machine unless told: three quarters of the function's memory leave room for the rest.
    heap_mb = max(spec.memory_mb * 3 // 4, 64)
    command = (found, f"--max-old-space-size={heap_mb}", str(NODE_CLIENT))
    return Program(command, variables, version)


@lru_cache(maxsize=4)
def _node_version(path: str) -> str:
    """The version of an installed Node; asked once, which takes some milliseconds."""
    said = subprocess.run((path, "--version"), capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - found on the PATH.
    return said.stdout.strip().removeprefix("v")


def _provided(code: Path, layers: Sequence[Path]) -> Program | Fault:
    for folder in (code, *layers):
        bootstrap = folder / "bootstrap"
        if bootstrap.is_file():
            if not os.access(bootstrap, os.X_OK):
                return Fault(
                    "Runtime.InvalidEntrypoint", f"fork/exec {_shown(folder, code)}/bootstrap: permission denied"
                )
            return Program((str(bootstrap),), _libraries((code, *layers)))
    return Fault("Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")


def _shown(folder: Path, code: Path) -> str:
    return "/var/task" if folder == code else "/opt"


def _libraries(folders: Sequence[Path]) -> tuple[tuple[str, str], ...]:
    binaries = [str(folder / "bin") for folder in folders if (folder / "bin").is_dir()]
    libraries = [str(folder / "lib") for folder in folders if (folder / "lib").is_dir()]
    variables = []
    if binaries:
        variables.append(("PATH", os.pathsep.join(["/usr/local/bin", "/usr/bin", "/bin", *binaries])))
    if libraries:
        variables.append(("LD_LIBRARY_PATH", os.pathsep.join(["/lib64", "/usr/lib64", *libraries])))
    return tuple(variables)
