"""Ids of events are UUIDs that lead to where the event is kept."""

from uuid import UUID

from hypothesis import given
from hypothesis.strategies import binary, integers

from interstate.base.ids import Entropy
from interstate.core.events.numbers import PLACES_MAX, event_id, place_of

ROWS = integers(1, (1 << 61) - 1)


@given(row=ROWS, place=integers(0, PLACES_MAX - 1), seed=binary(min_size=16, max_size=16))
def test_an_id_leads_back(row: int, place: int, seed: bytes) -> None:
    text = event_id(row, place, Entropy(seed))
    assert place_of(text) == (row, place)
    uuid = UUID(text)
    assert (uuid.version, uuid.variant, str(uuid)) == (4, "specified in RFC 4122", text)


@given(row=ROWS, seed=binary(min_size=16, max_size=16))
def test_ids_of_one_call_differ_everywhere(row: int, seed: bytes) -> None:
    entropy = Entropy(seed)
    ids = [event_id(row, place, entropy) for place in range(PLACES_MAX)]
    assert len(set(ids)) == PLACES_MAX
    assert len({text[:8] for text in ids}) == PLACES_MAX


def test_what_is_no_id_leads_nowhere() -> None:
    assert place_of("order-1") is None
    assert place_of("") is None
