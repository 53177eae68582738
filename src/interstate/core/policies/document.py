"""A policy document, read once into statements that can be asked often.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import re
from functools import lru_cache
from typing import Any

import msgspec

from interstate.base.json import JSONObject, loads

_EFFECTS = ("Allow", "Deny")
_WILDCARDS = re.compile(r"([*?])")


class PolicyFault(ValueError):
    """The text is not a policy document."""


class Condition(msgspec.Struct, frozen=True):
    """One operator on one context key: ``operator`` without its set prefix and ``IfExists``; the values as text."""

    operator: str
    key: str
    values: tuple[str, ...]
    if_exists: bool = False
    over: str = ""  # "ForAllValues", "ForAnyValue", or "" for keys of a single value.


class Statement(msgspec.Struct, frozen=True):
    """One statement. The ``not_`` fields say that the list above them names what is left out."""

    sid: str
    allows: bool
    principals: tuple[tuple[str, str], ...]  # (kind, name): ("AWS", "*"), ("Service", "events.amazonaws.com") ...
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    not_principals: bool = False
    not_actions: bool = False
    not_resources: bool = False


class Policy(msgspec.Struct, frozen=True):
    """The statements of a document, in its order."""

    statements: tuple[Statement, ...]


@lru_cache(maxsize=4096)
def compiled(text: str) -> Policy:
    """Read a document.

    Raises:
        PolicyFault: not a JSON object, or a member that no policy has.
    """
    try:
        document = loads(text)
    except ValueError as error:
        raise PolicyFault(f"The policy is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise PolicyFault("The policy is not a JSON object")
    return Policy(tuple(_statement(one) for one in _listed(document.get("Statement", []))))


def _statement(one: Any) -> Statement:
    if not isinstance(one, dict):
        raise PolicyFault("A statement is not a JSON object")
    effect = one.get("Effect")
    if effect not in _EFFECTS:
        raise PolicyFault(f"Effect must be Allow or Deny, not {effect!r}")
    return Statement(
        sid=str(one.get("Sid", "")),
        allows=effect == "Allow",
        principals=_principals(one.get("Principal", one.get("NotPrincipal", {}))),
        actions=tuple(action.lower() for action in _texts(one.get("Action", one.get("NotAction", [])))),
        resources=_texts(one.get("Resource", one.get("NotResource", "*"))),
        conditions=_conditions(one.get("Condition", {})),
        not_principals="NotPrincipal" in one,
        not_actions="NotAction" in one,
        not_resources="NotResource" in one,
    )


def _principals(written: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(written, str):
        return (("*", written),)
    if not isinstance(written, dict):
        raise PolicyFault("Principal is neither * nor a JSON object")
    return tuple((kind, name) for kind, names in written.items() for name in _texts(names))


def _conditions(written: Any) -> tuple[Condition, ...]:
    if not isinstance(written, dict):
        raise PolicyFault("Condition is not a JSON object")
    read: list[Condition] = []
    for operator, pairs in written.items():
        over, colon, plain = operator.rpartition(":")
        if colon and over not in ("ForAllValues", "ForAnyValue"):
            raise PolicyFault(f"Condition operator {operator!r} is unknown")
        if not isinstance(pairs, dict):
            raise PolicyFault(f"Condition {operator} is not a JSON object")
        if_exists = plain.endswith("IfExists")
        bare = plain.removesuffix("IfExists").lower()
        read.extend(Condition(bare, key.lower(), _texts(values), if_exists, over) for key, values in pairs.items())
    return tuple(read)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in _listed(value))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@lru_cache(maxsize=4096)
def glob(pattern: str) -> re.Pattern[str]:
    """``*`` is any run of characters, ``?`` any one; everything else is itself."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in _WILDCARDS.split(pattern))
    return re.compile("".join(parts), re.DOTALL)


def document_of(policy: JSONObject | str) -> Policy:
    """The compiled form of a policy that is kept as text or as an object.

    Raises:
        PolicyFault: it is none.
    """
    if isinstance(policy, str):
        return compiled(policy)
    return compiled(msgspec.json.encode(policy).decode())
