"""Update expressions, compiled: an item in, the changed item out.

Theory of operation
-------------------
All actions read the item as it was before. Each therefore comes down to an outcome for its path: a new value, nothing
(remove), or no change. The outcomes are then written into a copy, which is made along their paths only. Places of a list
count as they were before too, so that ``REMOVE a[0], a[1]`` removes two neighbours; values behind a list's end are
appended in the order of their places.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, assert_never

from interstate.core.tables import numbers
from interstate.core.tables.errors import (
    InvalidExpression,
    OperandMismatch,
    OperandMissing,
    PathNotUpdatable,
)
from interstate.core.tables.expressions.condition import (
    FUNCTIONS,
    UPDATE_FUNCTIONS,
    Values,
    check_value_defined,
    operands_within,
)
from interstate.core.tables.expressions.operand_checks import TypeCheck
from interstate.core.tables.expressions.parser import parse_update
from interstate.core.tables.expressions.paths import (
    Names,
    Parts,
    PathTree,
    check_reserved,
    placeholders,
    resolved,
    value_at,
)
from interstate.core.tables.expressions.tree import (
    Action,
    AddAction,
    Arithmetic,
    Call,
    DeleteAction,
    Operand,
    Path,
    RemoveAction,
    SetAction,
    Update,
    ValueName,
)
from interstate.core.tables.values import Item, Value, kind_of

_KIND = "UpdateExpression"
COMPILED_MAX = 1024

Outcome = Callable[[Item, Values], "Value | None"]
"""The new value at an action's path; None: nothing stands there afterwards."""

_REMOVED: Any = object()


@dataclass(frozen=True, slots=True, eq=False)
class CompiledUpdate:
    """A checked update. ``heads`` are the attributes that it changes, ``nested`` those that it changes inside.

    ``creates`` is false when it only takes away: then an item that does not exist is not made.
    """

    outcomes: Mapping[Parts, Outcome]
    tree: PathTree
    names: frozenset[str]
    values: frozenset[str]
    heads: frozenset[str]
    nested: frozenset[str]
    creates: bool
    checks: tuple[TypeCheck, ...]

    def apply(self, item: Item, values: Values) -> Item:
        """The item after the update.

        Raises:
            InvalidInput: an operand is missing or of the wrong type, or a path leads nowhere.
        """
        outcomes = {parts: outcome(item, values) for parts, outcome in self.outcomes.items()}
        return _changed_members(item, self.tree, outcomes)


def compile_update(text: str, names: Names, values: Values) -> CompiledUpdate:
    """The compiled expression.

    Raises:
        InvalidExpression: in any of DynamoDB's ways.
    """
    compiled = _compiled(text, tuple(names.items()), tuple(values))
    for check in compiled.checks:
        check(values)
    return compiled


@lru_cache(COMPILED_MAX)
def _compiled(text: str, names: tuple[tuple[str, str], ...], values: tuple[str, ...]) -> CompiledUpdate:
    update = parse_update(text)
    if update.redundant:
        raise InvalidExpression(_KIND, "The expression has redundant parentheses;")
    operands = [operand for action in update.actions for operand in _operands(action)]
    paths = [operand for operand in operands if isinstance(operand, Path)]
    check_reserved(_KIND, paths)
    _check_functions(operands)
    _check_sections(update.sections)
    return compile_tree(update, dict(names), tuple(values))


def compile_tree(update: Update, known: Names, values: tuple[str, ...]) -> CompiledUpdate:
    """A tree, compiled; what depends on the text alone was checked.

    Raises:
        InvalidExpression: names, values or operands do not fit.
    """
    operands = [operand for action in update.actions for operand in _operands(action)]
    paths = [operand for operand in operands if isinstance(operand, Path)]
    for path in paths:
        resolved(_KIND, path, known)
    used_values = [operand for operand in operands if isinstance(operand, ValueName)]
    for value in used_values:
        check_value_defined(_KIND, value, frozenset(values))
    tree, targets = _targets(update, known)
    return CompiledUpdate(
        outcomes={parts: _outcome(action, parts, known) for parts, action in targets.items()},
        tree=tree,
        names=placeholders(paths),
        values=frozenset(value.name for value in used_values),
        heads=frozenset(str(parts[0]) for parts in targets),
        nested=frozenset(str(parts[0]) for parts in targets if len(parts) > 1),
        creates=any(isinstance(action, SetAction | AddAction) for action in update.actions),
        checks=(*_action_checks(update), *_function_checks(operands)),
    )


