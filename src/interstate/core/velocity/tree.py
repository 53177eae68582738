"""A parsed template."""

from dataclasses import dataclass

Block = tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Property:
    """``.name``"""

    name: str


@dataclass(frozen=True, slots=True)
class Method:
    """``.name(arguments)``"""

    name: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Index:
    """``[expression]``"""

    at: "Expression"


@dataclass(frozen=True, slots=True)
class Reference:
    """``$name`` and the steps from there. ``source`` is written where the reference has no value, unless it is quiet (``$!``)."""

    source: str
    name: str
    steps: tuple[Property | Method | Index, ...]
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Set:
    target: Reference
    value: "Expression"


@dataclass(frozen=True, slots=True)
class If:
    """Each condition with its block, in order; the last resort has the condition true."""

    branches: tuple[tuple["Expression", Block], ...]


@dataclass(frozen=True, slots=True)
class Foreach:
    name: str
    items: "Expression"
    body: Block


@dataclass(frozen=True, slots=True)
class Break:
    """Leaves the loop."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Ends the template."""


Node = Text | Reference | Set | If | Foreach | Break | Stop


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A text in double quotes."""

    body: Block


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Range:
    """``[1..5]``, in either direction."""

    first: "Expression"
    last: "Expression"


@dataclass(frozen=True, slots=True)
class Mapped:
    pairs: tuple[tuple["Expression", "Expression"], ...]


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Minus:
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Expression"
    right: "Expression"


Expression = Literal | Interpolated | Listing | Range | Mapped | Not | Minus | Binary | Reference
