"""Quotas of an account and region: how many machines and activities there may be, and how often the API may be called.

How many executions and Map Runs may be open is kept in ``open_counts``.

Numbers of resources always hold. Rates hold where somebody asked for them (``--enforce-capacity``): nothing is throttled otherwise.
Buckets are kept by ``services/rates.py``. A setting of the instance stands in for a
quota that was raised or lowered: ``quota.states.state-machines``, ``quota.states.activities``, ``quota.states.StartExecution``
(calls a second).

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from interstate.base.errors import ServiceError
from interstate.services.operation import Operation, Outcome, Service
from interstate.services.rates import ThrottlingException, spend, spent_with
from interstate.services.states.arns import machine_arn
from interstate.services.states.errors import ActivityLimitExceeded, StateMachineLimitExceeded
from interstate.services.states.mocking import split_case
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS
from interstate.store.records.states import ACTIVITIES_COUNT, EXPRESS, MACHINES, MACHINES_COUNT

STATE_MACHINES_MAX: Final = 100_000
ACTIVITIES_MAX: Final = 100_000
_LARGE = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
_SLOW, _TAGS = (100, 1), (200, 1)
RATES_OF: Mapping[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "CreateActivity": (_SLOW, _SLOW),
    "CreateStateMachine": (_SLOW, _SLOW),
    "CreateStateMachineAlias": (_SLOW, _SLOW),
    "DeleteActivity": (_SLOW, _SLOW),
    "DeleteStateMachine": (_SLOW, _SLOW),
    "DeleteStateMachineAlias": (_SLOW, _SLOW),
    "DeleteStateMachineVersion": (_SLOW, _SLOW),
    "DescribeActivity": (_TAGS, _TAGS),
    "DescribeExecution": ((300, 15), (250, 10)),
    "DescribeMapRun": (_TAGS, _TAGS),
    "DescribeStateMachine": ((200, 20), (200, 20)),
    "DescribeStateMachineAlias": (_TAGS, _TAGS),
    "DescribeStateMachineForExecution": (_TAGS, _TAGS),
    "GetActivityTask": ((3000, 500), (1500, 300)),
    "GetExecutionHistory": ((400, 20), (400, 20)),
    "ListActivities": ((100, 10), (100, 5)),
    "ListExecutions": ((200, 5), (100, 2)),
    "ListMapRuns": (_SLOW, _SLOW),
    "ListStateMachineAliases": (_SLOW, _SLOW),
    "ListStateMachineVersions": (_SLOW, _SLOW),
    "ListStateMachines": ((100, 5), (100, 5)),
    "ListTagsForResource": (_SLOW, _SLOW),
    "PublishStateMachineVersion": (_SLOW, _SLOW),
    "RedriveExecution": ((1300, 300), (800, 150)),
    "SendTaskFailure": ((3000, 500), (1500, 300)),
    "SendTaskHeartbeat": ((3000, 500), (1500, 300)),
    "SendTaskSuccess": ((3000, 500), (1500, 300)),
    "StartExecution": ((1300, 300), (800, 150)),
    "StopExecution": ((1000, 200), (500, 25)),
    "TagResource": (_TAGS, _TAGS),
    "TestState": ((50, 10), (50, 10)),
    "UntagResource": (_TAGS, _TAGS),
    "UpdateMapRun": (_SLOW, _SLOW),
    "UpdateStateMachine": (_SLOW, _SLOW),
    "UpdateStateMachineAlias": (_SLOW, _SLOW),
    "ValidateStateMachineDefinition": (_SLOW, _SLOW),
}
"""Operation -> (bucket, refill a second) in the large regions and elsewhere; what is not here is not throttled."""
EXPRESS_STARTS = (6000, 6000)


def check_machines(scope: str, work: Work) -> None:
    """Refuse one more machine than a region may have.

    Raises:
        StateMachineLimitExceeded: it has them.
    """
    if work.scalar(MACHINES_COUNT, scope=scope) >= _quota("state-machines", STATE_MACHINES_MAX, work):
        raise StateMachineLimitExceeded


def check_activities(scope: str, work: Work) -> None:
    """Refuse one more activity than a region may have.

    Raises:
        ActivityLimitExceeded: it has them.
    """
    if work.scalar(ACTIVITIES_COUNT, scope=scope) >= _quota("activities", ACTIVITIES_MAX, work):
        raise ActivityLimitExceeded


def _quota(name: str, default: int, work: Work) -> int:
    setting = work.get(SETTINGS, f"quota.states.{name}")
    return default if setting is None else int(setting.value)


# Rates --------------------------------------------------------------------------------------------------------------


def enforcing(services: Iterable[Service]) -> tuple[Service, ...]:
    """The services, of which Step Functions holds accounts to their rates."""
    return tuple(_enforcing(service) if service.name == "stepfunctions" else service for service in services)


def _enforcing(service: Service) -> Service:
    operations = tuple(
        Operation(row.name, row.request, _held(row.name, row.handle), keys=row.keys) if row.name in RATES_OF else row
        for row in service.operations
    )
    return Service(service.name, operations, service.steps, service.effects, service.notes)


def _held(name: str, handle: Callable[[Any, Work], Outcome]) -> Callable[[Any, Work], Outcome]:
    def held(request: Any, work: Work) -> Outcome:
        caller = work.caller
        if caller.service:  # A service that calls on behalf of a resource has its own bounds.
            return handle(request, work)
        bucket, refill = RATES_OF[name][caller.region not in _LARGE]
        which = name
        if name == "StartExecution" and _is_express(request.state_machine_arn, work):
            (bucket, refill), which = EXPRESS_STARTS, f"{name}.{EXPRESS}"
        per_s = _quota(which, refill, work)
        row = f"states.{which}"
        spent = spent_with(caller, row, 1, per_s, work)
        if spent - work.now > timedelta(seconds=bucket / refill):
            raise ThrottlingException
        spend(caller, row, spent, work)
        return handle(request, work)

    return held


def _is_express(arn: str, work: Work) -> bool:
    try:
        machine = work.get(MACHINES, machine_arn(split_case(arn)[0]).base)
    except ServiceError:
        return False
    return machine is not None and machine.type == EXPRESS
