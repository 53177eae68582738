"""A world with state machines whose executions are started without the API."""

from typing import Any

from interstate.base.json import dumps, loads
from interstate.core.asl.history import decode
from interstate.core.asl.vocabulary import HistoryEvent
from interstate.runtime.testing import World
from interstate.services import sqs
from interstate.services.operation import Effect, Service
from interstate.services.states import executor
from interstate.store.records.due import DUE, Due
from interstate.store.records.lambda_ import FUNCTIONS, Function, Invocation, InvocationResult, TaskAnswer
from interstate.store.records.states import (
    EXECUTIONS,
    FRAMES_OF_EXECUTION,
    HISTORY_FROM,
    REVISIONS,
    Execution,
    FrameRow,
    Revision,
)
from interstate.store.tables import Select

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
ROLE = "arn:aws:iam::000000000000:role/r"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
ALL_DUE = Select(DUE, "lane >= 0", "lane, due_at, id")


def _finish(body: Invocation, result: InvocationResult, work: Any) -> None:
    ok = result.ok
    document = loads(result.payload)
    name = document["errorType"] if isinstance(document, dict) and not ok else ""
    error = {} if ok else {"error": name, "cause": result.payload}
    work.later("states.task_answer", TaskAnswer(body.origin_data, body.request_id, ok, result.payload, **error))


SERVICES = (
    Service("stepfunctions", (), executor.STEPS),
    sqs.SERVICE,
    Service("lambda", (), (), (Effect("lambda.invoke", Invocation, _finish),)),
)


def world(**options: Any) -> World:
    made = World(SERVICES, **options)
    made.run(lambda work: work.put(FUNCTIONS, Function(FUNCTION, "000000000000/us-east-1", "f")))
    return made


def start(
    world: World, states: dict[str, Any], given: Any = None, *, kind: str = "STANDARD", run: bool = True, **top: Any
) -> int:
    """Start an execution; tells its number."""
    definition = dumps({"StartAt": next(iter(states)), "States": states, **top})

    def begin(work: Any) -> int:
        revision = work.next_id(REVISIONS)
        work.put(REVISIONS, Revision(revision, MACHINE, "", definition, ROLE, work.now))
        number: int = work.next_id(EXECUTIONS)
        arn = f"arn:aws:states:us-east-1:000000000000:execution:m:e{number}"
        execution = Execution(
            number, arn, MACHINE, 1, f"e{number}", kind, revision, ROLE, "RUNNING", work.now, dumps(given or {})
        )
        executor.start(execution, work)
        return number

    number: int = world.run(begin)
    if run:
        world.run_due()
    return number


def execution(world: World, number: int) -> Execution:
    found: Execution = world.run(lambda work: work.get(EXECUTIONS, number))
    return found


def history(world: World, number: int) -> list[HistoryEvent]:
    chunks = world.run(lambda work: work.select(HISTORY_FROM, limit=100_000, execution=number, first=0))
    return [event for chunk in chunks for event in decode(chunk.body)]


def frames(world: World, number: int) -> list[FrameRow]:
    found: list[FrameRow] = world.run(
        lambda work: work.select(FRAMES_OF_EXECUTION, limit=100_000, execution=number, after=-1)
    )
    return found


def due(world: World) -> list[Due]:
    """The due rows of executions."""
    found: list[Due] = world.run(lambda work: work.select(ALL_DUE, limit=100_000))
    return [row for row in found if row.kind in {"states.event", "states.task_answer", "lambda.invoke"}]
