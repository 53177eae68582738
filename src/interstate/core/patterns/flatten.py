"""An event as fields: path, value, and which array elements it stands in.

Theory of operation
-------------------
A pattern never sees the tree of an event, only its leaves: each under the names on the way to it, joined by dots. So an
event's key ``"state.status"`` and a key ``"status"`` inside ``"state"`` are one path, arrays disappear, and a path has as
many values as there are leaves under it. An empty object or array leaves nothing behind: its path does not exist.

Values of different paths must not be put together from different elements of one array. Each leaf below an object (or
an array) in an array therefore carries its *place*: the elements, as (array, index), that it stands in. Plain values in
an array are one set and carry no place of that array.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html (dots), .../eb-event-patterns-arrays.html;
the README of github.com/aws/event-ruler, "Matching JSON arrays".
"""

from collections.abc import Collection, Mapping
from typing import Any

from interstate.core.patterns.leaf import Leaf, leaf_of

Place = tuple[tuple[int, int], ...]
NOWHERE: Place = ()


class Flat:
    """The leaves of one event that somebody asked for.

    ``values`` holds every leaf under its path. ``places`` holds, for a path with a leaf inside an array's object, the
    place of each of its values, in the same order; most events have none.
    """

    __slots__ = ("places", "values")

    def __init__(self) -> None:
        self.values: dict[str, list[Leaf]] = {}
        self.places: dict[str, list[Place]] = {}

    def put(self, path: str, leaf: Leaf, place: Place) -> None:
        """Add a value."""
        found = self.values.get(path)
        if found is None:
            self.values[path] = [leaf]
            if place:
                self.places[path] = [place]
            return
        found.append(leaf)
        places = self.places.get(path)
        if places is not None:
            places.append(place)
        elif place:  # The first of this path with a place: those before it had none.
            self.places[path] = [NOWHERE] * (len(found) - 1) + [place]


def flatten(event: Mapping[str, Any], paths: Collection[str] | None = None) -> Flat:
    """The leaves of ``event``, all of them or those under ``paths``.

    ``paths`` comes from ``with_prefixes``; what it does not name is not even looked at, so that a large event costs
    what its rules look at. Nesting is walked with a list of what is left, since events may be nested a thousand deep.
    """
    flat = Flat()
    values = flat.values
    arrays = 0
    left: list[tuple[str, Any, Place]] = [("", event, NOWHERE)]
    while left:
        path, node, place = left.pop()
        if isinstance(node, list):
            for index, element in enumerate(node):
                if isinstance(element, dict | list):
                    left.append((path, element, (*place, (arrays, index))))
                else:
                    flat.put(path, leaf_of(element), place)
            arrays += 1
            continue
        prefix = "" if node is event else path + "."
        for key, value in node.items():
            inner = prefix + key
            if paths is not None and inner not in paths:
                continue
            if type(value) is str:  # First, because nearly all leaves are texts, and most paths have one.
                if place or inner in values:
                    flat.put(inner, value, place)
                else:
                    values[inner] = [value]
            elif isinstance(value, dict | list):
                left.append((inner, value, place))
            else:
                flat.put(inner, leaf_of(value), place)
    return flat


def with_prefixes(paths: Collection[str]) -> frozenset[str]:
    """``paths`` and everything that a walk must pass to reach them, cut at each dot."""
    steps: set[str] = set()
    for path in paths:
        at = path.find(".")
        while at != -1:
            steps.add(path[:at])
            at = path.find(".", at + 1)
        steps.add(path)
    return frozenset(steps)
