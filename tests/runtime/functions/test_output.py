from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.runtime.functions.output import EVENT_BYTES_MAX, EVENTS_MAX, KEPT_BYTES_MAX, Output, tail
from interstate.store.records.lambda_ import LogLine

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def frame(message: str) -> bytes:
    encoded = message.encode()
    return b"\xa5\x5a\x00\x03" + len(encoded).to_bytes(4) + (0).to_bytes(8) + encoded


# What a worker wrote, and the events that it makes.
CASES = [
    (b"one\ntwo\n", ["one\n", "two\n"]),
    (b"no end", ["no end"]),
    (b"\n", ["\n"]),
    (frame("two\nlines"), ["two\nlines"]),
    (b"text" + frame("frame") + b"text\n", ["text", "frame", "text\n"]),
    (frame("") + frame("a"), ["", "a"]),
    (b"\xff\n", ["\ufffd\n"]),
    ("주문\n".encode(), ["주문\n"]),
]


@pytest.mark.parametrize(("written", "events"), CASES, ids=range(len(CASES)))
def test_lines_and_frames_become_events(written: bytes, events: list[str]) -> None:
    output = Output()
    output.feed(written, NOW)
    assert [event.message for event in output.take(NOW)] == events


PIECES = st.lists(st.one_of(st.text("ab\n", max_size=5).map(str.encode), st.text("ab\n", max_size=5).map(frame)))


@given(PIECES, st.integers(1, 7))
def test_how_the_bytes_arrive_makes_no_difference(pieces: list[bytes], size: int) -> None:
    written = b"".join(pieces)
    whole, parts = Output(), Output()
    whole.feed(written, NOW)
    for begin in range(0, len(written), size):
        parts.feed(written[begin : begin + size], NOW)
    assert parts.take(NOW) == whole.take(NOW)


@pytest.mark.parametrize("written", [b"x\n" * 200_000, b"x" * 5_000_000, b"\xa5\x5a\x00\x03\xff\xff\xff\xff" * 200_000])
def test_a_call_that_prints_without_end_keeps_a_bounded_part_and_says_so(written: bytes) -> None:
    output = Output()
    for begin in range(0, len(written), 65_536):
        output.feed(written[begin : begin + 65_536], NOW)
    events = output.take(NOW)
    assert len(events) <= EVENTS_MAX + 1
    assert sum(len(event.message) for event in events) <= KEPT_BYTES_MAX + EVENT_BYTES_MAX + 100
    assert events[-1].message == "[The rest of what this call printed was not kept.]\n"
    assert output.take(NOW) == []


def test_the_tail_is_the_last_4_kilobytes() -> None:
    events = [LogLine(NOW, "x" * 5000), LogLine(NOW, "end")]
    assert tail(events) == "x" * 4093 + "end"
