"""A turn: one event folded into one frame, and into its ancestors where the frame's end concerns them.

Theory of operation
-------------------
A turn unpacks a frame into plain attributes, lets the state at which it stands act on them, and packs the next frame: a
chain of a hundred states makes one new frame, not a hundred. The attributes belong to the turn alone; frames, data and
definitions are never changed. When a branch ends, the turn goes up to the parent (``ascend``), which counts it.

The order of a frame's history is a chain of its own: ``previous`` is the event that the next one follows. Events that only
note a fact beside the chain (an iteration's end, an abort) do not become anybody's ``previous``; this is how Step
Functions numbers them.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

from interstate.base.ids import Entropy
from interstate.base.json import JSON, JSONObject
from interstate.core.asl.context import Context, ExecutionFacts, MapItem
from interstate.core.asl.definition import Machine, Map, Parallel, State, Task
from interstate.core.asl.errors import DATA_LIMIT_EXCEEDED, RUNTIME, StateFailed
from interstate.core.asl.flow import effective_input, select
from interstate.core.asl.query import EvaluationFailed, check_type
from interstate.core.asl.vocabulary import (
    DATA_SIZE_MAX,
    HISTORY_EVENTS_MAX,
    Awaiting,
    Branching,
    Command,
    Datum,
    Execution,
    Frame,
    HistoryEvent,
    Step,
)
from interstate.core.jsonpath.path import ContextObject

VARIABLES_SIZE_MAX = 10 << 20
"""All variables of an execution. Source: Step Functions Developer Guide, "Variable limits"."""
NO_VARIABLES: Mapping[str, Datum] = {}
ITEMS = "$items"
"""Beside a frame's variables, under a name that no variable can have: the items of the Map at which it stands."""
AHEAD = "$ahead"
"""Likewise: the number of an item, and some items from there on, so that not every iteration that begins reads all items."""
AHEAD_LENGTH_MAX = 3_500
"""Characters of the items that are kept ahead."""


class HistoryFull(Exception):
    """The next event would be the last that an execution may have."""


