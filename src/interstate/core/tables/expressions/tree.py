"""What expressions mean once they are parsed, and back to text.

Names (``#n``) are still unresolved: the text ``#n.a[1]`` is ``Path(("#n", "a", 1))``.
"""

from dataclasses import dataclass
from typing import assert_never

Part = str | int


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: an attribute and what lies below it."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ValueName:
    """``:v``, an expression attribute value."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its operands; ``attribute_exists(a)`` is a condition, ``size(a)`` an operand."""

    function: str
    operands: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``a + :v``, ``a - :v``, in SET."""

    operator: str
    left: "Operand"
    right: "Operand"


Operand = Path | ValueName | Call | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """``a < :v``."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """``a BETWEEN :low AND :high``."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    """``a IN (:x, :y)``."""

    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT c``."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Junction:
    """``c AND d AND ...`` or ``c OR d OR ...``."""

    operator: str
    conditions: tuple["Condition", ...]


Condition = Comparison | Between | In | Not | Junction | Call
Node = Condition | Operand


@dataclass(frozen=True, slots=True)
class SetAction:
    """``SET a = ...``."""

    path: Path
    value: Operand


@dataclass(frozen=True, slots=True)
class RemoveAction:
    """``REMOVE a``."""

    path: Path


@dataclass(frozen=True, slots=True)
class AddAction:
    """``ADD a :v``."""

    path: Path
    value: ValueName


@dataclass(frozen=True, slots=True)
class DeleteAction:
    """``DELETE a :v``."""

    path: Path
    value: ValueName


Action = SetAction | RemoveAction | AddAction | DeleteAction


@dataclass(frozen=True, slots=True)
class Update:
    """The actions of an update expression, and its sections in order of appearance (``SET`` twice is a fault).

    ``redundant``: the text doubles parentheses.
    """

    actions: tuple[Action, ...]
    sections: tuple[str, ...]
    redundant: bool = False


def path_text(path: Path) -> str:
    """The path as expressions write it."""
    text = str(path.parts[0])
    for part in path.parts[1:]:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text


def listed(parts: tuple[Part, ...]) -> str:
    """A resolved path as messages show it: ``[a, b, [1]]``."""
    return "[" + ", ".join(f"[{part}]" if isinstance(part, int) else part for part in parts) + "]"


def operand_text(operand: Operand) -> str:
    """Text that parses to the operand."""
    match operand:
        case Path():
            return path_text(operand)
        case ValueName(name):
            return name
        case Call(function, operands):
            return f"{function}({', '.join(map(operand_text, operands))})"
        case Arithmetic(operator, left, right):
            return f"{operand_text(left)} {operator} {operand_text(right)}"
        case _:
            assert_never(operand)


def condition_text(condition: Condition) -> str:
    """Text that parses to the condition."""
    match condition:
        case Comparison(operator, left, right):
            return f"{operand_text(left)} {operator} {operand_text(right)}"
        case Between(operand, low, high):
            return f"{operand_text(operand)} BETWEEN {operand_text(low)} AND {operand_text(high)}"
        case In(operand, options):
            return f"{operand_text(operand)} IN ({', '.join(map(operand_text, options))})"
        case Not(inner):
            return f"NOT {_grouped(inner)}"
        case Junction(operator, conditions):
            return f" {operator} ".join(map(_grouped, conditions))
        case Call():
            return operand_text(condition)
        case _:
            assert_never(condition)


def _grouped(condition: Condition) -> str:
    text = condition_text(condition)
    return f"({text})" if isinstance(condition, Junction | Not) else text


def update_text(update: Update) -> str:
    """Text that parses to the update."""
    groups: dict[str, list[str]] = {}
    for action in update.actions:
        match action:
            case SetAction(path, value):
                groups.setdefault("SET", []).append(f"{path_text(path)} = {operand_text(value)}")
            case RemoveAction(path):
                groups.setdefault("REMOVE", []).append(path_text(path))
            case AddAction(path, value):
                groups.setdefault("ADD", []).append(f"{path_text(path)} {value.name}")
            case DeleteAction(path, value):
                groups.setdefault("DELETE", []).append(f"{path_text(path)} {value.name}")
            case _:
                assert_never(action)
    return " ".join(f"{section} {', '.join(texts)}" for section, texts in groups.items())
