"""The bytes of objects: written once, read in ranges, counted, erased in bounded pieces.

Theory of operation
-------------------
A body's pieces begin where the one before ends. A composed body (an object that was uploaded in parts) has segments, each the
body of a part. ``uses`` counts the objects and parts that name a body; the last ``release`` leaves a step that erases it
a page at a time, so that deleting a large object costs its caller nothing.
"""

from collections.abc import Iterator, Sequence

import msgspec

from interstate.store.ports import Work
from interstate.store.records.s3 import (
    BODIES,
    PIECE_AT,
    PIECE_BYTES_MAX,
    PIECES,
    PIECES_IN,
    SEGMENTS,
    SEGMENTS_IN,
    SEGMENTS_OF,
    Body,
    Erase,
    Part,
    Piece,
    Segment,
)

PIECES_AT_ONCE = 32
"""Pieces that one step erases, or one read takes in one query: 8 MiB."""


def store(data: bytes, work: Work) -> int:
    """A new body with these bytes, used once."""
    number = work.next_id(BODIES)
    work.put(BODIES, Body(number, len(data), 1))
    write(number, 0, data, work)
    return number


def write(body: int, start: int, data: bytes, work: Work) -> None:
    """Put bytes at the end of a body that is being made; its size is the caller's to tell (``seal``)."""
    for at in range(0, len(data), PIECE_BYTES_MAX):
        work.put(PIECES, Piece(body, start + at, data[at : at + PIECE_BYTES_MAX]))


def begin(work: Work) -> int:
    """A new body to which ``write`` appends; used once."""
    number = work.next_id(BODIES)
    work.put(BODIES, Body(number, 0, 1))
    return number


def seal(body: int, size: int, work: Work) -> None:
    """Tell how long a body has become."""
    row = work.get(BODIES, body)
    assert row is not None, body
    work.put(BODIES, msgspec.structs.replace(row, size=size))


def compose(parts: Sequence[Part], work: Work) -> Body:
    """A body of the parts' bodies, one after the other; their uses become its own."""
    number = work.next_id(BODIES)
    start = 0
    for part in parts:
        work.put(SEGMENTS, Segment(number, start, part.number, part.size, part.body))
        start += part.size
    body = Body(number, start, 1, composed=True)
    work.put(BODIES, body)
    return body


def use(body: int, work: Work) -> None:
    """One more names this body."""
    row = work.get(BODIES, body)
    assert row is not None, body
    work.put(BODIES, msgspec.structs.replace(row, uses=row.uses + 1))


def release(body: int, work: Work) -> None:
    """One fewer names this body; when that was the last, its bytes go, bit by bit."""
    row = work.get(BODIES, body)
    if row is None:
        return
    work.put(BODIES, msgspec.structs.replace(row, uses=row.uses - 1))
    if row.uses <= 1:
        work.later("s3.erase", Erase(body), yields=True)


def erase(body: Erase, work: Work) -> None:
    """Erase a page of a body that nothing names, and come again for the rest. The step "s3.erase"."""
    row = work.get(BODIES, body.body)
    if row is None or row.uses > 0:
        return
    if row.composed:
        segments = work.select(SEGMENTS_OF, limit=PIECES_AT_ONCE, body=row.id, first=0)
        for segment in segments:
            work.delete(SEGMENTS, segment.body, segment.start)
            release(segment.part, work)
        done = len(segments) < PIECES_AT_ONCE
    else:
        gone = work.erase(PIECES_IN, limit=PIECES_AT_ONCE, body=row.id, first=0, end=1 << 62)
        done = gone < PIECES_AT_ONCE
    if done:
        work.delete(BODIES, row.id)
    else:
        work.later("s3.erase", body, yields=True)


def read(body: int, first: int, end: int, work: Work) -> bytes:
    """The bytes from ``first`` up to ``end``; fewer where the body ends."""
    return b"".join(_runs(body, first, end, work))


def _runs(body: int, first: int, end: int, work: Work) -> Iterator[bytes]:
    row = work.get(BODIES, body)
    if row is None:
        return
    if not row.composed:
        yield from _pieces(body, first, end, work)
        return
    while first < end:
        segments = work.select(SEGMENTS_IN, limit=PIECES_AT_ONCE, body=body, first=first, end=end)
        for segment in segments:
            yield from _runs(segment.part, first - segment.start, min(end - segment.start, segment.size), work)
            first = segment.start + segment.size
        if not segments:
            return


def _pieces(body: int, first: int, end: int, work: Work) -> Iterator[bytes]:
    holding = work.select(PIECE_AT, limit=1, body=body, first=first)
    start = end
    for piece in holding:
        yield piece.data[first - piece.start : end - piece.start]
        start = piece.start + len(piece.data)
    while start < end:
        pieces = work.select(PIECES_IN, limit=PIECES_AT_ONCE, body=body, first=start, end=end)
        for piece in pieces:
            yield piece.data[: end - piece.start]
        if len(pieces) < PIECES_AT_ONCE:
            return
        start = pieces[-1].start + len(pieces[-1].data)
