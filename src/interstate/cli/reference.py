"""docs/reference/commands.md, made from the commands themselves: ``python -m interstate.cli.reference FILE``."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from interstate.cli.app import app

_HEAD = """# Commands

Made by `make docs` from the commands' own help; do not edit. Every command prints its part with `--help`.
"""


def reference() -> str:
    """The page."""
    command = typer.main.get_command(app)
    return "\n".join([_HEAD, *(_section(path, found) for path, found in _walk(command, "interstate"))])


def _walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _walk(below, f"{path} {name}")


def _section(path: str, command: Any) -> str:
    context = command.context_class(command, info_name=path, terminal_width=100, max_content_width=100, color=False)
    return f"## {path}\n\n```text\n{command.get_help(context).strip()}\n```\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), "utf-8")
