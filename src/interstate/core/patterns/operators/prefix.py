"""``{"prefix": "EC2"}``, ``{"prefix": {"equals-ignore-case": "ec2"}}``: texts that begin so.

The empty prefix holds for every text.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

import msgspec

from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.operators.equals_ignore_case import begins, read_nested
from interstate.core.patterns.operators.only_key import end_of_expression
from interstate.core.patterns.tokens import Tokens


class Prefix(msgspec.Struct, frozen=True):
    value: str

    def holds(self, leaf: Leaf) -> bool:
        """Whether the value is a text that begins so."""
        return type(leaf) is str and leaf.startswith(self.value)


class PrefixIgnoreCase(msgspec.Struct, frozen=True):
    value: str

    def holds(self, leaf: Leaf) -> bool:
        """Whether the value is a text that begins so, in either case."""
        return type(leaf) is str and begins(leaf, self.value)


def read_prefix(tokens: Tokens) -> Prefix | PrefixIgnoreCase:
    """Read what follows the name ``prefix``."""
    token = tokens.next()
    if token.kind == "{":
        return PrefixIgnoreCase(read_nested(tokens, "prefix"))
    if token.kind != "string":
        tokens.refuse("prefix match pattern must be a string")
    value = tokens.text()
    end_of_expression(tokens)
    return Prefix(value)
