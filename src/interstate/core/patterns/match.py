"""One pattern against one event, plainly: the meaning that the index is held to.

Theory of operation
-------------------
Fields are independent unless their values stand in elements of one array. Then the values that make the fields pass must
stand in the same element. The fields are taken in the order of their paths, with the set of *standpoints* (which element
of which array is settled) under which all fields so far pass; a standpoint forgets arrays that no later field touches,
so that arrays side by side add up instead of multiplying.

``exists: false`` asks for no value that agrees with the standpoint so far, which makes it depend on the fields whose paths
sort before it: so does the published matcher.

Source: github.com/aws/event-ruler, README ("Matching JSON arrays"); NameState and ArrayMembership there for the order.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from interstate.core.patterns.flatten import NOWHERE, Flat, Place, flatten
from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.pattern import Alternative, Field, Pattern

_Standpoint = frozenset[tuple[int, int]]
_ANYWHERE: _Standpoint = frozenset()


def matches(pattern: Pattern, event: Mapping[str, Any]) -> bool:
    """Whether ``event`` (a JSON object) matches ``pattern``."""
    return matches_flat(pattern, flatten(event, pattern.paths))


def matches_flat(pattern: Pattern, flat: Flat) -> bool:
    """Whether an event that was flattened, once for many patterns, matches ``pattern``."""
    return any(alternative_holds(alternative, flat) for alternative in pattern.alternatives)


def alternative_holds(alternative: Alternative, flat: Flat) -> bool:
    """Whether all fields pass, with values out of the same array elements."""
    scattered = 0
    undecided = False
    for field in alternative:
        leaves = flat.values.get(field.path)
        if leaves is None:
            if not field.absent:
                return False
            continue
        in_arrays = field.path in flat.places
        scattered += in_arrays
        if not any(map(field.holds, leaves)):
            if not (field.absent and in_arrays):
                return False
            undecided = True  # Absent still, if its values stand in other elements than those of other fields.
    if scattered < 2:
        return not undecided
    return _holds_in_one_place(alternative, flat)


def _holds_in_one_place(alternative: Alternative, flat: Flat) -> bool:
    standpoints: set[_Standpoint] = {_ANYWHERE}
    for at, field in enumerate(alternative):
        later = _arrays(alternative[at + 1 :], flat)
        elements = _Elements(field, flat)
        following: set[_Standpoint] = set()
        for standpoint in standpoints:
            settled = dict(standpoint)
            seen = False
            for leaf, place in elements.agreeing_with(settled):
                seen = True
                if field.holds(leaf):
                    following.add(frozenset(pair for pair in (*standpoint, *place) if pair[0] in later))
            if not seen and field.absent:
                following.add(frozenset(pair for pair in standpoint if pair[0] in later))
        if not following:
            return False
        standpoints = following
    return True


def _arrays(fields: Alternative, flat: Flat) -> set[int]:
    return {array for field in fields for place in flat.places.get(field.path, ()) for array, _ in place}


class _Elements:
    """A field's values, found by the array element that is settled, so that long arrays cost their length only."""

    def __init__(self, field: Field, flat: Flat) -> None:
        leaves = flat.values.get(field.path, [])
        places = flat.places.get(field.path)
        self._free: list[tuple[Leaf, Place]] = []
        self._by_array: dict[int, dict[int, list[tuple[Leaf, Place]]]] = {}
        for leaf, place in zip(leaves, places or [NOWHERE] * len(leaves), strict=True):
            if place:
                array, index = place[0]
                self._by_array.setdefault(array, {}).setdefault(index, []).append((leaf, place))
            else:
                self._free.append((leaf, place))

    def agreeing_with(self, settled: Mapping[int, int]) -> Iterator[tuple[Leaf, Place]]:
        """The values whose place contradicts nothing that is settled."""
        yield from self._free
        for array, by_index in self._by_array.items():
            groups = (by_index.get(settled[array], []),) if array in settled else tuple(by_index.values())
            for group in groups:
                for leaf, place in group:
                    if all(settled.get(array, index) == index for array, index in place):
                        yield leaf, place
