r"""``{"wildcard": "dir/*.png"}``: texts with anything at the stars.

A star stands for any characters, also none. ``\*`` is a star, ``\\`` a backslash.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (wildcards).
"""

import msgspec

from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.operators.only_key import end_of_expression
from interstate.core.patterns.tokens import Tokens

# AWS refuses wildcards whose stars can stand at many places at once, but not from where on. The one published refusal,
# "*:*:*:*:*:event-bus/*", counts 11 in our measure (stars, and pieces after a star that begin alike); ordinary paths with
# three or four stars stay below 9.
COMPLEXITY_MAX = 10


class Wildcard(msgspec.Struct, frozen=True):
    """``pieces`` are the texts between the stars; the first and the last stand at the ends."""

    pieces: tuple[str, ...]

    def holds(self, leaf: Leaf) -> bool:
        """Whether the value is a text of this form."""
        return type(leaf) is str and holds_text(self.pieces, leaf)


def holds_text(pieces: tuple[str, ...], text: str) -> bool:
    """Take each piece at its first place: what is left for the others is then longest, so no choice is ever undone."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return text == first
    end = len(text) - len(last)
    at = len(first)
    if end < at or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found == -1:
            return False
        at = found + len(piece)
    return True


class MalformedError(Exception):
    """The text is no wildcard."""


def pieces_of(value: str) -> tuple[str, ...]:
    """The texts between the stars of a wildcard.

    Raises:
        MalformedError: two stars stand side by side, or a backslash escapes nothing.
    """
    pieces: list[str] = [""]
    at = 0
    while at < len(value):
        character = value[at]
        if character == "*":
            if value.startswith("*", at + 1):
                raise MalformedError(f"Consecutive wildcard characters at pos {_position(value, at)}")
            pieces.append("")
        elif character == "\\":
            at += 1
            if value[at : at + 1] not in ("*", "\\") or at == len(value):
                raise MalformedError(f"Invalid escape character at pos {_position(value, at - 1)}")
            pieces[-1] += value[at]
        else:
            pieces[-1] += character
        at += 1
    return tuple(pieces)


def _position(value: str, at: int) -> int:
    """AWS counts bytes, with the quote before the text."""
    return len(value[:at].encode()) + 1


def read_pieces(tokens: Tokens) -> tuple[str, ...]:
    """The pieces of the present token, a text.

    Raises:
        PatternError: two stars stand side by side, a backslash escapes nothing, or the stars are too many.
    """
    try:
        pieces = pieces_of(tokens.text())
    except MalformedError as error:
        tokens.refuse(str(error))
    return pieces


def complexity(pieces: tuple[str, ...]) -> int:
    """At how many places of the pattern a text can be at once, roughly."""
    after_star = [piece[0] for piece in pieces[1:] if piece]
    alike = max((after_star.count(head) for head in set(after_star)), default=0)
    return len(pieces) - 1 + alike


def read_wildcard(tokens: Tokens) -> Wildcard:
    """Read what follows the name ``wildcard``."""
    if tokens.next().kind != "string":
        tokens.refuse("wildcard match pattern must be a string")
    pieces = read_pieces(tokens)
    end_of_expression(tokens)
    return Wildcard(pieces)
