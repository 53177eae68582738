"""Templates, read into a tree.

What is neither a reference nor a directive is text, as it stands. The rest of a directive's line goes with it when it is blank.

Source: https://velocity.apache.org/engine/1.7/vtl-reference.html
"""

import re
from typing import Final

from interstate.core.velocity.expressions import Expressions
from interstate.core.velocity.tree import Block, Break, Expression, Foreach, If, Literal, Node, Set, Stop, Text

_DIRECTIVE: Final = re.compile(r"#(?:\{([A-Za-z]+)\}|([A-Za-z]+))")
_BLANK_REST: Final = re.compile(r"[ \t]*\r?\n")
_PLAIN: Final = re.compile(r"[^$#\\]+")
_DEPTH_MAX: Final = 60
_ENDS: Final = frozenset({"end", "else", "elseif"})
_ABSENT: Final = frozenset({"macro", "define", "parse", "include", "evaluate"})


class BrokenTemplate(ValueError):
    """The text is no template; the message says where."""


class UnknownDirective(BrokenTemplate):
    """A directive that is not served here."""


def parse_template(text: str) -> Block:
    """Read a template.

    Raises:
        BrokenTemplate: a directive is not closed, or an expression is none.
        UnknownDirective: it uses macros, or includes other templates.
    """
    reader = _Reader(text)
    body, ended = reader.block()
    if ended:
        raise BrokenTemplate(f"#{ended} without a beginning at {reader.place()}")
    return body


class _Reader(Expressions):
    """Reads blocks; expressions and references are its parent's."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._blocks = 0

    def inner(self, text: str) -> Block:
        """The template inside a text in double quotes."""
        return parse_template(text)

    def fault(self, text: str) -> Exception:
        return BrokenTemplate(f"{text} at {self.place()}")

    def place(self) -> str:
        before = self.text[: self.at]
        return f"line {before.count(chr(10)) + 1}, column {self.at - before.rfind(chr(10))}"

    def block(self) -> tuple[Block, str]:
        """Everything up to the directive that ends the block, and that directive's name; none at the end of the text."""
        nodes: list[Node] = []
        self._blocks += 1
        if self._blocks > _DEPTH_MAX:
            raise self.fault("Directives are nested too deeply")
        found = ""
        while self.at < len(self.text) and not found:
            found = self._next(nodes)
        self._blocks -= 1
        return tuple(nodes), found

    def _next(self, nodes: list[Node]) -> str:
        """Read one node. Answers the name of the directive that ends this block, if one stood here."""
        match self.text[self.at]:
            case "$":
                nodes.append(self.reference() or Text(self.take(1)))
            case "#":
                return self._hash(nodes)
            case "\\" if self.text[self.at + 1 : self.at + 2] in {"$", "#"}:
                self.take(1)
                nodes.append(Text(self.take(1)))
            case "\\":
                nodes.append(Text(self.take(1)))
            case _:
                plain = _PLAIN.match(self.text, self.at)
                assert plain is not None
                nodes.append(Text(self.take(len(plain[0]))))
        return ""

    def _hash(self, nodes: list[Node]) -> str:
        rest = self.text[self.at : self.at + 3]
        if rest.startswith("##"):
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end + 1
        elif rest.startswith("#*"):
            self._until("*#")
        elif rest == "#[[":
            nodes.append(Text(self._until("]]#")[3:]))
        else:
            found = _DIRECTIVE.match(self.text, self.at)
            name = (found[1] or found[2]) if found else ""
            if found is None or name not in _ENDS | _KNOWN | _ABSENT:
                nodes.append(Text(self.take(1)))
                return ""
            self.take(len(found[0]))
            return self._directive(name, nodes)
        return ""

    def _until(self, mark: str) -> str:
        """Everything before a mark; the place is behind it."""
        end = self.text.find(mark, self.at)
        if end < 0:
            raise self.fault(f"{mark} is missing")
        taken = self.text[self.at : end]
        self.at = end + len(mark)
        return taken

    def _directive(self, name: str, nodes: list[Node]) -> str:
        if name in _ABSENT:
            raise UnknownDirective(f"#{name} at {self.place()}")
        match name:
            case "end" | "else":
                self._rest_of_line()
                return name
            case "elseif":
                return name
            case "if":
                nodes.append(self._if())
            case "foreach":
                nodes.append(self._foreach())
            case "set":
                nodes.append(self._set())
            case "break":
                nodes.append(Break())
            case _:
                nodes.append(Stop())
        self._rest_of_line()
        return ""

    def _rest_of_line(self) -> None:
        found = _BLANK_REST.match(self.text, self.at)
        if found is not None:
            self.at = found.end()

    def _condition(self) -> Expression:
        self.expect("(")
        found = self.expression()
        self.expect(")")
        self._rest_of_line()
        return found

    def _if(self) -> If:
        branches = []
        condition, ended = self._condition(), ""
        while ended != "end":
            body, ended = self.block()
            branches.append((condition, body))
            if not ended:
                raise self.fault("#end is missing")
            if ended == "elseif":
                condition = self._condition()
            elif ended == "else":
                condition = Literal(value=True)
        return If(tuple(branches))

    def _foreach(self) -> Foreach:
        self.expect("(")
        item = self.reference()
        if item is None or item.steps:
            raise self.fault("#foreach wants a variable")
        self.expect("in")
        items = self.expression()
        self.expect(")")
        self._rest_of_line()
        body, ended = self.block()
        if ended != "end":
            raise self.fault("#end is missing")
        return Foreach(item.name, items, body)

    def _set(self) -> Set:
        self.expect("(")
        target = self.reference()
        if target is None:
            raise self.fault("#set wants a reference")
        self.expect("=")
        value = self.expression()
        self.expect(")")
        return Set(target, value)


_KNOWN: Final = frozenset({"if", "foreach", "set", "break", "stop"})
