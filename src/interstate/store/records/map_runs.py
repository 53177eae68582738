"""Map Runs: their settings, how far they are, and the results of their children until those are gathered."""

from datetime import datetime

import msgspec

from interstate.core.asl.vocabulary import MapRunSetup
from interstate.core.items.cursor import Cursor
from interstate.store.tables import Select, Table


class Counts(msgspec.Struct, frozen=True):
    """Children, or their items, by what became of them. ``total`` are those that were started.

    ``to_redrive`` had ended without success when the run was redriven, and still wait for that; ``not_redrivable`` could not be redriven.
    """

    total: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    aborted: int = 0
    written: int = 0
    to_redrive: int = 0
    not_redrivable: int = 0


class Writing(msgspec.Struct, frozen=True):
    """How far the results are written: the ``kind`` at hand, its body so far, the files that are done.

    ``cursor``: the next item without a child, of those that are told as PENDING; it holds its body as the run's own does.
    """

    kind: str = "SUCCEEDED"
    body: int = 0
    size: int = 0
    after: int = 0
    files: list[tuple[str, str, int]] = []  # Kind, key, size.
    cursor: Cursor | None = None
    done: bool = False  # The manifest stands.


class Tally(msgspec.Struct, frozen=True):
    """Executions and items; with batches there are fewer executions than items."""

    executions: Counts = Counts()
    items: Counts = Counts()


class MapRun(msgspec.Struct, frozen=True):
    """One run of a distributed Map. ``scheduled``: its next step is due. ``cursor.end``: no more items are to be read."""

    id: int
    arn: str
    execution: int
    execution_arn: str
    frame: int
    visit: int
    state: str
    machine: str  # The state machine that its children have: ``...:stateMachine:NAME/LABEL``.
    express: bool
    status: str
    started: datetime
    concurrency: int
    cursor: Cursor
    counts: Tally = Tally()
    scheduled: bool = False
    stopped: datetime | None = None
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None
    error: str | None = None  # Why it fails; its children are being stopped.
    cause: str | None = None
    writing: Writing = Writing()
    redrive_count: int = 0
    redriven: datetime | None = None
    redriving: int = 0  # Unsuccessful children below this number are to go on; those up to ``redriven_to`` do.
    redriven_to: int = 0
    backlogged: bool = False  # It waits until fewer runs are open.


class MapRunArn(msgspec.Struct, frozen=True):
    """Leads from a run's ARN to its number."""

    arn: str
    run: int


class MapSource(msgspec.Struct, frozen=True):
    """What never changes while a run goes: as the state gave it."""

    run: int
    setup: MapRunSetup


class MapResult(msgspec.Struct, frozen=True):
    """What became of a child: ``text`` is the JSON that is gathered. ``kind`` is SUCCEEDED or FAILED."""

    run: int
    kind: str
    child: int
    text: str


class GoOn(msgspec.Struct, frozen=True):
    """Let a run go on; with ``abort`` its execution was stopped. Body of the step "states.map_run"."""

    run: int
    abort: bool = False


MAP_RUNS = Table("states_map_runs", MapRun, ("id",))
MAP_RUN_ARNS = Table("states_map_run_arns", MapRunArn, ("arn",))
MAP_SOURCES = Table("states_map_sources", MapSource, ("run",))
MAP_RESULTS = Table("states_map_results", MapResult, ("run", "child"))

RUNS_OF_EXECUTION = Select(MAP_RUNS, "execution = :execution AND id > :after", "id")
RESULTS_OF_RUN = Select(MAP_RESULTS, "run = :run AND child > :after", "child")
RESULTS_OF_KIND_BACK = Select(
    MAP_RESULTS, "run = :run AND kind = :kind AND child > :after AND child < :below", "child DESC"
)
RESULTS_OF_KIND = Select(MAP_RESULTS, "run = :run AND kind = :kind AND child > :after", "child")
