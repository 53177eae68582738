"""What IAM refuses, in its words.

Source: botocore's model iam/2010-05-08 for the names; the messages are those of the service.
"""

from interstate.base.errors import ServiceError


class NoSuchEntityException(ServiceError):
    """The role or policy is not there."""


class EntityAlreadyExistsException(ServiceError):
    """A role or policy of this name is there already."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} with name {name} already exists.")


class DeleteConflictException(ServiceError):
    """Something still hangs on what is to be deleted."""


class LimitExceededException(ServiceError):
    """No more of these."""


class MalformedPolicyDocumentException(ServiceError):
    """The document is no policy."""


class InvalidInputException(ServiceError):
    """A parameter that IAM does not take."""


def no_role(name: str) -> NoSuchEntityException:
    """No role has the name."""
    return NoSuchEntityException(f"The role with name {name} cannot be found.")


def no_policy(arn: str) -> NoSuchEntityException:
    """No managed policy has the ARN."""
    return NoSuchEntityException(f"Policy {arn} does not exist or is not attachable.")
