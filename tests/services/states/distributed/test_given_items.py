"""Items that the state was given lie in lines of their own: a slice of a Map Run reads no more than it takes."""

from datetime import timedelta
from typing import Any

import pytest
from tests.services.states.distributed.test_map_runs import map_run, processor, ran, started

from interstate.base.json import JSON, dumps
from interstate.core.asl.vocabulary import MapRunSetup
from interstate.core.items.cursor import Cursor
from interstate.core.items.reading import Unreadable, json_lines
from interstate.runtime.testing import World
from interstate.services.states.distributed.items import NO_ITEM, Pair, items_from, items_given, put_apart
from interstate.services.tables import SERVICES
from interstate.store.records.s3 import BODIES, PIECES
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.tables import Select

ALL_BODIES = Select(BODIES, "id > 0", "id")
WAIT = {"Type": "Wait", "Seconds": 60, "End": True}


class Pieces:
    """The bytes of bodies that are read from here on."""

    def __init__(self, world: World) -> None:
        if not isinstance(world.store, SqliteStore):
            pytest.skip("counts what the embedded store reads")
        self._rows: Any = world.store.rows
        self.bytes = 0
        setattr(world.store, "rows", self)  # noqa: B010 the port has it for reading only

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    def select(self, wanted: Any, limit: int, parameters: Any) -> Any:
        found = self._rows.select(wanted, limit, parameters)
        self.bytes += sum(len(piece.data) for piece in found) if wanted.table is PIECES else 0
        return found


def setup(items: JSON) -> MapRunSetup:
    return MapRunSetup("arn", "label", False, 0, "", "", {}, dumps(items) if isinstance(items, list | dict) else None)


@pytest.mark.parametrize("items", [[], {}, [1, "two", {"three": [3]}, None], {"a": 1, "b": {"c": "\n\u2028"}}])
@pytest.mark.parametrize("apart", [True, False])
def test_the_items_are_those_that_were_given(items: Any, apart: bool) -> None:
    """Also those of a run that began before its items lay apart."""
    world = World(SERVICES)

    def read(work: Any) -> list[Any]:
        kept, cursor = put_apart(setup(items), work) if apart else (setup(items), Cursor())
        assert items_given(kept) == len(items)
        found = [item for item, _cursor in items_from(cursor, kept, work.caller, work) if item is not NO_ITEM]
        return [[item.name, item.value] if isinstance(item, Pair) else item for item in found]

    wanted = [list(pair) for pair in items.items()] if isinstance(items, dict) else items
    assert world.run(read) == wanted


def test_a_slice_reads_the_pieces_that_it_takes_and_not_all_items() -> None:
    world = World(SERVICES)
    items = [{"n": n, "pad": "x" * 100} for n in range(1_500)]
    arn = started(world, {"ItemProcessor": processor(state=WAIT), "MaxConcurrency": 1}, items)
    pieces = Pieces(world)
    for _ in range(5):
        world.advance(timedelta(seconds=60))
    assert map_run(world, arn)["itemCounts"]["succeeded"] == 5
    assert pieces.bytes < 5 * 2 * 32_768  # All items are 180,000 bytes, at each of the five.


def test_the_items_go_when_the_run_is_over() -> None:
    world = World(SERVICES)
    assert ran(world, {"ItemProcessor": processor()}, [1, 2, 3]) == [1, 2, 3]
    assert world.run(lambda work: work.select(ALL_BODIES, limit=9)) == []


def test_deep_items_are_handed_on() -> None:
    """Deeper than the fast writer of JSON goes."""
    world = World(SERVICES)
    deep: JSON = 1
    for _ in range(300):
        deep = [deep]
    assert ran(world, {"ItemProcessor": processor()}, [deep]) == [deep]


@pytest.mark.parametrize("line", [b"[" * 100_000, b"NaN", b"\xff"])
def test_a_line_that_is_no_json_is_refused(line: bytes) -> None:
    with pytest.raises(Unreadable, match="a line that is not valid JSON"):
        list(json_lines(line, last=True))
