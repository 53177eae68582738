"""A function's code as a folder: unpacked once, or used in place and looked at for changes.

A zip comes from the store by its digest and is unpacked into a cache that can be deleted at any time. A local folder is
used where it lies; its *signature* (names, sizes and times of its files) changes when somebody edits it, and then new
workers take the place of the old ones.
"""

import asyncio
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from interstate.core.functions.configuration import FunctionSpec
from interstate.core.functions.faults import Fault, no_code, not_installed
from interstate.runtime.functions.languages import NODE_CLIENT, program_of
from interstate.runtime.functions.packages import Requirements, RequirementsError, link_runtime_packages

_LIBRARY = (Path(os.__file__).parent, f"/var/lang/lib/{Path(os.__file__).parent.name}")
"""Python's own modules, and where they lie on AWS."""
LOOK_AGAIN_S = 0.25  # Of guard time: an edit is seen by the first call after this.
ENTRIES_MAX = 20_000  # Of a folder that is looked at for changes; the rest is not.
UNPACKED_BYTES_MAX = 262_144_000  # Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_SKIPPED = frozenset({"__pycache__", ".git", ".venv", ".aws-sam", "node_modules", ".mypy_cache", ".pytest_cache"})

Fetch = Callable[[str], Awaitable[bytes | None]]


class Prepared(msgspec.Struct, frozen=True):
    """A function whose code and packages lie ready; equal ones can use one worker."""

    spec: FunctionSpec
    signature: str
    code: Path
    path: tuple[Path, ...]
    site: Path
    modules: frozenset[str]  # Top-level names that the handler's own folders offer.
    places: tuple[tuple[str, str], ...] = ()  # Folders here, and where they lie on AWS.
    command: tuple[str, ...] = ()  # The program that runs it; none: the zygote's own Python.
    variables: tuple[tuple[str, str], ...] = ()
    runs_on: str = ""  # The version of the language on this machine.
    wrapper: str = ""  # A script that starts the program.

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Workers with this key run this code with this configuration."""
        return (self.spec.function, self.spec.version, self.spec.revision, self.signature)


class CodeFolders:
    """Prepares functions; ``fetch`` gets a zip from the store by its SHA-256 in hexadecimal."""

    def __init__(self, directory: Path, fetch: Fetch) -> None:
        self._unpacked = directory / "code"
        self._fetch = fetch
        self._requirements = Requirements(directory / "requirements")
        self.site = link_runtime_packages(directory / "packages")
        self._seen: dict[Path, tuple[float, str]] = {}
        self._prepared: dict[tuple[str, str], Prepared] = {}

    async def prepare(self, spec: FunctionSpec) -> Prepared | Fault:
        """Have the code, the layers and the requirements on disk."""
        known = self._prepared.get((spec.function, spec.version))
        if known is not None and known.spec == spec and known.signature == self._signature(spec, known.code):
            return known
        prepared = await self._prepare(spec)
        if isinstance(prepared, Prepared):
            self._prepared[spec.function, spec.version] = prepared
        return prepared

    async def _prepare(self, spec: FunctionSpec) -> Prepared | Fault:
        code = await self._folder(spec.code)
        if code is None:
            return no_code(f"The code of function {spec.name} is not at {spec.code}")
        signature = self._signature(spec, code)
        places = [(code, "/var/task")]
        if spec.code.startswith("dir:") and spec.runtime.startswith(
            "python"
        ):  # As on AWS, what was uploaded as a zip is taken as it is.
            try:
                requirements = await self._requirements.folder_for(code)
            except RequirementsError as error:
                return not_installed(str(error))
            places += [(requirements, "/var/task")] if requirements is not None else []
        layers = []
        for layer in spec.layers:
            folder = await self._folder(layer)
            if folder is None:
                return no_code(f"A layer of function {spec.name} is not at {layer}")
            layers.append(folder)
            places += [(place, f"/opt/{place.relative_to(folder)}") for place in _layer_path(folder)]
        program = await asyncio.get_running_loop().run_in_executor(None, program_of, spec, code, layers)
        if isinstance(program, Fault):
            return program
        path = tuple(folder for folder, _ in places)
        modules = frozenset(name for folder in path for name in _module_names(folder))
        client = NODE_CLIENT.parent if program.command else self.site
        more = [(layer, "/opt") for layer in layers] if program.command else []
        shown = [
            pair
            for folder, on_aws in (*places, *more, (client, "/var/runtime"), _LIBRARY)
            for pair in _shown(str(folder), on_aws)
        ]
        return Prepared(
            spec,
            signature,
            code,
            path,
            self.site,
            modules,
            tuple(shown),
            program.command,
            program.variables,
            program.runs_on,
            program.wrapper,
        )

    async def _folder(self, place: str) -> Path | None:
        kind, _, name = place.partition(":")
        if kind == "dir":
            return _folder_at(name)
        folder = self._unpacked / name
        if folder.is_dir():
            return folder
        content = await self._fetch(name)
        if content is None:
            return None
        return await asyncio.get_running_loop().run_in_executor(None, unpack, content, folder)

    def _signature(self, spec: FunctionSpec, code: Path) -> str:
        if not spec.code.startswith("dir:"):
            return ""
        now = time.monotonic()
        at, signature = self._seen.get(code, (-LOOK_AGAIN_S, ""))
        if now - at >= LOOK_AGAIN_S:
            signature = signature_of(code)
            self._seen[code] = (now, signature)
        return signature


def _folder_at(path: str) -> Path | None:
    folder = Path(path)
    return folder if folder.is_dir() else None


def signature_of(folder: Path) -> str:
    """A text that changes when a file of the folder does."""
    digest = hashlib.blake2b(digest_size=16)
    looking, seen = [folder], 0
    while looking and seen < ENTRIES_MAX:
        try:
            entries = sorted(os.scandir(looking.pop()), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if entry.name in _SKIPPED:
                continue
            if entry.is_dir(follow_symlinks=False):
                looking.append(Path(entry.path))
                continue
            try:
                status = entry.stat()
            except OSError:
                continue
            digest.update(f"{entry.path}\0{status.st_mtime_ns}\0{status.st_size}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def unpack(content: bytes, folder: Path) -> Path:
    """Unpack a zip under a name of its own, so that a half-made folder is never used."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(making)  # Keeps members inside; the size was checked when it came.
        for member in archive.infolist():
            mode = (member.external_attr >> 16) & 0o777
            if mode and not member.is_dir():
                (making / member.filename).chmod(mode | 0o400)
    try:
        making.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _shown(here: str, on_aws: str) -> list[tuple[str, str]]:
    """A folder, and where it lies on AWS, in both forms in which it can stand in a JSON text."""
    escaped = json.dumps(here)[1:-1]
    return [(here, on_aws)] if escaped == here else [(here, on_aws), (escaped, on_aws)]


def _layer_path(folder: Path) -> list[Path]:
    """Where Python looks below /opt. Source: https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = (folder / "python" / "lib" / version / "site-packages", folder / "python", folder)
    return [place for place in places[:2] if place.is_dir()]


def _module_names(folder: Path) -> list[str]:
    return [
        entry.name.split(".")[0]
        for entry in os.scandir(folder)
        if entry.is_dir() or entry.name.endswith((".py", ".so"))
    ]
