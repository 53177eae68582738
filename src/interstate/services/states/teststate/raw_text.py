"""Parts of a JSON text with their very characters."""

from collections.abc import Sequence

import msgspec

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


def text_at(text: str, steps: Sequence[str | int]) -> str | None:
    """The text of the value at ``steps`` (names and indexes); None when nothing is there."""
    part: bytes | msgspec.Raw = text.encode()
    try:
        for step in steps:
            part = _OBJECT.decode(part)[step] if isinstance(step, str) else _ARRAY.decode(part)[step]
    except (msgspec.DecodeError, KeyError, IndexError):
        return None
    return bytes(part).decode().strip()
