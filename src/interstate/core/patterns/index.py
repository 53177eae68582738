"""Many patterns against one event, at a cost that hardly grows with their number.

Theory of operation
-------------------
Each alternative of each pattern is filed once, under what an event must have for it to match:

* the values of one field that names only exact values: the field whose values the fewest others name (a detail type rather
  than a source), so that a lookup of the event's own values finds few candidates;
* otherwise a path that must have a value;
* otherwise (only ``exists: false``) nothing: it is tried for every event.

The event is flattened once, and only where some pattern looks. Its values are looked up, and the candidates, mostly the
matching ones themselves, are matched in full by ``match``. An index is built once and never changed; whoever changes a set
of rules builds a new one.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from interstate.core.patterns.flatten import Flat, flatten, with_prefixes
from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.match import alternative_holds
from interstate.core.patterns.pattern import Alternative, Field, Pattern

K = TypeVar("K", bound=Hashable)
_Entry = tuple[int, Alternative]  # The pattern's position, and the alternative of it.


class PatternIndex(Generic[K]):
    """Patterns under keys of the caller's own; immutable."""

    __slots__ = ("_always", "_exact", "_keys", "_paths", "_present")

    def __init__(self, patterns: Iterable[tuple[K, Pattern]]) -> None:
        pairs = tuple(patterns)
        self._keys: tuple[K, ...] = tuple(key for key, _ in pairs)
        entries = [(at, alternative) for at, (_, pattern) in enumerate(pairs) for alternative in pattern.alternatives]
        self._paths = with_prefixes({field.path for _, alternative in entries for field in alternative})
        self._exact: dict[str, dict[Leaf, list[_Entry]]] = {}
        self._present: dict[str, list[_Entry]] = {}
        self._always: list[_Entry] = []
        popularity = Counter(
            (field.path, leaf) for _, alternative in entries for field in alternative for leaf in field.exact
        )
        for entry in entries:
            self._file(entry, popularity)

    def _file(self, entry: _Entry, popularity: Counter[tuple[str, Leaf]]) -> None:
        must = [field for field in entry[1] if not field.absent]
        exact = [field for field in must if field.exact and not field.tests]
        if exact:
            field = min(exact, key=lambda field: _popularity(field, popularity))
            by_value = self._exact.setdefault(field.path, {})
            for leaf in field.exact:
                by_value.setdefault(leaf, []).append(entry)
        elif must:
            self._present.setdefault(must[0].path, []).append(entry)
        else:
            self._always.append(entry)

    def matching(self, event: Mapping[str, Any]) -> list[K]:
        """The keys of the patterns that ``event`` matches, in the order in which they were given."""
        if not self._keys:
            return []
        flat = flatten(event, self._paths)
        found = {at for at, alternative in self._candidates(flat) if alternative_holds(alternative, flat)}
        return [self._keys[at] for at in sorted(found)]

    def _candidates(self, flat: Flat) -> Iterable[_Entry]:
        candidates = list(self._always)
        for path, leaves in flat.values.items():
            by_value = self._exact.get(path)
            if by_value is not None:
                for leaf in leaves:
                    entries = by_value.get(leaf)
                    if entries is not None:
                        candidates += entries
            present = self._present.get(path)
            if present is not None:
                candidates += present
        return candidates


def _popularity(field: Field, popularity: Counter[tuple[str, Leaf]]) -> tuple[int, int]:
    return max(popularity[field.path, leaf] for leaf in field.exact), len(field.exact)
