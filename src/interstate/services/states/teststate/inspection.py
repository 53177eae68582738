"""What a tested state's data went through, step by step.

Source: API Reference, InspectionData; which members which type of state shows, as recorded from the service.
"""

from contextlib import suppress
from typing import Any

import msgspec

from interstate.base.ids import Entropy
from interstate.base.json import JSON
from interstate.core.asl import flow
from interstate.core.asl.definition import Map, Parallel, Pass, State, Task
from interstate.core.asl.errors import StateFailed
from interstate.core.asl.vocabulary import Datum
from interstate.core.jsonpath.path import ContextObject
from interstate.services.states.teststate.map_numbers import map_numbers
from interstate.services.states.teststate.raw_text import text_at
from interstate.services.states.teststate.request import TestedState


class Seen(msgspec.Struct, frozen=True):
    """What a trial knows of its state's data: input, what its task was given and answered, as texts."""

    given: Datum
    context: ContextObject
    entropy: Entropy
    arguments: str | None = None
    result: str | None = None
    context_text: str | None = None  # As the caller wrote it.


def inspected(state: TestedState, parsed: State, seen: Seen) -> dict[str, Any]:
    """The data after each step that the state came to; what a failing step would have made is left out."""
    shown: dict[str, Any] = {"input": seen.given.text}
    with suppress(StateFailed):
        _inspect(state, parsed, seen, shown)
    return shown


def _inspect(state: TestedState, parsed: State, seen: Seen, shown: dict[str, Any]) -> None:
    if state.jsonata:
        if isinstance(parsed, Task):
            _put(shown, "afterArguments", seen.arguments)
            _put(shown, "result", seen.result)
        if isinstance(parsed, Map):
            shown |= map_numbers(state, seen.given.value, seen.context, seen.entropy)
        return
    data = seen.given
    if not isinstance(parsed, Parallel) and not (isinstance(parsed, Pass) and parsed.result is not None):
        data = _behind_input_path(parsed, seen)
        shown["afterInputPath"] = data.text
    match parsed:
        case Pass():
            _inspect_pass(parsed, data, seen, shown)
        case Task():
            _put(shown, "afterParameters", seen.arguments)
            _put(shown, "result", seen.result)
            _inspect_result(parsed, seen, shown)
        case Map():
            _inspect_map(state, parsed, data, seen, shown)
        case Parallel():
            _inspect_result(parsed, seen, shown)
        case _:
            pass


def _put(shown: dict[str, Any], name: str, text: str | None) -> None:
    if text is not None:
        shown[name] = text


def _behind_input_path(parsed: State, seen: Seen) -> Datum:
    own = getattr(parsed, "flow", None)
    return seen.given if own is None else flow.effective_input(own, seen.given, seen.context)


def _inspect_pass(parsed: Pass, data: Datum, seen: Seen, shown: dict[str, Any]) -> None:
    if parsed.result is not None:
        result = parsed.result
        shown["result"] = result.text
    else:
        result = flow.payload(parsed.flow, seen.given, seen.context, seen.entropy)
        shown["afterParameters"] = result.text
    del data
    shown["afterResultSelector"] = result.text
    shown["afterResultPath"] = flow.combined(parsed.flow.result_path, seen.given, result).text


def _inspect_result(parsed: Task | Parallel | Map, seen: Seen, shown: dict[str, Any]) -> None:
    if seen.result is None:
        return
    result = Datum(seen.result)
    if parsed.flow.result_selector is not None:
        result = Datum(value=parsed.flow.result_selector.evaluate(result.value, seen.context, seen.entropy))
    shown["afterResultSelector"] = result.text
    shown["afterResultPath"] = flow.combined(parsed.flow.result_path, seen.given, result).text


def _items_text(parsed: Map, data: Datum, seen: Seen) -> str | None:
    """The items with their very characters, where the path names one place."""
    path = parsed.items_path
    text = data.text
    if path is None or not path.is_reference:
        return None
    if path.in_context:
        if seen.context_text is None:
            return None
        text = seen.context_text
    return text_at(text, path.steps)


def _inspect_map(state: TestedState, parsed: Map, data: Datum, seen: Seen, shown: dict[str, Any]) -> None:
    items: JSON = data.value
    if parsed.items_path is not None:
        items = flow.select(parsed.items_path, data.value, seen.context)
    if not isinstance(items, list):
        return
    if "ItemsPath" in state.given:
        shown["afterItemsPath"] = _items_text(parsed, data, seen) or Datum(value=items).text
    shown |= map_numbers(state, data.value, seen.context, seen.entropy)
    _inspect_result(parsed, seen, shown)
