"""Ids of events are UUIDs that lead to where the event is kept."""

from uuid import UUID

from hypothesis import given
from hypothesis.strategies import binary, integers, lists

from interstate.base.ids import Entropy
from interstate.core.events.numbers import PLACES_MAX, event_id, event_ids, place_of, row_ids

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


@given(row=ROWS, count=integers(1, PLACES_MAX), seed=binary(min_size=16, max_size=16))
def test_ids_that_are_made_together_are_like_any(row: int, count: int, seed: bytes) -> None:
    ids = event_ids(row, count, Entropy(seed))
    assert [place_of(text) for text in ids] == [(row, place) for place in range(count)]
    assert len({text[:8] for text in ids}) == count
    for text in ids:
        uuid = UUID(text)
        assert (uuid.version, uuid.variant, str(uuid)) == (4, "specified in RFC 4122", text)


@given(rows=lists(ROWS, max_size=5), first=ROWS, count=integers(1, PLACES_MAX), seed=binary(min_size=16, max_size=16))
def test_ids_of_rows_lead_to_each_row(rows: list[int], first: int, count: int, seed: bytes) -> None:
    for some in (sorted(rows), list(range(first, min(first + count, 1 << 61)))):
        assert [place_of(text) for text in row_ids(some, Entropy(seed))] == [(row, 0) for row in some]


def test_all_bits_of_an_id_but_the_marks_vary() -> None:
    ids = [int(text.replace("-", ""), 16) for text in event_ids(7, PLACES_MAX, Entropy(b"seed"))]
    ever, always = 0, (1 << 128) - 1
    for number in ids:
        ever, always = ever | number, always & number
    marks = 0xF000 << 64 | 3 << 62
    assert ever ^ always == ((1 << 128) - 1) ^ marks
    assert always == 4 << 76 | 8 << 60


def test_what_is_no_id_leads_nowhere() -> None:
    assert place_of("order-1") is None
    assert place_of("") is None
