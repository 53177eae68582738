"""Refusals that need to know who called."""

from interstate.base.errors import ServiceError


class AccessDeniedException(ServiceError):
    """The bus's policy does not let this account put events."""

    def __init__(self, account: str, bus_arn: str) -> None:
        super().__init__(
            f"User: arn:aws:iam::{account}:root is not authorized to perform: events:PutEvents on resource: {bus_arn}"
        )
