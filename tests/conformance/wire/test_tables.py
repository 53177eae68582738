"""Every operation and request member of the tables is one that AWS's models have, under its name."""

import msgspec
import pytest

from interstate.services.operation import Service
from interstate.services.tables import SERVICES
from interstate.wire.model import SERVED, Models, load

OF_AWS = [service for service in SERVICES if service.name in SERVED]
"""Services of our own ("interstate") have no model."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return load(tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("service", OF_AWS, ids=lambda service: service.name)
def test_operations_and_their_members_are_named_as_in_the_model(models: Models, service: Service) -> None:
    model = models.service(service.name)
    # Requests may share members with those of other operations; a name that no input has is misspelt.
    inputs = [model.shapes[other.input] for other in model.operations.values() if other.input]
    known = {member.name for shape in inputs for member in shape.members}
    for operation in service.operations:
        assert operation.name in model.operations
        fields = msgspec.structs.fields(operation.request)
        # What begins with an underscore comes from our own HTTP layer.
        asked = {field.encode_name for field in fields if not field.encode_name.startswith("_")}
        assert asked <= known, operation.name
        found = model.operations[operation.name]
        required = set(model.shapes[found.input].required) if found.input else set()
        needed = {field.encode_name for field in fields if field.required}
        # A field without a default may only be a member that the model makes sure of.
        assert needed <= required, operation.name


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_notes_are_about_operations_that_are_there(service: Service) -> None:
    assert service.notes.keys() <= {operation.name for operation in service.operations}