class Turn:
    """The frame in hand, and what came of the event so far."""

    __slots__ = (
        "_ancestors",
        "_changed",
        "_entropy",
        "_events_max",
        "_seed",
        "at",
        "awaiting",
        "branch",
        "commands",
        "context",
        "data",
        "ended",
        "entered",
        "entered_after",
        "entered_at",
        "events",
        "execution",
        "frame",
        "frames",
        "history",
        "machine",
        "machines",
        "now",
        "parent",
        "previous",
        "retries",
        "token",
        "transitions",
        "variables",
        "visit",
    )

    def __init__(
        self, machine: Machine, execution: Execution, chain: tuple[Frame, ...], *, now: datetime, seed: bytes
    ) -> None:
        self.execution = execution
        self.now = now
        self._seed = seed
        self._entropy: Entropy | None = None
        self.history: list[HistoryEvent] = []
        self.commands: list[Command] = []
        self.transitions = 0
        self.entered_after = 0
        self.token: str | None = None
        self.ended = False
        self._ancestors = list(chain[:-1])
        self._changed: dict[int, Frame] = {}
        self.machines = machines_of(machine, chain)
        root = chain[0]
        self.events = root.events
        self.frames = root.frames
        self._events_max = 1 << 60 if execution.express else HISTORY_EVENTS_MAX
        self.context = ContextOf(self, len(chain) - 1)
        self._unpack(chain[-1])

    # The frame in hand -------------------------------------------------------------------------------------------

    def _unpack(self, frame: Frame) -> None:
        self.frame = frame.frame
        self.parent = frame.parent
        self.branch = frame.branch
        self.at = frame.at
        self.data = frame.data
        self.previous = frame.previous
        self.entered = frame.entered
        self.entered_at = frame.entered_at
        self.visit = frame.visit
        self.awaiting: Awaiting | None = frame.awaiting
        self.retries = frame.retries
        self.variables = frame.variables
        self.machine = self.machines[-1]

    def _pack(self) -> Frame:
        counts = (self.events, self.frames) if self.frame == 0 else (0, 1)
        return Frame(
            self.frame,
            self.parent,
            self.branch,
            self.at,
            self.data,
            self.previous,
            self.entered,
            self.entered_at,
            self.visit,
            self.awaiting,
            self.retries,
            *counts,
            self.variables,
        )

    @property
    def state(self) -> State:
        """The state at which the frame stands."""
        return self.machine.states[self.at]

    @property
    def is_ready(self) -> bool:
        """The frame can go on by itself."""
        return self.awaiting is None and self.at != "" and not self.ended

    def chain_at(self, depth: int) -> Frame:
        """The frame of the chain at ``depth``; the one in hand as it is now."""
        return self._ancestors[depth] if depth < len(self._ancestors) else self._pack()

    def context_with(self, item: MapItem) -> "ContextOf":
        """The context object for an item selector of the state in hand."""
        return ContextOf(self, len(self._ancestors), item)

    def ascend(self, *, keep: bool) -> None:
        """Take the parent into hand; the frame that was is kept for its output, or forgotten."""
        if keep:
            self._changed[self.frame] = self._pack()
        else:
            self._changed.pop(self.frame, None)
        self.machines.pop()
        self._unpack(self._ancestors.pop())
        self.context = ContextOf(self, len(self._ancestors))

    def bear(self, branch: int, machine: Machine, data: Datum, previous: int) -> None:
        """A new frame below the one in hand, ready to go."""
        number = self.frames
        self.frames += 1
        self._changed[number] = Frame(number, self.frame, branch, machine.start_at, data, previous, 0, self.now)

    def step(self) -> Step:
        """What the event did; the turn is over then."""
        del self.context  # It knows the turn: a circle would leave all that a step has made to the search for garbage.
        changed = self._changed
        changed[self.frame] = self._pack()
        if self._ancestors:
            root = self._ancestors[0]
            if root.events != self.events or root.frames != self.frames:
                self._ancestors[0] = Frame(
                    root.frame,
                    root.parent,
                    root.branch,
                    root.at,
                    root.data,
                    root.previous,
                    root.entered,
                    root.entered_at,
                    root.visit,
                    root.awaiting,
                    root.retries,
                    self.events,
                    self.frames,
                    root.variables,
                )
                changed[0] = self._ancestors[0]
        return Step(tuple(changed.values()), tuple(self.commands), tuple(self.history), self.transitions)

    # Words for states ---------------------------------------------------------------------------------------------

    @property
    def entropy(self) -> Entropy:
        """The event's entropy: the same event brings the same ids."""
        if self._entropy is None:
            self._entropy = Entropy(self._seed)
        return self._entropy

    def note(
        self,
        kind: str,
        *,
        name: str | None = None,
        data: str | None = None,
        more: Mapping[str, JSON] | None = None,
        after: int | None = None,
    ) -> int:
        """Write a history event that follows the frame's last one (or ``after``), and follow it next.

        Raises:
            HistoryFull: only the execution's end has room.
        """
        number = self.note_beside(kind, name=name, data=data, more=more, after=after)
        self.previous = number
        return number

    def note_beside(
        self,
        kind: str,
        *,
        name: str | None = None,
        data: str | None = None,
        more: Mapping[str, JSON] | None = None,
        after: int | None = None,
    ) -> int:
        """Write a history event that nothing follows."""
        number = self.events + 1
        if number >= self._events_max:
            raise HistoryFull
        self.events = number
        follows = self.previous if after is None else after
        self.history.append(HistoryEvent(number, follows, kind, self.now, name, data, more))
        return number

    def note_end(
        self, kind: str, *, data: str | None = None, more: Mapping[str, JSON] | None = None, after: int
    ) -> None:
        """Write the execution's last event; it always has room."""
        self.events += 1
        self.previous = self.events
        self.history.append(HistoryEvent(self.events, after, kind, self.now, None, data, more))

    def enter(self, kind: str) -> None:
        """Enter the state at which the frame stands; it counts as a transition."""
        self.transitions += 1
        self.entered_at = self.now
        self.entered_after = self.previous
        self.entered = self.note(kind, name=self.at, data=self.data.text)

    def leave(self, kind: str, to: str | None, output: Datum, assigned: Mapping[str, Datum] = NO_VARIABLES) -> None:
        """Leave the state with ``output``, for ``to`` or, where that is None, for the end of the frame.

        Raises:
            StateFailed: the output is too long, or there are too many variables.
        """
        if output.exceeds(DATA_SIZE_MAX):
            raise too_long(self.at)
        if assigned:
            self._assign(assigned)
            shown: JSONObject = {name: value.text for name, value in assigned.items()}
            more: JSONObject = {"assignedVariables": shown, "assignedVariablesDetails": {"truncated": False}}
            self.note(kind, name=self.at, data=output.text, more=more)
        else:
            self.note(kind, name=self.at, data=output.text)
        self._drop(ITEMS, AHEAD)
        self.data = output
        self.entered = 0
        if self.retries:
            self.retries = ()
        if to is None:
            self.at = ""
        else:
            self.at = to

    def _assign(self, assigned: Mapping[str, Datum]) -> None:
        variables = {**self.variables, **assigned}
        if sum(value.size for value in variables.values()) > VARIABLES_SIZE_MAX:
            raise StateFailed(
                DATA_LIMIT_EXCEEDED,
                "The size of the execution's variables exceeds the maximum number of bytes service limit.",
            )
        self.variables = variables

    def variable(self, depth: int, name: str) -> Datum:
        """The variable that the frame at ``depth`` of the chain sees: its own, or one of the frames around it.

        Raises:
            KeyError: there is none.
        """
        if depth == len(self._ancestors):
            if name in self.variables:
                return self.variables[name]
            depth -= 1
        for at in range(depth, -1, -1):
            variables = self._ancestors[at].variables
            if name in variables:
                return variables[name]
        raise KeyError(name)

    def _drop(self, *names: str) -> None:
        if self.variables and not self.variables.keys().isdisjoint(names):
            self.variables = {name: value for name, value in self.variables.items() if name not in names}

    def keep_items(self, items: list[JSON] | None) -> None:
        """Keep what a Map's Items came to, evaluated once and not again for each iteration; None: they are in its input."""
        self._drop(ITEMS, AHEAD)
        if items is not None:
            self.variables = {**self.variables, ITEMS: Datum(value=items)}

    def item(self, state: Map, index: int) -> JSON:
        """An item of the Map at which the frame in hand stands; some that follow are kept at hand."""
        ahead = self.variables.get(AHEAD)
        if ahead is not None:
            assert isinstance(ahead.value, list)
            some: list[JSON] = ahead.value
            first = some[0]
            assert isinstance(first, int)
            if first <= index < first + len(some) - 1:
                return some[index - first + 1]
        items = self.items_at(self.depth, state)
        self._keep_ahead(items, index + 1)
        return items[index]

    def _keep_ahead(self, items: list[JSON], first: int) -> None:
        texts: list[str] = []
        length = 0
        for at in range(first, len(items)):
            text = Datum(value=items[at]).text
            length += len(text) + 1
            if length > AHEAD_LENGTH_MAX:
                break
            texts.append(text)
        if texts:
            self.variables = {**self.variables, AHEAD: Datum(f"[{first},{','.join(texts)}]")}

    @property
    def depth(self) -> int:
        """How deep the frame in hand lies."""
        return len(self._ancestors)

    def items_at(self, depth: int, state: Map) -> list[JSON]:
        """The items of a Map that has started and stands at ``depth`` of the chain."""
        in_hand = depth == len(self._ancestors)
        kept = (self.variables if in_hand else self._ancestors[depth].variables).get(ITEMS)
        if kept is not None:
            assert isinstance(kept.value, list)
            return kept.value
        data = self.data if in_hand else self._ancestors[depth].data
        return items_of(state, data, ContextOf(self, depth), self.entropy)

    def park(self, awaiting: Awaiting) -> int:
        """Wait; the visit's number is what timers and answers must bring."""
        self.visit += 1
        self.awaiting = awaiting
        return self.visit


