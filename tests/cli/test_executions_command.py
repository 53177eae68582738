"""The commands that need no server: replay of files, the picture of a definition."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.core.asl.replay.test_player import ANSWERS, BASE, changed, record
from typer.testing import CliRunner

from interstate.cli.app import app
from interstate.cli.timeline import span


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["executions", *arguments])
    return result.exit_code, result.output


def written(directory: Path, states: dict[str, Any]) -> tuple[str, str]:
    """A recorded history, and a definition to replay it against."""
    history, definition = directory / "history.json", directory / "new.asl.json"
    history.write_text(json.dumps(record(BASE, ANSWERS, {"id": 7})))
    definition.write_text(json.dumps({"StartAt": next(iter(states)), "States": states}))
    return str(history), str(definition)


def test_a_replay_that_is_the_same(tmp_path: Path) -> None:
    history, definition = written(tmp_path, BASE)
    code, output = run("replay", history, "--definition", definition)
    assert (code, output.split()[:2]) == (0, ["same", "SUCCEEDED"])


def test_a_replay_that_differs_shows_both_sides_and_exits_with_1(tmp_path: Path) -> None:
    states = changed(Tell={"Type": "Pass", "Result": "new", "Next": "Done"})
    history, definition = written(tmp_path, states)
    code, output = run("replay", history, "--definition", definition)
    assert code == 1
    for words in ("differs", "PassStateExited", "Tell", "other output", '- "told"', '+ "new"'):
        assert words in output
    code, output = run("replay", history, "--definition", definition, "--json")
    found = json.loads(output)
    assert (code, found["same"], found["difference"]["kind"]) == (1, False, "other output")


@pytest.mark.parametrize(
    ("history", "definition", "words"),
    [
        ("{", "{}", "is not JSON"),
        ("{}", '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}', "A history is"),
        ("{}", "{}", "Invalid State Machine Definition"),
    ],
)
def test_what_cannot_be_replayed_is_refused(history: str, definition: str, words: str, tmp_path: Path) -> None:
    one, other = tmp_path / "history.json", tmp_path / "definition.json"
    one.write_text(history)
    other.write_text(definition)
    code, output = run("replay", str(one), "--definition", str(other))
    assert code == 1
    assert words in output


def test_the_picture_of_a_definition(tmp_path: Path) -> None:
    _history, definition = written(tmp_path, BASE)
    code, output = run("graph", definition)
    assert code == 0
    assert "□ Pay  Lambda: f" in output
    assert "├╌ Declined → Tell" in output
    target = tmp_path / "picture.svg"
    assert run("graph", definition, "--svg", str(target))[0] == 0
    assert target.read_text().startswith("<svg ")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.25, "250ms"), (3.21, "3.2s"), (245, "4m 05s"), (7380, "2h 03m"), (86400 * 12 + 3600 * 4, "12d 4h")],
)
def test_durations_for_people(seconds: float, words: str) -> None:
    assert span(seconds) == words
