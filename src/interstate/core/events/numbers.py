"""Event ids that lead to where the event is kept.

An event's id is a UUID of version 4, as on AWS. Of its 120 hexadecimal bits that are free, 52 are random; the others are the
row of the event log and the place in it, masked by the random ones, so that ids of one call look as unlike as any. Whoever
knows an id finds the event without an index.

The ids of a call are made side by side: each has a lane of 160 bits in one large number, so that a multiplication or a mask is
one step for all of them.
"""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Final

from interstate.base.ids import Entropy

_CHARS = 36
_RANDOM_MASK = (1 << 52) - 1
_MASK = (1 << 68) - 1
_LOW = (1 << 60) - 1
_PARTS = Struct("8s4s4s4s12s")
_ODD = 0x9E3779B97F4A7C15F39CC061  # Spreads the random bits; any odd number would do.
_PLACE_BITS = 7
PLACES_MAX = 1 << _PLACE_BITS
"""Events of one row."""


def event_id(row: int, place: int, entropy: Entropy) -> str:
    """The id of the event at ``place`` (0 to 127) in a row of the event log (a number of at most 61 bits)."""
    return _text(row << _PLACE_BITS | place, entropy.word() & _RANDOM_MASK)


def _text(address: int, random: int) -> str:
    masked = address ^ (random * _ODD >> 40) & _MASK
    number = (
        random >> 4 << 80 | (random & 0xF | 0x40) << 72 | masked >> 60 << 64 | (random & 3 | 8) << 60 | masked & _LOW
    )
    return b"-".join(_PARTS.unpack(b"%032x" % number)).decode()


_LANE_BITS: Final = 160
_LANE_BYTES: Final = _LANE_BITS // 8
_WORD_BYTES: Final = 7
_PAD = bytes(_LANE_BYTES - _WORD_BYTES)
_CUT = Struct("8x8s4s4s4s12s")  # A lane in hexadecimal: the rest of it, and an id's five parts.
_LANES_MAX = 128


class _Lanes:
    """Numbers that have the same in each of ``count`` lanes; the first lane is the highest."""

    __slots__ = ("blocks", "eight", "marks", "ones", "places", "random", "sixty", "top", "tops", "two", "words")

    def __init__(self, count: int) -> None:
        self.ones = sum(1 << _LANE_BITS * lane for lane in range(count))
        self.places = sum(count - 1 - lane << _LANE_BITS * lane for lane in range(count))
        self.words = Struct(f"{_WORD_BYTES}s" * count)
        self.blocks = range(-(-count * _WORD_BYTES // 64))
        self.random = self.ones * _RANDOM_MASK
        self.sixty = self.ones * ((1 << 60) - 1)
        self.two = self.ones * (3 << 60)
        self.eight = self.ones * (0xFF << 64)
        self.top = self.ones * (0xF << 72)
        self.tops = self.ones * ((1 << 48) - 1 << 80)
        self.marks = self.ones * (4 << 76 | 8 << 60)  # The version and the variant.


@lru_cache(maxsize=_LANES_MAX)
def _lanes(count: int) -> _Lanes:
    return _Lanes(count)


def event_ids(row: int, count: int, entropy: Entropy) -> list[str]:
    """The ids of the first ``count`` (1 to 128) events in a row of the event log."""
    return _side_by_side(row << _PLACE_BITS, 1, count, entropy)


def row_ids(rows: Sequence[int], entropy: Entropy) -> list[str]:
    """The ids of the first event in each of these rows: those of messages, which have a row each."""
    count = len(rows)
    if 1 < count <= _LANES_MAX and rows[-1] - rows[0] == count - 1:  # They rise: nobody drew a number in between.
        return _side_by_side(rows[0] << _PLACE_BITS, 1 << _PLACE_BITS, count, entropy)
    return [event_id(row, 0, entropy) for row in rows]


def _side_by_side(first: int, step: int, count: int, entropy: Entropy) -> list[str]:
    """The ids of ``count`` addresses (a row and a place): ``event_id``, in one go."""
    lanes = _lanes(count)
    data = b"".join([entropy.bytes(64) for _ in lanes.blocks])
    random = int.from_bytes(_PAD.join((b"", *lanes.words.unpack_from(data)))) & lanes.random
    spread = random * _ODD ^ (first * lanes.ones + step * lanes.places << 40)
    ids = (
        spread >> 40 & lanes.sixty
        | spread >> 36 & lanes.eight
        | random << 60 & lanes.two
        | random << 72 & lanes.top
        | random << 76 & lanes.tops
        | lanes.marks
    )
    digits = ids.to_bytes(count * _LANE_BYTES).hex().encode()
    return b" ".join(map(b"-".join, _CUT.iter_unpack(digits))).decode().split(" ")


def _masked(random: int) -> int:
    return (random * _ODD >> 40) & _MASK


def place_of(text: str) -> tuple[int, int] | None:
    """The row and the place in it that an id leads to; None when it is no id. Ids of others lead anywhere."""
    if len(text) != _CHARS or text[14] != "4":
        return None
    digits = f"{text[:8]}{text[9:13]}{text[15:18]}{text[20:23]}{text[24:]}"
    try:
        number = int(digits[13:], 16) ^ _masked(int(digits[:13], 16))
    except ValueError:
        return None
    return number >> _PLACE_BITS, number & (PLACES_MAX - 1)