def _operands(action: Action) -> Iterator[Operand]:
    yield action.path
    match action:
        case SetAction(_, value):
            yield value
            yield from operands_within(value)
        case AddAction(_, value) | DeleteAction(_, value):
            yield value
        case RemoveAction():
            pass
        case _:
            assert_never(action)


def _targets(update: Update, names: Names) -> tuple[PathTree, dict[Parts, Action]]:
    tree = PathTree()
    targets: dict[Parts, Action] = {}
    for action in update.actions:
        parts = resolved(_KIND, action.path, names)
        tree.add(_KIND, parts)
        targets[parts] = action
    return tree, targets


# Checks ------------------------------------------------------------------------------------------------------------


def _check_functions(operands: list[Operand]) -> None:
    for operand in operands:
        if not isinstance(operand, Call):
            continue
        if operand.function in FUNCTIONS:
            raise InvalidExpression(
                _KIND, f"The function is not allowed in an update expression; function: {operand.function}"
            )
        if operand.function not in UPDATE_FUNCTIONS:
            raise InvalidExpression(_KIND, f"Invalid function name; function: {operand.function}")


def _check_sections(sections: tuple[str, ...]) -> None:
    for place, section in enumerate(sections):
        if section in sections[:place]:
            raise InvalidExpression(_KIND, f'The "{section}" section can only be used once in an update expression;')


_TYPE_WORDS = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "NULL": "NULL", "BOOL": "BOOLEAN", "L": "LIST", "M": "MAP",
}  # fmt: skip


def _action_checks(update: Update) -> Iterator[TypeCheck]:
    for action in update.actions:
        if isinstance(action, AddAction):
            yield _section_check("ADD", action.value.name, ("N", "SS", "NS", "BS"))
        elif isinstance(action, DeleteAction):
            yield _section_check("DELETE", action.value.name, ("SS", "NS", "BS"))


def _section_check(section: str, name: str, takes: tuple[str, ...]) -> TypeCheck:
    def check(values: Values) -> None:
        found = kind_of(values[name])
        if found not in takes:
            raise InvalidExpression(
                _KIND,
                f"Incorrect operand type for operator or function; operator: {section}, "
                f"operand type: {_TYPE_WORDS[found]}, typeSet: ALLOWED_FOR_{section}_OPERAND",
            )

    return check


def _function_checks(operands: list[Operand]) -> Iterator[TypeCheck]:
    for operand in operands:
        match operand:
            case Call(function, parts) if len(parts) != UPDATE_FUNCTIONS[function]:
                yield _refusal(
                    "Incorrect number of operands for operator or function; "
                    f"operator or function: {function}, number of operands: {len(parts)}"
                )
            case Call("if_not_exists", parts) if not isinstance(parts[0], Path):
                yield _refusal("Operator or function requires a document path; operator or function: if_not_exists")
            case Call("list_append", parts):
                yield from _operand_checks("list_append", parts, "L")
            case Arithmetic(operator, left, right):
                yield from _operand_checks(operator, (left, right), "N")
            case _:
                pass


def _refusal(fault: str) -> TypeCheck:
    def refuse(_values: Values) -> None:
        raise InvalidExpression(_KIND, fault)

    return refuse


def _operand_checks(function: str, operands: tuple[Operand, ...], takes: str) -> Iterator[TypeCheck]:
    for operand in operands:
        if isinstance(operand, ValueName):
            yield _operand_check(function, operand.name, takes)


def _operand_check(function: str, name: str, takes: str) -> TypeCheck:
    def check(values: Values) -> None:
        found = kind_of(values[name])
        if found != takes:
            raise InvalidExpression(
                _KIND,
                "Incorrect operand type for operator or function; "
                f"operator or function: {function}, operand type: {found}",
            )

    return check


# Outcomes ----------------------------------------------------------------------------------------------------------

Read = Callable[[Item, Values], Value]


def _outcome(action: Action, parts: Parts, names: Names) -> Outcome:
    match action:
        case SetAction(_, value):
            return _read(value, names)
        case RemoveAction():
            return lambda _item, _values: None
        case AddAction(_, value):
            return _sum(parts, value.name)
        case DeleteAction(_, value):
            return _rest(parts, value.name)
        case _:
            assert_never(action)


