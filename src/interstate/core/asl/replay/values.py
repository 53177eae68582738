"""Comparing what was recorded with what a changed definition makes, where parts of it are different each time.

A value is made twice, with another clock, another name and another seed: where the two differ, it depends on
what a history does not tell (an id, a token, the time), and what was recorded there is taken as it is.
"""

import re
from typing import NamedTuple

from interstate.base.json import JSON, BrokenJSON, loads

_EVENT_NUMBER = re.compile(r"event id #\d+")


class Unequal(NamedTuple):
    """Where two values first differ; a member that one of them lacks is None there."""

    path: str
    recorded: JSON
    now: JSON


def first_unequal(recorded: JSON, now: JSON, again: JSON, path: str = "$") -> Unequal | None:
    """Where ``now`` first differs from what was recorded; ``again`` is ``now`` made a second time."""
    if isinstance(now, dict) and isinstance(recorded, dict):
        other = again if isinstance(again, dict) else now
        for name in [*recorded, *(name for name in now if name not in recorded)]:
            here = f"{path}.{name}"
            if name not in now or name not in recorded:
                return Unequal(here, recorded.get(name), now.get(name))
            found = first_unequal(recorded[name], now[name], other.get(name, now[name]), here)
            if found is not None:
                return found
        return None
    if isinstance(now, list) and isinstance(recorded, list) and len(now) == len(recorded):
        others = again if isinstance(again, list) and len(again) == len(now) else now
        pairs = zip(recorded, now, others, strict=True)
        found_in = (first_unequal(*three, f"{path}[{index}]") for index, three in enumerate(pairs))
        return next((found for found in found_in if found is not None), None)
    same = type(recorded) is type(now) or {type(recorded), type(now)} <= {int, float}
    if same and (recorded == now or again != now):
        return None
    return Unequal(path, recorded, now)


def parsed(text: str | None) -> JSON:
    """The value of a datum; text that is no JSON stands for itself."""
    if text is None:
        return None
    try:
        return loads(text)
    except BrokenJSON:
        return text


def plain_cause(text: JSON) -> JSON:
    """A cause without the numbers of events, which depend on how branches were interleaved."""
    return _EVENT_NUMBER.sub("event id #", text) if isinstance(text, str) else text
