"""A state's data flow over data that keep their text: what no field touches passes with its very characters.

Output and Assign are evaluated from the same moment: what a state assigns, its own output does not see.

Source: https://states-language.net/#state-input-and-output
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, Protocol

from interstate.base.ids import Entropy
from interstate.base.json import JSON
from interstate.core.asl.dataflow import PASS_THROUGH, DataFlow, Put
from interstate.core.asl.definition import Catcher, ChoiceRule
from interstate.core.asl.errors import DATA_LIMIT_EXCEEDED, RUNTIME, StateFailed
from interstate.core.asl.template import Template
from interstate.core.asl.vocabulary import Datum
from interstate.core.jsonpath.path import ContextObject, NoSuchPath, Path


class StateContext(ContextObject, Protocol):
    """The context object of a state, to which ``$states.result`` and its like can be given."""

    def given(self, members: Mapping[str, Datum]) -> ContextObject:
        """The same with these members of ``$states``."""
        ...


def select(path: Path, value: JSON, context: ContextObject) -> JSON:
    """What is at ``path``.

    Raises:
        StateFailed: States.Runtime, nothing is there.
    """
    try:
        return path.select(value, context)
    except NoSuchPath as error:
        raise StateFailed(RUNTIME, str(error)) from None


def effective_input(flow: DataFlow, data: Datum, context: ContextObject) -> Datum:
    """The input behind InputPath."""
    if flow.input_path is None:
        return data
    return Datum(value=flow.input_path(data.value, context))


def payload(flow: DataFlow, data: Datum, context: ContextObject, entropy: Entropy) -> Datum:
    """The input behind InputPath and Parameters."""
    if flow.input_path is None and flow.parameters is None:
        return data
    return Datum(value=flow.effective_input(data.value, context, entropy))


class Leaving(NamedTuple):
    """What a state leaves with: its output, and the variables that it assigns."""

    output: Datum
    assigned: Mapping[str, Datum]


_NOTHING: Mapping[str, Datum] = {}


def leaving(flow: DataFlow, raw: Datum, result: Datum, context: StateContext, entropy: Entropy) -> Leaving:
    """What a state leaves with whose work came to ``result``; ``raw`` is its input.

    Raises:
        StateFailed: a field cannot be evaluated, or the input has no place for the result.
    """
    if flow is PASS_THROUGH:
        return Leaving(result, _NOTHING)
    if flow.jsonata:
        return _Queries(flow.queried, flow.assign).leaving(raw, result, context.given({"result": result}), entropy)
    if flow.result_selector is not None:
        result = Datum(value=flow.result_selector.evaluate(result.value, context, entropy))
    assigned = _NOTHING if flow.assign is None else variables(flow.assign, result, context, entropy)
    return Leaving(behind_output_path(flow, combined(flow.result_path, raw, result), context), assigned)


def passing(flow: DataFlow, raw: Datum, context: StateContext, entropy: Entropy) -> Leaving:
    """As ``leaving``, for a state without a result: its input passes."""
    if flow is PASS_THROUGH:
        return Leaving(raw, _NOTHING)
    if flow.jsonata:
        return _Queries(flow.queried, flow.assign).leaving(raw, raw, context, entropy)
    data = effective_input(flow, raw, context)
    assigned = _NOTHING if flow.assign is None else variables(flow.assign, data, context, entropy)
    return Leaving(behind_output_path(flow, data, context), assigned)


class _Queries(NamedTuple):
    """Output and Assign of a JSONata state, rule or catcher."""

    output: Template | None
    assign: Template | None

    def leaving(self, raw: Datum, otherwise: Datum, context: ContextObject, entropy: Entropy) -> Leaving:
        assigned = _NOTHING if self.assign is None else variables(self.assign, raw, context, entropy)
        if self.output is not None:
            otherwise = Datum(value=self.output.evaluate(raw.value, context, entropy))
        return Leaving(otherwise, assigned)


def choosing(flow: DataFlow, rule: ChoiceRule | None, raw: Datum, context: StateContext, entropy: Entropy) -> Leaving:
    """As ``passing``, by the rule that matched: its own Assign and Output stand instead of the state's, which are of the default."""
    if rule is None or (flow is PASS_THROUGH and rule.assign is None):
        return passing(flow, raw, context, entropy)
    if flow.jsonata:
        return _Queries(rule.output, rule.assign).leaving(raw, raw, context, entropy)
    return passing(replace(flow, assign=rule.assign), raw, context, entropy)


def catching(catcher: Catcher, raw: Datum, error: Datum, context: StateContext, entropy: Entropy) -> Leaving:
    """What a state leaves with whose error is caught.

    Raises:
        StateFailed: a field cannot be evaluated, or the input has no place for the error.
    """
    if catcher.jsonata:
        return _Queries(catcher.output, catcher.assign).leaving(
            raw, error, context.given({"errorOutput": error}), entropy
        )
    assigned = _NOTHING if catcher.assign is None else variables(catcher.assign, error, context, entropy)
    return Leaving(combined(catcher.result_path, raw, error), assigned)


def variables(assign: Template, data: Datum, context: ContextObject, entropy: Entropy) -> Mapping[str, Datum]:
    """The variables that a state assigns.

    Raises:
        StateFailed: one cannot be evaluated, or they are too large.
    """
    value = assign.evaluate(data.value, context, entropy)
    assert isinstance(value, dict)
    assigned = {name: Datum(value=item) for name, item in value.items()}
    if sum(len(item.text.encode()) for item in assigned.values()) > ASSIGNED_SIZE_MAX:
        raise StateFailed(
            DATA_LIMIT_EXCEEDED,
            "The size of the variables in 'Assign' exceeds the maximum number of bytes service limit.",
        )
    return assigned


ASSIGNED_SIZE_MAX = 262_144
"""Variables of one Assign together, in bytes of UTF-8. Source: Step Functions Developer Guide, "Variable limits"."""


def behind_output_path(flow: DataFlow, data: Datum, context: ContextObject) -> Datum:
    """The data behind OutputPath."""
    if flow.output_path is None:
        return data
    return Datum(value=flow.output_path(data.value, context))


def combined(put: Put | None, raw: Datum, result: Datum) -> Datum:
    """The raw input with the result where ResultPath says.

    Raises:
        StateFailed: States.ResultPathMatchFailure, the input has no place for it.
    """
    if put is None:
        return result
    value = put(raw.value, result.value)
    return raw if value is raw.value else Datum(value=value)
