"""What calls read of configuration beyond what they told, remembered, so that the next ones get it with their first round trip.

A publish tells its topic; which subscriptions, queues and keys it reads then depends on the topic, and was one wait each. The
calls that tell the same first key read the same configuration as a rule. So what they asked for later is noted, and asked for
together with what the calls of a batch tell. Only rows of *shared* tables are foreseen, which nobody locks: a guess that is
wrong reads a row that nobody asks for, and decides nothing.
"""

from collections.abc import Iterable, Sequence

from interstate.store.ports import Look
from interstate.store.records.due import DUE
from interstate.store.tables import Demand, Key
from interstate.store.unit_of_work import Glance

LOOKS_MAX = 32
"""So many are remembered of one first key; one that has more begins anew."""
KEYS_MAX = 4096
USES_MAX = 1000
"""After so many batches what is remembered is learned again, so that nothing is asked for for ever that nobody needs."""


class _Habit:
    __slots__ = ("looks", "uses")

    def __init__(self) -> None:
        self.looks: dict[Glance, None] = {}
        self.uses = 0


class Foresight:
    """By first key told: what was read later."""

    def __init__(self) -> None:
        self._habits: dict[Key, _Habit] = {}

    def learn(self, told: Iterable[Key | Demand | Look], read: Sequence[Glance]) -> None:
        """A call that told these keys has waited for these looks at shared tables."""
        first = first_of(told)
        if first is None:
            return
        habit = self._habits.get(first)
        if habit is None:
            if len(self._habits) >= KEYS_MAX:
                self._habits.clear()
            habit = self._habits[first] = _Habit()
        if len(habit.looks) + len(read) > LOOKS_MAX:
            habit.looks.clear()
        habit.looks.update(dict.fromkeys(read[:LOOKS_MAX]))

    def of(self, told: Iterable[Iterable[Key | Demand | Look]]) -> list[Glance]:
        """What the calls of a batch, which told these keys, will probably read; each look once."""
        looks: dict[Glance, None] = {}
        for first in {first_of(keys) for keys in told}:
            habit = None if first is None else self._habits.get(first)
            if habit is None or first is None:
                continue
            looks.update(habit.looks)
            habit.uses += 1
            if habit.uses >= USES_MAX:
                del self._habits[first]
        return list(looks)


def first_of(told: Iterable[Key | Demand | Look]) -> Key | None:
    """The first row that a call told. (A due row is told once only.)"""
    for key in told:
        if isinstance(key, Key) and key.table is not DUE:
            return key
    return None
