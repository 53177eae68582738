"""The tour of the documents, word for word, with the AWS CLI against a real server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

ROOT = Path(__file__).parent.parent.parent
TOUR = ROOT / "docs" / "tutorial" / "first-tour.md"


def blocks(document: Path) -> list[str]:
    """The shell blocks that are part of the tour."""
    return re.findall(r"^```sh tour\n(.*?)^```", document.read_text(), flags=re.DOTALL | re.MULTILINE)


def test_the_tour_runs_as_it_is_written(server: ServerProcess, tmp_path: Path) -> None:
    binaries = str(Path(sys.executable).parent)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "AWS_PAGER": "",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    assert len(blocks(TOUR)) == 5
    start = ["set -euo pipefail", f'eval "$(interstate env --endpoint-url {server.url})"']
    script = "\n".join([*start, *blocks(TOUR)])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "p-1" in done.stdout
    assert '"price": 9' in done.stdout
    assert '"status": "SUCCEEDED"' in done.stdout
    assert "remind p-1" in done.stdout
    assert "p-2" not in done.stdout
    assert "does not implement DynamoDB: CreateGlobalTable" in done.stderr
