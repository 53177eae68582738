"""Listings: keys in order, folded into common prefixes.

Theory of operation
-------------------
Keys come in pages, in order. A key whose rest after the prefix holds the delimiter is not shown: its common prefix is, once, and
the next page begins after all keys of that prefix, so that a folder of a million objects costs one step. The place after
which a listing goes on is the last key or the last common prefix that was shown.

Source: S3 API Reference, ListObjectsV2 ("CommonPrefixes", "MaxKeys").
"""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from interstate.core.objects.names import after_prefix

T = TypeVar("T")
Read = Callable[[str, int], Sequence[tuple[str, T]]]
"""``(first, limit)``: entries whose key is ``first`` or above, in order."""


class Listed(NamedTuple, Generic[T]):
    """What a page shows. ``last`` is where the next one goes on; None when there is none."""

    entries: list[T]
    prefixes: list[str]
    last: str | None


def listed(read: Read[T], *, prefix: str, delimiter: str, after: str, limit: int, page: int = 1000) -> Listed[T]:
    """At most ``limit`` keys and common prefixes above ``after``."""
    entries: list[T] = []
    prefixes: list[str] = []
    first: str | None = _first(prefix, delimiter, after)
    last = ""
    while first is not None:
        found = read(first, min(page, limit + 1 - len(entries) - len(prefixes)))
        first_now, first = first, None
        for key, entry in found:
            if not key.startswith(prefix):
                return Listed(entries, prefixes, None)
            if key < first_now:
                continue
            if len(entries) + len(prefixes) >= limit:
                return Listed(entries, prefixes, last)
            folder = _folder(key, prefix, delimiter)
            if folder is None:
                entries.append(entry)
                last = key
                first = key + "\0"
                continue
            prefixes.append(folder)
            last = folder
            first = after_prefix(folder)
            break
    return Listed(entries, prefixes, None)


def _first(prefix: str, delimiter: str, after: str) -> str | None:
    """Where to begin: behind ``after``, and behind its whole folder where it stands in one that was shown."""
    if not after or after < prefix:
        return prefix
    if delimiter and after.startswith(prefix):
        folder = _folder(after, prefix, delimiter)
        if folder == after:
            return after_prefix(folder)
    return after + "\0"


def _folder(key: str, prefix: str, delimiter: str) -> str | None:
    if not delimiter:
        return None
    at = key.find(delimiter, len(prefix))
    return None if at < 0 else key[: at + len(delimiter)]
