"""API Gateway's refusals, of its control APIs and of the APIs that it serves."""

from interstate.base.errors import ServiceError


class BadRequestException(ServiceError):
    """The request cannot be used."""


class ConflictException(ServiceError):
    """The name is taken, or the thing in use."""

    status = 409


class NotFoundException(ServiceError):
    """There is no such thing; worded as each of the two APIs words it."""

    status = 404


class ApiNotFound(NotFoundException):
    """No API has this id."""

    code = "NotFoundException"

    def __init__(self, api_id: str) -> None:
        super().__init__(f"Invalid API identifier specified {api_id}")


class PartNotFound(NotFoundException):
    """The API has no such route, integration, stage, deployment."""

    code = "NotFoundException"

    def __init__(self, what: str, identifier: str) -> None:
        super().__init__(f"Invalid {what} identifier specified {identifier}")
