"""Every operation and request member of the tables is one that AWS's models have, under its name."""

from typing import Any

import msgspec
import pytest

from interstate.services.operation import Operation, Service
from interstate.services.tables import SERVICES
from interstate.wire.model import SERVED, Models, load


def rows() -> list[tuple[Service, Operation[Any]]]:
    """What AWS has too; services of our own ("interstate") have no model."""
    return [(service, operation) for service in SERVICES if service.name in SERVED for operation in service.operations]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return load(tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize(
    ("service", "operation"), [pytest.param(*row, id=f"{row[0].name}-{row[1].name}") for row in rows()]
)
def test_an_operation_and_its_members_are_named_as_in_the_model(
    models: Models, service: Service, operation: Operation[Any]
) -> None:
    model = models.service(service.name)
    found = model.operations[operation.name]
    # Requests may share members with those of other operations; a name that no input has is misspelt.
    inputs = [model.shapes[other.input] for other in model.operations.values() if other.input]
    known = {member.name for shape in inputs for member in shape.members}
    # What begins with an underscore comes from our own HTTP layer.
    asked = {
        name for field in msgspec.structs.fields(operation.request) if not (name := field.encode_name).startswith("_")
    }
    assert asked <= known
    required = set(model.shapes[found.input].required) if found.input else set()
    needed = {field.encode_name for field in msgspec.structs.fields(operation.request) if field.required}
    # A field without a default may only be a member that the model makes sure of.
    assert needed <= required


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_notes_are_about_operations_that_are_there(service: Service) -> None:
    assert service.notes.keys() <= {operation.name for operation in service.operations}
