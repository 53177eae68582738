"""How many executions and Map Runs are open, and which Map Runs wait until fewer are."""

from datetime import datetime

import msgspec

from interstate.store.tables import Scalar, Select, Table


class Open(msgspec.Struct, frozen=True):
    """What one node has begun less what ended there; below zero where others begin what ends here."""

    scope: str  # account/region
    node: int
    executions: int
    map_runs: int
    others: int  # Executions of the other nodes' rows, when this node last looked.
    looked_at: datetime


class LastPlaces(msgspec.Struct, frozen=True):
    """Who has this row in hand may take one of the last places of an account and region."""

    scope: str


class Backlogged(msgspec.Struct, frozen=True):
    """A Map Run that waits."""

    scope: str
    run: int


OPEN = Table("states_open", Open, ("scope", "node"), own=True)
LAST_PLACES = Table("states_last_places", LastPlaces, ("scope",))
MAP_BACKLOG = Table("states_map_backlog", Backlogged, ("scope", "run"))

EXECUTIONS_OPEN = Scalar("SELECT SUM(executions) FROM states_open WHERE scope = :scope", (LAST_PLACES, OPEN))
MAP_RUNS_OPEN = Scalar("SELECT SUM(map_runs) FROM states_open WHERE scope = :scope", (LAST_PLACES, OPEN))
MAP_BACKLOG_OF_SCOPE = Select(MAP_BACKLOG, "scope = :scope", "run", claims=True)
