"""One node whose commits overlap, and those clients alone whose calls meet in the same rows: few steps, and hardly one without a meeting."""

from tests.simulation.simulated_clients import Player
from tests.simulation.simulated_cluster import Cluster

COUNTERS, SENDERS, CONSUMERS = 5, 4, 2


class Meeting(Cluster):
    """A run on one node."""

    acts = (150, 250)

    def __init__(self, seed: int) -> None:
        super().__init__(seed, 1, overlaps=True)

    def _draw_rates(self) -> dict[str, float]:
        rates = super()._draw_rates()
        return {**rates, "clock jump": 0.0, "slow commit": 0.8, "fails beside another": 0.4}

    def players(self) -> dict[str, Player]:
        """Two counters that all count, one queue to which all send, and groups in order."""
        clients = self.clients
        found: dict[str, Player] = {f"counter-{number}": clients.count(8) for number in range(COUNTERS)}
        found |= {f"sender-{number}": clients.send("work", 6) for number in range(SENDERS)}
        found |= {f"consumer-{number}": clients.consume("work") for number in range(CONSUMERS)}
        found["fifo-a"] = clients.send_in_order(("g0", "g1"), 6)
        found["reader-a"] = clients.read_in_order()
        found["mover"] = clients.transfer(6)
        return found | {name: one for name, one in self.readers.players().items() if name == "reader-of-stream"}
