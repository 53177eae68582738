"""The words of a definition: its states, what they call, and where they go on.

Nothing here decides anything: ``parse`` makes these from a state machine's text, one module a state type in ``states`` reads them.

Source: https://states-language.net/
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from interstate.core.asl.choice import Rule
from interstate.core.asl.dataflow import DataFlow, Put
from interstate.core.asl.datum import Datum
from interstate.core.asl.template import Template
from interstate.core.jsonpath.path import Path


class Retrier(msgspec.Struct, frozen=True):
    """One element of ``Retry``."""

    error_equals: tuple[str, ...]
    interval_s: int = 1
    attempts_max: int = 3
    backoff_rate: float = 2.0
    delay_s_max: int | None = None
    jitter: Literal["NONE", "FULL"] = "NONE"


class Catcher(msgspec.Struct, frozen=True):
    """One element of ``Catch``. ``output`` is JSONata's, ``result_path`` JSONPath's; ``assign`` is of the state's language."""

    error_equals: tuple[str, ...]
    next: str
    result_path: Put | None = None
    output: Template | None = None
    assign: Template | None = None
    jsonata: bool = False


class Resource(msgspec.Struct, frozen=True):
    """What a Task calls.

    ``kind`` is "lambda" for a function's ARN, "activity", or "service" for ``arn:aws:states:::TYPE:ACTION[.PATTERN]``; a
    service's ``type`` and ``action`` are the history's resourceType and resource without the pattern.
    """

    arn: str
    kind: Literal["lambda", "activity", "service"]
    type: str = ""
    action: str = ""
    pattern: Literal["", ".sync", ".sync:2", ".waitForTaskToken"] = ""

    @property
    def name(self) -> str:
        """The action with its pattern, as the history shows it."""
        return self.action + self.pattern


class Pass(msgspec.Struct, frozen=True):
    name: str
    next: str | None
    flow: DataFlow
    result: Datum | None = None


class Task(msgspec.Struct, frozen=True):
    name: str
    next: str | None
    flow: DataFlow
    resource: Resource
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    timeout: int | Path | Template | None = None
    heartbeat: int | Path | Template | None = None
    credentials: Template | None = None


class ChoiceRule(msgspec.Struct, frozen=True):
    """One element of ``Choices``: a JSONPath ``rule``, or a JSONata ``condition`` with its place in the state's fields."""

    next: str
    rule: Rule | None = None
    condition: Template | None = None
    field: str = ""
    output: Template | None = None
    assign: Template | None = None


class Choice(msgspec.Struct, frozen=True):
    name: str
    flow: DataFlow
    choices: tuple[ChoiceRule, ...]
    default: str | None


class Seconds(msgspec.Struct, frozen=True):
    """A Wait's ``Seconds``."""

    seconds: int


class Timestamp(msgspec.Struct, frozen=True):
    """A Wait's ``Timestamp``."""

    at: datetime


class SecondsPath(msgspec.Struct, frozen=True):
    """A Wait's ``SecondsPath``."""

    path: Path


class TimestampPath(msgspec.Struct, frozen=True):
    """A Wait's ``TimestampPath``."""

    path: Path


class SecondsQuery(msgspec.Struct, frozen=True):
    """A JSONata Wait's ``Seconds``."""

    query: Template


class TimestampQuery(msgspec.Struct, frozen=True):
    """A JSONata Wait's ``Timestamp``."""

    query: Template


class Wait(msgspec.Struct, frozen=True):
    name: str
    next: str | None
    flow: DataFlow
    until: Seconds | Timestamp | SecondsPath | TimestampPath | SecondsQuery | TimestampQuery


class Succeed(msgspec.Struct, frozen=True):
    name: str
    flow: DataFlow


class Fail(msgspec.Struct, frozen=True):
    name: str
    error: str | Template | None = None  # A template comes from ErrorPath, or from a JSONata state.
    cause: str | Template | None = None
    jsonata: bool = False


class Parallel(msgspec.Struct, frozen=True):
    name: str
    next: str | None
    flow: DataFlow
    branches: tuple["Machine", ...]
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


class ItemReader(msgspec.Struct, frozen=True):
    """Where a distributed Map's items come from. ``action`` is "getObject" or "listObjectsV2"."""

    action: str
    arguments: Template | None = None
    input_type: str | None = None
    header_location: str | None = None
    headers: tuple[str, ...] = ()
    delimiter: str = "COMMA"
    max_items: int | Path | Template | None = None
    items_pointer: str | None = None
    transformation: str = "NONE"
    manifest_type: str | None = None


class ItemBatcher(msgspec.Struct, frozen=True):
    """How a distributed Map's items are put together."""

    max_items: int | Path | Template | None = None
    max_bytes: int | Path | Template | None = None
    batch_input: Template | None = None


class ResultWriter(msgspec.Struct, frozen=True):
    """Where a distributed Map's results go; without ``arguments`` only their form is told."""

    arguments: Template | None = None
    transformation: str | None = None
    output_type: str | None = None


class Distributed(msgspec.Struct, frozen=True):
    """What a Map in distributed mode has beside."""

    express: bool = False
    label: str | None = None
    reader: ItemReader | None = None
    batcher: ItemBatcher | None = None
    writer: ResultWriter | None = None
    tolerated_count: int | Path | Template | None = None
    tolerated_percentage: float | Path | Template | None = None


class Map(msgspec.Struct, frozen=True):
    """``items`` is JSONata's Items, ``items_path`` JSONPath's; without both the input."""

    name: str
    next: str | None
    flow: DataFlow  # Its ``parameters`` are the item selector, which sees one item at a time.
    processor: "Machine"
    items_path: Path | None = None
    concurrency: int | Path | Template = 0
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    items: Template | None = None
    distributed: Distributed | None = None


State = Pass | Task | Choice | Wait | Succeed | Fail | Parallel | Map


class Machine(msgspec.Struct, frozen=True):
    """States and where to start: a whole definition, a branch of a Parallel, the processor of a Map."""

    start_at: str
    states: Mapping[str, State]


class Definition(msgspec.Struct, frozen=True):
    """A state machine, read and compiled."""

    machine: Machine
    timeout_s: int | None = None
    comment: str = ""
