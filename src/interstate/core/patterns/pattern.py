"""A pattern as data: alternatives of fields, each with what its values may be."""

from functools import cached_property

import msgspec

from interstate.core.patterns.flatten import with_prefixes
from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.operators import Operator


class Field(msgspec.Struct, frozen=True):
    """What a pattern says about one path.

    A value passes when it is one of ``exact``, or when one of ``tests`` holds. ``absent`` also lets an event pass that
    has no value under the path.
    """

    path: str
    exact: frozenset[Leaf] = frozenset()
    tests: tuple[Operator, ...] = ()
    absent: bool = False

    def holds(self, leaf: Leaf) -> bool:
        """Whether a value passes."""
        if leaf in self.exact:
            return True
        for test in self.tests:  # noqa: SIM110 a generator costs more than most tests
            if test.holds(leaf):
                return True
        return False


# Fields that must all pass, by path: in the order in which array consistency is judged.
Alternative = tuple[Field, ...]


class Pattern(msgspec.Struct, frozen=True, dict=True):
    """An event matches when all fields of one alternative pass. Without ``$or`` there is one alternative."""

    alternatives: tuple[Alternative, ...]

    @cached_property
    def paths(self) -> frozenset[str]:
        """The paths that the pattern looks at, and the steps to them, as ``flatten`` takes them."""
        return with_prefixes({field.path for alternative in self.alternatives for field in alternative})
