"""Due work and the instance's settings."""

from datetime import datetime

import msgspec

from interstate.store.tables import Scalar, Select, Table

STEP, WAITING, IN_FLIGHT = 0, 1, 2
"""The lanes of due work: steps inside the store, effects that wait, effects being performed."""


class Due(msgspec.Struct, frozen=True):
    """One piece of work that is due at ``due_at``; its life is told in the schema."""

    id: int
    lane: int
    due_at: datetime
    pulls: bool
    kind: str
    tries: int
    body: bytes


class Setting(msgspec.Struct, frozen=True):
    """A named value of this instance."""

    name: str
    value: str


DUE = Table("due", Due, key=("id",))
SETTINGS = Table("settings", Setting, key=("name",), shared=True)

READY = Select(DUE, "lane = :lane AND due_at <= :now", "due_at, id")
NEXT = Select(DUE, "lane = :lane", "due_at, id")
LATER = Select(DUE, "lane = :lane AND due_at > :now", "due_at, id")
IN_LANE = Scalar("SELECT count(*) FROM due WHERE lane = :lane", (DUE,))
# The instant to which a virtual clock may be pulled; 0 when nothing pulls.
NEXT_PULLING = Scalar("SELECT min(due_at) FROM due WHERE lane IN (:step, :waiting) AND pulls = 1", (DUE,))
