"""Expression text into trees, by recursive descent.

Theory of operation
-------------------
Conditions and operands share parentheses: only behind ``(a)`` does it show whether an operand or a condition was meant.
``_group`` therefore reads either, and each place that needs one kind refuses the other where it stands.

Faults other than syntax (reserved words, unknown functions, doubled parentheses) are found in the tree by ``checks``,
as DynamoDB reports syntax errors first. What only the text shows, doubled parentheses, the parser notes.
"""

from collections.abc import Callable

from interstate.core.tables.errors import InvalidExpression
from interstate.core.tables.expressions.tokens import Tokens
from interstate.core.tables.expressions.tree import (
    Action,
    AddAction,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Condition,
    DeleteAction,
    In,
    Junction,
    Node,
    Not,
    Operand,
    Part,
    Path,
    RemoveAction,
    SetAction,
    Update,
    ValueName,
)

EXPRESSION_BYTES_MAX = 4096
"""Source: DynamoDB quotas, expression parameters."""
DEPTH_MAX = 60
"""Groups inside groups; ours, so that no expression exhausts the stack. 300 operators are DynamoDB's own bound."""
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
_OPERATOR_WORDS = ("AND", "OR", "NOT", "BETWEEN", "IN")
_SECTION_WORDS = ("SET", "REMOVE", "ADD", "DELETE")


class Parsed:
    """A condition, and whether its text doubles parentheses."""

    __slots__ = ("condition", "redundant")

    def __init__(self, condition: Condition, *, redundant: bool) -> None:
        self.condition = condition
        self.redundant = redundant


def parse_condition(kind: str, text: str) -> Parsed:
    """Read a condition, filter or key condition expression.

    Raises:
        InvalidExpression: it is empty, too long or broken.
    """
    parser = _ConditionParser(_tokens(kind, text))
    condition = parser.condition()
    parser.end()
    return Parsed(condition, redundant=parser.redundant)


def parse_update(text: str) -> Update:
    """Read an update expression.

    Raises:
        InvalidExpression: it is empty, too long or broken.
    """
    parser = _UpdateParser(_tokens("UpdateExpression", text))
    return parser.update()


def parse_projection(text: str) -> tuple[Path, ...]:
    """Read a projection expression.

    Raises:
        InvalidExpression: it is empty, too long or broken.
    """
    parser = _Parser(_tokens("ProjectionExpression", text), ())
    paths = [parser.path()]
    while parser.tokens.accept(","):
        paths.append(parser.path())
    parser.end()
    return tuple(paths)


def _tokens(kind: str, text: str) -> Tokens:
    if len(text) * 4 > EXPRESSION_BYTES_MAX and (size := len(text.encode())) > EXPRESSION_BYTES_MAX:
        raise InvalidExpression(kind, f"Expression size has exceeded the maximum allowed size; expression size: {size}")
    if not text.strip(" \t\r\n"):
        raise InvalidExpression(kind, "The expression can not be empty;")
    return Tokens(kind, text)


class _Parser:
    """Paths and operands, which all languages share. ``key_words`` name no attribute and no function here."""

    def __init__(self, tokens: Tokens, key_words: tuple[str, ...]) -> None:
        self.tokens = tokens
        self.key_words = key_words
        self.redundant = False
        self._depth = 0
        self._groups: dict[int, int] = {}  # Where a group opens -> where it closes, as places of words.

    def end(self) -> None:
        """Refuse what is left over."""
        if self.tokens.next.kind != "end":
            raise self.tokens.broken()

    def path(self) -> Path:
        parts: list[Part] = [self._identifier()]
        return self._path_below(parts)

    def _path_below(self, parts: list[Part]) -> Path:
        tokens = self.tokens
        while True:
            if tokens.accept("."):
                parts.append(self._identifier())
            elif tokens.accept("["):
                if tokens.next.kind != "integer":
                    raise tokens.broken()
                parts.append(int(tokens.take().text))
                tokens.expect("]")
            else:
                return Path(tuple(parts))

    def _identifier(self) -> str:
        tokens = self.tokens
        if tokens.next.kind not in ("name", "placeholder") or tokens.is_word(*self.key_words):
            raise tokens.broken()
        return tokens.take().text

    def operand(self) -> Operand:
        """``a.b``, ``:v`` or ``f(...)``, without parentheses around it."""
        tokens = self.tokens
        word = tokens.next
        if word.kind == "value":
            tokens.take()
            return ValueName(word.text)
        if word.kind == "name" and not tokens.is_word(*self.key_words):
            behind = tokens.peek(1)
            if behind.kind == "sign" and behind.text == "(":
                return self._call()
        return self.path()

    def _call(self) -> Call:
        tokens = self.tokens
        function = tokens.take().text
        tokens.expect("(")
        self._enter()
        operands = self.operands()
        self._depth -= 1
        return Call(function, operands)

    def operands(self) -> tuple[Operand, ...]:
        """``a, b)``: a list up to its closing parenthesis."""
        operands = [self.grouped_operand()]
        while self.tokens.accept(","):
            operands.append(self.grouped_operand())
        self.tokens.expect(")")
        return tuple(operands)

    def grouped_operand(self) -> Operand:
        """An operand, perhaps in parentheses."""
        tokens = self.tokens
        opened = tokens.at
        if not tokens.accept("("):
            return self.operand()
        self._enter()
        operand = self.grouped_operand()
        tokens.expect(")")
        self._leave(opened)
        return self.continued(operand) if isinstance(operand, Path) else operand

    def continued(self, path: Path) -> Path:
        """``(a).b`` goes on with the path ``a``; only conditions know this."""
        return path

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise InvalidExpression(self.tokens.kind, f"The expression has more than {DEPTH_MAX} groups inside groups")

    def _leave(self, opened: int) -> None:
        """Note a group that closed just now, and whether it holds nothing but another group."""
        self._depth -= 1
        closed = self.tokens.at - 1
        self._groups[opened] = closed
        if self._groups.get(opened + 1) == closed - 1:
            self.redundant = True


