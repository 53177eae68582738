"""Event ids that lead to where the event is kept.

An event's id is a UUID of version 4, as on AWS. Of its 120 hexadecimal bits that are free, 52 are random; the others are the
row of the event log and the place in it, masked by the random ones, so that ids of one call look as unlike as any. Whoever
knows an id finds the event without an index.
"""

from interstate.base.ids import Entropy

_CHARS = 36
_RANDOM_MASK = (1 << 52) - 1
_MASK = (1 << 68) - 1
_ODD = 0x9E3779B97F4A7C15F39CC061  # Spreads the random bits; any odd number would do.
_PLACE_BITS = 7
PLACES_MAX = 1 << _PLACE_BITS
"""Events of one row."""


def event_id(row: int, place: int, entropy: Entropy) -> str:
    """The id of the event at ``place`` (0 to 127) in a row of the event log (a number of at most 61 bits)."""
    random = entropy.word() & _RANDOM_MASK
    digits = f"{random:013x}{(row << _PLACE_BITS | place) ^ (random * _ODD >> 40) & _MASK:017x}"
    variant = "89ab"[random & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-{variant}{digits[15:18]}-{digits[18:]}"


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
