"""What a handler can import besides its own code: the packages of AWS's runtime, and those that it asks for.

Interstate shares an installation with botocore and awslambdaric, but a handler must see neither Interstate's own
packages nor what else is installed beside them: it would work here and fail on AWS. So the allowed packages are
linked into a folder of their own, and only that is on a worker's path.
"""

import asyncio
import hashlib
import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

# Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html (the runtime includes boto3 and the client)
RUNTIME_PACKAGES = ("boto3", "awslambdaric")
INSTALL_S_MAX = 300.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class RequirementsError(Exception):
    """pip could not install what a function's ``requirements.txt`` names; the message has pip's last words."""

    def __init__(self, requirements: Path, said: str) -> None:
        super().__init__(
            f"The packages of {requirements.name} could not be installed (without a network, put them into the "
            f"function's folder: pip install -r {requirements.name} -t .): {said}"
        )


def normalized(name: str) -> str:
    """A distribution's name in the form in which names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def runtime_distributions() -> dict[str, importlib.metadata.Distribution]:
    """AWS's packages and all that they need, as installed here, by normalized name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = list(RUNTIME_PACKAGES)
    while wanted:
        name = normalized(wanted.pop())
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # A requirement for other systems, or awslambdaric where it has no wheels.
        for requirement in found[name].requires or ():
            match = _NAME.match(requirement)
            if match is not None and "extra ==" not in requirement:
                wanted.append(match.group())
    return found


def link_runtime_packages(into: Path) -> Path:
    """A folder that holds links to AWS's packages; made once for each set of versions."""
    distributions = runtime_distributions()
    entries = {
        part: Path(str(distribution.locate_file(part)))
        for distribution in distributions.values()
        for file in distribution.files or ()
        if (part := file.parts[0]) not in {"..", "__pycache__"}
    }
    text = "\n".join(sorted(map(str, entries.values())))
    folder = into / f"runtime-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    into.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=into))
    for name, target in entries.items():
        (making / name).symlink_to(target)
    return _moved(making, folder)


def _moved(making: Path, folder: Path) -> Path:
    """Give a finished folder its name; somebody who was faster has made the same."""
    try:
        making.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(making, ignore_errors=True)
    return folder


def wanted_requirements(text: str) -> list[str]:
    """The lines of a ``requirements.txt`` that ask for more than AWS's runtime has."""
    has = runtime_distributions()
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not (_NAME.fullmatch(line) and normalized(line) in has)]


class Requirements:
    """Installed requirements, in a cache keyed by their text; each text is installed once, however many ask."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._installing: dict[Path, asyncio.Task[Path]] = {}

    async def folder_for(self, code: Path) -> Path | None:
        """The folder with what the code's ``requirements.txt`` names; None when it names nothing further.

        Raises:
            RequirementsError: pip failed.
        """
        requirements = code / "requirements.txt"
        try:
            text = requirements.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not wanted_requirements(text):
            return None
        key = hashlib.sha256(f"{sys.version_info[:2]}\n{text}".encode()).hexdigest()[:32]
        folder = self._cache / key
        if folder.is_dir():
            return folder
        task = self._installing.get(folder)
        if task is None:
            task = asyncio.create_task(self._install(requirements, folder))
            self._installing[folder] = task
            task.add_done_callback(lambda _: self._installing.pop(folder, None))
        return await asyncio.shield(task)

    async def _install(self, requirements: Path, folder: Path) -> Path:
        self._cache.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=self._cache))
        pip = ("-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet", "--target", str(making))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *pip, "-r", str(requirements),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=requirements.parent,
            env={**os.environ, "PIP_RETRIES": "1", "PIP_DEFAULT_TIMEOUT": "10"},
        )  # fmt: skip
        try:
            said, _ = await asyncio.wait_for(process.communicate(), INSTALL_S_MAX)
        except TimeoutError:
            process.kill()
            said = f"pip took more than {INSTALL_S_MAX:.0f} seconds".encode()
        if process.returncode != 0:
            shutil.rmtree(making, ignore_errors=True)
            raise RequirementsError(requirements, said.decode(errors="replace").strip()[-2_000:])
        return _moved(making, folder)
