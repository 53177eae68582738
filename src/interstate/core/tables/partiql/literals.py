"""Literals and parameters of PartiQL statements, as attribute values.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.data-types.html
"""

from collections.abc import Sequence
from typing import Any

from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.partiql.tokens import MalformedStatement, Tokens
from interstate.core.tables.values import DEPTH_MAX, Value, checked, kind_of

_SET_TYPES = {"S": "SS", "N": "NS", "B": "BS"}


class Literals:
    """Reads literals where they stand, and hands out parameters in their order."""

    def __init__(self, tokens: Tokens, parameters: Sequence[Value]) -> None:
        self.tokens = tokens
        self._parameters = parameters
        self._used = 0
        self._depth = 0

    def check_all_used(self) -> None:
        """Refuse parameters that the statement has no places for.

        Raises:
            InvalidInput: there are some.
        """
        if self._used != len(self._parameters):
            raise InvalidInput("Number of parameters in request and statement don't match.")

    def is_next(self) -> bool:
        """Whether a literal or a parameter comes next."""
        tokens = self.tokens
        word = tokens.next
        if word.kind in ("text", "number"):
            return True
        if word.kind == "sign":
            return word.text in ("?", "[", "{", "<<", "-", "+")
        return tokens.is_word("TRUE", "FALSE", "NULL") and tokens.peek().text not in (".", "[")

    def value(self) -> Value:
        """The next literal, in canonical form.

        Raises:
            InvalidInput: there is none, or it is no attribute value.
        """
        return checked(self._value())[0]

    def _value(self) -> Value:
        self._depth += 1
        if self._depth > DEPTH_MAX + 2:
            raise InvalidInput("Nesting Levels have exceeded supported limits")
        try:
            return self._scalar() or self._collection()
        finally:
            self._depth -= 1

    def _scalar(self) -> Value | None:
        tokens = self.tokens
        word = tokens.next
        if word.kind == "text":
            return {"S": tokens.take().text}
        if word.kind == "number":
            return {"N": tokens.take().text}
        if word.kind == "sign" and word.text in ("-", "+") and tokens.peek().kind == "number":
            tokens.take()
            return {"N": ("-" if word.text == "-" else "") + tokens.take().text}
        if tokens.accept("?"):
            return self._parameter()
        if tokens.accept_word("NULL"):
            return {"NULL": True}
        if tokens.is_word("TRUE", "FALSE"):
            return {"BOOL": tokens.take().text.upper() == "TRUE"}
        return None

    def _parameter(self) -> Value:
        if self._used >= len(self._parameters):
            raise InvalidInput("Number of parameters in request and statement don't match.")
        self._used += 1
        return self._parameters[self._used - 1]

    def _collection(self) -> Value:
        tokens = self.tokens
        if tokens.accept("["):
            return {"L": self._listed("]")}
        if tokens.accept("<<"):
            return self._set(self._listed(">>"))
        if tokens.accept("{"):
            return {"M": self._members()}
        raise tokens.broken("Expected a value")

    def _listed(self, closing: str) -> list[Value]:
        values: list[Value] = []
        if self.tokens.accept(closing):
            return values
        values.append(self._value())
        while self.tokens.accept(","):
            values.append(self._value())
        self.tokens.expect(closing)
        return values

    def _set(self, members: list[Value]) -> Value:
        kinds = {kind_of(member) for member in members}
        if len(kinds) != 1 or not kinds <= _SET_TYPES.keys():
            raise MalformedStatement("A set holds texts, numbers or binaries, and one kind of them")
        (kind,) = kinds
        return {_SET_TYPES[kind]: [member[kind] for member in members]}

    def _members(self) -> dict[str, Any]:
        tokens = self.tokens
        members: dict[str, Any] = {}
        if tokens.accept("}"):
            return members
        while True:
            if tokens.next.kind not in ("text", "quoted"):
                raise tokens.broken("Expected an attribute name")
            name = tokens.take().text
            tokens.expect(":")
            if name in members:
                raise MalformedStatement(f"Attribute {name} comes twice")
            members[name] = self._value()
            if not tokens.accept(","):
                tokens.expect("}")
                return members
