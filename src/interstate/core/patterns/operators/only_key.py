"""The end of every match expression: one key, no more."""

from interstate.core.patterns.tokens import Tokens


def end_of_expression(tokens: Tokens, depth: int = 1) -> None:
    """Take the closing brackets of an expression.

    Raises:
        PatternError: another key follows.
    """
    for _ in range(depth):
        if tokens.next().kind != "}":
            tokens.refuse("Only one key allowed in match expression")
