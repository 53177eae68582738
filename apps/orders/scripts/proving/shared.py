"""Scenarios on PostgreSQL: nodes that die or hang, and a database that goes away."""

import itertools
import signal
import time

from proving import stall
from proving.disk import CannotMount, SmallDisk
from proving.embedded import FROZEN_S
from proving.probe import Probe
from proving.scene import MORE, Facts, Scene, Skipped
from proving.stage import Node

STALL_S_MAX = 15.0
_AWAY_S, _SILENT_S, _FULL_S = 8.0, 20.0, 12.0
_HEALTH_S_MAX = 5.0  # As long as the wait for an answer that ends a connection, it would be the loop that waits.
_SMALL_DISK_MIB = 320
_TAKEOVER_S = 10.0
TAKEN_OVER, REFUSED, CUT = "is gone; node", "declared this one dead", "connection to the database was lost"
"""Words of a node's log."""
_PAD_BYTES = 200_000  # PostgreSQL has some log in reserve: messages must be large to need more.


def three_nodes(scene: Scene) -> Facts:
    """Three nodes: one is killed every 10 s and comes back, the database restarts once; no standstill of 15 s.

    Where a node needs longer than that to come back, the next one is killed when it is there: otherwise none would ever live.
    """
    database = scene.database()
    stage, nodes = scene.nodes(database.url(), 3)
    probe = Probe(stage.endpoint)
    load = scene.metered(scene.load(stage), stall.OfPostgres(database.url()))
    began, kills, restarted, killed = time.monotonic(), 0, False, nodes[-1]
    distances: list[float] = []
    for node in itertools.cycle(nodes):
        since = time.monotonic()
        while load.runs() and (
            time.monotonic() < since + scene.chosen.kill_every or not killed.health().get("serving")
        ):
            time.sleep(0.2)
        if not load.runs():
            break
        if not restarted and kills >= scene.chosen.restart_after:
            scene.say("the database restarts")
            database.stop("fast")
            database.start()
            restarted = True
            continue
        kills, killed = kills + 1, node
        distances.append(round(time.monotonic() - since, 1))
        scene.say(f"kill -9 of {node.name} ({kills}); {load.progress()}")
        stage.kill(node)
        stage.launch(node)
    lasted = round(time.monotonic() - began, 1)
    assert load.meter is not None
    standstill = load.meter.longest()
    missed = "" if restarted else f"the load was over after {kills} kills, before the database restarted; {MORE}"
    return scene.verdict(
        load,
        probe,
        ("nodes", len(nodes), True),
        ("kills", kills, True),
        ("killDistances", [min(distances, default=None), max(distances, default=None)], True),
        ("databaseRestarted", restarted, True),
        ("lasted", lasted, True),
        timed=[("longestStandstill", standstill, standstill["seconds"] < STALL_S_MAX)],
        missed=missed,
    )


def frozen_node(scene: Scene) -> Facts:
    """SIGSTOP of one of two nodes for 30 s, then SIGCONT: the other takes over, the zombie's late commit is refused."""
    database = scene.database()
    stage, (frozen, other) = scene.nodes(database.url(), 2)
    probe = Probe(stage.endpoint)
    load = scene.metered(scene.load(stage), stall.OfPostgres(database.url()))
    missed = scene.under_way(load)
    before = _numbers(other)
    scene.say(f"SIGSTOP of {frozen.name} for {FROZEN_S:.0f} s")
    number = frozen.health().get("node", {}).get("number")
    frozen.signal(signal.SIGSTOP)
    began = time.monotonic()
    taken = scene.until(lambda: number not in _numbers(other), _TAKEOVER_S + 2)
    taken_s = round(time.monotonic() - began, 1)
    time.sleep(max(0.0, FROZEN_S - taken_s))
    frozen.signal(signal.SIGCONT)
    scene.say("SIGCONT")
    back = scene.until(lambda: len(_numbers(other)) == len(before), 20)
    fenced = frozen.says(REFUSED) + frozen.says(CUT)
    return scene.verdict(
        load,
        probe,
        ("zombieRefusals", fenced, True),
        timed=[
            ("takenOverSeconds", taken_s, taken and taken_s <= _TAKEOVER_S),
            ("zombieJoinedAgain", back, back),
            ("takeovers", other.says(TAKEN_OVER), other.says(TAKEN_OVER) > 0),
        ],
        missed=missed,
    )


def zombie_commit(scene: Scene) -> Facts:
    """A node is frozen while its commit is on its way to the database; the commit arrives after the takeover, and is refused.

    Its way to the database is a proxy that holds what it is given, so the commit is sure to come late.
    """
    database = scene.database()
    slow = scene.proxy([database.port])
    stage, (zombie, other) = scene.nodes(database.url(), 2, database.url(slow.port), database.url())
    probe = Probe(stage.endpoint)
    load = scene.load(stage)
    missed = scene.under_way(load)
    before = len(_numbers(other))
    scene.say("one node's way to the database holds everything")
    slow.set_mode("hold")
    number = next(each for each in _numbers(other) if each != other.health()["node"]["number"])
    taken = scene.until(lambda: number not in _numbers(other), _TAKEOVER_S + 4)
    time.sleep(5)
    slow.set_mode("pass")
    scene.say("what was held arrives")
    back = scene.until(lambda: len(_numbers(other)) == before, 30)
    return scene.verdict(
        load,
        probe,
        ("node", zombie.name, True),
        timed=[("takenOver", taken, taken), ("joinedAgain", back, back)],
        missed=missed,
    )


