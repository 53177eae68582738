"""Values of templates as Java sees them: how they are written, compared, and which of their methods may be called.

Only what is in the tables below can be called, so a template reaches nothing but its own values.

Source: https://docs.oracle.com/javase/8/docs/api/ (String, List, Map)
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from interstate.base.json import dumps

WRITTEN_MAX: Final = 10 * 1024 * 1024
"""Characters; a payload of API Gateway has 10 MB."""
_TEXT_MAX: Final = 65_536
"""Characters that a regular expression is tried on; longer texts do not match."""


class Missing:
    """What ``$input.path`` and ``$context`` give where there is nothing: written as nothing, equal to the empty text, not true."""

    __slots__ = ()


MISSING: Final = Missing()


class Open(dict[str, Any]):
    """An object of API Gateway's own: a member that it lacks is MISSING."""


class JsonList(list[Any]):
    """An array out of JSON: written as JSON, as API Gateway's library writes it; Velocity's own lists are written as Java's."""


class NoSuchMethod(LookupError):
    """The value has no such method here."""


def from_json(value: Any) -> Any:
    """A parsed JSON value as templates hold it; nothing is shared with the given one."""
    match value:
        case dict():
            return {name: from_json(item) for name, item in value.items()}
        case list():
            return JsonList(from_json(item) for item in value)
        case _:
            return value


def text_of(value: Any) -> str:
    """A value as Java's ``toString`` writes it."""
    match value:
        case None:
            return "null"
        case Missing():
            return ""
        case bool():
            return "true" if value else "false"
        case JsonList():
            return dumps(_plain(value))
        case Mapping():
            return "{" + ", ".join(f"{key}={text_of(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(text_of(item) for item in value) + "]"
        case _:
            return str(value)


def _plain(value: Any) -> Any:
    match value:
        case Missing():
            return ""
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value


def is_true(value: Any) -> bool:
    """Everything but false, null and what is missing."""
    return value is not None and value is not False and not isinstance(value, Missing)


def are_equal(left: Any, right: Any) -> bool:
    """Numbers by value, values of one kind as such, anything else by its text. Source: Velocity 1.7, "=="."""
    if isinstance(left, Missing) or isinstance(right, Missing):
        return (left is None or text_of(left) == "") and (right is None or text_of(right) == "")
    if left is None or right is None:
        return left is right
    if is_number(left) and is_number(right):
        return bool(left == right)
    if type(left) is type(right):
        return bool(left == right)
    return text_of(left) == text_of(right)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def call(value: Any, name: str, arguments: list[Any]) -> Any:
    """Call a method of a value.

    Raises:
        NoSuchMethod: it has none of this name for these arguments.
    """
    if name == "equals" and len(arguments) == 1:
        return are_equal(value, arguments[0])
    if name == "toString" and not arguments:
        return text_of(value)
    methods = _methods_of(value)
    method = methods.get(name)
    if method is None:
        raise NoSuchMethod(name)
    try:
        return method(value, *arguments)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, re.error) as error:
        raise NoSuchMethod(name) from error


def _methods_of(value: Any) -> Mapping[str, Callable[..., Any]]:
    match value:
        case Missing():
            return {**_TEXTS, **_MAPS}
        case str():
            return _TEXTS
        case Mapping():
            return _MAPS
        case list():
            return _LISTS
        case int() | float():
            return _NUMBERS
        case _:
            return {}


# Texts ------------------------------------------------------------------------------------------------------------


def _substring(text: str, begin: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= begin <= stop <= len(text):
        raise IndexError(begin)
    return text[begin:stop]


def _bounded(text: str) -> str:
    if len(text) > _TEXT_MAX:
        raise ValueError(len(text))
    return text


def _fits(text: str, new: str) -> str:
    """Refuse to put a long text at each place of another long text."""
    if (len(text) + 1) * len(new) > WRITTEN_MAX:
        raise ValueError(len(new))
    return new


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, _fits(text, new))


def _replacement(text: str, new: str) -> Callable[[re.Match[str]], str]:
    """Java writes groups as ``$1``."""
    parts = re.split(r"\\(.)|\$(\d)", _fits(text, new))

    def written(found: re.Match[str]) -> str:
        out = [parts[0]]
        for index in range(1, len(parts), 3):
            escaped, group, plain = parts[index : index + 3]
            out.append(escaped if escaped is not None else found[int(group)] or "")
            out.append(plain)
        return "".join(out)

    return written


