"""The context object: what ``$$`` shows of the execution, its state and its task.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from interstate.base.json import JSON, JSONObject
from interstate.base.time import to_iso


class ExecutionFacts(msgspec.Struct, frozen=True):
    """What stays the same during one execution. ``input`` is shared, never copied."""

    id: str
    name: str
    input: JSON
    role_arn: str | None
    start_time: datetime
    state_machine_id: str
    state_machine_name: str
    redrive_count: int | None = 0  # None: Express executions show none.
    redrive_time: datetime | None = None


class MapItem(msgspec.Struct, frozen=True):
    """The item of a Map that an iteration works on."""

    index: int
    value: JSON


class Context(msgspec.Struct, frozen=True):
    """The context object of one state; JSON is made of it only when a path looks into it.

    ``retry_count`` is None before a Task, Parallel or Map state was tried; ``task_token`` only where a Task waits for one.
    """

    execution: ExecutionFacts
    state_name: str
    entered_time: datetime
    retry_count: int | None = None
    task_token: str | None = None
    item: MapItem | None = None

    def value(self) -> JSON:
        """The context object as JSON, members in the order in which Step Functions writes them."""
        facts = self.execution
        state: JSONObject = {"Name": self.state_name, "EnteredTime": to_iso(self.entered_time)}
        if self.retry_count is not None:
            state["RetryCount"] = self.retry_count
        execution: JSONObject = {
            "Id": facts.id,
            "Input": facts.input,
            "StartTime": to_iso(facts.start_time),
            "Name": facts.name,
            "RoleArn": facts.role_arn,
        }
        if facts.redrive_count is not None:
            execution["RedriveCount"] = facts.redrive_count
        if facts.redrive_time is not None:
            execution["RedriveTime"] = to_iso(facts.redrive_time)
        value: JSONObject = {
            "Execution": execution,
            "StateMachine": {"Id": facts.state_machine_id, "Name": facts.state_machine_name},
            "State": state,
        }
        if self.task_token is not None:
            value["Task"] = {"Token": self.task_token}
        if self.item is not None:
            value["Map"] = {"Item": {"Index": self.item.index, "Value": self.item.value}}
        return value


class Surroundings(msgspec.Struct, frozen=True):
    """A context object with all that expressions see beside their data, as plain values.

    For whoever evaluates outside of an execution: the test of one state, the readers of a Map's items.
    """

    context: JSON = None
    variables: Mapping[str, JSON] = {}  # Never changed.
    members: Mapping[str, JSON] = {}  # Of ``$states``: result, errorOutput.
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def value(self) -> JSON:
        """The context object."""
        return self.context

    def variable(self, name: str) -> JSON:
        """The variable's value."""
        return self.variables[name]

    def states(self, name: str) -> JSON:
        """The member of ``$states``."""
        return self.members[name]
