"""Scenarios on the embedded store: one server, its data directory, its disk."""

import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from proving import stall
from proving.disk import CannotMount, SmallDisk
from proving.probe import Probe
from proving.scene import MORE, Facts, Scene, Skipped, freeze
from proving.stage import START_S_MAX, Node, Stage

_KILLS = 3
_KILL_EVERY_S = 8.0
_COMES_BACK_S_MAX = 60
FROZEN_S = 30.0
_FULL_S = 12.0
_SYNC_MS = 20
_SMALL_DISK_MIB = 192


def kill(scene: Scene) -> Facts:
    """Kill -9 of the server, again and again; it starts on what is there."""
    stage, node = scene.embedded()
    probe = Probe(node.url)
    load = scene.metered(scene.load(stage), stall.OfSqlite(scene.folder / "data"))
    kills = 0
    while load.runs() and kills < _KILLS:
        time.sleep(_KILL_EVERY_S)
        scene.say(f"kill -9 ({kills + 1} of {_KILLS})")
        stage.kill(node)
        kills += 1
        stage.start(node)
    missed = "" if kills == _KILLS else f"the load was over after {kills} of {_KILLS} kills; {MORE}"
    starts_s = stage.starts_s
    in_time = [("startsSeconds", starts_s, max(starts_s) < _COMES_BACK_S_MAX)]
    return scene.verdict(load, probe, ("kills", kills, True), timed=in_time, missed=missed)


def frozen(scene: Scene) -> Facts:
    """SIGSTOP of the server for 30 s, then SIGCONT: nobody else has its data, it goes on."""
    stage, node = scene.embedded()
    probe = Probe(node.url)
    load = scene.load(stage)
    missed = scene.under_way(load)
    scene.say(f"SIGSTOP for {FROZEN_S:.0f} s")
    freeze(node, FROZEN_S)
    return scene.verdict(load, probe, missed=missed)


def disk_full(scene: Scene) -> Facts:
    """The disk of the data directory is full for a while: calls are refused with 503 and what to do, then it goes on."""
    disk = _small_disk(scene)
    stage, node = scene.embedded(disk.folder / "data")
    probe = Probe(node.url)
    load = scene.load(stage)
    missed = scene.under_way(load)
    disk.fill()
    scene.say("the disk is full")
    time.sleep(_FULL_S)
    told, alive = probe.last_refusal, node.process is not None and node.process.poll() is None
    disk.free()
    scene.say("there is space again")
    return scene.verdict(
        load,
        probe,
        ("told", told, "full" in told and str(disk.folder) in told),
        ("serverStayedUp", alive, alive),
        ("restarts", stage.starts_s, True),
        missed=missed,
    )


def disk_full_at_start(scene: Scene) -> Facts:
    """A server that was killed comes back on a full disk: it says so, or it waits; with space it has everything."""
    disk = _small_disk(scene)
    stage, node = scene.embedded(disk.folder / "data")
    probe = Probe(node.url)
    load = scene.load(stage)
    missed = scene.under_way(load)
    stage.kill(node)
    disk.fill()
    scene.say("kill -9, and the disk is full when it starts")
    stage.launch(node)
    assert node.process is not None
    status = None
    if scene.until(lambda: node.process is not None and node.process.poll() is not None, START_S_MAX):
        status = node.process.returncode
    told = _last_words(node)
    disk.free()
    if status is not None:
        stage.start(node)
    refused = status is None or (status == 1 and "full" in told)
    return scene.verdict(load, probe, ("exit", status, refused), ("told", told, True), missed=missed)


def slow_disk(scene: Scene) -> Facts:
    """Every fsync takes 20 ms longer (by strace): slower, and nothing else."""
    strace = shutil.which("strace")
    if strace is None:
        raise Skipped("strace is not installed; it is what delays fsync here")
    stage, node = scene.embedded(before=_delayed(strace))
    probe = Probe(node.url)
    load = scene.load(stage, max(10, scene.invoices // 4))
    return scene.verdict(load, probe, ("syncDelayMs", _SYNC_MS, True))


def damaged(scene: Scene) -> Facts:
    """A database file or a log that is cut short or overwritten: refused at the start, with the file's name and what to do."""
    stage, node = scene.embedded()
    load = scene.load(stage, max(10, scene.invoices // 4))
    load.process.wait()
    data = scene.folder / "data"
    scene.say("kill -9; the log that it leaves is damaged in copies")
    stage.kill(node)
    found = [_of_damaged(scene, stage, data, name, damage) for name, damage in _DAMAGES_OF_LOG.items()]
    scene.say("it starts and stops in order; its file is damaged in copies")
    stage.start(node)
    stage.stop(node)
    found += [_of_damaged(scene, stage, data, name, damage) for name, damage in _DAMAGES_OF_FILE.items()]
    scene.say("the undamaged data starts")
    stage.start(node)
    verdict = load.verdict()
    bad = [each["damage"] for each in found if not each["held"]] + ([] if verdict["held"] else ["orders"])
    return {"held": not bad, "broken": bad, "refusals": found, "orders": verdict}


def _of_damaged(scene: Scene, stage: Stage, data: Path, name: str, damage: tuple[str, Callable[[Path], None]]) -> Facts:
    file, destroy = damage
    copy = scene.folder / "damaged"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for each in data.glob("interstate.db*"):
        shutil.copy2(each, copy / each.name)
    destroy(copy / file)
    try:
        done = stage.finish("interstate", "serve", "--port", "0", "--data", str(copy), timeout_s=60)
    except subprocess.TimeoutExpired:
        return {"damage": name, "exit": None, "told": "it serves", "held": False}
    told = done.stderr.strip()
    held = done.returncode == 1 and file in told and "interstate restore" in told and "Traceback" not in told
    return {"damage": name, "exit": done.returncode, "told": told[-600:], "held": held}


def _in_use(path: Path) -> int:
    """How much of a file means something: a log is written anew from its beginning, and what is behind is old."""
    if not path.name.endswith("-wal"):
        return path.stat().st_size
    with path.with_name(path.name.replace("-wal", "-shm")).open("rb") as index:
        (frames,) = struct.unpack("=I", index.read(20)[16:])
    return 32 + int(frames) * (24 + 4096)


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(_in_use(path) // 2)


def _overwrite_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xa5" * 512)


def _overwrite_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(_in_use(path) // 2)
        file.write(b"\xa5" * 512)


_DAMAGES_OF_LOG: dict[str, tuple[str, Callable[[Path], None]]] = {
    "the log cut in half": ("interstate.db-wal", _cut),
    "a page in the middle of the log overwritten": ("interstate.db-wal", _overwrite_middle),
    "the log's header overwritten": ("interstate.db-wal", _overwrite_head),
    "the log deleted": ("interstate.db-wal", Path.unlink),
}
_DAMAGES_OF_FILE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "the database cut in half": ("interstate.db", _cut),
    "the database's first page overwritten": ("interstate.db", _overwrite_head),
}


def _small_disk(scene: Scene) -> SmallDisk:
    try:
        disk = SmallDisk(scene.folder / "disk", _SMALL_DISK_MIB)
    except CannotMount as error:
        raise Skipped(str(error)) from error
    scene.after(disk.close)
    return disk


def _delayed(strace: str) -> tuple[str, ...]:
    calls = "fsync,fdatasync"
    inject = f"inject={calls}:delay_enter={_SYNC_MS * 1000}"
    return (strace, "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", inject)


def _last_words(node: Node) -> str:
    return node.log.read_text(errors="replace").strip().rpartition("\n")[2][-600:]
