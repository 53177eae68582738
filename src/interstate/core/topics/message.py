"""A published message as a value, and what SNS demands of it.

Source: SNS API Reference, Publish; https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.json import BrokenJSON, loads
from interstate.core.topics.errors import InvalidParameterException, InvalidParameterValueException

# Source: SNS API Reference, Publish ("Message": at most 256 KB); the topic's MaximumMessageSize raises it.
SIZE_BYTES_MAX = 262_144

_SUBJECT_MAX = 100
_ATTRIBUTE_NAME_MAX = 256
_ATTRIBUTE_NAME = re.compile(r"(?!(?:aws|amazon)\.)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z", re.IGNORECASE)
# Attributes with a meaning of their own: how a short message or a push is sent.
# Source: https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html (AWS.SNS.SMS.SenderID, AWS.MM.SMS.EntityId),
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html (AWS.SNS.MOBILE.APNS.TTL)
_RESERVED = re.compile(r"AWS\.(?:SNS\.SMS|MM\.SMS|SNS\.MOBILE)\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_DATA_TYPE = re.compile(r"(String|Number|Binary)(\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)?\Z")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z")


class Attribute(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message attribute; one of the two values is set."""

    data_type: str
    string_value: str | None = None
    binary_value: bytes | None = None

    def api(self) -> dict[str, Any]:
        """As SQS and filter policies take it."""
        if self.binary_value is not None:
            return {"DataType": self.data_type, "BinaryValue": self.binary_value}
        return {"DataType": self.data_type, "StringValue": self.string_value}


class Notification(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message that a topic took.

    ``texts`` says what each protocol is told where a JSON message structure says so; ``default`` is for the others.
    """

    message_id: str
    topic: str
    at: datetime
    default: str
    texts: dict[str, str] = msgspec.field(default_factory=dict)
    subject: str | None = None
    attributes: dict[str, Attribute] = msgspec.field(default_factory=dict)
    group_id: str | None = None
    deduplication_id: str | None = None
    sequence: str = ""  # A FIFO topic's.
    trace: str = ""  # The X-Amzn-Trace-Id of whoever published: subscribers go on with it.

    def text(self, protocol: str) -> str:
        """What subscribers of a protocol are told."""
        return self.texts.get(protocol, self.default)


def read_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Attribute]:
    """Check message attributes.

    Raises:
        InvalidParameterValueException: a name, type or value that SNS does not take.
    """
    return {name: _attribute(name, value) for name, value in attributes.items()}


def settings_of(attributes: Mapping[str, Attribute]) -> dict[str, str]:
    """Those attributes that say how a short message or a push is sent; they are texts."""
    return {name: value.string_value or "" for name, value in attributes.items() if _RESERVED.match(name)}


def _attribute(name: str, value: Mapping[str, Any]) -> Attribute:
    if not name or len(name) > _ATTRIBUTE_NAME_MAX:
        msg = f"The message attribute name must be between 1 and {_ATTRIBUTE_NAME_MAX} characters long."
        raise InvalidParameterValueException(msg)
    if not _ATTRIBUTE_NAME.match(name) and not _RESERVED.match(name):
        msg = (
            f"The message attribute name '{name}' is invalid: it can contain A-Z, a-z, 0-9, underscore, hyphen and period, "
            "no period at its ends or after another, and must not begin with AWS. or Amazon."
        )
        raise InvalidParameterValueException(msg)
    data_type = str(value.get("DataType") or "")
    if not data_type:
        raise InvalidParameterValueException(
            f"The message attribute '{name}' must contain non-empty message attribute type."
        )
    base = data_type.partition(".")[0]
    if not _DATA_TYPE.match(data_type):
        msg = (
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
            "prefixes is Binary, Number, and String."
        )
        raise InvalidParameterValueException(msg)
    given = value.get("BinaryValue") if base == "Binary" else value.get("StringValue")
    if not given:
        msg = (
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute "
            f"type '{data_type}'."
        )
        raise InvalidParameterValueException(msg)
    if data_type == "String.Array":
        _check_array(name, given)
    if base == "Number" and not _NUMBER.match(given.strip()):
        raise InvalidParameterValueException(f"Could not cast message attribute '{name}' value to number.")
    return Attribute(data_type, None, given) if base == "Binary" else Attribute(data_type, given)


def _check_array(name: str, text: str) -> None:
    """A ``String.Array`` is a JSON array of texts, numbers, booleans and nulls.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
    """
    try:
        found = loads(text)
    except BrokenJSON:
        found = None
    if not isinstance(found, list) or any(isinstance(element, dict | list) for element in found):
        msg = f"The message attribute '{name}' of type 'String.Array' must be a JSON array of strings, numbers, booleans or null."
        raise InvalidParameterValueException(msg)


def check_subject(subject: str | None) -> None:
    """At most 100 characters, no line breaks or control characters.

    Raises:
        InvalidParameterException: it is not so.
    """
    if subject is None:
        return
    if not 0 < len(subject) <= _SUBJECT_MAX or not subject.isprintable() or subject != subject.strip():
        raise InvalidParameterException("Subject")


def read_texts(message: str, structure: str | None, *, platform: str = "") -> tuple[str, dict[str, str]]:
    """The default text of a message, and the texts for single protocols. One for a device's ``platform`` is enough for it.

    Raises:
        InvalidParameterException: the message is empty, or not of its structure.

    Source for platforms: https://github.com/evanshortiss/sns-mobile/issues/6 (the service's answer).
    """
    if not message:
        raise InvalidParameterException("Empty message")
    if structure is None:
        return message, {}
    if structure != "json":
        raise InvalidParameterException("MessageStructure")
    try:
        found = loads(message)
    except BrokenJSON:
        raise InvalidParameterException("Message Structure - JSON message body failed to parse") from None
    if not isinstance(found, dict):
        raise InvalidParameterException("Message Structure - JSON message body failed to parse")
    default = found.get("default", found.get(platform) if platform else None)
    if not isinstance(default, str):
        raise InvalidParameterException(
            f"JSON must contain an entry for 'default' or '{platform}'."
            if platform
            else "Message Structure - No default entry in JSON message body"
        )
    return default, {key: text for key, text in found.items() if isinstance(text, str) and key != "default"}


def size_bytes(message: str, attributes: Mapping[str, Attribute]) -> int:
    """What counts against the limit: the message and its attributes' names, types and values."""
    size = len(message.encode())
    for name, attribute in attributes.items():
        value = attribute.binary_value
        size += len(name.encode()) + len(attribute.data_type.encode())
        size += len((attribute.string_value or "").encode()) if value is None else len(value)
    return size
