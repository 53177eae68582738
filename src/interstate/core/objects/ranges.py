"""Ranges and conditions of reads.

Source: RFC 9110, sections 13 (conditions) and 14 (ranges); S3 API Reference, GetObject, which takes one range only.
"""

import re
from datetime import datetime
from typing import Literal, NamedTuple

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


class Span(NamedTuple):
    """Bytes from ``first`` up to, not with, ``end``."""

    first: int
    end: int


def span_of(text: str, size: int) -> Span | Literal["unsatisfiable"] | None:
    """The bytes that a Range header asks for; None where it is ignored (not understood), as S3 ignores it."""
    found = _RANGE.match(text.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        length = int(last)
        if length == 0 or size == 0:
            return "unsatisfiable"
        return Span(max(0, size - length), size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        return "unsatisfiable"
    return Span(int(first), min(int(last) + 1 if last else size, size))


class Conditions(NamedTuple):
    """What a caller says of the object that he wants."""

    match: str | None = None
    none_match: str | None = None
    modified_since: datetime | None = None
    unmodified_since: datetime | None = None


Verdict = Literal["ok", "not modified", "If-Match", "If-Unmodified-Since"]


def judge(conditions: Conditions, etag: str, modified: datetime) -> Verdict:
    """Whether to answer; a failed precondition is told by its header.

    A date is looked at only where the entity tag of its kind is not given.
    """
    modified = modified.replace(microsecond=0)
    if conditions.match is not None:
        if not _names(conditions.match, etag):
            return "If-Match"
    elif conditions.unmodified_since is not None and modified > conditions.unmodified_since:
        return "If-Unmodified-Since"
    if conditions.none_match is not None:
        if _names(conditions.none_match, etag):
            return "not modified"
    elif conditions.modified_since is not None and modified <= conditions.modified_since:
        return "not modified"
    return "ok"


def _names(header: str, etag: str) -> bool:
    bare = etag.strip('"')
    return any(
        tag == "*" or tag.removeprefix("W/").strip('"') == bare for tag in (part.strip() for part in header.split(","))
    )
