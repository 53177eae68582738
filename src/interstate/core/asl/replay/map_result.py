"""How a distributed Map left its state, where the result of which that came is in no history.

The state's own fields cannot be evaluated without the result: in place of its flow stands one that comes to what was recorded.
"""

import re
from collections.abc import Sequence
from typing import NoReturn

import msgspec

from interstate.base.ids import Entropy
from interstate.base.json import JSON
from interstate.core.asl.dataflow import DataFlow
from interstate.core.asl.definition import Definition, Machine, Map, Parallel
from interstate.core.asl.errors import StateFailed
from interstate.core.asl.query import EvaluationFailed
from interstate.core.asl.replay.values import parsed
from interstate.core.asl.template import Template
from interstate.core.asl.turn import WholeCause, machines_of
from interstate.core.asl.vocabulary import Frame, HistoryEvent
from interstate.core.jsonpath.path import ContextObject

_SUCCEEDED = ("MapRunSucceeded", "MapStateSucceeded")
_WHERE = re.compile(r"An error occurred while executing the state '.*' \(entered at the event id #\d+\)\. ")


def recorded_flow(state: Map, left: Sequence[HistoryEvent]) -> tuple[DataFlow, str] | None:
    """A flow that leaves the state as was recorded, and the result to give to it; ``left`` is what was recorded from MapRunSucceeded on.

    It assigns the variables that the state's own Assign names. None where the history does not tell what became of the result.
    """
    after = next((event for event in left if event.type not in _SUCCEEDED), None)
    if after is None:
        return DataFlow(), "[]"  # Nothing more was recorded here: whatever follows is compared with nothing.
    if after.type == "MapStateExited":
        return DataFlow(assign=_assign(state.flow.assign, after)), after.data or "[]"
    fault = _fault(left[left.index(after) :])
    return None if fault is None else (DataFlow(result_selector=_failing(fault)), "[]")


def with_flow(definition: Definition, chain: tuple[Frame, ...], flow: DataFlow) -> Definition:
    """The definition in which the state at which the last frame of the chain stands has this flow."""
    machines = machines_of(definition.machine, chain)
    state = msgspec.structs.replace(machines[-1].states[chain[-1].at], flow=flow)
    changed = _with_state(machines[-1], chain[-1].at, state)
    for depth in range(len(chain) - 2, -1, -1):
        at, inner = chain[depth].at, machines[depth].states[chain[depth].at]
        if isinstance(inner, Parallel):
            branch = chain[depth + 1].branch
            branches = (*inner.branches[:branch], changed, *inner.branches[branch + 1 :])
            changed = _with_state(machines[depth], at, msgspec.structs.replace(inner, branches=branches))
        else:
            assert isinstance(inner, Map), inner
            changed = _with_state(machines[depth], at, msgspec.structs.replace(inner, processor=changed))
    return msgspec.structs.replace(definition, machine=changed)


def _with_state(machine: Machine, name: str, state: object) -> Machine:
    return msgspec.structs.replace(machine, states={**machine.states, name: state})


def _assign(assign: Template | None, exited: HistoryEvent) -> Template | None:
    if assign is None:
        return None
    recorded = (exited.more or {}).get("assignedVariables")
    recorded = recorded if isinstance(recorded, dict) else {}
    named = [name.removesuffix(".$") for name in assign.given] if isinstance(assign.given, dict) else recorded
    values: JSON = {name: parsed(str(recorded[name])) if name in recorded else None for name in named}
    return Template(lambda _data, _context, _entropy: values)


def _fault(left: Sequence[HistoryEvent]) -> StateFailed | None:
    """With what the state failed that had a result of its run: the first error that its branch tells."""
    told = next((event for event in left[:2] if (event.more or {}).get("error") is not None), None)
    if told is None:
        return None
    more = told.more or {}
    error, cause = str(more["error"]), str(more.get("cause") or "")
    if told.type != "EvaluationFailed":
        return WholeCause(error, cause)
    location = more.get("location")
    return EvaluationFailed(_WHERE.sub("", cause, count=1), None if location is None else str(location))


def _failing(fault: StateFailed) -> Template:
    def fail(_data: JSON, _context: ContextObject, _entropy: Entropy) -> NoReturn:
        raise fault

    return Template(fail)
