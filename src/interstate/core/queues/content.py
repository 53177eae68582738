"""What a message may hold: its body, its attributes, its ids.

Source: SQS Developer Guide, "Amazon SQS message metadata" and "Message quotas"; SQS API Reference, SendMessage.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from interstate.core.queues.errors import InvalidParameterValue, ListsNotSupported
from interstate.core.queues.message import FORBIDDEN

ATTRIBUTES_MAX = 10
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NAME = re.compile(r"[\w.-]{1,256}\Z", re.ASCII)
_TYPE_MAX = 256
_KINDS = ("String", "Number", "Binary")
_ID_MAX = 128


def check_id(parameter: str, value: str) -> None:
    """A group's or deduplication's id: 1 to 128 letters, digits and punctuation.

    Raises:
        InvalidParameterValue: it is none.
    """
    if not (0 < len(value) <= _ID_MAX and _is_id(value)):
        raise InvalidParameterValue(
            f"Value {value} for parameter {parameter} is invalid. Reason: {parameter} can only include alphanumeric "
            "and punctuation characters. 1 to 128 in length."
        )


def are_ids(values: Sequence[str]) -> bool:
    """Whether ``check_id`` takes each of some (one at least)."""
    sizes, together = list(map(len, values)), "".join(values)
    return min(sizes) > 0 and max(sizes) <= _ID_MAX and _is_id(together)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def check_no_lists(operation: str, attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Lists of values, which the model has and SQS does not take; not even empty ones.

    Raises:
        ListsNotSupported: there is one.
    """
    if any("StringListValues" in attribute or "BinaryListValues" in attribute for attribute in attributes.values()):
        raise ListsNotSupported(operation)


def check_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """The message attributes of a user.

    Raises:
        InvalidParameterValue: too many, or a name, type or value that none may have.
    """
    if len(attributes) > ATTRIBUTES_MAX:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{ATTRIBUTES_MAX}]."
        )
    for name, attribute in attributes.items():
        _check_name(name)
        _check_value(name, attribute, "message (user)")


def check_system_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """AWSTraceHeader is the only one that a sender may give, as a String.

    Raises:
        InvalidParameterValue: another one, or no text.
    """
    for name, attribute in attributes.items():
        if name != "AWSTraceHeader":
            raise InvalidParameterValue(
                f"Message system attribute name '{name}' is invalid. The only message system attribute is AWSTraceHeader."
            )
        if attribute.get("DataType") != "String":
            raise InvalidParameterValue(f"The type of message (system) attribute '{name}' must be String.")
        _check_value(name, attribute, "message (system)")


def _check_name(name: str) -> None:
    """Source for the empty name: https://github.com/aws/aws-sdk-php/issues/694 (the service's answer)."""
    if not name:
        raise InvalidParameterValue("The request must contain non-empty message attribute name.")
    if not _NAME.match(name):
        raise InvalidParameterValue(
            f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), "
            "hyphen (-), and period (.) characters."
        )
    if name.lower().startswith(("aws.", "amazon.")):
        raise InvalidParameterValue(
            f"The message attribute name '{name}' is invalid. Attribute name can't start with the AWS-reserved prefixes "
            "AWS. or Amazon."
        )
    if name.startswith(".") or name.endswith(".") or ".." in name:
        raise InvalidParameterValue(
            f"The message attribute name '{name}' is invalid. Attribute name can't start or end with a period (.), or "
            "have successive periods (..)."
        )


def _check_value(name: str, attribute: Mapping[str, Any], whose: str) -> None:
    data_type = attribute.get("DataType") or ""
    if not data_type:
        raise InvalidParameterValue.without_type(name)
    kind = data_type.split(".", 1)[0]
    if kind not in _KINDS:
        raise InvalidParameterValue(
            f"The type of {whose} attribute '{name}' is invalid. You must use only the following supported type "
            "prefixes: Binary, Number, String."
        )
    if len(data_type) > _TYPE_MAX:
        raise InvalidParameterValue(f"The type of {whose} attribute '{name}' is longer than {_TYPE_MAX} characters.")
    value = attribute.get("BinaryValue" if kind == "Binary" else "StringValue")
    if not value:
        raise InvalidParameterValue(
            f"{whose[0].upper()}{whose[1:]} attribute '{name}' must contain a non-empty value of type '{data_type}'."
        )
    if kind == "Number" and not _NUMBER.fullmatch(value):
        raise InvalidParameterValue(f"Can't cast the value of {whose} attribute '{name}' to a number.")
    if kind != "Binary" and FORBIDDEN.search(value):
        raise InvalidParameterValue(
            f"Invalid characters found in {whose} attribute '{name}'. Valid unicode characters are #x9 | #xA | #xD | "
            "#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
        )
