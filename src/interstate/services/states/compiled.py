"""What an execution runs: its revision's definition, compiled; and what stays the same while it runs."""

from functools import lru_cache

from interstate.base.arn import parse_arn
from interstate.core.asl.parse import parse
from interstate.core.asl.vocabulary import Datum, Definition, Execution
from interstate.store.ports import Work
from interstate.store.records import states as records

DEFINITIONS_KEPT = 128


@lru_cache(maxsize=DEFINITIONS_KEPT)
def compiled(text: str, *, express: bool) -> Definition:
    """The definition with this text, which was accepted when its machine was created. Equal texts are compiled once."""
    return parse(text, express=express)


def definition_of(execution: records.Execution, work: Work) -> Definition:
    """The definition that the execution was started with."""
    revision = work.get(records.REVISIONS, execution.revision)
    assert revision is not None, execution
    return compiled(revision.definition, express=execution.type == records.EXPRESS)


def facts_of(execution: records.Execution) -> Execution:
    """The execution as the interpreter knows it."""
    arn = parse_arn(execution.arn)
    assert arn is not None, execution.arn
    return Execution(
        id=execution.id,
        arn=execution.arn,
        name=execution.name,
        role_arn=execution.role_arn,
        started=execution.started,
        input=Datum(execution.input),
        machine_arn=execution.machine,
        machine_name=execution.machine.rpartition(":")[2],
        region=arn.region,
        express=execution.type == records.EXPRESS,
        redrive_count=execution.redrive_count,
        redriven=execution.redriven,
        version_arn=execution.version_arn,
        alias_arn=execution.alias_arn,
    )
