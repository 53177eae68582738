"""Parallel: run branches side by side on one input, and gather their outputs.

Source: https://states-language.net/#parallel-state
"""

from interstate.core.asl import flow
from interstate.core.asl.definition import Map, Parallel
from interstate.core.asl.turn import Turn, branching_of, too_long
from interstate.core.asl.vocabulary import DATA_SIZE_MAX, Branching, Datum, Gather


def enter(state: Parallel, turn: Turn) -> None:
    """Enter and start."""
    turn.enter("ParallelStateEntered")
    start(state, turn)


def start(state: Parallel, turn: Turn) -> None:
    """Start every branch, the first time or again."""
    data = flow.payload(state.flow, turn.data, turn.context, turn.entropy)
    if data.exceeds(DATA_SIZE_MAX):
        raise too_long(state.name)
    started = turn.note("ParallelStateStarted")
    total = len(state.branches)
    turn.park(Branching(total, total))
    for branch, machine in enumerate(state.branches):
        turn.bear(branch, machine, data, started)


def branch_ended(turn: Turn, last: int) -> None:
    """Count a branch that ended with success after history event ``last``."""
    counts = branching_of(turn)
    turn.previous = last
    turn.awaiting = Branching(counts.total, counts.started, counts.ended + 1)
    if counts.ended + 1 == counts.total:
        turn.commands.append(Gather(turn.frame))


def gathered(state: Parallel | Map, turn: Turn, outputs: tuple[str, ...]) -> None:
    """Leave with the outputs of all branches, or of all iterations of a Map.

    Raises:
        StateFailed: they are too long, or have no place in the data.
    """
    kind = type(state).__name__
    turn.awaiting = None
    turn.note_beside(f"{kind}StateSucceeded")
    result = Datum(f"[{','.join(outputs)}]")
    if result.exceeds(DATA_SIZE_MAX):
        raise too_long(state.name)
    output, assigned = flow.leaving(state.flow, turn.data, result, turn.context, turn.entropy)
    turn.leave(f"{kind}StateExited", state.next, output, assigned)
