"""Mocked integrations: Tasks whose answers stand in a file, per test case, as Step Functions Local had them.

``StartExecution`` of ``<machine ARN>#<test case>`` runs the machine with the mocks of that case; states that the case does not name
call what they call. The file is put into the store when a server starts, so that an execution under way keeps its mocks after a crash.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-mock-cfg-file.html
"""

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from interstate.base.json import JSON, BrokenJSON, dumps, loads
from interstate.core.asl.vocabulary import StartTask
from interstate.services.states.errors import InvalidArn, StateMachineDoesNotExist
from interstate.services.states.integrations.outcome import Answered, Failed, Submitted
from interstate.store.ports import Work
from interstate.store.records.map_runs import MAP_RUNS
from interstate.store.records.states import (
    EXECUTIONS,
    MOCK_CALLS,
    MOCK_CALLS_OF_EXECUTION,
    MOCK_CONFIGURATION,
    MockCalls,
    MockConfiguration,
)

_ATTEMPTS = re.compile(r"(\d+)(?:-(\d+))?")
_NAME = "file"
_STATES_MAX = 10_000  # A definition of 1 MiB has fewer states.


class InvalidMockConfiguration(ValueError):
    """The file is no mock configuration; the message says where."""


class Reply(msgspec.Struct, frozen=True):
    """What calls ``first`` to ``last`` of a state come to: a result, or an error and its cause.

    All calls of an execution count, in the order in which they begin: those of retries, loops and iterations.
    """

    first: int
    last: int
    result: JSON = None
    error: str | None = None
    cause: str | None = None


class Mocks(msgspec.Struct, frozen=True):
    """A mock configuration: (machine, test case) -> state -> replies."""

    cases: Mapping[tuple[str, str], Mapping[str, tuple[Reply, ...]]]


@lru_cache(maxsize=8)
def read_mocks(text: str) -> Mocks:
    """Read a MockConfigFile.json.

    Raises:
        InvalidMockConfiguration: it does not have that form, or names a response that it does not have.
    """
    try:
        value = loads(text)
    except BrokenJSON as error:
        raise InvalidMockConfiguration(f"not JSON: {error}") from error
    whole = _object(value, "")
    responses = {
        name: _replies(_object(given, f"MockedResponses/{name}"), f"MockedResponses/{name}")
        for name, given in _object(whole.get("MockedResponses", {}), "MockedResponses").items()
    }
    cases: dict[tuple[str, str], Mapping[str, tuple[Reply, ...]]] = {}
    for machine, about in _object(whole.get("StateMachines", {}), "StateMachines").items():
        place = f"StateMachines/{machine}/TestCases"
        tests = _object(_object(about, f"StateMachines/{machine}").get("TestCases", {}), place)
        for case, states in tests.items():
            cases[machine, case] = {
                state: _response(responses, name, f"{place}/{case}/{state}")
                for state, name in _object(states, f"{place}/{case}").items()
            }
    return Mocks(cases)


def _object(value: JSON, place: str) -> Mapping[str, JSON]:
    if not isinstance(value, dict):
        raise InvalidMockConfiguration(f"an object is expected at /{place}")
    return value


def _response(responses: Mapping[str, tuple[Reply, ...]], name: JSON, place: str) -> tuple[Reply, ...]:
    if not isinstance(name, str) or name not in responses:
        raise InvalidMockConfiguration(f"/{place} names {dumps(name)}, which MockedResponses does not have")
    return responses[name]


def _replies(given: Mapping[str, JSON], place: str) -> tuple[Reply, ...]:
    replies: list[Reply] = []
    for key, about in given.items():
        attempts = _ATTEMPTS.fullmatch(key)
        if attempts is None:
            raise InvalidMockConfiguration(f'"{key}" at /{place} is no attempt, like "0" or "1-2"')
        first, last = int(attempts[1]), int(attempts[2] or attempts[1])
        if last < first or any(first <= other.last and other.first <= last for other in replies):
            raise InvalidMockConfiguration(f'"{key}" at /{place} is empty, or overlaps another range of attempts')
        replies.append(_reply(first, last, _object(about, f"{place}/{key}"), f"{place}/{key}"))
    return tuple(replies)


