"""Tasks that start executions: ``states:startExecution``, with or without waiting for the end.

A child knows the Task that waits for it (``parent``); when it ends, the executor folds ``answer_to_parent`` into that Task.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html; answers recorded from Step Functions.
"""

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.json import JSON, JSONObject, dumps, loads
from interstate.base.time import to_millis
from interstate.core.asl.errors import TASK_FAILED
from interstate.core.asl.vocabulary import Execution, StartTask
from interstate.services.states.integrations.credentials import caller_for
from interstate.services.states.integrations.failures import told
from interstate.services.states.integrations.metadata import sdk_metadata
from interstate.services.states.integrations.outcome import Answered, Failed, Outcome, Submitted, Waiting
from interstate.services.states.integrations.resources import REQUEST, SYNC_2, TOKEN
from interstate.services.states.integrations.shapes import to_request, to_result
from interstate.services.states.starting import StartSyncExecution, start_express
from interstate.services.states.sync_answers import ended
from interstate.services.states.texts import input_of
from interstate.store.ports import Work
from interstate.store.records import states as records

SDK_STYLE = "sdk"
"""How a Task waits that called StartSyncExecution."""


def start_execution(command: StartTask, execution: Execution, work: Work) -> Outcome:
    """Start a child; for ``.sync`` and ``.sync:2`` its end answers the Task."""
    given = command.input.value
    request = to_request("stepfunctions", "StartExecution", given if isinstance(given, dict) else {})
    try:
        answer = work.call("stepfunctions", "StartExecution", request, caller=caller_for(command, execution))
    except ServiceError as error:
        return told(error, command.resource, command.request_id)
    result: JSONObject = {
        "ExecutionArn": answer["executionArn"],
        **sdk_metadata("states", command.request_id, 0, work.now),
        "StartDate": to_millis(answer["startDate"]),
    }
    pattern = command.resource.pattern
    if pattern == REQUEST:
        return Answered(dumps(result))
    if pattern == TOKEN:
        return Submitted(dumps(result))
    return Submitted(dumps(result), _adopted(answer["executionArn"], command, execution, work))


def start_sync_execution(command: StartTask, execution: Execution, work: Work) -> Outcome:
    """``aws-sdk:sfn:startSyncExecution``: the Task waits for an Express child and is answered as the API answers."""
    given = command.input.value
    parameters = to_request("stepfunctions", "StartSyncExecution", given if isinstance(given, dict) else {})
    try:
        request = msgspec.convert(parameters, StartSyncExecution)
        with work.overlay():
            parent = records.Parent(execution.id, command.frame, command.visit, SDK_STYLE)
            start_express(request, work, parent=parent)
    except msgspec.ValidationError as error:
        return told(ServiceError(str(error), code="ValidationException"), command.resource, command.request_id)
    except ServiceError as error:
        return told(error, command.resource, command.request_id)
    return Waiting()


def _adopted(child_arn: str, command: StartTask, execution: Execution, work: Work) -> Answered | Failed | None:
    """Tell the child who waits for it; when it has ended already, this is its answer."""
    row = work.get(records.EXECUTION_ARNS, child_arn)
    child = None if row is None else work.get(records.EXECUTIONS, row.execution)
    assert child is not None, child_arn
    style = command.resource.pattern
    if child.status != records.RUNNING:
        return answer_to_parent(child, style, work)
    parent = records.Parent(execution.id, command.frame, command.visit, style)
    work.put(records.EXECUTIONS, msgspec.structs.replace(child, parent=parent))
    return None


def answer_to_parent(child: records.Execution, style: str, work: Work) -> Answered | Failed:
    """The end of a child as its parent's Task sees it; with ``.sync:2`` input and output are JSON, with ``.sync`` text.

    With ``SDK_STYLE`` it is the answer of StartSyncExecution, which tells a failure without being one.
    """
    if style == SDK_STYLE:
        return Answered(dumps(to_result("stepfunctions", "StartSyncExecution", ended(child, work))))

    def shown(text: str) -> JSON:
        return loads(text) if style == SYNC_2 else text

    described: JSONObject = {
        "ExecutionArn": child.arn,
        "Input": shown(input_of(child, work)),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "StartDate": to_millis(child.started),
        "StateMachineArn": child.machine,
        "Status": child.status,
    }
    if child.stopped is not None:
        described["StopDate"] = to_millis(child.stopped)
    if child.status == "SUCCEEDED":
        assert child.output is not None
        described |= {"Output": shown(child.output), "OutputDetails": {"Included": True}}
        return Answered(dumps(dict(sorted(described.items()))))
    if child.error is not None:
        described["Error"] = child.error
    if child.cause is not None:
        described["Cause"] = child.cause
    return Failed(TASK_FAILED, dumps(dict(sorted(described.items()))))
