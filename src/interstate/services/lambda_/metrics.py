"""What Lambda counts in CloudWatch, in the commit of what is counted.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from interstate.base.arn import caller_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import Invocation, InvocationResult

NAMESPACE = "AWS/Lambda"
_THROTTLED = "TooManyRequestsException"


def measure(
    work: Work, function: str, name: str, value: float = 1.0, unit: str = "Count", *, overall: bool = True
) -> None:
    """Count something of a function (its ARN), under its name and, unless told otherwise, for all functions together."""
    caller = caller_of(function)
    work.measure(NAMESPACE, name, (("FunctionName", function.rsplit(":", 1)[1]),), value, unit, caller=caller)
    if overall:
        work.measure(NAMESPACE, name, (), value, unit, caller=caller)


def called(body: Invocation, result: InvocationResult, work: Work) -> None:
    """A call has ended, or was refused."""
    if result.refused == _THROTTLED:
        measure(work, body.function, "Throttles")
        return
    if result.refused is not None:
        return
    measure(work, body.function, "Invocations")
    # Each series costs the call some 20 microseconds: what goes well is summed up per function only.
    measure(work, body.function, "Errors", 0.0 if result.ok else 1.0, overall=not result.ok)
    measure(work, body.function, "Duration", result.duration_ms, "Milliseconds", overall=False)
    if result.concurrent:
        measure(work, body.function, "ConcurrentExecutions", float(result.concurrent), overall=False)
