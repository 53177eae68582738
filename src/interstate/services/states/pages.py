"""Pages of lists: opaque tokens, and the limits of a page.

A token is the place after which the next page begins, in URL-safe base64: tokens survive restarts and hold no state here.
Source: API Reference, ListStateMachines (maxResults: default 100, 0 means the default, at most 1,000).
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from interstate.base.numbers import whole_number
from interstate.services.states.errors import InvalidToken

T = TypeVar("T")
DEFAULT = 100


def limit_of(max_results: int | None) -> int:
    """How many entries a page has."""
    return max_results or DEFAULT


def token_for(place: str) -> str:
    """The token of the page that begins after ``place``."""
    return base64.urlsafe_b64encode(f"after:{place}".encode()).decode()


def place_of(token: str | None, default: str = "") -> str:
    """The place that a token stands for; ``default`` without a token.

    Raises:
        InvalidToken: this service never made it.
    """
    if token is None:
        return default
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:  # Not base64, not ASCII, or not UTF-8 below it.
        raise InvalidToken from error
    if not text.startswith("after:"):
        raise InvalidToken
    return text.removeprefix("after:")


def number_of(token: str | None, default: int) -> int:
    """As ``place_of``, where places are numbers."""
    if token is None:
        return default
    number = whole_number(place_of(token))
    if number is None:
        raise InvalidToken
    return number


def page(
    name: str, found: Sequence[T], limit: int, *, show: Callable[[T], dict[str, Any]], place: Callable[[T], str]
) -> dict[str, Any]:
    """An answer with the first ``limit`` of what was found, and a token when there is more."""
    shown = found[:limit]
    answer: dict[str, Any] = {name: [show(entry) for entry in shown]}
    if len(found) > limit:
        answer["nextToken"] = token_for(place(shown[-1]))
    return answer
