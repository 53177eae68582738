"""The numbers of a Map state: how many at once, how many failures it bears.

Each is a literal, a path (``MaxConcurrencyPath``) or, in JSONata, an expression.
"""

from typing import Any

from interstate.base.ids import Entropy
from interstate.base.json import JSON
from interstate.core.asl.dataflow import compile_expression
from interstate.core.asl.template import Template
from interstate.core.jsonpath.path import ContextObject
from interstate.services.states.teststate.request import TestedState

_FIELDS = (
    ("maxConcurrency", "MaxConcurrency"),
    ("toleratedFailureCount", "ToleratedFailureCount"),
    ("toleratedFailurePercentage", "ToleratedFailurePercentage"),
)


def map_numbers(state: TestedState, given: JSON, context: ContextObject, entropy: Entropy) -> dict[str, Any]:
    """The numbers that the Map has, under the names of InspectionData. ``maxConcurrency`` is 0 where nothing says another.

    Raises:
        StateFailed: a path leads nowhere, or an expression cannot be evaluated.
    """
    shown: dict[str, Any] = {}
    for member, field in _FIELDS:
        value = _value(state, field, given, context, entropy)
        if isinstance(value, int | float) and not isinstance(value, bool):
            shown[member] = float(value) if member == "toleratedFailurePercentage" else int(value)
    return {"maxConcurrency": 0, **shown}


def _value(state: TestedState, field: str, given: JSON, context: ContextObject, entropy: Entropy) -> JSON:
    place = f"/States/{state.name}/{field}"
    template: Template | None = None
    if f"{field}Path" in state.given:
        template = compile_expression(state.given[f"{field}Path"], f"{field}Path", place)
    elif state.jsonata and isinstance(state.given.get(field), str):
        from interstate.core.asl.query import compile_query  # noqa: PLC0415 - loads JSONata only where it is spoken

        template = compile_query(state.given[field], field, place)
    return state.given.get(field) if template is None else template.evaluate(given, context, entropy)


def exceeded(numbers: dict[str, Any], failures: int, iterations: int) -> bool:
    """Whether so many failed iterations are more than the Map bears; one that says nothing is not asked."""
    if "toleratedFailureCount" in numbers and failures > numbers["toleratedFailureCount"]:
        return True
    share = numbers.get("toleratedFailurePercentage")
    return share is not None and iterations > 0 and failures * 100 / iterations > share
