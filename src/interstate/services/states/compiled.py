"""What an execution runs: its revision's definition, compiled; and what stays the same while it runs."""

from functools import lru_cache

from interstate.base.arn import parse_arn
from interstate.core.asl.definition import Definition, Machine, Map, Parallel
from interstate.core.asl.parse import parse
from interstate.core.asl.vocabulary import Execution
from interstate.services.states.texts import input_datum
from interstate.store.ports import Work
from interstate.store.records import states as records
from interstate.store.records.map_runs import MAP_RUNS

DEFINITIONS_KEPT = 128


@lru_cache(maxsize=DEFINITIONS_KEPT)
def compiled(text: str, *, express: bool) -> Definition:
    """The definition with this text, which was accepted when its machine was created. Equal texts are compiled once."""
    return parse(text, express=express)


def definition_of(execution: records.Execution, work: Work) -> Definition:
    """The definition that the execution was started with."""
    revision = work.get(records.REVISIONS, execution.revision)
    assert revision is not None, execution
    if execution.machine_id >= 0:
        return compiled(revision.definition, express=execution.type == records.EXPRESS)
    run = work.get(MAP_RUNS, -execution.machine_id)
    assert run is not None, execution
    return _processor(revision.definition, run.state)


@lru_cache(maxsize=DEFINITIONS_KEPT)
def _processor(text: str, state: str) -> Definition:
    """What the children of a Map Run run: the processor of the distributed Map of this name."""
    found = _map_named(compiled(text, express=False).machine, state)
    assert found is not None, state
    return Definition(found.processor)


def map_state(revision: records.Revision, name: str) -> Map:
    """The distributed Map of this name, wherever in the definition it stands: names are unique."""
    found = _map_named(compiled(revision.definition, express=False).machine, name)
    assert found is not None, name
    return found


def _map_named(machine: Machine, name: str) -> Map | None:
    for state in machine.states.values():
        inner: tuple[Machine, ...] = ()
        if isinstance(state, Map):
            if state.name == name and state.distributed is not None:
                return state
            inner = (state.processor,)
        elif isinstance(state, Parallel):
            inner = state.branches
        for below in inner:
            found = _map_named(below, name)
            if found is not None:
                return found
    return None


def facts_of(execution: records.Execution, work: Work) -> Execution:
    """The execution as the interpreter knows it; a long input is read when it is first asked for."""
    arn = parse_arn(execution.arn)
    assert arn is not None, execution.arn
    return Execution(
        id=execution.id,
        arn=execution.arn,
        name=execution.name,
        role_arn=execution.role_arn,
        started=execution.started,
        input=input_datum(execution, work),
        machine_arn=execution.machine,
        machine_name=execution.machine.rpartition(":")[2],
        region=arn.region,
        express=execution.type == records.EXPRESS,
        redrive_count=execution.redrive_count,
        redriven=execution.redriven,
        version_arn=execution.version_arn,
        alias_arn=execution.alias_arn,
        trace_header=execution.trace_header,
    )
