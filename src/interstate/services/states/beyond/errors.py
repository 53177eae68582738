"""Refusals of what AWS does not have."""

from interstate.base.errors import ServiceError


class CannotRestart(ServiceError):
    """The execution cannot be restarted there; the message says why, and what can be done."""


class CannotReplay(ServiceError):
    """There is nothing to replay, or nothing to replay it against."""


class NoSuchEvent(ServiceError):
    """The execution has no event of this number."""

    def __init__(self, number: int, last: int) -> None:
        super().__init__(f"There is no event {number}: the history has events 1 to {last}.")
