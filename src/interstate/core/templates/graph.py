"""The order in which resources can be made, and the circles that forbid one."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from interstate.core.templates.errors import CircularDependencyError


def ordered(needs: Mapping[str, AbstractSet[str]]) -> list[str]:
    """The names so that each comes after all that it needs; otherwise in the order in which they were given.

    Names that are needed and not given (parameters) do not count. Deleting goes the other way round.

    Raises:
        CircularDependencyError: some wait for one another; it names those on circles, not those that wait for a circle.
    """
    # Kahn's algorithm in rounds: whoever has nothing open left goes, in the given order.
    remaining = {name: {need for need in needed if need in needs} for name, needed in needs.items()}
    waiting: dict[str, list[str]] = {name: [] for name in needs}
    for name, needed in remaining.items():
        for need in needed:
            waiting[need].append(name)
    order: list[str] = []
    ready = [name for name, needed in remaining.items() if not needed]
    while ready:
        following: list[str] = []
        for name in ready:
            order.append(name)
            del remaining[name]
            for waiter in waiting[name]:
                remaining[waiter].discard(name)
                if not remaining[waiter]:
                    following.append(waiter)
        ready = following
    if remaining:
        raise CircularDependencyError(_on_circles(remaining))
    return order


def _on_circles(remaining: dict[str, set[str]]) -> list[str]:
    """What is left when those that nobody left waits for are taken away again and again."""
    left = dict(remaining)
    while True:
        needed = set().union(*left.values()) if left else set()
        free = [name for name in left if name not in needed]
        if not free:
            return list(left)
        for name in free:
            del left[name]
