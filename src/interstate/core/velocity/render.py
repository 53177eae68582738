"""Templates rendered: a pure function of the tree and its variables, bounded in steps and in what it writes.

A reference whose variable is not there is written as it stands; one whose variable is there, but not the rest of the way, is
written as nothing (API Gateway's variables answer so; plain Velocity writes the source in both cases).

Source: https://velocity.apache.org/engine/1.7/vtl-reference.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html (iterations of #foreach)
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from interstate.core.velocity.java import (
    MISSING,
    WRITTEN_MAX,
    Missing,
    NoSuchMethod,
    Open,
    are_equal,
    call,
    is_number,
    is_true,
    text_of,
)
from interstate.core.velocity.tree import (
    Binary,
    Block,
    Break,
    Expression,
    Foreach,
    If,
    Index,
    Interpolated,
    Listing,
    Literal,
    Mapped,
    Method,
    Minus,
    Not,
    Property,
    Range,
    Reference,
    Set,
    Stop,
    Text,
)

ITERATIONS_MAX: Final = 1_000
"""A loop ends after so many rounds. Source: the second page above."""
_STEPS_MAX: Final = 100_000


class TooMuch(ValueError):
    """The template runs or writes too long."""


class Object:
    """A value with methods of its own: ``$input``, ``$util``."""

    __slots__ = ("fields", "methods")

    def __init__(self, methods: Mapping[str, Callable[..., Any]], fields: Mapping[str, Any] | None = None) -> None:
        self.methods = methods
        self.fields = fields or {}


class _Left(Exception):
    """A loop, or the template, is left."""


class _Stopped(Exception):
    """The template is over."""


def render(body: Block, variables: Mapping[str, Any]) -> str:
    """What the template writes. Objects that ``variables`` hold may be changed by it.

    Raises:
        TooMuch: it takes more than 100,000 steps, or writes more than 10 MiB.
    """
    rendering = _Rendering(dict(variables))
    with suppress(_Stopped, _Left):
        rendering.block(body)
    return "".join(rendering.out)


class _Rendering:
    def __init__(self, variables: dict[str, Any]) -> None:
        self.variables = variables
        self.out: list[str] = []
        self._steps = 0
        self._written = 0

    def block(self, body: Block) -> None:
        for node in body:
            self._count()
            match node:
                case Text():
                    self._write(node.text)
                case Reference():
                    self._write(self._shown(node))
                case Set():
                    self._set(node)
                case If():
                    self._if(node)
                case Foreach():
                    self._foreach(node)
                case Break():
                    raise _Left
                case Stop():
                    raise _Stopped

    def _count(self) -> None:
        self._steps += 1
        if self._steps > _STEPS_MAX:
            raise TooMuch(f"The template takes more than {_STEPS_MAX} steps")

    def _write(self, text: str) -> None:
        self._written += len(text)
        if self._written > WRITTEN_MAX:
            raise TooMuch(f"The template writes more than {WRITTEN_MAX} characters")
        self.out.append(text)

    def _shown(self, reference: Reference) -> str:
        if reference.name not in self.variables:
            return "" if reference.quiet else reference.source
        value = self._value(reference)
        return "" if value is None or isinstance(value, Object) else text_of(value)

    # Directives ---------------------------------------------------------------------------------------------------

    def _set(self, node: Set) -> None:
        """Nothing is assigned where the value is null. Source: Velocity 1.7, directive.set.null.allowed."""
        value, target = self.evaluate(node.value), node.target
        if value is None:
            return
        if not target.steps:
            self.variables[target.name] = value
            return
        base = self._value(Reference(target.source, target.name, target.steps[:-1]))
        match target.steps[-1], base:
            case Property(name), dict():
                base[name] = value
            case Index(at), dict():
                base[text_of(self.evaluate(at))] = value
            case Index(at), list():
                place = self.evaluate(at)
                if isinstance(place, int) and 0 <= place < len(base):
                    base[place] = value
            case _:
                pass

    def _if(self, node: If) -> None:
        for condition, body in node.branches:
            if is_true(self.evaluate(condition)):
                self.block(body)
                return

    def _foreach(self, node: Foreach) -> None:
        items = _items(self.evaluate(node.items))[:ITERATIONS_MAX]
        kept = {name: self.variables.get(name, MISSING) for name in (node.name, "foreach", "velocityCount")}
        for index, item in enumerate(items):
            self.variables[node.name] = item
            self.variables["velocityCount"] = index + 1
            self.variables["foreach"] = Open(
                index=index,
                count=index + 1,
                hasNext=index + 1 < len(items),
                first=index == 0,
                last=index + 1 == len(items),
                parent=kept["foreach"],
            )
            try:
                self.block(node.body)
            except _Left:
                break
        for name, before in kept.items():
            if before is MISSING:
                self.variables.pop(name, None)
            else:
                self.variables[name] = before

    # Expressions --------------------------------------------------------------------------------------------------

    def evaluate(self, expression: Expression) -> Any:
        """The value of an expression."""
        self._count()
        match expression:
            case Literal():
                return expression.value
            case Reference():
                return self._value(expression)
            case Interpolated():
                return self._inner(expression.body)
            case Listing():
                return [self.evaluate(item) for item in expression.items]
            case Mapped():
                return {text_of(self.evaluate(key)): self.evaluate(item) for key, item in expression.pairs}
            case Range():
                return _range(self.evaluate(expression.first), self.evaluate(expression.last))
            case Not():
                return not is_true(self.evaluate(expression.operand))
            case Minus():
                value = self.evaluate(expression.operand)
                return -value if is_number(value) else None
            case Binary():
                return self._binary(expression)

    def _inner(self, body: Block) -> str:
        out, self.out = self.out, []
        self.block(body)
        text, self.out = "".join(self.out), out
        return text

    def _binary(self, node: Binary) -> Any:
        left = self.evaluate(node.left)
        if node.operator == "&&":
            return is_true(left) and is_true(self.evaluate(node.right))
        if node.operator == "||":
            return is_true(left) or is_true(self.evaluate(node.right))
        right = self.evaluate(node.right)
        match node.operator:
            case "==":
                return are_equal(left, right)
            case "!=":
                return not are_equal(left, right)
            case "+" if isinstance(left, str) or isinstance(right, str):
                joined = text_of(left) + text_of(right)
                if len(joined) > WRITTEN_MAX:
                    raise TooMuch(f"A text has more than {WRITTEN_MAX} characters")
                return joined
            case operator if is_number(left) and is_number(right):
                return _long(_computed(operator, left, right))
            case _:
                return None

    # References ---------------------------------------------------------------------------------------------------

    def _value(self, reference: Reference) -> Any:
        value = self.variables.get(reference.name)
        for step in reference.steps:
            self._count()
            match step:
                case Property(name):
                    value = _member(value, name)
                case Index(at):
                    value = _at(value, self.evaluate(at))
                case Method(name, arguments):
                    value = self._called(value, name, [self.evaluate(argument) for argument in arguments])
            if value is None:
                return None
        return value

    def _called(self, value: Any, name: str, arguments: list[Any]) -> Any:
        if isinstance(value, Object):
            method = value.methods.get(name)
            return None if method is None else method(*arguments)
        try:
            return call(value, name, arguments)
        except NoSuchMethod:
            return None


def _member(value: Any, name: str) -> Any:
    match value:
        case Object():
            return value.fields.get(name)
        case Missing():
            return MISSING
        case Open():
            return value.get(name, MISSING)
        case Mapping():
            return value.get(name)
        case str() | list() if name == "empty":
            return not value
        case _:
            return None


def _at(value: Any, place: Any) -> Any:
    match value:
        case list() if isinstance(place, int):
            inside = -len(value) <= place < len(value)
            return value[place] if inside else None
        case Mapping():
            return _member(value, text_of(place))
        case _:
            return None


def _items(value: Any) -> list[Any]:
    match value:
        case list():
            return list(value)
        case Mapping():
            return list(value.values())
        case _:
            return []


def _range(first: Any, last: Any) -> list[Any]:
    if not isinstance(first, int) or not isinstance(last, int):
        return []
    step = 1 if first <= last else -1
    return list(range(first, last + step, step)[:ITERATIONS_MAX])


def _computed(operator: str, left: Any, right: Any) -> Any:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" | "%":
            return _divided(operator, left, right)
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def _long(value: Any) -> Any:
    """A whole number as Java keeps it, in 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return (value + 2**63) % 2**64 - 2**63


def _divided(operator: str, left: Any, right: Any) -> Any:
    """As Java divides: whole numbers to whole numbers, towards zero; null by zero."""
    if right == 0:
        return None
    if isinstance(left, float) or isinstance(right, float):
        return left / right if operator == "/" else math.fmod(left, right)
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient if operator == "/" else left - quotient * right
