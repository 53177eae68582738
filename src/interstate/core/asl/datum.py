"""A datum: what passes through an execution, as text and as value, each made when it is first asked for."""

import json
from collections.abc import Callable
from enum import Enum

from interstate.base.json import JSON, BrokenJSON, dumps, loads
from interstate.core.asl.errors import RUNTIME, StateFailed


class Datum:
    """A JSON value and its text; each is made from the other when it is first asked for.

    A text that came in is kept as it came: a state that changes nothing hands on its very characters.
    """

    __slots__ = ("_text", "_value")

    def __init__(self, text: str | None = None, value: JSON | Enum = None) -> None:
        self._text = text
        self._value = value if text is None else _UNREAD

    @property
    def text(self) -> str:
        """The value as JSON text.

        Raises:
            StateFailed: the value is nested too deeply.
        """
        if self._text is None:
            self._text = self._made()
        return self._text

    def _made(self) -> str:
        try:
            return dumps(self._value)  # type: ignore[arg-type]  # unread only while there is a text
        except TypeError:  # The fast writer stops at 254 levels; what was read may have a thousand.
            return _written_slowly(self._value)

    @property
    def value(self) -> JSON:
        """The value; never to be changed.

        Raises:
            StateFailed: the text, put together from others, is nested too deeply.
        """
        if self._value is _UNREAD:
            try:
                self._value = loads(self.text)
            except BrokenJSON:
                raise StateFailed(RUNTIME, _TOO_DEEP) from None
        return self._value  # type: ignore[return-value]  # read above

    def exceeds(self, size_max: int) -> bool:
        """Whether the text is longer than ``size_max`` bytes of UTF-8."""
        text = self.text
        if len(text) * 4 <= size_max:  # No character takes more than four bytes.
            return False
        return len(text) > size_max or (not text.isascii() and len(text.encode()) > size_max)

    @property
    def size(self) -> int:
        """How many bytes of UTF-8 the text has."""
        text = self.text
        return len(text) if text.isascii() else len(text.encode())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Datum) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Datum({self.text!r})"


class Deferred(Datum):
    """A datum whose text is elsewhere: ``read`` brings it when somebody first asks, or nobody ever does.

    ``size``, where it is known, is the text's length in bytes of UTF-8.
    """

    __slots__ = ("_read", "_size")

    def __init__(self, read: Callable[[], str], size: int | None = None) -> None:
        super().__init__(value=_UNREAD)
        self._read = read
        self._size = size

    def _made(self) -> str:
        return self._read()

    @property
    def size(self) -> int:
        """How many bytes of UTF-8 the text has."""
        return super().size if self._size is None else self._size


_TOO_DEEP = "The data is nested too deeply."


def _written_slowly(value: JSON | Enum) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise StateFailed(RUNTIME, _TOO_DEEP) from None


class _Unread(Enum):
    """Marks a datum whose text was not read yet."""

    UNREAD = 0


_UNREAD = _Unread.UNREAD
