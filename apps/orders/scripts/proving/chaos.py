"""A bad day, asked for by ``interstate faults add``: functions fail, calls are throttled, slow, or lose their answers."""

from typing import Any

from proving.probe import Probe
from proving.scene import Facts, Scene
from proving.stage import Failed, Node, Stage

_RULES = (
    ("lambda:ProcessPayment", "--error", "Timeout", "--rate", "20%"),
    ("lambda:SelectCarrier", "--latency", "200", "--rate", "30%"),
    ("dynamodb:UpdateItem", "--error", "Throttle", "--rate", "5%"),
    ("dynamodb:*", "--lost-answer", "--rate", "3%"),
    ("events:*", "--lost-answer", "--rate", "3%"),
)
_SEEN_BY_OTHERS_S = 5.0


def one_server(scene: Scene) -> Facts:
    """Timeouts, throttles, latency and lost answers by rule and seed, on one server."""
    stage, node = scene.embedded()
    return _bad_day(scene, stage, [node])


def two_nodes(scene: Scene) -> Facts:
    """The same on two nodes: rules added on one hold on both."""
    stage, nodes = scene.nodes(scene.database().url(), 2)
    return _bad_day(scene, stage, nodes)


def _bad_day(scene: Scene, stage: Stage, nodes: list[Node]) -> Facts:
    for target, *words in _RULES:
        added = stage.finish(
            "interstate", "faults", "add", target, *words, "--seed", "7", "--endpoint-url", nodes[0].url
        )
        if added.returncode:
            raise Failed(f"interstate faults add {target}: {added.stderr}")
    everywhere = scene.until(lambda: all(len(_rules(node)) == len(_RULES) for node in nodes), _SEEN_BY_OTHERS_S)
    probe = Probe(stage.endpoint)
    load = scene.load(stage)
    load.process.wait()
    seen = [
        {rule["target"] + " " + rule["does"]: [rule["seen"], rule["hits"]] for rule in _rules(node)} for node in nodes
    ]
    stage.finish("interstate", "faults", "clear", "--endpoint-url", nodes[-1].url)
    cleared = scene.until(lambda: all(not _rules(node) for node in nodes), _SEEN_BY_OTHERS_S)
    hits = sum(counts[1] for rules in seen for counts in rules.values())
    return scene.verdict(
        load,
        probe,
        ("seenAndHit", seen, hits > 0),
        timed=[("rulesEverywhere", everywhere, everywhere), ("clearedEverywhere", cleared, cleared)],
    )


def _rules(node: Node) -> list[dict[str, Any]]:
    found = node.ask("GET", "faults")
    rules: list[dict[str, Any]] = found["faults"] if found else []
    return rules
