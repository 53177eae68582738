"""One node whose commits overlap, and those clients alone whose calls meet in the same rows: few steps, and hardly one without a meeting."""

from tests.simulation.simulated_clients import Player
from tests.simulation.simulated_cluster import Cluster

COUNTERS, SENDERS, CONSUMERS = 5, 4, 2
MANY, WATCHERS = 7, 3
KINDS = ("everywhere", "one item", "one queue")
"""Where all meet. In one row each commit that fails has another beside it that wrote or read the same."""


class Meeting(Cluster):
    """A run on one node."""

    acts = (150, 250)
    _kind = ""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, 1, overlaps=True)

    def _draw_rates(self) -> dict[str, float]:
        rates = super()._draw_rates()
        self._kind = self.dice.choice(KINDS)
        return {**rates, "clock jump": 0.0, "slow commit": 0.8, "fails beside another": 0.4}

    def players(self) -> dict[str, Player]:
        """Two counters that all count, one queue to which all send, and groups in order; or one item or queue, and nothing else."""
        clients = self.clients
        found = {name: one for name, one in self.readers.players().items() if name == "reader-of-stream"}
        if self._kind == "one item":
            found |= {f"adder-{number}": clients.add(12) for number in range(MANY)}
            return found | {f"watcher-{number}": clients.watch(20) for number in range(WATCHERS)}
        if self._kind == "one queue":
            found |= {f"sender-{number}": clients.send("work", 12) for number in range(MANY)}
            return found | {f"consumer-{number}": clients.consume("work") for number in range(CONSUMERS)}
        found |= {f"counter-{number}": clients.count(8) for number in range(COUNTERS)}
        found |= {f"sender-{number}": clients.send("work", 6) for number in range(SENDERS)}
        found |= {f"consumer-{number}": clients.consume("work") for number in range(CONSUMERS)}
        found["fifo-a"] = clients.send_in_order(("g0", "g1"), 6)
        found["reader-a"] = clients.read_in_order()
        found["mover"] = clients.transfer(6)
        return found
