"""What Lambda counts in CloudWatch, in the commit of what is counted.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from interstate.base.arn import caller_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import Invocation, InvocationResult

NAMESPACE = "AWS/Lambda"
_THROTTLED = "TooManyRequestsException"


def measure(work: Work, function: str, name: str, value: float = 1.0, unit: str = "Count") -> None:
    """Count something of a function (its ARN), under its name and for all functions together."""
    dimensions = (("FunctionName", function.rsplit(":", 1)[1]),)
    caller = caller_of(function)
    for series in (dimensions, ()):
        work.measure(NAMESPACE, name, series, value, unit, caller=caller)


def called(body: Invocation, result: InvocationResult, work: Work) -> None:
    """A call has ended, or was refused."""
    if result.refused == _THROTTLED:
        measure(work, body.function, "Throttles")
        return
    if result.refused is not None:
        return
    measure(work, body.function, "Invocations")
    measure(work, body.function, "Errors", 0.0 if result.ok else 1.0)
    measure(work, body.function, "Duration", result.duration_ms, "Milliseconds")
    if result.concurrent:
        measure(work, body.function, "ConcurrentExecutions", float(result.concurrent))
