"""The doctor looks at this machine; what is wrong is told with what to do."""

import os
import socket
from pathlib import Path

from tests.postgres_server import server_url
from typer.testing import CliRunner

from interstate.cli.app import app
from interstate.store.sqlite.engine import SqliteStore


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["doctor", *arguments])
    return result.exit_code, result.output


def test_a_machine_that_can_run_a_server(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code, output = run("--port", str(port), "--data", str(tmp_path / "data"))
    assert code == 0, output
    for what in ("python", "port", "limits", "processes", "memory", "disk sync", "data", "node"):
        assert what in output
    assert not (tmp_path / "data").exists()


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, output = run("--port", str(taken.getsockname()[1]), "--data", str(tmp_path))
    assert (code, "cannot be used" in output, "--port" in output) == (1, True, True)


def test_data_is_whole_in_use_or_damaged(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    code, output = run("--port", "0", "--data", str(tmp_path))
    assert (code, "in use by another" in output) == (0, True), output
    store.close()
    code, output = run("--port", "0", "--data", str(tmp_path))
    assert (code, "whole" in output) == (0, True), output
    os.truncate(tmp_path / "interstate.db", 8192)
    code, output = run("--port", "0", "--data", str(tmp_path))
    assert (code, "is damaged" in output, "interstate restore" in output) == (1, True, True), output


def test_a_database_is_asked_for_its_version_and_whether_it_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    code, output = run("--port", "0", "--data", str(tmp_path), "--database", server_url())
    assert (code, "a round trip" in output) == (1, True), output
    assert "fsync and full_page_writes off" in output  # As the tests' own server is, for their speed.
    code, output = run("--port", "0", "--data", str(tmp_path), "--database", "postgresql://nobody@127.0.0.1:1/none")
    assert (code, "cannot be reached" in output) == (1, True)
