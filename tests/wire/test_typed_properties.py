"""Requests of all kinds: what is read straight into a struct is what the long way reads."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.wire.two_ways import CATALOG, at_length, body_of, plain, shortly, wire

from interstate.wire.model import Shape
from interstate.wire.typed import OPEN, OPERATIONS

BUSY = sorted((service, name) for service, names in OPERATIONS.items() for name in names)
QUEUE = "http://localhost/000000000000/q"

Json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inside: st.lists(inside, max_size=2) | st.dictionaries(st.sampled_from(["S", "N"]), inside, max_size=2),
    max_leaves=4,
)
TEXTS = (
    "",
    "a",
    "A-1",
    "1",
    "-1.50",
    "YWJj",
    "YWI=",
    "YWJj=",
    "YQ==\n",
    "a\n",
    "é",
    "\U0001f600",
    "\x00",
    "a" * 81,
    "b" * 1025,
    "true",
    QUEUE,
)
NUMBERS = (0, 1, -1, 5, 10, 11, 30, 2**31 - 1, 2**31, -(2**31), 2**63 - 1, 2**63, 2**64, 1.0, 1.5, 1e3, 1700000000.25)


@st.composite
def values(draw: st.DrawFn, service: str, name: str, depth: int = 0) -> Any:
    """A value that fits a shape, mostly."""
    if draw(st.integers(0, 40)) == 0:
        return draw(Json)
    shapes = wire().models.service(service).shapes
    shape = shapes[name]
    match shape.kind:
        case "structure":
            return draw(_structures(service, shape, depth, knows_all=name in OPEN))
        case "list":
            assert shape.element is not None
            size = 0 if depth > 6 else draw(st.integers(0, 11) if draw(st.integers(0, 9)) == 0 else st.integers(0, 2))
            return [draw(values(service, shape.element.shape, depth + 1)) for _ in range(size)]
        case "map":
            assert shape.element is not None
            keys = draw(
                st.lists(st.sampled_from(["a", "pk", "#n", ":v", "", "k" * 300]), max_size=0 if depth > 6 else 2)
            )
            return {key: draw(values(service, shape.element.shape, depth + 1)) for key in keys}
        case "boolean":
            return draw(st.booleans())
        case "integer" | "long" | "timestamp" | "float" | "double":
            return draw(st.sampled_from(NUMBERS) | st.sampled_from(["1", "2020-01-01T00:00:00Z", "NaN"]))
        case _:
            return draw(st.sampled_from([*shape.enum, *shape.enum, *TEXTS]))


@st.composite
def _structures(draw: st.DrawFn, service: str, shape: Shape, depth: int, *, knows_all: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    few = len(shape.members) if depth == 0 else 2
    chosen = (
        draw(st.lists(st.sampled_from(shape.members), max_size=few, unique_by=lambda member: member.name))
        if shape.members
        else []
    )
    for member in [*(member for member in shape.members if member.name in shape.required), *chosen]:
        found[member.name] = draw(values(service, member.shape, depth + 1))
    if not knows_all and draw(st.integers(0, 30)) == 0:
        found[draw(st.sampled_from(["Unknown", "tableName", "S"]))] = draw(Json)
    return found


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(called=st.sampled_from(BUSY), data=st.data())
def test_what_is_read_shortly_is_what_the_long_way_reads(called: tuple[str, str], data: st.DataObject) -> None:
    service, operation = called
    shape = wire().codec(service, operation).operation.input
    body = body_of(data.draw(values(service, shape)))
    found = shortly(service, operation, body)
    if found is not None:
        assert isinstance(found, CATALOG.operation(service, operation).request)
        assert plain(found) == plain(at_length(service, operation, body))