def _split(text: str, pattern: str, limit: int = 0) -> list[str]:
    parts = re.split(pattern, _bounded(text), maxsplit=max(limit - 1, 0))
    if limit == 0:
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
    return list(parts)


_TEXTS: Final[Mapping[str, Callable[..., Any]]] = {
    "charAt": lambda text, at: text[at],
    "concat": lambda text, other: str(text) + other,
    "contains": lambda text, part: text_of(part) in text_of(text),
    "endsWith": lambda text, part: text.endswith(part),
    "equalsIgnoreCase": lambda text, other: text_of(text).lower() == text_of(other).lower(),
    "indexOf": lambda text, part, start=0: text.find(part, start),
    "isEmpty": lambda text: text_of(text) == "",
    "lastIndexOf": lambda text, part: text.rfind(part),
    "length": lambda text: len(text_of(text)),
    "matches": lambda text, pattern: re.fullmatch(pattern, _bounded(text)) is not None,
    "replace": _replace,
    "replaceAll": lambda text, pattern, new: re.sub(pattern, _replacement(text, new), _bounded(text)),
    "replaceFirst": lambda text, pattern, new: re.sub(pattern, _replacement(text, new), _bounded(text), count=1),
    "split": _split,
    "startsWith": lambda text, part: text_of(text).startswith(part),
    "substring": _substring,
    "toLowerCase": lambda text: text_of(text).lower(),
    "toUpperCase": lambda text: text_of(text).upper(),
    "trim": lambda text: text_of(text).strip(),
}


# Lists and maps ---------------------------------------------------------------------------------------------------


def _add(items: list[Any], first: Any, *more: Any) -> bool:
    if more:
        items.insert(first, more[0])
    else:
        items.append(first)
    return True


def _set(items: list[Any], at: int, item: Any) -> Any:
    before = items[at]
    items[at] = item
    return before


def _put(map_: dict[str, Any], key: Any, item: Any) -> Any:
    before = map_.get(key)
    map_[key] = item
    return before


def _get(map_: Mapping[str, Any], key: Any) -> Any:
    return map_.get(key, MISSING if isinstance(map_, Open) else None)


_LISTS: Final[Mapping[str, Callable[..., Any]]] = {
    "add": _add,
    "addAll": lambda items, more: items.extend(more) or True,
    "clear": lambda items: items.clear(),
    "contains": lambda items, item: any(are_equal(one, item) for one in items),
    "get": lambda items, at: items[at],
    "indexOf": lambda items, item: next((at for at, one in enumerate(items) if are_equal(one, item)), -1),
    "isEmpty": lambda items: not items,
    "remove": lambda items, at: items.pop(at),
    "set": _set,
    "size": len,
    "subList": lambda items, begin, end: items[begin:end],
}
_MAPS: Final[Mapping[str, Callable[..., Any]]] = {
    "containsKey": lambda map_, key: isinstance(map_, Mapping) and key in map_,
    "containsValue": lambda map_, item: any(are_equal(one, item) for one in map_.values()),
    "entrySet": lambda map_: [Open(key=key, value=item) for key, item in map_.items()],
    "get": lambda map_, key: _get(map_, key) if isinstance(map_, Mapping) else MISSING,
    "getKey": lambda entry: entry["key"],
    "getOrDefault": lambda map_, key, other: map_.get(key, other),
    "getValue": lambda entry: entry["value"],
    "isEmpty": lambda map_: not isinstance(map_, Mapping) or not map_,
    "keySet": list,
    "put": _put,
    "putAll": lambda map_, more: map_.update(more),
    "remove": lambda map_, key: map_.pop(key, None),
    "size": lambda map_: len(map_) if isinstance(map_, Mapping) else 0,
    "values": lambda map_: list(map_.values()),
}
_NUMBERS: Final[Mapping[str, Callable[..., Any]]] = {
    "doubleValue": float,
    "intValue": int,
    "longValue": int,
    # ``$number.parseInt("7")`` is the common way to read a number from a text: any Integer has the static method.
    "parseInt": lambda _number, text: int(text),
    "valueOf": lambda _number, text: int(text),
}
