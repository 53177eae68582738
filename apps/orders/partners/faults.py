"""Which faults a partner has: rates between 0 and 1, drawn from one seeded generator a partner."""

import asyncio
import random
from dataclasses import dataclass

from partners.web import Hang


@dataclass(frozen=True, slots=True)
class Rates:
    """``errors``: answered with 500, half of them after the deed; ``timeouts``: never answered, half after the deed.

    ``latency_ms`` is the mean time that an answer takes; ``settle_ms`` the mean time until a charge is decided.
    """

    errors: float = 0.0
    timeouts: float = 0.0
    declines: float = 0.0
    duplicates: float = 0.0
    latency_ms: float = 0.0
    settle_ms: float = 20.0
    hang_s: float = 4.0


class Dice:
    def __init__(self, seed: str, rates: Rates) -> None:
        self.random = random.Random(seed)
        self.rates = rates

    def hits(self, rate: float) -> bool:
        return self.random.random() < rate

    async def wait(self, mean_ms: float) -> None:
        if mean_ms:
            await asyncio.sleep(self.random.expovariate(1000 / mean_ms))

    def draw(self) -> "Misfortune":
        """What goes wrong with one request, before and after its deed."""
        if self.hits(self.rates.timeouts):
            kind = "timeout"
        elif self.hits(self.rates.errors):
            kind = "error"
        else:
            return Misfortune()
        return Misfortune(before=kind) if self.hits(0.5) else Misfortune(after=kind)

    def suffer(self, kind: str) -> tuple[int, dict[str, str]] | None:
        """The answer that the fault gives instead; None for no fault.

        Raises:
            Hang: there is no answer at all.
        """
        if kind == "timeout":
            raise Hang(self.rates.hang_s)
        return (500, {"message": "internal error"}) if kind == "error" else None


@dataclass(frozen=True, slots=True)
class Misfortune:
    before: str = ""
    after: str = ""
