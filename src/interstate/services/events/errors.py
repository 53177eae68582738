"""Refusals that need to know who called."""

from interstate.base.errors import ServiceError


class AccessDeniedException(ServiceError):
    """The bus's policy does not let this account put events, or manage rules."""

    def __init__(self, account: str, arn: str, action: str = "PutEvents") -> None:
        super().__init__(
            f"User: arn:aws:iam::{account}:root is not authorized to perform: events:{action} on resource: {arn} because no "
            f"resource-based policy allows the events:{action} action"
        )
