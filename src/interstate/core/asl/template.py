"""A compiled field of either query language."""

from dataclasses import dataclass, field

from interstate.base.json import JSON
from interstate.core.asl.intrinsics import Evaluate


@dataclass(frozen=True, slots=True)
class Template:
    """A payload template, an expression, or a JSONata field: ``evaluate(data, context, entropy)`` gives its JSON.

    ``given`` is the field as the definition has it; ``variables`` are those that it mentions.
    """

    evaluate: Evaluate
    given: JSON = field(default=None, compare=False)
    variables: frozenset[str] = frozenset()
