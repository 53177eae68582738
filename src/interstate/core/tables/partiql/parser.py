"""PartiQL statements into trees, by recursive descent.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from collections.abc import Callable, Sequence

from interstate.core.tables.errors import InvalidInput
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
    Not,
    Operand,
    Part,
    Path,
    RemoveAction,
    SetAction,
    Update,
    ValueName,
)
from interstate.core.tables.partiql.literals import Literals
from interstate.core.tables.partiql.statements import Change, Exists, Insert, Names, Remove, Select, Statement
from interstate.core.tables.partiql.tokens import MalformedStatement, Tokens
from interstate.core.tables.values import Value, checked, checked_item

DEPTH_MAX = 60
"""Groups inside groups; ours, so that no statement exhausts the stack."""
_COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TESTS = {"begins_with": 2, "contains": 2, "attribute_type": 2, "attribute_exists": 1, "attribute_not_exists": 1}
_RESERVED = ("AND", "OR", "NOT", "IN", "BETWEEN", "IS", "WHERE", "FROM", "SET", "REMOVE", "ORDER", "RETURNING")
_IN_CONDITIONS = ("size",)
_IN_CHANGES = ("list_append", "if_not_exists")
_WHOLE_CHANGES = (*_IN_CHANGES, "set_add", "set_delete")
_RETURNED = {
    ("ALL", "OLD"): "ALL_OLD",
    ("ALL", "NEW"): "ALL_NEW",
    ("MODIFIED", "OLD"): "UPDATED_OLD",
    ("MODIFIED", "NEW"): "UPDATED_NEW",
}


def parse_statement(text: str, parameters: Sequence[Value]) -> Statement:
    """Read a statement; each ``?`` takes the next parameter.

    Raises:
        InvalidInput: it is broken, a value is none, or the parameters are not as many as it has places for.
    """
    parser = _Parser(Tokens(text), [checked(value)[0] for value in parameters])
    statement = parser.statement()
    if parser.tokens.next.kind != "end":
        raise parser.tokens.broken("Unexpected word")
    parser.literals.check_all_used()
    return statement


class _Parser:
    def __init__(self, tokens: Tokens, parameters: Sequence[Value]) -> None:
        self.tokens = tokens
        self.literals = Literals(tokens, parameters)
        self._names: dict[str, str] = {}
        self._values: dict[str, Value] = {}
        self._depth = 0
        self._functions: tuple[str, ...] = _IN_CONDITIONS

    # Statements ------------------------------------------------------------------------------------------------

    def statement(self) -> Statement:
        tokens = self.tokens
        starts: dict[str, Callable[[], Statement]] = {
            "SELECT": self._select,
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
            "EXISTS": self._exists,
        }
        for word, read in starts.items():
            if tokens.is_word(word):
                tokens.take()
                return read()
        raise tokens.broken("Expected SELECT, INSERT, UPDATE, DELETE or EXISTS")

    def _given(self) -> Names:
        return Names(self._names, self._values)

    def _select(self) -> Select:
        tokens = self.tokens
        columns: list[Path] = []
        if not tokens.accept("*"):
            columns.append(self._path())
            while tokens.accept(","):
                columns.append(self._path())
        tokens.expect_word("FROM")
        table, index = self._table(), None
        if tokens.accept("."):
            index = self._name()
        where = self._condition() if tokens.accept_word("WHERE") else None
        order: list[tuple[str, bool]] = []
        if tokens.accept_word("ORDER"):
            tokens.expect_word("BY")
            order.append(self._order())
            while tokens.accept(","):
                order.append(self._order())
        return Select(table, index, tuple(columns), where, tuple(order), self._given())

    def _order(self) -> tuple[str, bool]:
        name = self._name()
        descends = self.tokens.accept_word("DESC")
        if not descends:
            self.tokens.accept_word("ASC")
        return name, not descends

    def _exists(self) -> Exists:
        self.tokens.expect("(")
        self.tokens.expect_word("SELECT")
        select = self._select()
        self.tokens.expect(")")
        return Exists(select)

    def _insert(self) -> Insert:
        self.tokens.expect_word("INTO")
        table = self._table()
        self.tokens.expect_word("VALUE")
        value = self.literals.value()
        if "M" not in value:
            raise MalformedStatement("Expected a tuple of attributes behind VALUE")
        return Insert(table, checked_item(value["M"])[0])

    def _update(self) -> Change:
        table = self._table()
        tokens = self.tokens
        actions: list[Action] = []
        while tokens.is_word("SET", "REMOVE"):
            read = self._set if tokens.take().text.upper() == "SET" else self._remove
            actions.append(read())
            while tokens.accept(","):
                actions.append(read())
        if not actions:
            # Source: https://github.com/awsdocs/aws-sdk-for-javascript-v3/issues/98
            raise MalformedStatement("Expected data manipulation")
        tokens.expect_word("WHERE")
        where = self._condition()
        return Change(table, Update(tuple(actions), ()), where, self._returning(tuple(_RETURNED)), self._given())

    def _delete(self) -> Remove:
        self.tokens.expect_word("FROM")
        table = self._table()
        self.tokens.expect_word("WHERE")
        where = self._condition()
        return Remove(table, where, self._returning((("ALL", "OLD"),)), self._given())

    def _returning(self, allowed: tuple[tuple[str, str], ...]) -> str:
        tokens = self.tokens
        if not tokens.accept_word("RETURNING"):
            return "NONE"
        found = (tokens.take().text.upper(), tokens.take().text.upper())
        tokens.expect("*")
        if found not in allowed:
            raise MalformedStatement(f"Unsupported RETURNING clause: {' '.join(found)} *")
        return _RETURNED[found]

    # Names -----------------------------------------------------------------------------------------------------

    def _table(self) -> str:
        return self._name()

    def _name(self) -> str:
        if self.tokens.next.kind == "quoted" or (
            self.tokens.next.kind == "name" and not self.tokens.is_word(*_RESERVED)
        ):
            return self.tokens.take().text
        raise self.tokens.broken("Expected identifier")

    def _path(self) -> Path:
        tokens = self.tokens
        parts: list[Part] = [self._placeholder(self._name())]
        while True:
            if tokens.accept("."):
                parts.append(self._placeholder(self._name()))
            elif tokens.accept("["):
                if tokens.next.kind == "text":
                    parts.append(self._placeholder(tokens.take().text))
                elif tokens.next.kind == "number" and tokens.next.text.isdecimal() and len(tokens.next.text) < 10:
                    parts.append(int(tokens.take().text))
                else:
                    raise tokens.broken("Expected an index")
                tokens.expect("]")
            else:
                return Path(tuple(parts))

    def _placeholder(self, name: str) -> str:
        known = f"#{len(self._names)}"
        for placeholder, other in self._names.items():
            if other == name:
                return placeholder
        self._names[known] = name
        return known

    def _value(self, value: Value) -> ValueName:
        name = f":{len(self._values)}"
        self._values[name] = value
        return ValueName(name)

    # Conditions ------------------------------------------------------------------------------------------------

    def _condition(self) -> Condition:
        return self._junction("OR", lambda: self._junction("AND", self._not))

    def _junction(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self.tokens.accept_word(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _not(self) -> Condition:
        if not self.tokens.accept_word("NOT"):
            return self._predicate()
        self._enter()
        inner = self._not()
        self._depth -= 1
        return Not(inner)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise MalformedStatement(f"more than {DEPTH_MAX} groups inside groups")

    def _predicate(self) -> Condition:
        tokens = self.tokens
        if tokens.accept("("):
            self._enter()
            inner = self._condition()
            tokens.expect(")")
            self._depth -= 1
            return inner
        function = tokens.next.text.lower()
        if tokens.next.kind == "name" and function in _TESTS and tokens.peek().text == "(":
            return self._test(function)
        return self._compared(self._operand())

    def _test(self, function: str) -> Call:
        tokens = self.tokens
        tokens.take()
        tokens.expect("(")
        operands = [self._operand()]
        while tokens.accept(","):
            operands.append(self._operand())
        tokens.expect(")")
        if len(operands) != _TESTS[function]:
            raise MalformedStatement(f"Incorrect number of operands for function: {function}")
        return Call(function, tuple(operands))

    def _compared(self, left: Operand) -> Condition:
        tokens = self.tokens
        if tokens.next.kind == "sign" and tokens.next.text in _COMPARATORS:
            return Comparison(_COMPARATORS[tokens.take().text], left, self._operand())
        if tokens.accept_word("BETWEEN"):
            low = self._operand()
            tokens.expect_word("AND")
            return Between(left, low, self._operand())
        if tokens.accept_word("IN"):
            return In(left, self._options())
        if tokens.is_word("NOT"):
            tokens.take()
            tokens.expect_word("IN")
            return Not(In(left, self._options()))
        if tokens.accept_word("IS"):
            return self._is(left)
        raise tokens.broken("Expected a comparison")

    def _is(self, left: Operand) -> Condition:
        tokens = self.tokens
        negated = tokens.accept_word("NOT")
        if tokens.accept_word("MISSING"):
            found: Condition = Call("attribute_not_exists", (left,))
        elif tokens.accept_word("NULL"):
            found = Call("attribute_type", (left, self._value({"S": "NULL"})))
        else:
            raise tokens.broken("Expected MISSING or NULL")
        return Not(found) if negated else found

    def _options(self) -> tuple[Operand, ...]:
        """What IN offers: ``[a, b]``, ``(a, b)``, or a list as a parameter."""
        tokens = self.tokens
        for opening, closing in (("[", "]"), ("(", ")")):
            if tokens.accept(opening):
                options = [self._operand()]
                while tokens.accept(","):
                    options.append(self._operand())
                tokens.expect(closing)
                return tuple(options)
        if tokens.next.text == "?":
            value = self.literals.value()
            if value.get("L"):
                return tuple(self._value(one) for one in value["L"])
        raise tokens.broken("Expected a list behind IN")

    def _operand(self) -> Operand:
        tokens = self.tokens
        if self.literals.is_next():
            return self._value(self.literals.value())
        if tokens.next.kind == "name" and tokens.peek().text == "(" and tokens.peek().kind == "sign":
            return self._call()
        return self._path()

    def _call(self) -> Call:
        tokens = self.tokens
        function = tokens.take().text.lower()
        if function not in self._functions:
            raise MalformedStatement(f"Unsupported function: {function}")
        tokens.expect("(")
        self._enter()
        allowed = self._functions
        self._functions = () if function == "size" else _IN_CHANGES
        operands = [self._operand()]
        while tokens.accept(","):
            operands.append(self._operand())
        tokens.expect(")")
        self._functions = allowed
        self._depth -= 1
        if len(operands) != (1 if function == "size" else 2):
            raise MalformedStatement(f"Incorrect number of operands for function: {function}")
        return Call(function, tuple(operands))

    # Updates ---------------------------------------------------------------------------------------------------

    def _set(self) -> Action:
        path = self._path()
        self.tokens.expect("=")
        self._functions = _WHOLE_CHANGES
        value: Operand = self._operand()
        self._functions = _IN_CHANGES
        if isinstance(value, Call) and value.function in ("set_add", "set_delete"):
            action = _set_by_function(path, value)
        else:
            for sign in ("+", "-"):
                if self.tokens.accept(sign):
                    value = Arithmetic(sign, value, self._operand())
                    break
            action = SetAction(path, value)
        self._functions = _IN_CONDITIONS
        return action

    def _remove(self) -> Action:
        return RemoveAction(self._path())


def _set_by_function(path: Path, call: Call) -> Action:
    """``SET a = set_add(a, <<...>>)``: what ADD and DELETE do in update expressions."""
    first, value = call.operands
    if not isinstance(value, ValueName):
        raise MalformedStatement(f"Expected a set as the second operand of {call.function}")
    if first != path:
        raise InvalidInput(f"The first operand of {call.function} must be the attribute that is set")
    return AddAction(path, value) if call.function == "set_add" else DeleteAction(path, value)
