"""docs/reference/coverage.md: what is implemented and what is refused, from the tables themselves.

The tables of operations say what is there, botocore's models say what AWS has, and the difference is refused by name.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

from interstate.wire.model import NAMES_ONLY, SERVED, Models, load


class NamedOperation(Protocol):
    """One row of a service's table."""

    @property
    def name(self) -> str:
        """The operation's API name."""
        ...


class ServiceTable(Protocol):
    """A service's table, as ``services.operation.Service`` has it."""

    @property
    def name(self) -> str:
        """The service's name in botocore."""
        ...

    @property
    def operations(self) -> Sequence[NamedOperation]:
        """What is implemented."""
        ...

    @property
    def notes(self) -> Mapping[str, str]:
        """Remarks, by operation."""
        ...


_HEAD = """\
# Coverage

Made by `make docs` from the tables of operations and botocore's models; do not edit.

What is not implemented is refused: HTTP 501, error `NotImplemented`, with the operation's name in the message.
"""


def coverage(tables: Iterable[ServiceTable], models: Models) -> str:
    """The page, in Markdown."""
    by_name = {table.name: table for table in tables}
    sections = [_section(name, by_name.get(name), models) for name in SERVED]
    return "\n".join((_HEAD, _summary(by_name, models), *sections, _others(models)))


def _summary(by_name: Mapping[str, ServiceTable], models: Models) -> str:
    rows = ["| service | implemented | of |", "|---|---:|---:|"]
    for name in SERVED:
        done = len(_implemented(by_name.get(name)))
        rows.append(
            f"| {models.metadata[name].full_name} (`{name}`) | {done} | {len(models.service(name).operations)} |"
        )
    return "\n".join((*rows, ""))


def _section(name: str, table: ServiceTable | None, models: Models) -> str:
    known = models.service(name).operations
    done = _implemented(table)
    notes = table.notes if table else {}
    unknown = done - known.keys()
    assert not unknown, f"{name}: {sorted(unknown)} are in the table and not in the model"
    lines = [f"## {models.metadata[name].full_name}", ""]
    if done:
        lines += ["| operation | notes |", "|---|---|"]
        lines += [f"| {operation} | {notes.get(operation, '')} |" for operation in sorted(done)]
        lines.append("")
    refused = sorted(known.keys() - done)
    if refused:
        lines += [f"Refused ({len(refused)}): {', '.join(refused)}.", ""]
    return "\n".join(lines)


def _others(models: Models) -> str:
    lines = ["## Known by name", "", "All operations of these services are refused by name.", ""]
    lines += [f"- {models.metadata[name].full_name} (`{name}`)" for name in NAMES_ONLY]
    return "\n".join((*lines, ""))


def _implemented(table: ServiceTable | None) -> set[str]:
    return {operation.name for operation in table.operations} if table else set()


def main(path: str) -> None:
    """Write the page for the tables that this version has."""
    # The tables are a layer above this one. Only this command looks up there, and only when it is run.
    tables: Iterable[ServiceTable] = import_module("interstate.services.tables").SERVICES
    Path(path).write_text(coverage(tables, load()), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
