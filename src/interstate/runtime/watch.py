"""``interstate up --watch``: what changes on disk is live in a moment.

Theory of operation
-------------------
Three ways lead from a file to what runs, and the shortest that suffices is taken. Code of a function needs none: a folder
is used where it lies, and its next call sees the change; here it is only looked at, so that a mistake is told at
once. The text of a state machine is put into the template that was deployed last, which is deployed again without packaging
and without SAM's transform; executions that run keep the text that they began with. Anything else (the template itself,
an API's description, a layer) is deployed as the first time. What is refused changes nothing, and is told.

A template is packaged and transformed as soon as it changes, in a process that stays for the next change. Whether an editor was
still writing is seen at the end of that: what was not whole is done again, and nothing of it is deployed.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from interstate.base.arn import DEFAULT_REGION
from interstate.base.errors import ServiceError
from interstate.base.json import JSONObject
from interstate.core.templates.sam import Kind, LocalPath, definition_address, local_paths, with_content
from interstate.runtime.companions import CommandFailed
from interstate.runtime.deploy import Deployed, DeployFailed, Engine, package, put
from interstate.runtime.transform_child import Result
from interstate.runtime.transformer import Transformer

_log = logging.getLogger("interstate.watch")
Say = Callable[[str], None]
Stands = Callable[[Path, Deployed], Awaitable[None]]

QUIET_MS = 20
"""Editors write in steps: what changes within so long of each other is one change."""
BURST_MS_MAX = 160
"""Files that change without a pause are taken up after so long."""
AGAIN_MAX = 10
"""A template that changes while it is packaged is packaged again, so many times in a row."""
SHOWN_MAX = 4
_SKIPPED = frozenset(
    {
        "__pycache__",
        ".git",
        ".hg",
        ".venv",
        "node_modules",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".interstate",
        ".aws-sam",
    }
)


class Place(msgspec.Struct, frozen=True):
    """A file or folder beside the template, and whose it is."""

    path: Path
    kind: Kind
    resource: str
    local: LocalPath

    def holds(self, changed: Path) -> bool:
        """Whether a changed file is this one, or lies in this folder."""
        return changed == self.path or self.path in changed.parents


class Watcher:
    """Looks at a template and all that it names, and brings changes to the server."""

    def __init__(
        self,
        engine: Engine,
        template: Path,
        stack_name: str | None,
        parameters: Mapping[str, str],
        say: Say,
        *,
        transformer: Transformer | None = None,
    ) -> None:
        self._engine = engine
        self._template = template.resolve()
        self._stack_name = stack_name
        self._parameters = parameters
        self._say = say
        self._deployed: Deployed | None = None
        self._transformer = transformer or Transformer()

    async def run(self, deployed: Deployed | None, stands: Stands) -> None:
        """Until it is cancelled. ``deployed`` None: the first deploy failed; the next change tries again."""
        from watchfiles import awatch  # noqa: PLC0415 only for those who watch

        if deployed is not None:
            self.begin(deployed)
        self._transformer.warm()
        try:
            roots = self._roots()
            self._say(f"Watching {', '.join(str(root) for root in roots)}")
            async for changes in awatch(*roots, watch_filter=_is_source, debounce=BURST_MS_MAX, step=QUIET_MS):
                try:
                    await self.changed({Path(path) for _, path in changes}, stands)
                except Exception:  # noqa: BLE001 - the border: a bug of ours must not end the watching.
                    _log.exception("a change could not be carried out")
                    self._say("interstate: a change could not be carried out; the log has why")
        finally:
            await self.end()

    async def end(self) -> None:
        """Let go of the process that waits for the next transform."""
        await self._transformer.close()

    def begin(self, deployed: Deployed) -> None:
        """What stands now."""
        self._deployed = deployed

    def _roots(self) -> list[Path]:
        """The template's folder, and what it names outside of it."""
        base = self._template.parent
        outside = {place.path for place in self._places() if base not in place.path.parents and place.path != base}
        return [base, *sorted(path for path in outside if path.exists())]

    def _places(self) -> list[Place]:
        """What the deployed template names; the paths of a template that was not deployed are not known."""
        if self._deployed is None or self._deployed.source is None:
            return []
        base = self._template.parent
        return [
            Place((base / local.path).resolve(), local.kind, local.place[1], local)
            for local in local_paths(self._deployed.source)
        ]

    # A change -----------------------------------------------------------------------------------------------------

    async def changed(self, paths: set[Path], stands: Stands) -> None:
        """Bring changed files to the server, by the shortest way that suffices for all of them."""
        began = time.monotonic()
        places = self._places()
        code, definitions, rest = [], [], self._deployed is None or self._template in paths
        for path in sorted(paths):
            touched = [place for place in places if place.holds(path)]
            for place in touched:
                if place.kind is Kind.STATE_MACHINE:
                    definitions.append(place)
                elif place.kind is Kind.OPENAPI or "Layer" in str(self._type_of(place)):
                    rest = True
                else:
                    code.append(place)
        if not (code or definitions or rest):
            return
        self._tell_code(code, paths, began)
        try:
            if rest:
                await self._deploy(stands, began)
            elif definitions:
                await self._redefine(definitions, began)
        except (
            DeployFailed,
            CommandFailed,
            ServiceError,
            msgspec.ValidationError,
            OSError,
            UnicodeDecodeError,
        ) as error:
            self._say(f"interstate: nothing was changed: {error}")

    def _type_of(self, place: Place) -> object:
        assert self._deployed is not None
        source = self._deployed.source or {}
        resource = source.get("Resources", {}).get(place.resource) if place.local.place[0] == "Resources" else None
        return resource.get("Type") if isinstance(resource, dict) else None

    def _tell_code(self, places: Sequence[Place], paths: set[Path], began: float) -> None:
        """Say whose code it is, and what is wrong with it."""
        names = list(
            dict.fromkeys("all functions" if place.resource == "Function" else place.resource for place in places)
        )
        if not names:
            return
        for path in sorted(paths):
            fault = _fault_of(path)
            if fault is not None:
                self._say(f"interstate: {fault}")
        self._say(f"code of {_shown(names)}: live at the next call ({_took(began)})")

    async def _redefine(self, places: Sequence[Place], began: float) -> None:
        from interstate.runtime.packaging import definition_of  # noqa: PLC0415 reads YAML, which takes time to import

        deployed = self._deployed
        assert deployed is not None
        assert deployed.packaged is not None
        packaged = deployed.packaged
        assert packaged.original is not None
        assert packaged.template is not None
        original, template = packaged.original, packaged.template
        for place in places:
            text = definition_of(place.path)
            original = with_content(original, {place.local.place: definition_address(text)})
            template = _with_text(template, place.resource, text)
        after = await put(self._engine, Result(original, template), self._stack_name, self._parameters, self._template)
        self._deployed = msgspec.structs.replace(after, source=deployed.source)
        names = list(dict.fromkeys(place.resource for place in places))
        self._say(f"definition of {_shown(names)}: live; what runs keeps its own ({_took(began)})")

    async def _deploy(self, stands: Stands, began: float) -> None:
        deployed = await put(self._engine, await self._packaged(), self._stack_name, self._parameters, self._template)
        again = self._deployed is None or deployed.metadata != self._deployed.metadata
        self._deployed = deployed
        if again:  # Companions and commands of the template may be others.
            await stands(self._template, deployed)
        self._say(f"template: {'live' if deployed.changed else 'no changes'} ({_took(began)})")

    async def _packaged(self) -> Result:
        """The template, packaged and transformed as it stood for all of that time.

        Packaging changes nothing, so it begins while an editor may still be writing; what was changed meanwhile is not used.
        """
        for _ in range(AGAIN_MAX):
            before = _stamp(self._template)
            try:
                packaged = await package(self._template, self._parameters, DEFAULT_REGION, self._transformer)
            except DeployFailed:
                if _stamp(self._template) == before:
                    raise
            else:
                if _stamp(self._template) == before:
                    return packaged
        return await package(self._template, self._parameters, DEFAULT_REGION, self._transformer)


def _with_text(template: JSONObject, resource: str, text: str) -> JSONObject:
    found = template["Resources"][resource]
    properties = {**found["Properties"], "DefinitionString": text}
    return {**template, "Resources": {**template["Resources"], resource: {**found, "Properties": properties}}}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What differs after a file was written, or another was put in its place; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _fault_of(path: Path) -> str | None:
    """What is wrong with a Python file as such, before anybody calls it."""
    if path.suffix != ".py":
        return None
    try:
        compile(path.read_bytes(), str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        return f"{path.name}{line}: {error.args[0] if error.args else error}"
    except OSError:
        return None  # Gone again.
    return None


def _is_source(_change: object, path: str) -> bool:
    parts = Path(path).parts
    return not (
        _SKIPPED.intersection(parts) or parts[-1].endswith(("~", ".swp", ".pyc", ".tmp")) or parts[-1] == "4913"
    )


def _shown(names: Sequence[str]) -> str:
    return (
        ", ".join(names)
        if len(names) <= SHOWN_MAX
        else f"{', '.join(names[:SHOWN_MAX])} and {len(names) - SHOWN_MAX} more"
    )


def _took(began: float) -> str:
    return f"{(time.monotonic() - began) * 1000:.0f} ms"
