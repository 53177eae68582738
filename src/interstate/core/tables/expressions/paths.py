"""Document paths with their names resolved, and sets of them that must not touch one another.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
"""

from collections.abc import Iterable, Mapping

from interstate.core.tables.errors import InvalidExpression
from interstate.core.tables.expressions.reserved import RESERVED
from interstate.core.tables.expressions.tree import Part, Path, listed
from interstate.core.tables.values import Item, Value

Parts = tuple[Part, ...]
Names = Mapping[str, str]

PATH_DEPTH_MAX = 32
"""Source: DynamoDB quotas, nested attribute depth."""
INDEX_MAX = (1 << 31) - 1


def check_reserved(kind: str, paths: Iterable[Path]) -> None:
    """Refuse a key word as an attribute's name.

    Raises:
        InvalidExpression: with the first one.
    """
    for path in paths:
        for part in path.parts:
            if isinstance(part, str) and part.upper() in RESERVED:
                raise InvalidExpression(kind, f"Attribute name is a reserved keyword; reserved keyword: {part}")


def resolved(kind: str, path: Path, names: Names) -> Parts:
    """The path with ``#name`` replaced.

    Raises:
        InvalidExpression: a name is not defined, the path is too deep, or an index in it too large.
    """
    if len(path.parts) > PATH_DEPTH_MAX:
        raise InvalidExpression(
            kind, f"The document path has too many nesting elements; nesting depth: {len(path.parts)}"
        )
    parts: list[Part] = []
    for part in path.parts:
        if isinstance(part, str) and part[0] == "#":
            name = names.get(part)
            if name is None:
                raise InvalidExpression(
                    kind,
                    f"An expression attribute name used in the document path is not defined; attribute name: {part}",
                )
            parts.append(name)
            continue
        if isinstance(part, int) and part > INDEX_MAX:
            raise InvalidExpression(kind, f"List index is not within the allowable range; index: [{part}]")
        parts.append(part)
    return tuple(parts)


def placeholders(paths: Iterable[Path]) -> frozenset[str]:
    """The ``#names`` that the paths use."""
    return frozenset(part for path in paths for part in path.parts if isinstance(part, str) and part[0] == "#")


def value_at(item: Item, parts: Parts) -> Value | None:
    """What stands at the path, or None."""
    first = parts[0]
    assert isinstance(first, str)
    value = item.get(first)
    for part in parts[1:]:
        if value is None:
            return None
        value = below(value, part)
    return value


def below(value: Value, part: Part) -> Value | None:
    """A member of a map, or an element of a list; None when there is none."""
    if isinstance(part, str):
        members: dict[str, Value] | None = value.get("M")
        return None if members is None else members.get(part)
    elements: list[Value] | None = value.get("L")
    return None if elements is None or part >= len(elements) else elements[part]


class PathTree:
    """Paths that do not overlap, as a tree; leaves have no ``children``."""

    __slots__ = ("children", "first")

    def __init__(self, first: Parts = ()) -> None:
        self.children: dict[Part, PathTree] = {}
        self.first = first  # The first path that led here, for messages.

    def add(self, kind: str, path: Parts) -> None:
        """Add a path.

        Raises:
            InvalidExpression: it is, leads through, or ends above one that was added before; or it takes for a list
                what another takes for a map.
        """
        node = self
        fresh = False
        for depth, part in enumerate(path):
            if depth and not fresh and not node.children:
                raise _touching(kind, "overlap", node.first, path)
            child = node.children.get(part)
            if child is None:
                for other, sibling in node.children.items():
                    if isinstance(other, int) is not isinstance(part, int):
                        raise _touching(kind, "conflict", sibling.first, path)
                child = node.children[part] = PathTree(path)
                fresh = True
            node = child
        if not fresh:
            raise _touching(kind, "overlap", node.first, path)

    def picked(self, item: Item) -> Item:
        """The item's attributes that the paths name, with nothing beside them."""
        answer: Item = {}
        for name, tree in self.children.items():
            assert isinstance(name, str)
            value = item.get(name)
            if value is not None and tree.children:
                value = tree._picked_below(value)  # noqa: SLF001 its own class
            if value is not None:
                answer[name] = value
        return answer

    def _picked_below(self, value: Value) -> Value | None:
        found: dict[Part, Value] = {}
        for part, tree in self.children.items():
            child = below(value, part)
            if child is not None and tree.children:
                child = tree._picked_below(child)  # noqa: SLF001 its own class
            if child is not None:
                found[part] = child
        if not found:
            return None
        if "M" in value:
            return {"M": found}
        return {"L": [found[place] for place in sorted(found, key=int)]}


def _touching(kind: str, how: str, one: Parts, two: Parts) -> InvalidExpression:
    return InvalidExpression(
        kind,
        f"Two document paths {how} with each other; must remove or rewrite one of these paths; "
        f"path one: {listed(one)}, path two: {listed(two)}",
    )
