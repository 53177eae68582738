"""How far an account has spent its rates."""

from datetime import datetime

import msgspec

from interstate.store.tables import Table


class Rate(msgspec.Struct, frozen=True):
    """``spent_until`` lies at most a bucket ahead of now until something waits."""

    scope: str  # account/region
    name: str
    spent_until: datetime


RATES = Table("events_rates", Rate, ("scope", "name"))
