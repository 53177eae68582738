"""Event patterns: what rules, filter policies and event filters say about an event.

``parse_pattern`` reads a pattern, ``matches`` holds one against an event, ``PatternIndex`` holds many at once.
The language is described in ``docs/reference/event-patterns.md``; each operator is a module of ``operators``.
"""

from interstate.core.patterns.errors import PatternError
from interstate.core.patterns.flatten import Flat, flatten
from interstate.core.patterns.index import PatternIndex
from interstate.core.patterns.match import matches, matches_flat
from interstate.core.patterns.parse import parse_pattern
from interstate.core.patterns.pattern import Field, Pattern

__all__ = [
    "Field",
    "Flat",
    "Pattern",
    "PatternError",
    "PatternIndex",
    "flatten",
    "matches",
    "matches_flat",
    "parse_pattern",
]
