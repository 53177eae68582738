"""``{"exists": true}``, ``{"exists": false}``: whether a path has a value.

Only leaves exist: a path that holds an object or an empty array has no value. ``null`` is a value.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (exists matching), with
.../eb-event-patterns-null-values.html for null.
"""

import msgspec

from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.operators.only_key import end_of_expression
from interstate.core.patterns.tokens import Tokens


class Exists(msgspec.Struct, frozen=True):
    """``exists: true``; its opposite is ``Field.absent``."""

    def holds(self, leaf: Leaf) -> bool:  # noqa: ARG002 -- every operator has this signature; any value will do
        """Any value will do."""
        return True


def read_exists(tokens: Tokens) -> bool:
    """Read what follows the name ``exists``."""
    kind = tokens.next().kind
    if kind not in ("true", "false"):
        tokens.refuse("exists match pattern must be either true or false.")
    end_of_expression(tokens)
    return kind == "true"
