"""FIFO topics: groups, deduplication, sequence numbers.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html and the pages below it.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from interstate.core.topics.errors import InvalidParameterException

# Source: https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html ("five-minute deduplication interval")
DEDUPLICATION = timedelta(minutes=5)
_ID = re.compile(r"[!-~]{1,128}\Z")
_SEQUENCE_BASE = 10**19  # 20 digits, none of them leading zeros.
_SEQUENCE_STEP = 1000


def sequence_number(count: int) -> str:
    """The number of a topic's ``count``-th message: 20 digits, larger than all before."""
    return str(_SEQUENCE_BASE + count * _SEQUENCE_STEP)


def check_group(group_id: str | None, *, fifo: bool) -> None:
    """A FIFO topic's message has a group; any group's id is 1 to 128 letters, digits or punctuation.

    Raises:
        InvalidParameterException: it is not so.
    """
    if group_id is None:
        if fifo:
            raise InvalidParameterException("The MessageGroupId parameter is required for FIFO topics")
    elif not _ID.match(group_id):
        raise InvalidParameterException(
            "MessageGroupId Reason: it can only include alphanumeric and punctuation characters. 1 to 128 in length"
        )


def deduplication_id(given: str | None, message: str, attributes: Mapping[str, str]) -> str:
    """By which a repeated message is recognized: the given id, or the digest of its text.

    Raises:
        InvalidParameterException: there is none, or it is none.
    """
    if given is None:
        if attributes.get("ContentBasedDeduplication", "").lower() != "true":
            raise InvalidParameterException(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
            )
        return sha256(message.encode()).hexdigest()
    if not _ID.match(given):
        raise InvalidParameterException(
            "MessageDeduplicationId Reason: it can only include alphanumeric and punctuation characters. 1 to 128 in length"
        )
    return given


def deduplication_scope(group_id: str, attributes: Mapping[str, str]) -> str:
    """Where an id counts: in the message's group, or (empty) in the whole topic."""
    return group_id if attributes.get("FifoThroughputScope", "Topic") == "MessageGroup" else ""
