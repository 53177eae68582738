"""Fields of JSONata states: JSON in which texts between ``{%`` and ``%}`` are expressions.

Theory of operation
-------------------
A field is compiled into a closure of (data, context, entropy), like the fields of JSONPath states: ``data`` is ``$states.input``, the
context object brings the rest. Only those variables and members of ``$states`` are handed over that the text mentions.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html; causes as recorded from Step Functions.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from interstate.base.ids import Entropy
from interstate.base.json import JSON, dumps
from interstate.core.asl.errors import QUERY_EVALUATION_ERROR, InvalidField, StateFailed
from interstate.core.asl.intrinsics import Evaluate
from interstate.core.asl.template import Template
from interstate.core.jsonata.expression import (
    Expression,
    Failure,
    InvalidExpression,
    Undefined,
    Unsupported,
    compile_expression,
)
from interstate.core.jsonata.functions import BUILT_IN
from interstate.core.jsonpath.path import ContextObject

OPENS, CLOSES = "{%", "%}"
BOTH_ENDS = "JSONata string must start with {% and end with %}"
_STATES: Final = ("input", "context", "result", "errorOutput")


class EvaluationFailed(StateFailed):
    """A JSONata state cannot go on; ``location`` is the field, as in ``Output/total``, or None for the state as a whole.

    ``after_entry``: the field was evaluated, and what came of it was refused by the entered state.
    """

    def __init__(self, cause: str, location: str | None, *, after_entry: bool = False) -> None:
        super().__init__(QUERY_EVALUATION_ERROR, cause)
        self.location = location
        self.after_entry = after_entry


def compile_query(value: JSON, field: str, place: str, *, allowed: frozenset[str] = frozenset(_STATES)) -> Template:
    """Compile a field of a JSONata state. ``allowed`` are the members that ``$states`` has there.

    Raises:
        InvalidField: an expression does not parse, or uses what there is not.
    """
    found: set[str] = set()
    evaluate = _built(value, field, place, allowed, found)
    return Template(evaluate or _constant(value), value, frozenset(found))


def is_expression(value: JSON) -> bool:
    """Whether a value is one expression."""
    return isinstance(value, str) and value.startswith(OPENS) and value.endswith(CLOSES)


def _built(value: JSON, field: str, place: str, allowed: frozenset[str], found: set[str]) -> Evaluate | None:
    """None for a part that holds no expression: it stands for itself."""
    match value:
        case dict():
            parts = {
                name: _built(item, f"{field}/{name}", f"{place}/{name}", allowed, found) for name, item in value.items()
            }
            if not any(parts.values()):
                return None
            members = [(name, part or _constant(value[name])) for name, part in parts.items()]
            return lambda data, context, entropy: {name: part(data, context, entropy) for name, part in members}
        case list():
            items = [_built(item, f"{field}[{at}]", f"{place}[{at}]", allowed, found) for at, item in enumerate(value)]
            if not any(items):
                return None
            elements = [item or _constant(value[at]) for at, item in enumerate(items)]
            return lambda data, context, entropy: [element(data, context, entropy) for element in elements]
        case str() if value.startswith(OPENS) or value.endswith(CLOSES):
            return _expression(value, field, place, allowed, found)
        case _:
            return None


def _constant(value: JSON) -> Evaluate:
    return lambda data, context, entropy: value  # noqa: ARG005 - all parts have one form


def _expression(text: str, field: str, place: str, allowed: frozenset[str], found: set[str]) -> Evaluate:
    if not is_expression(text) or len(text) < len(OPENS) + len(CLOSES):
        raise InvalidField(BOTH_ENDS, place)
    inner = text[len(OPENS) : -len(CLOSES)].strip()
    try:
        expression = compile_expression(inner)
    except InvalidExpression as error:
        raise InvalidField(error.reason, place, "INVALID_JSONATA_EXPRESSION") from error
    _check(expression, place, allowed)
    references = expression.references
    found.update(references.variables - references.local - BUILT_IN)
    variables = tuple(sorted(references.variables))
    wanted = _wanted(references.paths)
    shown = f"The JSONata expression '{inner}' specified for the field '{field}'"

    def evaluate(data: JSON, context: ContextObject, entropy: Entropy) -> JSON:
        bindings: dict[str, JSON] = {}
        for name in variables:
            try:
                bindings[name] = context.variable(name)
            except KeyError:
                continue
        if wanted is None or wanted:
            bindings["states"] = _states(wanted, data, context)
        try:
            return expression.evaluate(bindings, entropy=entropy, now=context.now)
        except Undefined:
            raise EvaluationFailed(f"{shown} returned nothing (undefined).", field) from None
        except Unsupported:
            raise EvaluationFailed(f"{shown} returned an unsupported result type.", field) from None
        except Failure as error:
            separator = ". " if error.is_coded else ": "
            raise EvaluationFailed(
                f"{shown} threw an error during evaluation{separator}{error.reason}", field
            ) from None

    return evaluate


_Tree = dict[str, "_Tree"] | None  # What is wanted below; None: everything.


def _wanted(paths: Iterable[tuple[str, ...]]) -> "_Tree":
    """The names of all paths as a tree; where one path ends, everything below is wanted."""
    below: dict[str, list[tuple[str, ...]]] = {}
    for path in paths:
        if not path:
            return None
        below.setdefault(path[0], []).append(path[1:])
    return {name: _wanted(rest) for name, rest in below.items()}


def _pruned(value: JSON, wanted: "_Tree") -> JSON:
    """The part of a value that is wanted: what is not looked at need not be handed over."""
    if wanted is None or not isinstance(value, dict):
        return value
    return {name: _pruned(value[name], below) for name, below in wanted.items() if name in value}


def _states(wanted: "_Tree", data: JSON, context: ContextObject) -> dict[str, JSON]:
    states: dict[str, JSON] = {}
    for name in _STATES if wanted is None else wanted:
        below = None if wanted is None else wanted[name]
        if name == "input":
            states[name] = _pruned(data, below)
        elif name == "context":
            states[name] = _pruned(context.value(), below)
        else:
            try:
                states[name] = _pruned(context.states(name), below)
            except KeyError:
                continue
    return states


def _check(expression: Expression, place: str, allowed: frozenset[str]) -> None:
    references = expression.references
    if references.uses_root:
        raise InvalidField("Reference to '$$' is not supported.", place, "UNSUPPORTED_JSONATA_EXPRESSION")
    for name in sorted(references.states or ()):
        if (
            name not in allowed and name != "result"
        ):  # Where there is no result yet, it is undefined when it is evaluated.
            raise InvalidField(f"Field '$states.{name}' does not exist.", place, "UNSUPPORTED_JSONATA_EXPRESSION")


# Types -----------------------------------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
}


def type_of(value: JSON) -> str:
    """A value's type in JSONata's words."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def check_type(value: JSON, wanted: str, given: JSON, field: str) -> None:
    """Refuse a field's value of another type than ``wanted``; ``given`` is what the definition says.

    Raises:
        EvaluationFailed: it is of another type.
    """
    if not _TYPES[wanted](value):
        inner = given[len(OPENS) : -len(CLOSES)].strip() if isinstance(given, str) and is_expression(given) else given
        raise EvaluationFailed(
            f"The JSONata expression '{inner}' specified for the field '{field}' returned an unexpected result type. "
            f"Expected '{wanted}', but was '{type_of(value)}' for value: {dumps(value)}",
            field,
        )