class ContextOf:
    """The context object of the state at which a frame of the turn's chain stands; made only when a path looks into it.

    ``depth`` counts from the execution's own frame. An item selector sees the Map's own context with the ``item`` at hand.
    """

    __slots__ = ("_depth", "_item", "_members", "_turn")

    def __init__(
        self, turn: Turn, depth: int, item: MapItem | None = None, members: Mapping[str, Datum] = NO_VARIABLES
    ) -> None:
        self._turn = turn
        self._depth = depth
        self._item = item
        self._members = members

    def given(self, members: Mapping[str, Datum]) -> "ContextOf":
        """The same with these members of ``$states``."""
        return ContextOf(self._turn, self._depth, self._item, members)

    @property
    def now(self) -> datetime:
        """The moment of the step."""
        return self._turn.now

    def variable(self, name: str) -> JSON:
        """The value of a variable of this frame, or of one around it.

        Raises:
            KeyError: there is none of this name.
        """
        return self._turn.variable(self._depth, name).value

    def states(self, name: str) -> JSON:
        """A member of ``$states``.

        Raises:
            KeyError: there is none here.
        """
        return self._members[name].value

    def value(self) -> JSON:
        """The context object as JSON."""
        turn = self._turn
        execution = turn.execution
        if execution.context is not None:
            return execution.context
        facts = ExecutionFacts(
            id=execution.arn,
            name=execution.name,
            input=execution.input.value,
            role_arn=execution.role_arn,
            start_time=execution.started,
            state_machine_id=execution.machine_arn,
            state_machine_name=execution.machine_name,
            redrive_count=None if execution.express else execution.redrive_count,
            redrive_time=execution.redriven,
        )
        frame = turn.chain_at(self._depth)
        state = turn.machines[self._depth].states[frame.at]
        return Context(
            execution=facts,
            state_name=frame.at,
            entered_time=frame.entered_at,
            retry_count=sum(frame.retries) if isinstance(state, Task | Parallel | Map) else None,
            task_token=turn.token,
            item=self._item or self._item_above(),
        ).value()

    def _item_above(self) -> MapItem | None:
        """The item of the innermost Map in whose iteration the frame stands."""
        turn = self._turn
        for depth in range(self._depth - 1, -1, -1):
            above = turn.chain_at(depth)
            state = turn.machines[depth].states[above.at]
            if isinstance(state, Map):
                index = turn.chain_at(depth + 1).branch
                items = turn.items_at(depth, state)
                return MapItem(index, items[index])
        return None


