"""Parameters: what was given, or the default, checked against the declaration.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import re
from collections.abc import Mapping
from typing import Final

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSON, JSONObject
from interstate.core.templates.errors import TemplateError, TemplateFormatError

MASK: Final = "****"
_MEMBERS: Final = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
_LISTS: Final = frozenset({"CommaDelimitedList", "List<Number>"})
_TYPES: Final = frozenset({"String", "Number"}) | _LISTS


def resolve_parameters(declared: Mapping[str, JSONObject], given: Mapping[str, str]) -> dict[str, JSON]:
    """The value of each declared parameter: text, or a list of texts for the list types.

    Raises:
        TemplateError: one is missing, unknown, or not as declared.
        NotImplementedHere: a type is declared that reads from elsewhere (SSM, EC2).
    """
    for name, declaration in declared.items():
        _check_declaration(name, declaration)
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [name for name, body in declared.items() if name not in given and "Default" not in body]
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    return {name: _value(name, body, given.get(name, _text(body.get("Default")))) for name, body in declared.items()}


def is_secret(declaration: JSONObject) -> bool:
    """Tell whether descriptions show ``****`` in place of the value."""
    return _text(declaration.get("NoEcho", "false")).lower() == "true"


def _check_declaration(name: str, body: JSONObject) -> None:
    unknown = sorted(body.keys() - _MEMBERS)
    if unknown:
        raise TemplateFormatError(f"Invalid template parameter property '{unknown[0]}'")
    type_ = body.get("Type")
    if not isinstance(type_, str):
        raise TemplateFormatError(f"[/Parameters/{name}] Every Parameters object must contain a Type member.")
    if type_.startswith(("AWS::", "List<AWS::")):
        raise NotImplementedHere(f"the parameter type {type_} (of {name})")
    if type_ not in _TYPES:
        raise TemplateFormatError(f"Unrecognized parameter type: {type_}")


def _text(value: JSON) -> str:
    """How a template's scalar reads as text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _value(name: str, body: JSONObject, text: str) -> JSON:
    if body["Type"] not in _LISTS:
        _check(name, body, text)
        return text
    items = [item.strip() for item in text.split(",")] if text else []
    for item in items:
        _check(name, body, item)
    return list(items)


def _check(name: str, body: JSONObject, text: str) -> None:
    faults = (
        _allowed_fault(body, text),
        _pattern_fault(body, text),
        _length_fault(body, text),
        _number_fault(body, text),
    )
    fault = next((fault for fault in faults if fault), None)
    if fault is None:
        return
    if "ConstraintDescription" in body:
        raise TemplateError(f"Parameter {name} failed to satisfy constraint: {body['ConstraintDescription']}")
    raise TemplateError(f"Parameter '{name}' {fault}")


def _allowed_fault(body: JSONObject, text: str) -> str | None:
    allowed = body.get("AllowedValues")
    if allowed is None or text in [_text(value) for value in allowed]:
        return None
    return "must be one of AllowedValues"


def _pattern_fault(body: JSONObject, text: str) -> str | None:
    pattern = body.get("AllowedPattern")
    if pattern is None:
        return None
    try:
        return None if re.fullmatch(pattern, text) else f"must match pattern {pattern}"
    except re.error as error:
        raise TemplateFormatError(f"Invalid AllowedPattern {pattern}: {error}") from error


def _length_fault(body: JSONObject, text: str) -> str | None:
    if "MinLength" in body and len(text) < int(body["MinLength"]):
        return f"must contain at least {body['MinLength']} characters"
    if "MaxLength" in body and len(text) > int(body["MaxLength"]):
        return f"must contain at most {body['MaxLength']} characters"
    return None


def _number_fault(body: JSONObject, text: str) -> str | None:
    if body["Type"] not in {"Number", "List<Number>"}:
        return None
    try:
        number = float(text)
    except ValueError:
        return "must be a number"
    if "MinValue" in body and number < float(body["MinValue"]):
        return f"must be a number not less than {body['MinValue']}"
    if "MaxValue" in body and number > float(body["MaxValue"]):
        return f"must be a number not greater than {body['MaxValue']}"
    return None