def _reply(first: int, last: int, about: Mapping[str, JSON], place: str) -> Reply:
    if ("Return" in about) == ("Throw" in about):
        raise InvalidMockConfiguration(f"either Return or Throw is expected at /{place}")
    if "Return" in about:
        return Reply(first, last, about["Return"])
    thrown = _object(about["Throw"], f"{place}/Throw")
    error, cause = thrown.get("Error"), thrown.get("Cause")
    if not isinstance(error, str) or not isinstance(cause, str | None):
        raise InvalidMockConfiguration(f"Error and Cause are expected to be texts at /{place}/Throw")
    return Reply(first, last, None, error, cause)


# The store ----------------------------------------------------------------------------------------------------------


def install(text: str | None, work: Work) -> None:
    """Keep the configuration with which this server was started; none takes the earlier one away.

    Raises:
        InvalidMockConfiguration: as ``read_mocks``.
    """
    if text is None:
        work.delete(MOCK_CONFIGURATION, _NAME)
        return
    read_mocks(text)
    work.put(MOCK_CONFIGURATION, MockConfiguration(_NAME, text))


def split_case(arn: str) -> tuple[str, str]:
    """A state machine's ARN and the test case behind it, "" without one."""
    plain, _, case = arn.partition("#")
    return plain, case


def check_case(arn: str, machine: str, case: str, work: Work) -> None:
    """Look whether a machine has a test case.

    Raises:
        StateMachineDoesNotExist: nothing is mocked here.
        InvalidArn: the configuration does not have the case.
    """
    row = work.get(MOCK_CONFIGURATION, _NAME)
    if row is None:
        raise StateMachineDoesNotExist(arn)
    if (machine, case) not in read_mocks(row.text).cases:
        raise InvalidArn(f"The mock configuration has no test case '{case}' of the state machine '{machine}': {arn}")


def mocked(command: StartTask, execution: int, work: Work) -> Answered | Failed | Submitted | None:
    """What the mocks of an execution's test case say of a Task; None where they say nothing."""
    row = work.get(EXECUTIONS, execution)
    if row is None or not row.mock_case:
        return None
    configuration = work.get(MOCK_CONFIGURATION, _NAME)
    cases = {} if configuration is None else read_mocks(configuration.text).cases
    machine = row.machine.rpartition(":")[2].partition("/")[
        0
    ]  # A child of a Map Run has the mocks of its Map's machine.
    replies = cases.get((machine, row.mock_case), {}).get(command.state)
    if replies is None:
        return None
    run = work.get(MAP_RUNS, -row.machine_id) if row.machine_id < 0 else None
    counted = execution if run is None else run.execution  # Children count together.
    before = work.get(MOCK_CALLS, counted, command.state)
    call = 0 if before is None else before.calls
    work.put(MOCK_CALLS, MockCalls(counted, command.state, call + 1))
    outcome = _outcome(replies, call, command)
    if command.resource.pattern and isinstance(outcome, Answered):
        return Submitted(outcome.output, outcome)
    return outcome


def _outcome(replies: tuple[Reply, ...], call: int, command: StartTask) -> Answered | Failed:
    for reply in replies:
        if reply.first <= call <= reply.last:
            if reply.error is not None:
                return Failed(reply.error, reply.cause)
            return Answered(dumps(_result(reply.result, command)))
    told = f"The mocked response of the state '{command.state}' has nothing for attempt {call}."
    return Failed("States.Runtime", told, state_fault=True)


def _result(given: JSON, command: StartTask) -> JSON:
    """A response of Invoke; to a Task whose Resource is the function itself, its payload is the result."""
    if command.resource.kind == "lambda" and isinstance(given, dict) and {"StatusCode", "Payload"} <= given.keys():
        payload: JSON = given["Payload"]
        return payload
    return given


def forget(execution: int, work: Work) -> None:
    """Drop what is kept of an execution's mocks."""
    work.erase(MOCK_CALLS_OF_EXECUTION, limit=_STATES_MAX, execution=execution)
