"""Map: run one processor for each item, so many at a time, and gather the outputs.

Theory of operation
-------------------
The Map's frame keeps its input and three counts; items are read from the input when their iteration starts, so that a Map over
ten thousand items costs what moves, not what there is. An iteration that ends starts the next one.

Source: https://states-language.net/#map-state; the history as recorded from Step Functions.
"""

import re

from interstate.base.json import JSON
from interstate.core.asl import flow
from interstate.core.asl.context import MapItem
from interstate.core.asl.definition import Map
from interstate.core.asl.errors import RUNTIME, StateFailed
from interstate.core.asl.query import EvaluationFailed, check_type
from interstate.core.asl.states import map_run
from interstate.core.asl.template import Template
from interstate.core.asl.turn import Turn, branching_of, items_of, too_long
from interstate.core.asl.vocabulary import CONCURRENCY_MAX, DATA_SIZE_MAX, Branching, Datum, Gather

_DIGITS = re.compile(r"-?[0-9]{1,18}\Z")


def enter(state: Map, turn: Turn) -> None:
    """Enter and start."""
    turn.enter("MapStateEntered")
    start(state, turn)


def start(state: Map, turn: Turn) -> None:
    """Start as many iterations as may run at once, the first time or again.

    Raises:
        StateFailed: there are no items to be found.
    """
    if state.distributed is not None:
        map_run.start(state, turn)
        return
    items = items_of(state, turn.data, turn.context, turn.entropy)
    at_once = min(_concurrency(state, turn), len(items))
    started = turn.note("MapStateStarted", more={"length": len(items)})
    inputs = [_input(state, turn, index, items[index]) for index in range(at_once)]  # All, before one begins.
    turn.keep_items(None if state.items is None else items)
    turn.park(Branching(len(items), at_once))
    for index, data in enumerate(inputs):
        _iterate(state, turn, index, data, started)
    if not items:
        turn.commands.append(Gather(turn.frame))


def _input(state: Map, turn: Turn, index: int, item: JSON) -> Datum:
    """The input of an iteration.

    Raises:
        StateFailed: it cannot be made, or is too long.
    """
    if state.flow.parameters is None:
        data = Datum(value=item)
    else:
        given = flow.effective_input(state.flow, turn.data, turn.context)
        context = turn.context_with(MapItem(index, item))
        data = Datum(value=state.flow.parameters.evaluate(given.value, context, turn.entropy))
    if data.exceeds(DATA_SIZE_MAX):
        raise too_long(state.name)
    return data


def _iterate(state: Map, turn: Turn, index: int, data: Datum, after: int) -> None:
    started = turn.note_beside("MapIterationStarted", name=state.name, more={"index": index}, after=after)
    turn.bear(index, state.processor, data, started)


def _concurrency(state: Map, turn: Turn) -> int:
    wanted = state.concurrency
    if isinstance(wanted, Template):
        number = wanted.evaluate(turn.data.value, turn.context, turn.entropy)
        check_type(number, "integer", wanted.given, "MaxConcurrency")
        if number < 0:
            raise EvaluationFailed(f"The MaxConcurrency field cannot be negative: {number}", "MaxConcurrency")
        wanted = int(number)
    if not isinstance(wanted, int):
        given = flow.effective_input(state.flow, turn.data, turn.context)
        value = flow.select(wanted, given.value, turn.context)
        if isinstance(value, str) and _DIGITS.match(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            shown = value if isinstance(value, str) else Datum(value=value).text
            raise StateFailed(
                RUNTIME,
                f'The MaxConcurrencyPath field refers to value "{shown}" which is not a valid integer: {wanted.text}',
            )
        if value < 0:  # Step Functions stalls here; a wait that nothing ends is no answer.
            raise StateFailed(RUNTIME, "MaxConcurrency cannot be negative.")
        wanted = value
    return min(wanted or CONCURRENCY_MAX, CONCURRENCY_MAX)


def branch_ended(state: Map, turn: Turn, index: int, last: int) -> None:
    """Count the iteration ``index``, which ended with success after history event ``last``, and start the next one.

    Raises:
        StateFailed: the next item's input cannot be made.
    """
    counts = branching_of(turn)
    succeeded = turn.note_beside("MapIterationSucceeded", name=state.name, more={"index": index}, after=last)
    ended = counts.ended + 1
    started = counts.started
    turn.awaiting = Branching(counts.total, min(started + 1, counts.total), ended)
    if started < counts.total:
        item = turn.item(state, started)
        _iterate(state, turn, started, _input(state, turn, started, item), last)
    elif ended == counts.total:
        turn.previous = succeeded
        turn.commands.append(Gather(turn.frame))