def items_of(state: Map, data: Datum, context: ContextObject, entropy: Entropy) -> list[JSON]:
    """The items over which an inline Map goes, given its input.

    Raises:
        StateFailed: there is no array.
    """
    items = collection_of(state, data, context, entropy, (list,))
    assert isinstance(items, list)
    return items


def collection_of(state: Map, data: Datum, context: ContextObject, entropy: Entropy, kinds: tuple[type, ...]) -> JSON:
    """What a Map goes over, given its input: a value of one of these kinds.

    Raises:
        StateFailed: it is of another kind.
    """
    if state.flow.jsonata:
        return _queried_items(state, data, context, entropy, kinds)
    value = effective_input(state.flow, data, context).value
    path = "$"
    if state.items_path is not None:
        path = state.items_path.text
        path = path[1:] if state.items_path.in_context else path  # As Step Functions tells it.
        value = select(state.items_path, value, context)
    if not isinstance(value, kinds):
        raise StateFailed(RUNTIME, f'Reference path "{path}" must point to array.')
    return value


def _queried_items(state: Map, data: Datum, context: ContextObject, entropy: Entropy, kinds: tuple[type, ...]) -> JSON:
    if state.items is None:
        if not isinstance(data.value, kinds):
            raise EvaluationFailed(f"Map state input must be an array but was: {data.text}", None)
        return data.value
    value: JSON = state.items.evaluate(data.value, context, entropy)
    if not isinstance(value, kinds):
        check_type(value, "array", state.items.given, "Items")
    return value


def machines_of(machine: Machine, chain: tuple[Frame, ...]) -> list[Machine]:
    """The machine in which each frame of the chain stands."""
    machines = [machine]
    for parent, child in pairwise(chain):
        match machines[-1].states[parent.at]:
            case Parallel(branches=branches):
                machines.append(branches[child.branch])
            case Map(processor=processor):
                machines.append(processor)
            case state:
                raise AssertionError(state)
    return machines


def branching_of(turn: Turn) -> Branching:
    """What the frame in hand counts."""
    assert isinstance(turn.awaiting, Branching), turn.awaiting
    return turn.awaiting


def too_long(what: str) -> StateFailed:
    """The error of a result beyond 256 KiB; ``what`` is the state's name, or the task's resource."""
    return WholeCause(
        DATA_LIMIT_EXCEEDED,
        f"The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service limit.",
    )


class WholeCause(StateFailed):
    """A failure whose error (which may be none) and cause stand as they are, without the words that tell where it happened."""

    def __init__(self, error: str | None, cause: str | None) -> None:
        super().__init__(error or "", cause)
        self.shown_error = error
