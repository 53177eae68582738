"""The families of errors that cross layers.

``ServiceError`` is a refusal that an API promises; it carries the name under which the service model publishes it, from
which ``wire`` takes the wire code and the HTTP status. ``TransientError`` says: nothing happened, try again.
(``StateFailed``, the third family, belongs to ``core.asl``.) Anything else is a bug of ours and stays loud.
"""

from collections.abc import Mapping


class ServiceError(Exception):
    """A refusal that the API promises.

    Subclasses are named as in the service model (``QueueDoesNotExist``); their constructor takes facts and words the
    message. ``code`` is the shape's name unless given. ``members`` are further members of the modelled error shape.
    """

    code: str = ""
    status: int = 400  # Used only where the model has no such error shape (common errors).

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code or type(self).__name__
        if status is not None:
            self.status = status
        self.members: Mapping[str, object] = members or {}


class ValidationException(ServiceError):
    """Input that the service's model or rules refuse."""


class NotImplementedHere(ServiceError):
    """Interstate does not have this yet, and says so (design, law 8)."""

    code = "NotImplemented"
    status = 501

    def __init__(self, what: str) -> None:
        super().__init__(f"Interstate does not implement {what}. See docs/reference/coverage.md for what it has.")


class TransientError(Exception):
    """Nothing happened; the runtime tries again."""
