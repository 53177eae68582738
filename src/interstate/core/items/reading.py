"""Items out of a window of bytes: each with where the next one begins; one that is cut off by the window's end is left for later.

A window begins where an item may begin, and its end is the text's end when ``last``. Nothing is parsed before it is asked for.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html; causes as recorded from Step Functions.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from interstate.base.json import JSON, BrokenJSON, loads

DELIMITERS: Final[Mapping[str, str]] = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_WHITE: Final = " \t\r\n"
_DECODER = json.JSONDecoder()


class Unreadable(Exception):
    """The text is not what it should be; ``str`` is the cause that Step Functions tells."""


class Found(NamedTuple):
    """An item, and where in the window the next one begins. ``closed``: it was the last, whatever follows."""

    item: JSON
    next: int
    closed: bool = False


def csv_records(window: bytes, delimiter: str, *, last: bool) -> Iterator[tuple[list[str], int]]:
    """The records of a CSV, each with where the next one begins. Line breaks inside quotes belong to their field."""
    at = 0
    while at < len(window):
        end = _record_end(window, at, last=last)
        if end is None:
            return
        line = window[at:end].decode("utf-8", "replace").rstrip("\r\n")
        at = end
        if line:
            yield next(csv.reader([line], delimiter=DELIMITERS[delimiter])), at


def _record_end(window: bytes, at: int, *, last: bool) -> int | None:
    end = at
    while True:
        found = window.find(b"\n", end)
        if found < 0:
            return len(window) if last else None
        end = found + 1
        if window.count(b'"', at, end) % 2 == 0:
            return end


def csv_headers(names: Sequence[str]) -> list[str]:
    """Headers, looked at.

    Raises:
        Unreadable: one comes twice.
    """
    if len(set(names)) != len(names):
        raise Unreadable("CSV headers cannot contain duplicates.")
    return list(names)


def csv_columns(headers: Sequence[str]) -> list[tuple[int, str]]:
    """Columns and their headers in the order in which Step Functions writes an item's members: that of Java's HashMap.

    Source: items as recorded from Step Functions; java.util.HashMap (16 buckets, doubled above three quarters full).
    """
    buckets = 16
    while len(headers) * 4 > buckets * 3:
        buckets *= 2
    return sorted(enumerate(headers), key=lambda column: _spread(column[1]) & (buckets - 1))


def _spread(name: str) -> int:
    code = 0
    encoded = name.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(encoded), 2):
        code = (code * 31 + int.from_bytes(encoded[at : at + 2])) & 0xFFFFFFFF
    return code ^ (code >> 16)


def csv_item(columns: Sequence[tuple[int, str]], record: Sequence[str]) -> JSON:
    """An object of a record; missing fields are empty, those without a header are left out."""
    return {name: record[at] if at < len(record) else "" for at, name in columns}


def json_lines(window: bytes, *, last: bool) -> Iterator[Found]:
    """The values of JSON Lines.

    Raises:
        Unreadable: a line is no JSON.
    """
    at = 0
    while at < len(window):
        found = window.find(b"\n", at)
        if found < 0 and not last:
            return
        end = len(window) if found < 0 else found + 1
        line = window[at:end].strip()
        at = end
        if line:
            try:
                value = loads(line.decode())
            except (BrokenJSON, UnicodeDecodeError):
                raise Unreadable("Attempting to read a line that is not valid JSON.") from None
            yield Found(value, at)


def json_elements(window: bytes, *, first: bool, last: bool) -> Iterator[Found]:
    """The elements of a JSON array; the ``first`` window begins with its bracket.

    Raises:
        Unreadable: the text is no JSON array.
    """
    text = _text(window)
    at = _first_element(text, first=first, last=last)
    encoded, start = 0, 0  # Bytes of the text up to ``start``.
    while at < len(text) and text[at] != "]":
        found = _element(text, at, last=last)
        if found is None:
            return
        value, after = found
        encoded += len(text[start:after].encode())
        start = after
        yield Found(value, encoded, text[after] == "]")
        at = _skip(text, after + 1) if text[after] == "," else after
    if last and at >= len(text):
        raise Unreadable("The file is not valid JSON.")


def _first_element(text: str, *, first: bool, last: bool) -> int:
    """Where the first element of a window begins: behind the bracket, or behind a comma."""
    at = _skip(text, 0)
    if first and text[at : at + 1] != "[" and (last or at < len(text)):
        raise Unreadable("Attempting to map over non-iterable node.")
    return _skip(text, at + 1) if text[at : at + 1] in {"[", ","} and (first or text[at] == ",") else at


def _element(text: str, at: int, *, last: bool) -> tuple[JSON, int] | None:
    """An element and where it ends; None when the window may cut it off."""
    try:
        value, end = _DECODER.raw_decode(text, at)
        after = _skip(text, end)
    except RecursionError:
        raise Unreadable("The file is not valid JSON.") from None
    except ValueError:
        after = len(text)
        value = None
    if after == len(text):  # A number, too, may go on behind the window.
        if last:
            raise Unreadable("The file is not valid JSON.")
        return None
    if text[after] not in ",]":
        raise Unreadable("The file is not valid JSON.")
    return value, after


def _text(window: bytes) -> str:
    """The window as text, without a character that its end cuts in two."""
    try:
        return window.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(window) - 3:
            return window[: error.start].decode()
        raise Unreadable("The file is not valid UTF-8.") from None


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE:
        at += 1
    return at


def is_empty_array(window: bytes) -> bool:
    """Whether a whole text is ``[]``."""
    return window.translate(None, b" \t\r\n") == b"[]"
