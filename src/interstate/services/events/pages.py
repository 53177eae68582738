"""Pages of lists. A token is where the page before ended, so lists may change between pages."""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Sequence
from typing import TypeVar

from interstate.base.errors import ValidationException

PAGE_MAX = 100
"""The API's own bound of ``Limit``, and the default."""

T = TypeVar("T")


def after(token: str | None) -> str:
    """The name after which a page begins.

    Raises:
        ValidationException: the token was never given out.
    """
    if token is None:
        return ""
    try:
        return b64decode(token, altchars="-_", validate=True).decode()
    except (Error, ValueError) as error:
        raise ValidationException("Invalid pagination token provided.") from error


def page(rows: Sequence[T], limit: int, name: Callable[[T], str]) -> tuple[list[T], dict[str, str]]:
    """A page out of one row more than it may have, and the member that leads to the next."""
    if len(rows) <= limit:
        return list(rows), {}
    taken = list(rows[:limit])
    return taken, {"NextToken": urlsafe_b64encode(name(taken[-1]).encode()).decode()}
