"""How an execution begins: its row, its name, and its first event."""

from interstate.core.asl.vocabulary import Started
from interstate.services.states.announcing import announce
from interstate.services.states.open_counts import count_execution
from interstate.services.states.texts import with_input_apart
from interstate.store.ports import Work
from interstate.store.records.states import (
    EXECUTION_ARNS,
    EXECUTIONS,
    EXPRESS,
    Deliveries,
    Delivery,
    Execution,
    ExecutionArn,
)


def begin(execution: Execution, work: Work, *, counted: bool = False) -> Deliveries:
    """Take a new execution, which nobody has put yet; gives its first event, which is due at once.

    ``counted``: it has its place among those that are open already.
    """
    execution = with_input_apart(execution, work)
    work.put(EXECUTIONS, execution)
    work.put(EXECUTION_ARNS, ExecutionArn(execution.arn, execution.id))
    if not counted and execution.type != EXPRESS:
        count_execution(execution.machine, 1, work)
    announce(execution, work)
    return Deliveries(execution.id, [Delivery(0, Started())])
