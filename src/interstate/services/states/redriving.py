"""RedriveExecution: go on from where an execution failed, under the same ARN, definition and input.

Source: API Reference, RedriveExecution, DescribeExecution (redriveStatusReason);
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.time import from_micros, to_micros
from interstate.services.states.errors import ExecutionNotRedrivable
from interstate.services.states.find import execution_at
from interstate.services.states.open_counts import check_executions, scope_of
from interstate.services.states.redrivable import redrive_obstacle
from interstate.services.states.redriven import redrive
from interstate.store.ports import Work

TOKENS_MAX = 10
TOKENS_FOR = timedelta(minutes=15)


class RedriveExecution(msgspec.Struct, frozen=True, rename="camel"):
    execution_arn: str
    client_token: str | None = None


def redrive_execution(request: RedriveExecution, work: Work) -> dict[str, Any]:
    """Let an execution go on that failed, was aborted, or timed out. The same client token answers the same.

    Raises:
        ExecutionDoesNotExist: there is none.
        ExecutionNotRedrivable: it runs, it succeeded, or it is too old or too long.
        ExecutionLimitExceeded: as many executions are open as may be.
    """
    execution = execution_at(request.execution_arn, work)
    tokens = [entry for entry in execution.redrive_tokens if work.now - from_micros(entry[1]) <= TOKENS_FOR]
    known = next((entry for entry in tokens if entry[0] == request.client_token), None)
    if known is not None:
        return {"redriveDate": from_micros(known[1])}
    reason = redrive_obstacle(execution, work)
    if reason is not None:
        raise ExecutionNotRedrivable(reason)
    check_executions(scope_of(execution.machine), work)
    if request.client_token is not None:
        tokens = [*tokens, (request.client_token, to_micros(work.now))][-TOKENS_MAX:]
    redrive(msgspec.structs.replace(execution, redrive_tokens=tokens), work)
    return {"redriveDate": work.now}
