"""Keys of several attributes as one: bytes that sort as the attributes do, one after the other.

Theory of operation
-------------------
A global index may have up to four partition and four sort attributes. Each part is opened by ``_OPEN`` and closed by
``_CLOSE``; a zero byte inside it is followed by ``0xff``. What follows a closed part is thus lower than any longer part
with the same beginning, and higher than the part alone: the whole sorts attribute by attribute.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
"""

from collections.abc import Sequence

_OPEN = b"\x02"
_CLOSE = b"\x00"
_BEHIND = b"\x00\x03"
"""After a part: above everything that goes on behind it."""
_ABOVE = b"\x03"
"""In the place of a part: above every part."""


def joined(parts: Sequence[bytes]) -> bytes:
    """The encoded parts as one key."""
    return b"".join(_opened(part) + _CLOSE for part in parts)


def _opened(part: bytes) -> bytes:
    return _OPEN + part.replace(b"\x00", b"\x00\xff")


def bounds(before: Sequence[bytes], operator: str, parts: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The keys that begin with ``before`` and whose next part is as the operator asks: from, up to and without."""
    stem = joined(before)
    first = stem + _opened(parts[0])
    match operator:
        case "=":
            return first + _CLOSE, first + _BEHIND
        case "<":
            return stem + _OPEN, first + _CLOSE
        case "<=":
            return stem + _OPEN, first + _BEHIND
        case ">":
            return first + _BEHIND, stem + _ABOVE
        case ">=":
            return first + _CLOSE, stem + _ABOVE
        case "begins_with":
            # The last byte of a text is never 0xff; of a binary it may be, and then the byte before counts.
            kept = first.rstrip(b"\xff")
            return first, kept[:-1] + bytes((kept[-1] + 1,))
        case _:
            return first + _CLOSE, stem + _opened(parts[1]) + _BEHIND
