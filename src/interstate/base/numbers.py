"""Numbers in texts that clients send: tokens, markers, handles, attributes."""

_DIGITS_MAX = 18
"""What 18 digits spell fits a column of 64 bits."""


def whole_number(text: str) -> int | None:
    """The number that 1 to 18 ASCII digits spell; None for any other text.

    ``str.isdigit`` takes digits that ``int`` refuses, ``int`` takes signs, blanks and underscores and refuses texts above
    4,300 digits, and the store refuses what 64 bits do not hold.
    """
    return int(text) if len(text) <= _DIGITS_MAX and text.isascii() and text.isdecimal() else None
