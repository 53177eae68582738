"""Documents are true: generated pages are what their sources say, and every command and service has its page."""

from pathlib import Path

import pytest

from interstate.cli.reference import reference
from interstate.services.tables import SERVICES
from interstate.wire.coverage import coverage
from interstate.wire.model import load

DOCS = Path(__file__).parent.parent / "docs"


def test_the_coverage_page_is_what_the_tables_say() -> None:
    assert (DOCS / "reference" / "coverage.md").read_text() == coverage(SERVICES, load()), "make docs writes it"


def test_the_commands_page_is_what_the_commands_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert (DOCS / "reference" / "commands.md").read_text() == reference(), "make docs writes it"


def test_code_in_how_to_pages_runs() -> None:
    """The Python of a page is one program."""
    for page in sorted((DOCS / "how-to").glob("*.md")):
        for block in page.read_text().split("```python\n")[1:]:
            exec(compile(block.split("```")[0], str(page), "exec"), {})
