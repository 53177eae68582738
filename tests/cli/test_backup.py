"""The commands around a whole state. What they refuse changes nothing."""

from pathlib import Path

from typer.testing import CliRunner

from interstate.cli.app import app
from interstate.runtime.testing import World
from interstate.store.records.due import SETTINGS, Setting


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def filled(directory: Path) -> None:
    world = World((), directory=directory)
    world.run(lambda work: work.put(SETTINGS, Setting("mine", "x")))
    world.close()


def test_a_backup_is_restored_elsewhere(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    code, output = run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    assert (code, "1 rows" in output) == (0, True), output
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "other"))
    assert code == 0, output
    world = World((), directory=tmp_path / "other")
    assert world.run(lambda work: work.get(SETTINGS, "mine")) is not None
    world.close()


def test_nothing_is_overwritten_unless_told_so(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    code, output = run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    assert (code, "exists" in output) == (1, True)
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    assert (code, "--force" in output) == (1, True)


def test_data_that_a_server_holds_is_not_restored_into(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    world = World((), directory=tmp_path / "data")
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"), "--force")
    world.close()
    assert (code, "in use" in output) == (1, True)


def test_nothing_to_back_up(tmp_path: Path) -> None:
    code, output = run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "absent"))
    assert (code, "no Interstate data" in output) == (1, True)
    assert not (tmp_path / "b.db").exists()
