"""The Condition element: operators over context keys.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network

from interstate.base.time import parse_iso
from interstate.core.policies.document import Condition, glob

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_PLAIN = {"*": "*", "?": "?", "$": "$"}


class Context:
    """The condition keys of one access."""

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self.values = values

    def filled(self, text: str) -> str:
        """The text with its policy variables (``${aws:SourceArn}``, ``${key, 'default'}``) in place."""
        if "${" not in text:
            return text
        return _VARIABLE.sub(self._variable, text)

    def _variable(self, found: re.Match[str]) -> str:
        name, comma, default = found.group(1).partition(",")
        if name in _PLAIN:
            return _PLAIN[name]
        values = self.values.get(name.strip().lower())
        if values is not None and len(values) == 1:
            return values[0]
        return default.strip().strip("'") if comma else found.group(0)


def holds(condition: Condition, context: Context) -> bool:
    """Whether the condition is met. An operator that is not known is never met."""
    present = context.values.get(condition.key)
    if condition.operator == "null":
        return any((present is None) == (value.lower() == "true") for value in condition.values)
    negated = _NEGATED.get(condition.operator)
    test = _OPERATORS.get(negated or condition.operator)
    if test is None:
        return False
    if present is None:
        if condition.over:  # Of no values, all meet it and none does, negated or not.
            return condition.if_exists or condition.over == "ForAllValues"
        return condition.if_exists or negated is not None
    wanted = [context.filled(value) for value in condition.values]

    def met(value: str) -> bool:
        return any(test(value, one) for one in wanted) != (negated is not None)

    return all(map(met, present)) if condition.over == "ForAllValues" else any(map(met, present))


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _numbers(compare: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    def test(value: str, wanted: str) -> bool:
        left, right = _number(value), _number(wanted)
        return left is not None and right is not None and compare(left, right)

    return test


def _instant(text: str) -> datetime | None:
    try:
        return parse_iso(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        return None


def _dates(compare: Callable[[datetime, datetime], bool]) -> Callable[[str, str], bool]:
    def test(value: str, wanted: str) -> bool:
        left, right = _instant(value), _instant(wanted)
        return left is not None and right is not None and compare(left, right)

    return test


def _in_network(value: str, wanted: str) -> bool:
    try:
        return ip_address(value) in ip_network(wanted, strict=False)
    except ValueError:
        return False


def _arn_like(value: str, wanted: str) -> bool:
    """Each of the six parts by itself; a wildcard does not pass a colon, except in the last part."""
    left, right = value.split(":", 5), wanted.split(":", 5)
    return len(left) == len(right) == 6 and all(glob(b).fullmatch(a) for a, b in zip(left, right, strict=True))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": lambda value, wanted: value == wanted,
    "stringequalsignorecase": lambda value, wanted: value.lower() == wanted.lower(),
    "stringlike": lambda value, wanted: glob(wanted).fullmatch(value) is not None,
    "numericequals": _numbers(lambda a, b: a == b),
    "numericlessthan": _numbers(lambda a, b: a < b),
    "numericlessthanequals": _numbers(lambda a, b: a <= b),
    "numericgreaterthan": _numbers(lambda a, b: a > b),
    "numericgreaterthanequals": _numbers(lambda a, b: a >= b),
    "dateequals": _dates(lambda a, b: a == b),
    "datelessthan": _dates(lambda a, b: a < b),
    "datelessthanequals": _dates(lambda a, b: a <= b),
    "dategreaterthan": _dates(lambda a, b: a > b),
    "dategreaterthanequals": _dates(lambda a, b: a >= b),
    "bool": lambda value, wanted: value.lower() == wanted.lower(),
    "binaryequals": lambda value, wanted: value == wanted,
    "ipaddress": _in_network,
    "arnequals": _arn_like,
    "arnlike": _arn_like,
}
_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}
