"""Scenarios of keeping and moving: a backup under load, put back elsewhere; from the embedded store to PostgreSQL and back.

A backup is one instant. What was placed after it is gone in what is restored, and the partners know more than the restored system:
so orders go on from the replay, which places again whatever the restored system does not know (an order's id follows from its
invoice), and partners do each thing once by its key. Then every promise is checked.
"""

import time
from pathlib import Path
from typing import Any

from proving.proxy import Proxy
from proving.scene import MORE, Facts, Scene, judged
from proving.stage import Failed, Node, Stage

_KEY = "secrets.key"


def embedded_store(scene: Scene) -> Facts:
    """A backup of the embedded store under load; restored elsewhere, the replay goes on there."""
    stage, node = scene.embedded()
    return _restored(
        scene, stage, [node], ("--data", str(scene.folder / "data")), ("--data", str(scene.folder / "again"))
    )


def shared_store(scene: Scene) -> Facts:
    """A backup of a database that two nodes use, under load; restored into another database."""
    database = scene.database()
    stage, nodes = scene.nodes(database.url(), 2)
    other = scene.database(scene.folder / "other")
    return _restored(scene, stage, nodes, ("--database", database.url()), ("--database", other.url()))


def _restored(scene: Scene, stage: Stage, nodes: list[Node], source: tuple[str, str], target: tuple[str, str]) -> Facts:
    load = scene.load(stage)
    missed = scene.under_way(load)
    file = scene.folder / "backup.db"
    began = time.monotonic()
    told = _done(stage, "interstate", "backup", str(file), *source)
    backup_s = round(time.monotonic() - began, 2)
    scene.say(f"backed up under load in {backup_s} s")
    missed = missed or ("" if load.runs() else f"the load was over before the backup was there; {MORE}")
    load.process.wait()
    for each in nodes:
        stage.stop(each)
    scene.say("restored elsewhere")
    put_back = _done(stage, "interstate", "restore", str(file), *target)
    facts = {"backup": told, "backupSeconds": backup_s, "restore": put_back}
    return _goes_on(scene, stage, nodes, target, facts, missed=missed)


def move(scene: Scene) -> Facts:
    """From the embedded store to PostgreSQL and back, with half of the orders under way each time."""
    stage, node = scene.embedded()
    data, database = scene.folder / "data", scene.database()
    load = scene.load(stage)
    missed = scene.under_way(load)
    stage.kill(node)
    load.process.terminate()
    load.process.wait()
    scene.say("killed under load; copied to PostgreSQL")
    there = _done(stage, "interstate", "copy", str(data), database.url())
    stage.key = data / _KEY
    nodes = stage.node("--database", database.url())
    nodes.port = node.port
    stage.endpoint = nodes.url
    stage.start(nodes)
    load = scene.load(stage)
    missed += scene.under_way(load, beyond=load.bookings())
    stage.kill(nodes)
    load.process.terminate()
    load.process.wait()
    scene.say("killed under load; copied back")
    back = _done(stage, "interstate", "copy", database.url(), str(scene.folder / "back"))
    stage.key = None  # It came along.
    place = ("--data", str(scene.folder / "back"))
    return _goes_on(scene, stage, [node], place, {"there": there, "back": back}, missed=missed)


def _goes_on(
    scene: Scene, stage: Stage, former: list[Node], place: tuple[str, str], facts: Facts, *, missed: str
) -> Facts:
    """It answers under the addresses of before: partners call back where they were told to when an order began."""
    node = stage.node(*place)
    node.port = former[0].port
    for other in former[1:]:
        scene.after(Proxy(other.port, [node.port]).close)
    stage.endpoint = node.url
    stage.start(node)
    orders = scene.load(stage).verdict()
    facts = {"orders": orders, **facts}
    broken = [] if orders["held"] else ["orders"]
    if place[0] == "--data":
        key = Path(place[1]) / _KEY
        facts["key"] = f"{key.stat().st_mode & 0o777:o}" if key.exists() else None
        broken += [] if facts["key"] == "600" else ["secrets.key"]
    return judged(facts, broken, missed)


def _done(stage: Stage, command: str, *words: Any) -> str:
    done = stage.finish(command, *words)
    if done.returncode:
        raise Failed(f"{command} {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()
