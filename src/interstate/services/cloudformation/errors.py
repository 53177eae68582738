"""CloudFormation's refusals.

Source: CloudFormation API Reference; the wording is what the service answers.
"""

from collections.abc import Iterable

from interstate.base.errors import ServiceError
from interstate.core.templates.errors import TemplateError


class StackDoesNotExist(TemplateError):
    """No stack has this name or ARN."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Stack with id {name} does not exist")


class StackMissing(TemplateError):
    """As above, in the words of the operations that change or list resources."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Stack [{name}] does not exist")


class ResourceMissing(TemplateError):
    """The stack has no such resource."""

    def __init__(self, logical_id: str, stack: str) -> None:
        super().__init__(f"Resource {logical_id} does not exist for stack {stack}")


class AlreadyExistsException(ServiceError):
    """The name is taken."""


class InsufficientCapabilitiesException(ServiceError):
    """The template does what the caller has not acknowledged."""

    def __init__(self, capabilities: Iterable[str]) -> None:
        super().__init__(f"Requires capabilities : [{', '.join(capabilities)}]")


class ChangeSetNotFoundException(ServiceError):
    """No change set has this name or ARN."""

    status = 404
    code = "ChangeSetNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


class InvalidChangeSetStatusException(ServiceError):
    """The change set cannot be carried out."""

    code = "InvalidChangeSetStatus"

    def __init__(self, arn: str, status: str) -> None:
        super().__init__(f"ChangeSet [{arn}] cannot be executed in its current status of [{status}]")


class StackNotUpdatable(TemplateError):
    """A stack whose creation failed can only be deleted."""

    def __init__(self, arn: str, status: str) -> None:
        super().__init__(f"Stack:{arn} is in {status} state and can not be updated.")


class StackNotDeletable(TemplateError):
    """What is under way comes to its end first."""

    def __init__(self, arn: str, status: str) -> None:
        super().__init__(f"Stack [{arn}] cannot be deleted while in status {status}")


class NothingToUpdate(TemplateError):
    """The template, the parameters and the tags are what they were."""

    def __init__(self) -> None:
        super().__init__("No updates are to be performed.")


class ExportInUse(TemplateError):
    """Another stack imports the value."""

    def __init__(self, name: str, verb: str, stacks: Iterable[str]) -> None:
        super().__init__(f"Export {name} cannot be {verb} as it is in use by {' and '.join(stacks)}")
