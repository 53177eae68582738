"""The names and values that a request gives to its expressions.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ExpressionPlaceholders.html
"""

import re
from collections.abc import Iterable, Mapping

import msgspec

from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.values import Value, checked

_NAME = re.compile(r"#[0-9a-zA-Z_]+").fullmatch
_VALUE = re.compile(r":[0-9a-zA-Z_]+").fullmatch


class Placeholders(msgspec.Struct, frozen=True):
    """``#names`` and ``:values``, checked."""

    names: Mapping[str, str]
    values: Mapping[str, Value]

    def check_used(self, names: Iterable[frozenset[str]], values: Iterable[frozenset[str]] = ()) -> None:
        """Refuse what no expression of the request uses.

        Raises:
            InvalidInput: naming what is unused.
        """
        if self.names:
            _check_used("ExpressionAttributeNames", self.names, names)
        if self.values:
            _check_used("ExpressionAttributeValues", self.values, values)


NONE = Placeholders({}, {})


def _check_used(parameter: str, given: Mapping[str, object], used: Iterable[frozenset[str]]) -> None:
    unused = given.keys() - frozenset[str]().union(*used)
    if unused:
        listed = ", ".join(name for name in given if name in unused)
        raise InvalidInput(f"Value provided in {parameter} unused in expressions: keys: {{{listed}}}")


def placeholders_of(
    names: Mapping[str, str] | None, values: Mapping[str, Value] | None, expressions: Mapping[str, str | None]
) -> Placeholders:
    """The request's placeholders.

    Args:
        names: ``ExpressionAttributeNames``.
        values: ``ExpressionAttributeValues``.
        expressions: the operation's expression parameters, each with its text or None.

    Raises:
        InvalidInput: there is no expression to use them, or one is malformed.
    """
    if names is None and values is None:
        return NONE
    if names is not None:
        _check_names(names, expressions)
    if values is None:
        return Placeholders(names or {}, {})
    return Placeholders(names or {}, _checked_values(values, expressions))


def _check_names(names: Mapping[str, str], expressions: Mapping[str, str | None]) -> None:
    if all(text is None for text in expressions.values()):
        raise InvalidInput("ExpressionAttributeNames can only be specified when using expressions")
    if not names:
        raise InvalidInput("ExpressionAttributeNames must not be empty")
    for name in names:
        if not _NAME(name):
            raise InvalidInput(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{name}"')


def _checked_values(values: Mapping[str, Value], expressions: Mapping[str, str | None]) -> dict[str, Value]:
    using = {name: text for name, text in expressions.items() if name != "ProjectionExpression"}
    if all(text is None for text in using.values()):
        verb = "is" if len(using) == 1 else "are"
        raise InvalidInput(
            f"ExpressionAttributeValues can only be specified when using expressions: {' and '.join(using)} {verb} null"
        )
    if not values:
        raise InvalidInput("ExpressionAttributeValues must not be empty")
    for name in values:
        if not _VALUE(name):
            raise InvalidInput(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{name}"')
    answer = {}
    for name, value in values.items():
        try:
            answer[name] = checked(value)[0]
        except InvalidInput as error:
            raise InvalidInput(
                f"ExpressionAttributeValues contains invalid value: {error.message} for key {name}"
            ) from error
    return answer
