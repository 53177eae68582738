"""Which route a request takes: the most specific one that matches.

An HTTP API prefers a path without variables, then variables, then a greedy one, and last ``$default``; among equal paths the
method before ANY. REST APIs choose their resource the same way.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote

import msgspec

from interstate.store.records.apigateway import Routed

DEFAULT: Final = "$default"
ANY: Final = "ANY"
METHODS: Final = frozenset({"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_STATIC, _VARIABLE, _GREEDY = range(3)


class Match(msgspec.Struct, frozen=True):
    """A route with what its variables stand for."""

    route: Routed
    parameters: Mapping[str, str]


def match(routes: Iterable[Routed], method: str, path: str) -> Match | None:
    """The route that a request takes; None when there is none.

    ``path`` is as it came, without the stage; variables are decoded.
    """
    segments = _segments(path)
    best: tuple[tuple[int, ...], Match] | None = None
    for route in routes:
        if route.method not in {method, ANY}:
            continue
        found = _matched(route, segments)
        if found is None:
            continue
        rank = (*_rank(route.path), int(route.method == ANY))
        if best is None or rank < best[0]:
            best = (rank, Match(route, found))
    return None if best is None else best[1]


def _segments(path: str) -> list[str]:
    return path.split("/")[1:]


def is_greedy(segment: str) -> bool:
    """``{proxy+}`` takes everything that follows."""
    return segment.startswith("{") and segment.endswith("+}")


def _is_variable(segment: str) -> bool:
    return segment.startswith("{") and segment.endswith("}")


def _rank(path: str) -> tuple[int, ...]:
    """Smaller is more specific; the end of a path comes before anything longer."""
    if path == DEFAULT:
        return (_GREEDY + 1,)
    return tuple(_GREEDY if is_greedy(part) else int(_is_variable(part)) for part in _segments(path))


def _matched(route: Routed, segments: list[str]) -> dict[str, str] | None:
    if route.path == DEFAULT:
        return {}
    wanted = _segments(route.path)
    found: dict[str, str] = {}
    for index, part in enumerate(wanted):
        if is_greedy(part):
            rest = segments[index:]
            if not rest or rest == [""]:
                return None
            return found | {part[1:-2]: unquote("/".join(rest))}
        if index >= len(segments) or not _segment_matches(part, segments[index], found):
            return None
    return found if len(segments) == len(wanted) else None


def _segment_matches(part: str, segment: str, found: dict[str, str]) -> bool:
    if not _is_variable(part):
        return part in {segment, unquote(segment)}
    if not segment:
        return False
    found[part[1:-1]] = unquote(segment)
    return True
