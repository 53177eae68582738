"""Many patterns against one event, at a cost that hardly grows with their number.

Theory of operation
-------------------
Each alternative of each pattern is filed once, under what an event must have for it to match:

* the values of one field that names only exact values: the field whose values the fewest others name (a detail type rather
  than a source), so that a lookup of the event's own values finds few candidates;
* otherwise the needles of one field (``needles``): beginnings, ends, letters in the middle, words in either case;
* an alternative that only says that one path has anything but some values is filed with all others that say so of this
  path: they match together, less those that name the event's own value;
* otherwise a path that must have a value;
* otherwise (only ``exists: false``) nothing: it is tried for every event.

Most events need not be flattened: along a path of up to three names the event is read as it is, and what is no object or list
there is the path's only value, as long as no key of the event has a dot that would lead there too (``straight``). Otherwise
the event is flattened once, and only where some pattern looks. Candidates, mostly the matching ones themselves, are matched in full by ``match``. An index
is built once and never changed; whoever changes a set of rules builds a new one.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from interstate.core.patterns.flatten import Flat, flatten, with_prefixes
from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.match import alternative_holds
from interstate.core.patterns.needles import Needles, needles_of
from interstate.core.patterns.operators import AnythingBut
from interstate.core.patterns.pattern import Alternative, Field, Pattern
from interstate.core.patterns.straight import ABSENT, UNCLEAR, Road, road_of, straight

K = TypeVar("K", bound=Hashable)


_Check = tuple[str, Road, frozenset[Leaf], tuple[Callable[[Leaf], bool], ...], bool]
"""A field to be read straight: the name of its road if that is a single one, the road, and what ``Field`` says."""


class _Entry(msgspec.Struct, frozen=True, eq=False):
    """The pattern's position, and the alternative of it.

    ``rest`` is the fields that the entry's place in the index has not settled; None when one cannot be read straight.
    """

    at: int
    alternative: Alternative
    rest: tuple[_Check, ...] | None


class _Others:
    """Alternatives that say of one path that it has anything but some values: all of them, and who names which value."""

    __slots__ = ("all", "named")

    def __init__(self) -> None:
        self.all: set[int] = set()
        self.named: dict[Leaf, set[int]] = {}

    def put(self, at: int, values: Iterable[Leaf]) -> None:
        self.all.add(at)
        for value in values:
            self.named.setdefault(value, set()).add(at)

    def matching(self, leaves: list[Leaf]) -> set[int]:
        """Who does not name all of the values."""
        naming = [self.named.get(leaf) for leaf in leaves]
        if None in naming:
            return self.all
        first, *rest = [found for found in naming if found is not None]
        return self.all - first.intersection(*rest)


class PatternIndex(Generic[K]):
    """Patterns under keys of the caller's own; immutable."""

    __slots__ = ("_always", "_exact", "_is_straight", "_keys", "_leads", "_needles", "_others", "_paths", "_present")

    def __init__(self, patterns: Iterable[tuple[K, Pattern]]) -> None:
        pairs = tuple(patterns)
        self._keys: tuple[K, ...] = tuple(key for key, _ in pairs)
        entries = [
            _Entry(at, alternative, _checks(alternative))
            for at, (_, pattern) in enumerate(pairs)
            for alternative in pattern.alternatives
        ]
        self._paths = with_prefixes({field.path for entry in entries for field in entry.alternative})
        self._exact: dict[str, dict[Leaf, list[_Entry]]] = {}
        self._needles: dict[str, Needles[_Entry]] = {}
        self._others: dict[str, _Others] = {}
        self._present: dict[str, list[_Entry]] = {}
        self._always: list[_Entry] = []
        popularity = Counter(
            (field.path, leaf) for entry in entries for field in entry.alternative for leaf in field.exact
        )
        for entry in entries:
            self._file(entry, popularity)
        for needles in self._needles.values():
            needles.seal()
        roads = [(road_of(path), by_value) for path, by_value in self._exact.items()]
        self._leads = tuple((road, by_value) for road, by_value in roads if road is not None)
        self._is_straight = len(self._leads) == len(roads) and not (
            self._needles or self._others or self._present or self._always
        )

    def _file(self, entry: _Entry, popularity: Counter[tuple[str, Leaf]]) -> None:
        must = [field for field in entry.alternative if not field.absent]
        exact = [field for field in must if field.exact and not field.tests]
        if exact:
            field = min(exact, key=lambda field: _popularity(field, popularity))
            by_value = self._exact.setdefault(field.path, {})
            entry = msgspec.structs.replace(entry, rest=_checks(entry.alternative, settled=field))
            for leaf in field.exact:
                by_value.setdefault(leaf, []).append(entry)
        elif not self._file_by_needles(entry, must):
            self._file_by_path(entry, must)

    def _file_by_needles(self, entry: _Entry, must: list[Field]) -> bool:
        found = [(field.path, needles) for field in must if (needles := needles_of(field))]
        if not found:
            return False
        path, needles = min(found, key=lambda pair: len(pair[1]))
        filed = self._needles.setdefault(path, Needles())
        for needle in needles:
            filed.put(needle, entry)
        return True

    def _file_by_path(self, entry: _Entry, must: list[Field]) -> None:
        if not must:
            self._always.append(entry)
            return
        field = must[0]
        match field:
            case Field(exact=exact, tests=(AnythingBut(values),)) if not exact and len(entry.alternative) == 1:
                self._others.setdefault(field.path, _Others()).put(entry.at, values)
            case _:
                self._present.setdefault(field.path, []).append(entry)

    def matching(self, event: Mapping[str, Any]) -> list[K]:
        """The keys of the patterns that ``event`` matches, in the order in which they were given."""
        if self._is_straight:
            found = self._matching_as_it_is(event)
            if found is not None:
                return found
        flat = flatten(event, self._paths)
        positions = {entry.at for entry in self._candidates(flat) if alternative_holds(entry.alternative, flat)}
        for path, others in self._others.items():
            leaves = flat.values.get(path)
            if leaves is not None:
                positions |= others.matching(leaves)
        return [self._keys[at] for at in sorted(positions)]

    def _matching_as_it_is(self, event: Mapping[str, Any]) -> list[K] | None:
        """The same, without flattening; None when that cannot tell."""
        candidates: list[_Entry] = []
        for road, by_value in self._leads:
            name = road.only
            leaf = event.get(name) if name else None
            if type(leaf) is not str:
                leaf = straight(event, road)
                if leaf is UNCLEAR:
                    return None
            entries = by_value.get(leaf)
            if entries is not None:
                candidates += entries
        positions: list[int] = []
        for entry in candidates:
            rest = entry.rest
            if rest is None:
                return None
            holds = _holds_straight(rest, event)
            if holds:
                positions.append(entry.at)
            elif holds is None:
                return None
        if len(positions) > 1:
            positions = sorted(set(positions))
        return [self._keys[at] for at in positions]

    def _candidates(self, flat: Flat) -> list[_Entry]:
        candidates = list(self._always)
        for path, leaves in flat.values.items():
            by_value = self._exact.get(path)
            if by_value is not None:
                for leaf in leaves:
                    entries = by_value.get(leaf)
                    if entries is not None:
                        candidates += entries
            needles = self._needles.get(path)
            if needles is not None:
                for leaf in leaves:
                    needles.find(leaf, candidates)
            present = self._present.get(path)
            if present is not None:
                candidates += present
        return candidates


def _checks(alternative: Alternative, settled: Field | None = None) -> tuple[_Check, ...] | None:
    checks: list[_Check] = []
    for field in alternative:
        road = road_of(field.path)
        if road is None:
            return None
        if field is not settled:
            checks.append((road.only, road, field.exact, tuple([test.holds for test in field.tests]), field.absent))
    return tuple(checks)


def _holds_straight(checks: tuple[_Check, ...], event: Mapping[str, Any]) -> bool | None:
    """Whether an alternative holds; None when one of its paths cannot be read straight."""
    for name, road, exact, tests, absent in checks:
        leaf = event.get(name) if name else None
        if type(leaf) is not str:  # Most are texts of the event itself.
            leaf = straight(event, road)
            if leaf is UNCLEAR:
                return None
            if leaf is ABSENT:
                if not absent:
                    return False
                continue
        if leaf in exact:
            continue
        for test in tests:
            if test(leaf):
                break
        else:
            return False
    return True


def _popularity(field: Field, popularity: Counter[tuple[str, Leaf]]) -> tuple[int, int]:
    return max(popularity[field.path, leaf] for leaf in field.exact), len(field.exact)