class _ConditionParser(_Parser):
    def __init__(self, tokens: Tokens) -> None:
        super().__init__(tokens, _OPERATOR_WORDS)

    def condition(self) -> Condition:
        return self._needs_condition(self._or())

    def _needs_condition(self, node: Node) -> Condition:
        if isinstance(node, Path | ValueName | Arithmetic):
            raise self.tokens.broken()
        return node

    def _or(self) -> Node:
        return self._junction("OR", self._and)

    def _and(self) -> Node:
        return self._junction("AND", self._not)

    def _junction(self, operator: str, part: Callable[[], Node]) -> Node:
        first = part()
        if not self.tokens.is_word(operator):
            return first
        conditions = [self._needs_condition(first)]
        while self.tokens.is_word(operator):
            self.tokens.take()
            conditions.append(self._needs_condition(part()))
        return Junction(operator, tuple(conditions))

    def _not(self) -> Node:
        if not self.tokens.is_word("NOT"):
            return self._comparison()
        self.tokens.take()
        self._enter()
        inner = self._needs_condition(self._not())
        self._depth -= 1
        return Not(inner)

    def _comparison(self) -> Node:
        left = self._primary()
        tokens = self.tokens
        if isinstance(left, Comparison | Between | In | Not | Junction):
            return left
        if tokens.next.kind == "sign" and tokens.next.text in COMPARATORS:
            operator = tokens.take().text
            return Comparison(operator, left, self.grouped_operand())
        if tokens.is_word("BETWEEN"):
            tokens.take()
            low = self.grouped_operand()
            if not tokens.is_word("AND"):
                raise tokens.broken()
            tokens.take()
            return Between(left, low, self.grouped_operand())
        if tokens.is_word("IN"):
            tokens.take()
            tokens.expect("(")
            return In(left, self.operands())
        return left

    def _primary(self) -> Node:
        tokens = self.tokens
        opened = tokens.at
        if not tokens.accept("("):
            return self.operand()
        self._enter()
        inner = self._or()
        tokens.expect(")")
        self._leave(opened)
        return self.continued(inner) if isinstance(inner, Path) else inner

    def continued(self, path: Path) -> Path:
        if self.tokens.next.text in (".", "["):
            return self._path_below(list(path.parts))
        return path


class _UpdateParser(_Parser):
    def __init__(self, tokens: Tokens) -> None:
        super().__init__(tokens, _SECTION_WORDS)

    def update(self) -> Update:
        actions: list[Action] = []
        sections: list[str] = []
        tokens = self.tokens
        while True:
            if not tokens.is_word(*_SECTION_WORDS):
                raise tokens.broken()
            section = tokens.take().text.upper()
            sections.append(section)
            actions.append(self._action(section))
            while tokens.accept(","):
                actions.append(self._action(section))
            if tokens.next.kind == "end":
                return Update(tuple(actions), tuple(sections), redundant=self.redundant)

    def _action(self, section: str) -> Action:
        path = self.path()
        match section:
            case "SET":
                self.tokens.expect("=")
                return SetAction(path, self._value())
            case "REMOVE":
                return RemoveAction(path)
            case "ADD":
                return AddAction(path, self._value_name())
            case _:
                return DeleteAction(path, self._value_name())

    def _value_name(self) -> ValueName:
        if self.tokens.next.kind != "value":
            raise self.tokens.broken()
        return ValueName(self.tokens.take().text)

    def _value(self) -> Operand:
        """What SET gives: an operand, a sum or a difference; one pair of parentheses may stand around each."""
        tokens = self.tokens
        opened = tokens.at
        if not tokens.accept("("):
            return self._sum(self.operand())
        self._enter()
        inner = self._sum(self.grouped_operand())
        tokens.expect(")")
        self._leave(opened)
        return inner if isinstance(inner, Arithmetic) else self._sum(inner)

    def _sum(self, left: Operand) -> Operand:
        tokens = self.tokens
        if tokens.next.kind == "sign" and tokens.next.text in ("+", "-"):
            operator = tokens.take().text
            return Arithmetic(operator, left, self.grouped_operand())
        return left
