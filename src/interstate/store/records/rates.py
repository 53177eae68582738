"""How far an account has spent its rates."""

from datetime import datetime

import msgspec

from interstate.store.tables import Select, Table


class Rate(msgspec.Struct, frozen=True):
    """What one node has spent. ``spent_until`` lies at most a bucket ahead of now until something waits."""

    scope: str  # account/region
    name: str
    node: int
    spent_until: datetime
    sharers: int  # Nodes that spent of this rate, when they were counted.
    counted_at: datetime


RATES = Table("rates", Rate, ("scope", "name", "node"), own=True)
RATES_OF_NODES = Select(RATES, "scope = :scope AND name = :name", "node")