def _read(operand: Operand, names: Names) -> Read:
    match operand:
        case ValueName(name):
            return lambda _item, values: values[name]
        case Path():
            return _read_path(resolved(_KIND, operand, names))
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, _read(left, names), _read(right, names))
        case Call("if_not_exists", (Path() as path, default)):
            return _if_not_exists(resolved(_KIND, path, names), _read(default, names))
        case Call("list_append", (left, right)):
            return _list_append(_read(left, names), _read(right, names))
        case Call():
            # The checks that belong to the expression refuse this call before it could run.
            return _read_path(("",))
        case _:
            assert_never(operand)


def _read_path(parts: Parts) -> Read:
    def read(item: Item, _values: Values) -> Value:
        value = value_at(item, parts)
        if value is None:
            raise OperandMissing
        return value

    return read


def _if_not_exists(parts: Parts, default: Read) -> Read:
    def read(item: Item, values: Values) -> Value:
        value = value_at(item, parts)
        return default(item, values) if value is None else value

    return read


def _arithmetic(operator: str, left: Read, right: Read) -> Read:
    compute = numbers.add if operator == "+" else numbers.subtract

    def read(item: Item, values: Values) -> Value:
        one, two = left(item, values), right(item, values)
        if "N" not in one or "N" not in two:
            raise OperandMismatch
        return {"N": compute(one["N"], two["N"])}

    return read


def _list_append(left: Read, right: Read) -> Read:
    def read(item: Item, values: Values) -> Value:
        one, two = left(item, values), right(item, values)
        if "L" not in one or "L" not in two:
            raise OperandMismatch
        return {"L": one["L"] + two["L"]}

    return read


def _sum(parts: Parts, name: str) -> Outcome:
    """ADD: a number is added to, a set united with, what is there."""

    def outcome(item: Item, values: Values) -> Value:
        before, value = value_at(item, parts), values[name]
        if before is None:
            return value
        kind = kind_of(value)
        if kind not in before:
            raise OperandMismatch
        if kind == "N":
            return {"N": numbers.add(before["N"], value["N"])}
        return {kind: list(dict.fromkeys((*before[kind], *value[kind])))}

    return outcome


def _rest(parts: Parts, name: str) -> Outcome:
    """DELETE: the set without some members; a set without members is none."""

    def outcome(item: Item, values: Values) -> Value | None:
        before, value = value_at(item, parts), values[name]
        if before is None:
            return None
        kind = kind_of(value)
        if kind not in before:
            raise OperandMismatch
        gone = set(value[kind])
        left = [member for member in before[kind] if member not in gone]
        return {kind: left} if left else None

    return outcome


# Writing -----------------------------------------------------------------------------------------------------------

Outcomes = Mapping[Parts, "Value | None"]


def _changed_members(members: dict[str, Value], tree: PathTree, outcomes: Outcomes) -> dict[str, Value]:
    answer = dict(members)
    for part, below in tree.children.items():
        assert isinstance(part, str)
        if below.children:
            inner = answer.get(part)
            if inner is None:
                raise PathNotUpdatable
            answer[part] = _changed(inner, below, outcomes)
        else:
            outcome = outcomes[below.first]
            if outcome is None:
                answer.pop(part, None)
            else:
                answer[part] = outcome
    return answer


def _changed(value: Value, tree: PathTree, outcomes: Outcomes) -> Value:
    if any(isinstance(part, int) for part in tree.children):
        elements = value.get("L")
        if elements is None:
            raise PathNotUpdatable
        return {"L": _changed_elements(elements, tree, outcomes)}
    members = value.get("M")
    if members is None:
        raise PathNotUpdatable
    return {"M": _changed_members(members, tree, outcomes)}


def _changed_elements(elements: list[Value], tree: PathTree, outcomes: Outcomes) -> list[Value]:
    answer = list(elements)
    end = len(elements)
    for place, below in sorted(tree.children.items(), key=lambda child: int(child[0])):
        assert isinstance(place, int)
        if below.children:
            if place >= end:
                raise PathNotUpdatable
            answer[place] = _changed(answer[place], below, outcomes)
            continue
        outcome = outcomes[below.first]
        if place >= end:
            if outcome is not None:
                answer.append(outcome)
        else:
            answer[place] = _REMOVED if outcome is None else outcome
    return [element for element in answer if element is not _REMOVED]
