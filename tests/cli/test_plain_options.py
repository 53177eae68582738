"""``interstate serve`` is read the same with and without the library for commands."""

import gc
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import interstate.main
from interstate.cli import plain, serve, starting
from interstate.cli.app import app

ALL = [
    "--port", "4570", "--host", "::1", "--data", "a b/c", "--role", "work", "--credentials", "keys", "--allow-host", "a.example",
    "--allow-host", ".example.org", "--clock", "skip", "--workers", "3", "--mock-config", "m.json", "--enforce-capacity",
    "--smtp", "localhost:25", "--sms-gateway", "http://a", "--push-gateway", "http://b", "--log-level", "debug",
]  # fmt: skip

PLAIN: list[list[str]] = [
    [],
    ["--memory"],
    ["-p", "0"],
    ["--memory", "--memory"],
    ["--database", "postgresql://u@h/d"],
    ["--port", "007"],
    ["--data", "."],
    ["--role", "nonsense", "--clock", "never"],
    ALL,
]
LEFT: list[list[str]] = [
    ["--help"],
    ["--port"],
    ["--port", ""],
    ["--port", "-1"],
    ["--port", "4_5"],
    ["--port", "٣"],
    ["--port", "4.5"],
    ["--port=4570"],
    ["-p4570"],
    ["--no-memory"],
    ["--port", "1", "-p", "2"],
    ["--unknown", "x"],
    ["more"],
    ["--", "--memory"],
    ["--host", "--memory"],
]


def by_the_command(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any] | None:
    """What the command itself reads; None where it refuses, or helps."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(starting, "serve", found.append)
    CliRunner().invoke(app, ["serve", *arguments])
    return found[0] if found else None


@pytest.mark.parametrize("arguments", PLAIN)
def test_plain_options_are_what_the_command_reads(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = plain.options_of(arguments)
    assert found is not None
    assert found == by_the_command(arguments, monkeypatch)


@pytest.mark.parametrize("arguments", LEFT)
def test_all_else_is_left_to_the_command(arguments: list[str]) -> None:
    assert plain.options_of(arguments) is None


def test_what_the_environment_says_is_left_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFN_MOCK_CONFIG", "mocks.json")
    assert plain.options_of(["--memory"]) is None
    found = by_the_command(["--memory"], monkeypatch)
    assert found is not None
    assert found["mock_config"] == Path("mocks.json")


def test_every_option_of_the_command_is_known_with_its_default() -> None:
    parameters = inspect.signature(serve.serve).parameters
    assert {name: parameter.default for name, parameter in parameters.items()} == plain.DEFAULTS


def test_a_server_is_started_without_what_terminals_need() -> None:
    late = ["typer", "rich", "pydantic", "interstate.cli.app"]
    script = (
        "import sys; sys.argv = ['interstate', 'serve', '--memory']\n"
        "from interstate.cli import main, starting\n"
        "import interstate.main\n"
        "starting.start = lambda settings, ready: print(settings.data, [name for name in "
        f"{late!r} if name in sys.modules])\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None []"


def test_garbage_is_collected_again_when_a_start_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    collects: list[bool] = []

    def run(*_arguments: Any, **_options: Any) -> None:
        collects.append(gc.isenabled())
        raise interstate.main.Misconfigured

    monkeypatch.setattr(interstate.main, "run", run)
    with pytest.raises(SystemExit):
        starting.serve({**plain.DEFAULTS, "memory": True})
    assert collects == [False]
    assert gc.isenabled()


def test_garbage_is_collected_once_a_server_is_up() -> None:
    script = (
        "import gc, interstate.main\n"
        "from interstate.cli import plain, starting\n"
        "async def serve(*_arguments, listener, **_options):\n"
        "    listener.close(); print(gc.isenabled(), gc.get_freeze_count() > 0)\n"
        "interstate.main.serve = serve\n"
        "starting.serve({**plain.DEFAULTS, 'memory': True, 'port': 0})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True True"
