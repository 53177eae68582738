"""Chunks of history: what goes in comes out, and equal texts are stored once."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import botocore
import pytest
from hypothesis import given
from hypothesis import strategies as some

from interstate.core.asl.history import CHUNK_EVENTS_MAX, DETAILS, decode, encode, shown
from interstate.core.asl.vocabulary import HistoryEvent

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TEXTS = some.none() | some.sampled_from(['{"a":1}', "[]", '"ü"']) | some.text(max_size=20)


def events(bodies: list[tuple[str, str | None, str | None]]) -> list[HistoryEvent]:
    return [
        HistoryEvent(7 + n, n, kind, NOW, name, data, {"index": n} if n % 3 == 0 else None)
        for n, (kind, name, data) in enumerate(bodies)
    ]


@given(some.lists(some.tuples(some.sampled_from(sorted(DETAILS)), TEXTS, TEXTS), max_size=30))
def test_what_goes_in_comes_out(bodies: list[tuple[str, str | None, str | None]]) -> None:
    given_events = events(bodies)
    chunks = list(encode(given_events))
    assert [event for chunk in chunks for event in decode(chunk.body)] == given_events
    assert [chunk.last for chunk in chunks] == [decode(chunk.body)[-1].id for chunk in chunks]


def test_a_text_that_events_share_is_stored_once() -> None:
    text = "x" * 10_000
    (chunk,) = encode(events([("PassStateEntered", "A", text), ("PassStateExited", "A", text)] * 20))
    assert len(chunk.body) < 12_000


def test_chunks_are_bounded() -> None:
    many = events([("PassStateEntered", "A", "{}")] * 450)
    assert [chunk.last - chunk.first + 1 for chunk in encode(many)] == [CHUNK_EVENTS_MAX, CHUNK_EVENTS_MAX, 50]
    long = events([("PassStateEntered", "A", f"{n}" * 40_000) for n in range(1, 6)])
    assert [chunk.last - chunk.first + 1 for chunk in encode(long)] == [1, 1, 1, 1, 1]


def test_no_events_make_no_chunk() -> None:
    assert list(encode([])) == []


def model() -> dict[str, dict[str, dict[str, object]]]:
    """Step Functions' service model, which botocore brings."""
    folder = Path(botocore.__file__).parent / "data/stepfunctions/2016-11-23"
    plain = folder / "service-2.json"
    text = plain.read_bytes() if plain.exists() else gzip.decompress((folder / "service-2.json.gz").read_bytes())
    loaded: dict[str, dict[str, dict[str, object]]] = json.loads(text)
    return loaded


def test_every_event_has_the_shape_of_the_service_model() -> None:
    shapes = model()["shapes"]
    kinds = shapes["HistoryEventType"]["enum"]
    members = shapes["HistoryEvent"]["members"]
    assert isinstance(kinds, list)
    assert isinstance(members, dict)
    for kind, about in DETAILS.items():
        assert kind in kinds
        if about is None:
            continue
        assert about.member in members, kind
        details = shapes[members[about.member]["shape"]]["members"]
        assert isinstance(details, dict)
        assert about.data is None or about.data in details, kind
        assert about.details is None or about.details in details, kind


@pytest.mark.parametrize(
    ("with_data", "expected"),
    [(True, {"name": "A", "input": "{}", "inputDetails": {"truncated": False}}), (False, {"name": "A"})],
)
def test_data_can_be_left_out(*, with_data: bool, expected: dict[str, object]) -> None:
    event = HistoryEvent(2, 0, "PassStateEntered", NOW, "A", "{}")
    answer = shown(event, with_data=with_data)
    assert answer["stateEnteredEventDetails"] == expected
    assert answer["timestamp"] == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