def database_restart(scene: Scene) -> Facts:
    """The database restarts in order, then crashes and restarts; calls get 503 meanwhile."""
    database = scene.database()
    stage, _ = scene.nodes(database.url(), 2)
    probe = Probe(stage.endpoint)
    load = scene.metered(scene.load(stage), stall.OfPostgres(database.url()))
    missed = scene.under_way(load)
    for mode in ("fast", "immediate"):
        time.sleep(3)
        scene.say(f"the database stops ({mode}) and starts")
        database.stop(mode)
        time.sleep(2)
        database.start()
    return scene.verdict(load, probe, missed=missed)


def database_unreachable(scene: Scene) -> Facts:
    """The database cannot be reached: connections are broken and refused, then they hang. Then it is back."""
    database = scene.database()
    proxy = scene.proxy([database.port])
    stage, nodes = scene.nodes(database.url(proxy.port), 2)
    probe = Probe(stage.endpoint)
    load = scene.metered(scene.load(stage), stall.OfPostgres(database.url()))
    missed = scene.under_way(load)
    scene.say(f"connections are refused for {_AWAY_S:.0f} s")
    proxy.set_mode("refuse")
    time.sleep(_AWAY_S)
    told = probe.last_refusal
    proxy.set_mode("pass")
    time.sleep(5)
    scene.say(f"connections hang for {_SILENT_S:.0f} s")
    proxy.set_mode("hold")
    time.sleep(_SILENT_S)
    proxy.set_mode("pass")
    came_back = scene.until(lambda: all(node.health().get("serving") for node in nodes), 20)
    return scene.verdict(
        load,
        probe,
        ("told", told, "database" in told),
        *_up(nodes),
        timed=[("answersAgain", came_back, came_back)],
        missed=missed,
    )


def database_hung(scene: Scene) -> Facts:
    """SIGSTOP of the database for 30 s: its connections stay open and nothing is answered. Nodes tell, refuse, and go on after it."""
    database = scene.database()
    stage, nodes = scene.nodes(database.url(), 2)
    probe = Probe(stage.endpoint)
    load = scene.load(stage)
    missed = scene.under_way(load)
    scene.say(f"SIGSTOP of the database for {FROZEN_S:.0f} s")
    database.freeze()
    began, slowest, trouble = time.monotonic(), 0.0, [""] * len(nodes)
    while time.monotonic() - began < FROZEN_S:
        for place, node in enumerate(nodes):
            asked = time.monotonic()
            trouble[place] = node.health().get("store") or trouble[place]
            slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.2)
    told = probe.last_refusal
    database.thaw()
    scene.say("SIGCONT")
    came_back = scene.until(lambda: all(_is_well(node) for node in nodes), 30)
    return scene.verdict(
        load,
        probe,
        ("told", told, "database" in told),
        ("healthTold", trouble, all(trouble)),
        ("takeovers", sum(node.says(TAKEN_OVER) for node in nodes), True),
        *_up(nodes),
        timed=[
            ("slowestHealth", round(slowest, 2), slowest < _HEALTH_S_MAX),
            ("wellAgain", came_back, came_back),
        ],
        missed=missed,
    )


def disk_full(scene: Scene) -> Facts:
    """The database's disk is full for a while; it may stop over that, and is started again when there is space."""
    try:
        disk = SmallDisk(scene.folder / "disk", _SMALL_DISK_MIB)
    except CannotMount as error:
        raise Skipped(str(error)) from error
    scene.after(disk.close)
    database = scene.database(disk.folder / "database")
    stage, nodes = scene.nodes(database.url(), 1)
    probe = Probe(stage.endpoint, pad_bytes=_PAD_BYTES)
    load = scene.load(stage)
    missed = scene.under_way(load)
    disk.fill()
    scene.say("the database's disk is full")
    time.sleep(_FULL_S)
    told, survived = probe.last_refusal, database.runs
    disk.free()
    scene.say("there is space again" + ("" if survived else "; PostgreSQL had stopped, and is started"))
    time.sleep(3)
    if not database.runs:
        database.start()
    return scene.verdict(
        load,
        probe,
        ("told", told, "full" in told or "database" in told),
        ("databaseSurvived", survived, True),
        *_up(nodes),
        missed=missed,
    )


def _up(nodes: list[Node]) -> list[tuple[str, object, bool]]:
    alive = [node.process is not None and node.process.poll() is None for node in nodes]
    return [("nodesStayedUp", alive, all(alive))]


def _is_well(node: Node) -> bool:
    return node.health().get("status") == "ok"


def _numbers(node: Node) -> list[int]:
    """The nodes that one of them knows."""
    return [each["number"] for each in node.health().get("node", {}).get("nodes", []) if each["alive"]]
