"""Refusals of CloudWatch Logs, worded as it words them.

Source: botocore's model logs/2014-03-28; the service's answers.
"""

from interstate.base.errors import ServiceError


class ResourceNotFoundException(ServiceError):
    """No such group or stream; ``what`` is "log group" or "log stream"."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The specified {what} does not exist.")


class ResourceAlreadyExistsException(ServiceError):
    """The name is taken; ``what`` is "log group" or "log stream"."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The specified {what} already exists")


class InvalidParameterException(ServiceError):
    """A value that the service refuses."""
