"""Everything that can be run: operations by service and name, steps and effects by kind."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.runtime.faults import Faults
from interstate.services.operation import Effect, Operation, Service, Step

Validate = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]]
"""(service, operation, request) -> the request with its values as the model types them (Base64 text as bytes, instants
as datetimes), or raises the error that AWS gives for a request of the wrong shape."""


class InternalRequestInvalid(ServiceError):
    """A request made inside the store does not have the operation's shape."""

    code = "ValidationException"

    def __init__(self, service: str, operation: str, reason: str) -> None:
        super().__init__(f"{service}:{operation}: {reason}")


def accept_all(_service: str, _operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """For instances without a wire: the struct's own types are the only check."""
    return request


class Catalog:
    """The tables of all services, indexed."""

    def __init__(self, services: Iterable[Service], validate: Validate = accept_all) -> None:
        self.services = tuple(services)
        self.faults = Faults()
        self.validate = validate
        self.operations: dict[tuple[str, str], Operation[Any]] = {}
        self.steps: dict[str, Step[Any]] = {}
        self.effects: dict[str, Effect[Any]] = {}
        for service in self.services:
            for operation in service.operations:
                assert (service.name, operation.name) not in self.operations, operation
                self.operations[service.name, operation.name] = operation
            for step in service.steps:
                assert step.kind not in self.steps, step
                self.steps[step.kind] = step
            for effect in service.effects:
                assert effect.kind not in self.effects, effect
                self.effects[effect.kind] = effect
        assert not self.steps.keys() & self.effects.keys()

    def implements(self, service: str, operation: str) -> bool:
        """Whether the operation is in a table."""
        return (service, operation) in self.operations

    def operation(self, service: str, name: str) -> Operation[Any]:
        """The operation's row.

        Raises:
            NotImplementedHere: no table has it.
        """
        found = self.operations.get((service, name))
        if found is None:
            raise NotImplementedHere(f"{service}:{name}")
        return found

    def request(self, service: str, name: str, members: Mapping[str, Any], *, checked: bool) -> Any:
        """The typed request of an operation.

        Raises:
            ServiceError: the members do not have the operation's shape.
        """
        operation = self.operation(service, name)
        if not checked:
            members = self.validate(service, name, members)
        try:
            return msgspec.convert(members, operation.request, builtin_types=(bytes, datetime))
        except msgspec.ValidationError as error:
            raise InternalRequestInvalid(service, name, str(error)) from error
