"""JSON paths of targets: ``$.detail.items[0].id``, ``$.detail.items[*].id``, ``$.detail.*``.

Dots, indices and the wildcard, no more; names are letters, digits, dashes, underscores and slashes.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html (note on JSON path syntax).
"""

import re
from functools import lru_cache
from typing import Any

from interstate.base.json import JSON

WILDCARD = "*"
Step = str | int  # A name, an index, or the wildcard (as a name no event can have it: it needs a bracket or dot alone).
_STEP = re.compile(r"\.([\w\-/]+|\*)|\[(\d+|\*)\]")

MISSING: Any = object()
"""The path leads nowhere in this event."""


class InvalidPath(ValueError):
    """The text is no path."""


@lru_cache(4096)
def parse_path(text: str) -> tuple[Step, ...]:
    """Read a path.

    Raises:
        InvalidPath: the text is none.
    """
    if not text.startswith("$"):
        raise InvalidPath(text)
    steps: list[Step] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise InvalidPath(text)
        name, index = found.groups()
        steps.append(int(index) if index and index != WILDCARD else name or WILDCARD)
        at = found.end()
    return tuple(steps)


def read_path(path: str, event: JSON) -> Any:
    """What stands at a path; ``MISSING`` when nothing does, a list when the path has a wildcard."""
    steps = parse_path(path)
    found: list[Any] = [event]
    for step in steps:
        found = [inner for value in found for inner in _step_into(value, step)]
    if WILDCARD in steps:
        return found
    return found[0] if found else MISSING


def _step_into(value: Any, step: Step) -> list[Any]:
    if isinstance(value, dict):
        if step == WILDCARD:
            return list(value.values())
        return [value[step]] if isinstance(step, str) and step in value else []
    if isinstance(value, list):
        if step == WILDCARD:
            return value
        return [value[step]] if isinstance(step, int) and step < len(value) else []
    return []
