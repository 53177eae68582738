"""``{"suffix": ".png"}``, ``{"suffix": {"equals-ignore-case": ".PNG"}}``: texts that end so.

The empty suffix holds for every text.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

import msgspec

from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.operators.equals_ignore_case import ends, read_nested
from interstate.core.patterns.operators.only_key import end_of_expression
from interstate.core.patterns.tokens import Tokens


class Suffix(msgspec.Struct, frozen=True):
    value: str

    def holds(self, leaf: Leaf) -> bool:
        """Whether the value is a text that ends so."""
        return type(leaf) is str and leaf.endswith(self.value)


class SuffixIgnoreCase(msgspec.Struct, frozen=True):
    value: str

    def holds(self, leaf: Leaf) -> bool:
        """Whether the value is a text that ends so, in either case."""
        return type(leaf) is str and ends(leaf, self.value)


def read_suffix(tokens: Tokens) -> Suffix | SuffixIgnoreCase:
    """Read what follows the name ``suffix``."""
    token = tokens.next()
    if token.kind == "{":
        return SuffixIgnoreCase(read_nested(tokens, "suffix"))
    if token.kind != "string":
        tokens.refuse("suffix match pattern must be a string")
    value = tokens.text()
    end_of_expression(tokens)
    return Suffix(value)
