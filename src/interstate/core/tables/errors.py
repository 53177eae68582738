"""What tables refuse, worded as DynamoDB words it.

Source: DynamoDB API Reference, Common Errors; message texts as the service answers them.
"""

from interstate.base.errors import ValidationException


class InvalidInput(ValidationException):
    """A request that DynamoDB refuses with the text as it stands."""

    code = "ValidationException"


class InvalidParameters(InvalidInput):
    """``One or more parameter values were invalid: ...``."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"One or more parameter values were invalid: {fault}")


class InvalidExpression(InvalidInput):
    """``Invalid UpdateExpression: ...``; ``kind`` is the request's parameter."""

    def __init__(self, kind: str, fault: str) -> None:
        super().__init__(f"Invalid {kind}: {fault}")
        self.fault = fault


class KeyMismatch(InvalidInput):
    """A key that lacks an attribute, has one too many, or one of another type."""

    def __init__(self) -> None:
        super().__init__("The provided key element does not match the schema")


class OperandMismatch(InvalidInput):
    """An update meets an attribute of a type that its operator cannot take."""

    def __init__(self) -> None:
        super().__init__("An operand in the update expression has an incorrect data type")


class OperandMissing(InvalidInput):
    """An update reads an attribute that the item lacks."""

    def __init__(self) -> None:
        super().__init__("The provided expression refers to an attribute that does not exist in the item")


class PathNotUpdatable(InvalidInput):
    """An update writes below something that is no map or list, or does not exist."""

    def __init__(self) -> None:
        super().__init__("The document path provided in the update expression is invalid for update")
