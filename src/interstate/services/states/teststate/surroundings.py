"""The context object and variables of a state that is tested by itself."""

from collections.abc import Mapping
from datetime import datetime

from interstate.base.json import JSON
from interstate.core.asl.context import Context, ExecutionFacts, Surroundings
from interstate.core.asl.definition import Map, Parallel, State, Task
from interstate.core.asl.vocabulary import Execution, Frame


def surroundings(
    facts: Execution, frame: Frame, state: State, variables: Mapping[str, JSON], now: datetime
) -> Surroundings:
    """What expressions of the state see beside its input: the caller's context object where one was given."""
    context = facts.context
    if context is None:
        context = Context(
            execution=ExecutionFacts(
                id=facts.arn,
                name=facts.name,
                input=facts.input.value,
                role_arn=facts.role_arn,
                start_time=facts.started,
                state_machine_id=facts.machine_arn,
                state_machine_name=facts.machine_name,
                redrive_count=None,
            ),
            state_name=frame.at,
            entered_time=now,
            retry_count=0 if isinstance(state, Task | Map | Parallel) else None,
        ).value()
    return Surroundings(context=context, variables=variables, now=now)
