"""Filter policies of SNS subscriptions: patterns over a message's attributes, or over its body.

Over attributes a policy has one level. A ``String.Array`` attribute is a set of values, ``Number`` a number, ``Binary``
cannot be matched and counts as absent. Over the body the message must be a JSON object; any other is not admitted.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html and the pages below it (constraints).
"""

from collections.abc import Mapping
from math import prod
from typing import Any, Literal

import msgspec

from interstate.base.json import BrokenJSON, loads
from interstate.core.patterns.errors import PatternError
from interstate.core.patterns.match import matches
from interstate.core.patterns.operators.numeric import number_of
from interstate.core.patterns.parse import parse_pattern
from interstate.core.patterns.pattern import Alternative, Pattern

Scope = Literal["MessageAttributes", "MessageBody"]

# Source: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
KEYS_MAX = 5
COMBINATIONS_MAX = 150


class FilterPolicy(msgspec.Struct, frozen=True):
    """A subscription's filter: which messages it wants."""

    pattern: Pattern
    scope: Scope


def parse_filter_policy(source: str | Mapping[str, Any], scope: Scope) -> FilterPolicy:
    """Read a filter policy.

    Raises:
        PatternError: it is none; the caller puts "Invalid parameter: FilterPolicy: " before the reason.
    """
    pattern = parse_pattern(source)
    keys = {field.path for alternative in pattern.alternatives for field in alternative}
    if scope == "MessageAttributes" and _is_nested(source):
        raise PatternError("Filter policy scope MessageAttributes does not support nested filter policy")
    if len(keys) > KEYS_MAX:
        raise PatternError(f"Filter policy can not have more than {KEYS_MAX} keys")
    if sum(map(_combinations, pattern.alternatives)) > COMBINATIONS_MAX:
        raise PatternError("Filter policy is too complex")
    return FilterPolicy(pattern, scope)


def _is_nested(source: str | Mapping[str, Any]) -> bool:
    policy = loads(source) if isinstance(source, str) else source
    return isinstance(policy, Mapping) and any(isinstance(value, Mapping) for value in policy.values())


def _combinations(alternative: Alternative) -> int:
    """The values of each field, times its depth, multiplied: as the constraints page counts."""
    return prod(
        (len(field.exact) + len(field.tests) + field.absent) * (field.path.count(".") + 1) for field in alternative
    )


def admits(policy: FilterPolicy, body: str, attributes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a subscription with this policy wants the message.

    Args:
        policy: the subscription's.
        body: the message's text.
        attributes: by name, as the API has them: ``{"price": {"DataType": "Number", "StringValue": "100"}}``.
    """
    if policy.scope == "MessageAttributes":
        return matches(policy.pattern, attributes_event(attributes))
    try:
        event = loads(body)
    except BrokenJSON:
        return False
    return isinstance(event, dict) and matches(policy.pattern, event)


def attributes_event(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Message attributes as the event that a policy sees; what cannot be matched is left out."""
    event = {name: _value(attribute) for name, attribute in attributes.items()}
    return {name: value for name, value in event.items() if value is not _NOTHING}


_NOTHING = object()


def _value(attribute: Mapping[str, Any]) -> Any:
    kind = str(attribute.get("DataType", "String"))
    text = attribute.get("StringValue")
    if kind.startswith("Binary") or not isinstance(text, str):
        return _NOTHING
    if kind.startswith("Number"):
        try:
            return number_of(text.strip())
        except ValueError:
            return _NOTHING
    if kind.startswith("String.Array"):
        try:
            elements = loads(text)
        except BrokenJSON:
            return _NOTHING
        return elements if isinstance(elements, list) else _NOTHING
    return text
