"""A state's data flow over data that keep their text: what no field touches passes with its very characters.

Source: https://states-language.net/#state-input-and-output
"""

from interstate.base.ids import Entropy
from interstate.base.json import JSON
from interstate.core.asl.dataflow import PASS_THROUGH, DataFlow, Put
from interstate.core.asl.errors import RUNTIME, StateFailed
from interstate.core.asl.vocabulary import Datum
from interstate.core.jsonpath.path import ContextObject, NoSuchPath, Path


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


def output(flow: DataFlow, raw: Datum, result: Datum, context: ContextObject, entropy: Entropy) -> Datum:
    """The state's output: ``result`` behind ResultSelector, in ``raw`` (the state's input) where ResultPath says, behind OutputPath."""
    if flow is PASS_THROUGH:
        return result
    if flow.result_selector is not None:
        result = Datum(value=flow.result_selector.evaluate(result.value, context, entropy))
    return behind_output_path(flow, combined(flow.result_path, raw, result), context)


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
