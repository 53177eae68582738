"""Projection expressions: which attributes an answer holds.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
"""

from dataclasses import dataclass
from functools import lru_cache

from interstate.core.tables.expressions.parser import parse_projection
from interstate.core.tables.expressions.paths import Names, PathTree, check_reserved, placeholders, resolved
from interstate.core.tables.values import Item

_KIND = "ProjectionExpression"
COMPILED_MAX = 1024


@dataclass(frozen=True, slots=True)
class CompiledProjection:
    """A checked projection. ``nested`` are the attributes that it looks into."""

    tree: PathTree
    names: frozenset[str]
    nested: frozenset[str]

    def picked(self, item: Item) -> Item:
        """The item's attributes that the paths name."""
        return self.tree.picked(item)


def compile_projection(text: str, names: Names) -> CompiledProjection:
    """The compiled expression.

    Raises:
        InvalidExpression: in any of DynamoDB's ways.
    """
    return _compiled(text, tuple(names.items()))


@lru_cache(COMPILED_MAX)
def _compiled(text: str, names: tuple[tuple[str, str], ...]) -> CompiledProjection:
    paths = parse_projection(text)
    check_reserved(_KIND, paths)
    known = dict(names)
    found = [resolved(_KIND, path, known) for path in paths]
    tree = PathTree()
    for parts in found:
        tree.add(_KIND, parts)
    return CompiledProjection(tree, placeholders(paths), frozenset(str(parts[0]) for parts in found if len(parts) > 1))
