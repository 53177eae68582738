"""Tokens of lists: where the next page begins, in a form that nobody takes apart.

Source: SNS API Reference, ListTopics ("NextToken: Token returned by the previous ListTopics request"; InvalidParameter).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

from interstate.core.topics.errors import InvalidParameterException

_MARK = "sns/"


def token_after(place: str) -> str:
    """The token of the page after the one that ends with ``place`` (an ARN or a number)."""
    return urlsafe_b64encode(f"{_MARK}{place}".encode()).decode()


def place_after(token: str) -> str:
    """Where the page of a token begins; no token, or an empty one, is the first page.

    Raises:
        InvalidParameterException: nobody was given this token.
    """
    if not token:
        return ""
    try:
        place = urlsafe_b64decode(token.encode()).decode().removeprefix(_MARK)
    except (Base64Error, ValueError):
        place = ""
    if not place or token_after(place) != token:
        raise InvalidParameterException("NextToken")
    return place
