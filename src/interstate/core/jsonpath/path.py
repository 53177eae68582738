"""Paths: compiled once, selected often.

Theory of operation
-------------------
Nearly every path of a state machine is a *reference path*: ``$``, then names and indexes, and it finds exactly one node.
Those are compiled here into a closure that indexes the value directly, because they run at each transition. What can find
several nodes (``*``, ``..``, slices, filters, unions) is a *query*: its head, as far as it is a reference path, is compiled here; the rest goes to
the library, which is imported when the first query is compiled. A query gives a list, which may be empty, also when its head
finds nothing; a reference path that finds nothing fails.

A path that starts with ``$$`` looks into the context object instead of the data, and one that starts with ``$name`` into a variable.

The reasons for finding nothing are worded as Step Functions words them (it evaluates paths with Jayway's JsonPath).
Source: https://states-language.net/#path and https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from interstate.base.json import JSON
from interstate.core.jsonpath import filters


class ContextObject(Protocol):
    """What ``$$`` stands for; built only when a path asks for it."""

    def value(self) -> JSON:
        """The context object as JSON."""
        ...

    def variable(self, name: str) -> JSON:
        """The value of a variable that can be seen.

        Raises:
            KeyError: there is none of this name.
        """
        ...

    def states(self, name: str) -> JSON:
        """A member of JSONata's ``$states`` beside input and context: ``result``, ``errorOutput``.

        Raises:
            KeyError: there is none here.
        """
        ...

    @property
    def now(self) -> datetime:
        """The moment of the step."""
        ...


Step = str | int
Select = Callable[[JSON, ContextObject], JSON]
_Walk = Callable[[JSON], JSON]

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]()\s*'"]+)      # .name
      | \.?\[\s*(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*\]
      | \.?\[\s*(?P<index>-?\d+)\s*\]""",
    re.VERBOSE,
)
_DOT_BEFORE_BRACKET = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?<!\.)(\.)(?=\[)""")
"""``$.a.[0]`` means ``$.a[0]``: Jayway takes the dot, and so do state machines that were deployed."""
_FUNCTION = re.compile(r"\.(\w+)\(\)\Z")
_VARIABLE = re.compile(r"\$([^\W\d]\w*)")
_ESCAPE = {"'": re.compile(r"\\(['\\])"), '"': re.compile(r'\\(["\\])')}  # Any other backslash is itself.


class InvalidPath(ValueError):
    """The text is not a path; the message says why."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"'{text}' is not a valid JSONPath: {reason}")
        self.text = text
        self.reason = reason


class NoSuchPath(LookupError):
    """The value has nothing at this path; ``reason`` is worded as Step Functions words it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"Invalid path '{path}' : {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path.

    ``select(data, context)`` gives what is there, never a copy; it raises NoSuchPath. ``steps`` are the names and indexes of
    a reference path, or of a query's head. ``is_reference`` tells that the path finds one node at most. ``variable`` is the
    variable into which the path looks, if it does.
    """

    text: str
    steps: tuple[Step, ...]
    in_context: bool
    is_reference: bool
    select: Select
    variable: str | None = None


def compile_path(text: str) -> Path:
    """Compile a path.

    Raises:
        InvalidPath: the text is none.
    """
    if not text.startswith("$"):
        raise InvalidPath(text, "a path starts with $")
    text = text.rstrip()  # Step Functions does not mind blanks at the end.
    called = _FUNCTION.search(text)
    if called is not None and called[1] in filters.FUNCTIONS:
        inner = compile_path(text[: called.start()])
        select = _select_call(inner, text, called[1])
        return Path(text, inner.steps, inner.in_context, False, select, inner.variable)  # noqa: FBT003 - fields in their order
    in_context = text.startswith("$$")
    position = 2 if in_context else 1
    named = _VARIABLE.match(text)
    if named is not None:
        position = named.end()
    variable = None if named is None else named[1]
    steps: list[Step] = []
    while match := _STEP.match(text, position):
        steps.append(_step(match))
        position = match.end()
    rest = text[position:]
    if rest and rest[0] not in ".[":
        raise InvalidPath(text, f"unexpected {rest[0]!r} at position {position}")
    walk = _query(text, tuple(steps), rest) if rest else _walk(text, tuple(steps))
    select = _select(walk, in_context=in_context) if variable is None else _select_variable(walk, text, variable)
    return Path(text, tuple(steps), in_context, not rest, select, variable)


def _select_call(inner: Path, text: str, name: str) -> Select:
    def select(data: JSON, context: ContextObject) -> JSON:
        length = filters.length(inner.select(data, context)) if name == "length" else None
        if length is None:
            raise NoSuchPath(text, f"No results for path: {text}")
        return length

    return select


def _step(match: re.Match[str]) -> Step:
    name, single, double, index = match.group("name", "single", "double", "index")
    if index is not None:
        return int(index)
    if name is not None:
        return name
    if single is not None:
        return _ESCAPE["'"].sub(r"\1", single)
    return _ESCAPE['"'].sub(r"\1", double)


def _select(walk: _Walk, *, in_context: bool) -> Select:
    if in_context:
        return lambda data, context: walk(context.value())  # noqa: ARG005 - the two roots have one form
    if walk is _whole:
        return _data
    return lambda data, context: walk(data)  # noqa: ARG005 - as above


def _select_variable(walk: _Walk, text: str, name: str) -> Select:
    def select(_data: JSON, context: ContextObject) -> JSON:
        try:
            value = context.variable(name)
        except KeyError:
            raise NoSuchPath(text, f"The variable '{name}' is not defined") from None
        return walk(value)

    return select


def _data(data: JSON, _context: ContextObject) -> JSON:
    return data


def _whole(value: JSON) -> JSON:
    return value


def _walk(text: str, steps: tuple[Step, ...]) -> _Walk:
    """A closure that goes down ``steps``; the short ones, which are nearly all, without a loop."""
    if not steps:
        return _whole
    if any(isinstance(step, int) for step in steps):
        return _walk_with_indexes(text, steps)
    if len(steps) == 1:
        (only,) = steps

        def one(value: JSON) -> JSON:
            try:
                return value[only]  # type: ignore[index]  # a wrong type is an answer too
            except (KeyError, TypeError):
                raise NoSuchPath(text, why_nothing(value, steps)) from None

        return one

    def many(value: JSON) -> JSON:
        node = value
        try:
            for step in steps:
                node = node[step]  # type: ignore[index]  # as above
        except (KeyError, TypeError):
            raise NoSuchPath(text, why_nothing(value, steps)) from None
        return node

    return many


def _walk_with_indexes(text: str, steps: tuple[Step, ...]) -> _Walk:
    def walk(value: JSON) -> JSON:
        node: Any = value
        for step in steps:
            if not _has(node, step):
                raise NoSuchPath(text, why_nothing(value, steps))
            node = node[step]
        return node  # type: ignore[no-any-return]  # what JSON holds is JSON

    return walk


def _has(node: JSON, step: Step) -> bool:
    """Whether ``step`` leads on from ``node``: a name of an object, an index of an array."""
    match node, step:
        case dict(), str():
            return step in node
        case list(), int():
            return -len(node) <= step < len(node)
        case _:
            return False


def why_nothing(value: JSON, steps: tuple[Step, ...]) -> str:
    """Why ``steps``, of which one leads nowhere, find nothing in ``value``."""
    node: Any = value
    position = 0
    while _has(node, steps[position]):
        node = node[steps[position]]
        position += 1
    step = steps[position]
    match node, step:
        case dict(), str() if position < len(steps) - 1:
            return f"Missing property in path {canonical(steps[: position + 1])}"
        case (dict(), str()) | (list(), int()):
            return f"No results for path: {canonical(steps)}"
        case _, int():
            return f"Filter: [{step}] can only be applied to arrays. Current context is: {node}"
        case _, name:
            here = canonical(steps[:position])
            return (
                f"Expected to find an object with property ['{name}'] in path {here} but found '{_KINDS[type(node)]}'."
            )


# The types of values as Step Functions names them.
_KINDS: Mapping[type, str] = {
    type(None): "null",
    bool: "java.lang.Boolean",
    int: "java.lang.Integer",
    float: "java.lang.Double",
    str: "java.lang.String",
    list: "java.util.ArrayList",
}


def canonical(steps: tuple[Step, ...]) -> str:
    """The path's bracket form: ``$['a'][0]``."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f"['{step}']" for step in steps)


def _query(text: str, steps: tuple[Step, ...], rest: str) -> _Walk:
    """A path that can find several nodes: a list of what ``rest`` finds under ``steps``."""
    import jsonpath  # noqa: PLC0415 - imported when the first query is compiled (design, start-up)

    rest = filters.in_library_words(_DOT_BEFORE_BRACKET.sub(lambda dot: "" if dot[1] else dot[0], rest))
    head = _walk(text, steps)
    if "$" in rest:  # A filter that looks back to the root: the library must start there.
        rest, head = canonical(steps)[1:] + rest, _whole
    try:
        query = filters.environment().compile("$" + rest)
    except jsonpath.JSONPathError as error:
        raise InvalidPath(text, str(error).split("\n", 1)[0]) from error

    def find(value: JSON) -> JSON:
        try:
            node = head(value)
        except NoSuchPath:
            return []
        if isinstance(node, dict | list):
            return query.findall(node)
        return []  # A scalar has nothing below it; the library would read a text as JSON.

    return find
