"""Numbers: decimal text of up to 38 digits, kept exact and in one canonical form.

Two numbers are equal exactly when their canonical texts are equal. ``sortable`` gives bytes that sort as the numbers
do, so that a store orders sort keys without knowing what a number is.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
"""

import re
from decimal import Context, Decimal

from interstate.core.tables.errors import InvalidInput

DIGITS_MAX = 38
EXPONENT_MAX = 125
EXPONENT_MIN = -130

# Texts that are canonical as they stand and fit: what nearly every number looks like.
_PLAIN = re.compile(r"0|-?[1-9][0-9]{0,37}|-?(?:0|[1-9][0-9]{0,17})\.[0-9]{0,17}[1-9]").fullmatch
_SMALL = re.compile(r"-?[0-9]{1,18}").fullmatch
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?").fullmatch
# Sums of the widest numbers span 125 + 130 + 2 * 38 digits.
_EXACT = Context(prec=400)
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def canonical(text: str) -> str:
    """The number's one form: no exponent, no leading or trailing zeros, no plus, no negative zero.

    Raises:
        InvalidInput: the text is no number, or one outside the range.
    """
    if _is_whole(text) or _PLAIN(text):
        return text
    if not text:
        raise InvalidInput("The parameter cannot be converted to a numeric value")
    if not _NUMBER(text):
        raise InvalidInput(f"The parameter cannot be converted to a numeric value: {text}")
    return _checked(Decimal(text))


def _is_whole(text: str) -> bool:
    """Of digits alone, canonical as it stands: what most numbers are, and cheaper to see than a pattern is to match."""
    return text.isdigit() and text.isascii() and len(text) <= DIGITS_MAX and (text[0] != "0" or text == "0")


def _checked(number: Decimal) -> str:
    if not number:
        return "0"
    if number.adjusted() > EXPONENT_MAX:
        raise InvalidInput("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if number.adjusted() < EXPONENT_MIN:
        raise InvalidInput("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > DIGITS_MAX:
        raise InvalidInput("Attempting to store more than 38 significant digits in a Number")
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def add(left: str, right: str) -> str:
    """The canonical text of the sum.

    Raises:
        InvalidInput: the sum is outside the range or needs too many digits.
    """
    if _SMALL(left) and _SMALL(right):
        return str(int(left) + int(right))
    return _checked(_EXACT.add(Decimal(left), Decimal(right)))


def subtract(left: str, right: str) -> str:
    """The canonical text of the difference.

    Raises:
        InvalidInput: the difference is outside the range or needs too many digits.
    """
    if _SMALL(left) and _SMALL(right):
        return str(int(left) - int(right))
    return _checked(_EXACT.subtract(Decimal(left), Decimal(right)))


def sortable(text: str) -> bytes:
    """Bytes that sort as the canonical numbers do, and are equal when they are.

    Negative numbers start with 0, zero is 1, positive ones start with 2; the exponent follows, then the digits. For
    negative numbers both are complemented, and a byte above all digits ends them: -1.5 sorts before -1.
    """
    if text == "0":
        return b"\x01"
    if text.isdigit():
        return bytes((2, len(text) - 1 - EXPONENT_MIN)) + text.rstrip("0").encode()
    negative = text[0] == "-"
    whole, _, fraction = text.lstrip("-").partition(".")
    if whole == "0":
        digits = fraction.lstrip("0")
        exponent = len(digits) - len(fraction) - 1
    else:
        digits = whole + fraction
        exponent = len(whole) - 1
    digits = digits.rstrip("0")
    if negative:
        return bytes((0, EXPONENT_MAX - exponent)) + digits.translate(_COMPLEMENT).encode() + b"\xff"
    return bytes((2, exponent - EXPONENT_MIN)) + digits.encode()


def size_bytes(text: str) -> int:
    """What a canonical number counts: a byte for two significant digits, one more, and one for a minus sign.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    if text.isdigit():
        return (len(text.rstrip("0")) + 1) // 2 + 1
    digits = len(text.lstrip("-").replace(".", "").strip("0"))
    return (digits + 1) // 2 + 1 + (text[0] == "-")
