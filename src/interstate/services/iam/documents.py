"""Policy documents, tags, and pages: what roles and policies share.

Source: IAM API Reference.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from interstate.base.json import BrokenJSON, loads
from interstate.services.iam.errors import (
    InvalidInputException,
    LimitExceededException,
    MalformedPolicyDocumentException,
)

PAGE_DEFAULT = 100
_TAGS_MAX = 50

Tags = list[dict[str, str]]


def check_document(document: str) -> str:
    """A document that is a policy at first sight: a JSON object with statements.

    Raises:
        MalformedPolicyDocumentException: it is none.
    """
    try:
        found = loads(document)
    except BrokenJSON:
        raise MalformedPolicyDocumentException("This policy contains invalid Json") from None
    if not isinstance(found, dict):
        raise MalformedPolicyDocumentException("Syntax errors in policy.")
    if not isinstance(found.get("Statement"), list | dict):
        raise MalformedPolicyDocumentException("Missing required field Statement")
    return document


def shown_document(document: str) -> str:
    """Documents are answered percent-encoded (RFC 3986)."""
    return quote(document, safe="")


def read_tags(tags: Tags) -> dict[str, str]:
    """A list of keys and values as a mapping.

    Raises:
        InvalidInputException: a key comes twice.
        LimitExceededException: there are too many.
    """
    found = {tag["Key"]: tag["Value"] for tag in tags}
    if len(found) != len(tags):
        raise InvalidInputException("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if len(found) > _TAGS_MAX:
        raise LimitExceededException(f"The number of tags has reached the maximum limit of {_TAGS_MAX}.")
    return found


def shown_tags(tags: Mapping[str, str]) -> Tags:
    """A mapping as a list of keys and values."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def page(member: str, found: Sequence[Any], size: int, markers: Sequence[str]) -> dict[str, Any]:
    """One page of a list that was read one longer than the page; ``markers`` are the places of its elements."""
    answer: dict[str, Any] = {member: list(found[:size]), "IsTruncated": len(found) > size}
    if len(found) > size:
        answer["Marker"] = markers[size - 1]
    return answer


def page_of_names(member: str, names: Sequence[str], marker: str, size: int) -> dict[str, Any]:
    """One page of a list that is wholly in hand."""
    left = [name for name in sorted(names) if name > marker][: size + 1]
    return page(member, left, size, left)
