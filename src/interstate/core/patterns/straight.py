"""The one value under a path, read from the event as it is, where that is sure to be the same as flattening it.

A path of names joined by dots may be reached over keys that hold dots themselves: all splits of a short path are looked at,
and where one of the others is there, or a list stands on the way, the answer is that it is unclear.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from interstate.core.patterns.leaf import Leaf, Word, leaf_of

_NAMES_MAX = 3
ABSENT = Word("absent")
UNCLEAR = Word("unclear")
"""No leaf of an event is one of these."""


class Road(msgspec.Struct, frozen=True):
    """A path's names, and some of them joined.

    ``first_two`` and ``last_two`` are of three, ``whole`` is all of two or three, ``only`` the single one.
    """

    names: tuple[str, ...]
    whole: str = ""
    first_two: str = ""
    last_two: str = ""
    only: str = ""


def road_of(path: str) -> Road | None:
    """How a path can be read straight; None for long ones."""
    names = tuple(path.split("."))
    if len(names) == 1:
        return Road(names, only=path)
    if len(names) == 2:
        return Road(names, path)
    if len(names) == _NAMES_MAX:
        return Road(names, path, f"{names[0]}.{names[1]}", f"{names[1]}.{names[2]}")
    return None


def straight(event: Mapping[str, Any], road: Road) -> Leaf:
    """The value at the end of a road, ``ABSENT``, or ``UNCLEAR``."""
    names = road.names
    value = event.get(names[0], ABSENT)
    if len(names) == 2:
        if road.whole in event:
            return UNCLEAR
        if type(value) is not dict:
            return UNCLEAR if type(value) is list else ABSENT
        value = value.get(names[1], ABSENT)
    elif len(names) > 1:
        if road.whole in event or road.first_two in event or (type(value) is dict and road.last_two in value):
            return UNCLEAR
        for name in names[1:]:
            if type(value) is not dict:
                return UNCLEAR if type(value) is list else ABSENT
            value = value.get(name, ABSENT)
    if type(value) is str:
        return value
    if type(value) is list:
        return UNCLEAR
    return ABSENT if type(value) is dict else leaf_of(value)
