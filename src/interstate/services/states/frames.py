"""The frames of one execution while it is in hand: loaded when needed, written when the slice ends.

A frame that is born and ends within a slice never reaches the store. The due rows of a frame's timers are kept beside it and
taken back when the frame no longer waits for them; so is the execution that a ``.sync`` Task has started.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from interstate.core.asl.turn import NO_VARIABLES
from interstate.core.asl.vocabulary import Abort, Datum, Execution, Frame, SetTimer, Tasking, TimerFired
from interstate.services.states.texts import INLINE_MAX, datum_at, put_text
from interstate.store.ports import Work
from interstate.store.records.map_runs import MAP_RUNS, GoOn
from interstate.store.records.states import (
    CHILDREN_OF_FRAME,
    EXECUTIONS,
    FRAMES,
    FRAMES_OF_EXECUTION,
    RUNNING,
    TEXTS,
    VARIABLES,
    VARIABLES_OF_FRAME,
    Deliveries,
    Delivery,
    FrameRow,
    VariableRow,
)

PAGE = 1000
EXECUTION_TIMER = "execution"
"""The timer of the whole execution; it outlives every visit."""
MAP_RUN = "map_run"
"""Beside the timers' due rows: the number of the Map Run for which a distributed Map waits."""
CHILD = "child"
"""Beside the timers' due rows: the number of the execution for which a ``.sync`` Task waits."""


DATA: Final = ""
"""Beside the names of variables: the frame's own data."""


class _Placed(NamedTuple):
    """A text that lies in a row of its own."""

    datum: Datum
    at: int


class Frames:
    """The frames of one execution; ``input_at`` is the row of its input, where that is long."""

    def __init__(self, execution: Execution, work: Work, *, input_at: int) -> None:
        self._execution = execution
        self._input_at = input_at
        self._work = work
        self._frames: dict[int, Frame | None] = {}
        self._due: dict[int, dict[str, int]] = {}
        self._dirty: dict[int, None] = {}
        self._stored: set[int] = set()  # What the store may hold.
        self._kept: dict[int, Mapping[str, Datum]] = {}  # The variables that the store holds, where there are any.
        self._texts: dict[tuple[int, str], _Placed] = {}  # Of a frame and a variable's name, or DATA.
        self._left_child: int | None = None

    def get(self, number: int) -> Frame | None:
        """The frame, or None when it is gone."""
        if number not in self._frames:
            row = self._work.get(FRAMES, self._execution.id, number)
            if row is None:
                self._frames[number] = None
            else:
                self._take(row)
        return self._frames[number]

    def load(self, numbers: Iterable[int]) -> None:
        """Have some frames, and all above them, at hand: one read for each storey."""
        wanted = {number for number in numbers if number not in self._frames}
        while wanted:
            self._work.fetch({FRAMES: {(self._execution.id, number) for number in wanted}})
            above = (frame.parent for frame in map(self.get, wanted) if frame is not None)
            wanted = {number for number in above if number >= 0 and number not in self._frames}

    def chain(self, number: int) -> tuple[Frame, ...] | None:
        """The frame and all above it, from frame 0 down; None when it is gone."""
        frame = self.get(number)
        if frame is None:
            return None
        chain = [frame]
        while frame.parent >= 0:
            above = self.get(frame.parent)
            assert above is not None, frame
            chain.append(frame := above)
        chain.reverse()
        return tuple(chain)

    def _take(self, row: FrameRow) -> None:
        variables = self._variables(row) if row.variables else NO_VARIABLES
        data = Datum(row.data) if not row.data_at else self._read_later(row.frame, DATA, row.data_at)
        self._frames[row.frame] = _frame(row, data, variables)
        self._kept[row.frame] = variables
        self._due[row.frame] = dict(row.due)
        self._stored.add(row.frame)

    def _variables(self, row: FrameRow) -> Mapping[str, Datum]:
        found: dict[str, Datum] = {}
        after = ""
        while True:
            rows = self._work.select(
                VARIABLES_OF_FRAME, limit=PAGE, execution=self._execution.id, frame=row.frame, after=after
            )
            found.update((variable.name, self._value(variable)) for variable in rows)
            if len(rows) < PAGE:
                return found
            after = rows[-1].name

    def _value(self, row: VariableRow) -> Datum:
        return self._read_later(row.frame, row.name, row.value_at, row.size) if row.value_at else Datum(row.value)

    def _read_later(self, number: int, name: str, at: int, size: int | None = None) -> Datum:
        datum = self._execution.input if at == self._input_at else datum_at(at, self._work, size)
        self._texts[number, name] = _Placed(datum, at)
        return datum

    # Changes -----------------------------------------------------------------------------------------------------

    def put(self, frame: Frame) -> None:
        """Take the frame's next value, and take back the timers for which it no longer waits."""
        number = frame.frame
        before = self._frames.get(number)
        self._frames[number] = frame
        self._dirty[number] = None
        waited = before is not None and before.awaiting is not None
        if waited and (before.visit != frame.visit or frame.awaiting is None):  # type: ignore[union-attr]  # it waited
            self._cancel_timers(number)

    def set_timer(self, timer: SetTimer) -> None:
        """Leave a due row for the timer, in place of the one of the same name."""
        due = self._due.setdefault(timer.frame, {})
        before = due.pop(timer.timer, None)
        if before is not None:
            self._work.cancel(before)
        event = TimerFired(timer.visit, timer.timer)
        body = Deliveries(self._execution.id, [Delivery(timer.frame, event)])
        due[timer.timer] = self._work.later("states.event", body, at=max(timer.at, self._work.now))
        self._dirty[timer.frame] = None

    def set_child(self, number: int, execution: int) -> None:
        """The frame's Task waits for another execution, which is stopped when the Task is aborted.

        Source: Step Functions Developer Guide, "Run a job (.sync)": what an aborted Task started is cancelled.
        """
        self._due.setdefault(number, {})[CHILD] = execution
        self._dirty[number] = None

    def set_map_run(self, number: int, run: int) -> None:
        """The frame's Map waits for a Map Run, which is stopped when the frame no longer waits."""
        self._due.setdefault(number, {})[MAP_RUN] = run
        self._dirty[number] = None

    def fired(self, number: int, timer: str) -> None:
        """A timer's due row is gone: it has fired."""
        self._due.get(number, {}).pop(timer, None)

    def _cancel_timers(self, number: int, *, all_: bool = False) -> None:
        due = self._due.get(number)
        if not due:
            return
        for name in [name for name in due if all_ or name != EXECUTION_TIMER]:
            number_left = due.pop(name)
            if name == MAP_RUN:
                self._stop_map_run(number_left)
            elif name != CHILD:
                self._work.cancel(number_left)
            elif all_:  # The Task was aborted.
                self._stop_child(number_left)
            elif number == 0:  # It was answered, or gave up, and leaves its child alone; or its execution was stopped.
                self._left_child = number_left

    def _stop_map_run(self, number: int) -> None:
        run = self._work.get(MAP_RUNS, number)
        if run is not None and run.status == RUNNING:
            self._work.later("states.map_run", GoOn(number, abort=True))

    def stop_left_child(self) -> None:
        """Stop the child that frame 0 has let go of: its execution was stopped."""
        if self._left_child is not None:
            self._stop_child(self._left_child)

    def _stop_child(self, number: int) -> None:
        child = self._work.get(EXECUTIONS, number)
        if child is not None and child.status == RUNNING:  # Later: it may be in hand just now.
            self._work.later("states.event", Deliveries(number, [Delivery(0, Abort())]))

    def remove(self, number: int) -> None:
        """Forget the frame and what it waited for."""
        self._cancel_timers(number, all_=True)
        self._frames[number] = None
        self._dirty[number] = None

    # Below ---------------------------------------------------------------------------------------------------------

    def take_outputs(self, parent: Frame, total: int) -> tuple[str, ...]:
        """The outputs of a frame's branches, in their order; the branches are forgotten."""
        children = [frame for frame in self._frames.values() if frame is not None and frame.parent == parent.frame]
        if len(children) < total:
            self._load_children(parent.frame)
            children = [frame for frame in self._frames.values() if frame is not None and frame.parent == parent.frame]
        assert len(children) == total, (parent, len(children))
        children.sort(key=lambda frame: frame.branch)
        for child in children:
            self.remove(child.frame)
        return tuple(child.data.text for child in children)

    def take_below(self, number: int) -> tuple[Frame, ...]:
        """All frames below, by number; they are forgotten."""
        self._load_all()
        below = {number}
        found: list[Frame] = []
        for at in sorted(self._frames):  # A child's number is higher than its parent's.
            frame = self._frames[at]
            if frame is not None and frame.parent in below:
                below.add(at)
                found.append(frame)
        for frame in found:
            self.remove(frame.frame)
        return tuple(found)

    def _load_children(self, parent: int) -> None:
        for row in self._pages(parent):
            if row.frame not in self._frames:
                self._take(row)

    def _load_all(self) -> None:
        for row in self._pages(None):
            if row.frame not in self._frames:
                self._take(row)

    def _pages(self, parent: int | None) -> Iterator[FrameRow]:
        after = -1
        while True:
            if parent is None:
                rows = self._work.select(FRAMES_OF_EXECUTION, limit=PAGE, execution=self._execution.id, after=after)
            else:
                rows = self._work.select(
                    CHILDREN_OF_FRAME, limit=PAGE, execution=self._execution.id, parent=parent, after=after
                )
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1].frame

    # Writing -------------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Write what changed."""
        for number in self._dirty:
            frame = self._frames[number]
            variables = NO_VARIABLES if frame is None else frame.variables
            kept = self._kept.get(number, NO_VARIABLES)
            if variables is not kept and (variables or kept):
                self._write_variables(number, kept, variables)
            if frame is not None:
                data, at = self._place(number, DATA, frame.data)
                # A frame's number is used once as long as the execution runs.
                put = self._work.put if number in self._stored else self._work.put_new
                put(FRAMES, _row(self._execution.id, frame, data, at, self._due.get(number, {})))
                self._stored.add(number)
            elif number in self._stored:
                self._work.delete(FRAMES, self._execution.id, number)
                self._forget_text(number, DATA)
                self._stored.discard(number)
        self._dirty.clear()

    def _place(self, number: int, name: str, datum: Datum) -> tuple[str, int]:
        """A text as it stands in its row, and the number of the row in which it stands where it is long."""
        placed = self._texts.get((number, name))
        if placed is not None and placed.datum is datum:
            return "", placed.at
        if placed is not None:
            self._forget_text(number, name)
        if datum is self._execution.input and self._input_at:
            at = self._input_at
        elif len(text := datum.text) > INLINE_MAX:
            at = put_text(self._execution.id, text, self._work)
        else:
            return text, 0
        self._texts[number, name] = _Placed(datum, at)
        return "", at

    def _forget_text(self, number: int, name: str) -> None:
        placed = self._texts.pop((number, name), None)
        if placed is not None and placed.at != self._input_at:
            _ = placed.datum.text  # Another frame may have been given the same datum, and be written after this.
            self._work.delete(TEXTS, placed.at)

    def _write_variables(self, number: int, kept: Mapping[str, Datum], now: Mapping[str, Datum]) -> None:
        """Write the variables that changed: a value that was not assigned again is the very same."""
        execution = self._execution.id
        for name, value in now.items():
            if kept.get(name) is not value:
                text, at = self._place(number, name, value)
                put = self._work.put if name in kept else self._work.put_new
                put(VARIABLES, VariableRow(execution, number, name, text, at, value.size if at else 0))
        for name in kept.keys() - now.keys():
            self._work.delete(VARIABLES, execution, number, name)
            self._forget_text(number, name)
        self._kept[number] = now


def _frame(row: FrameRow, data: Datum, variables: Mapping[str, Datum]) -> Frame:
    return Frame(
        row.frame,
        row.parent,
        row.branch,
        row.at,
        data,
        row.previous,
        row.entered,
        row.entered_at,
        row.visit,
        row.awaiting,
        tuple(row.retries),
        row.events,
        row.frames,
        variables,
    )


def _row(execution: int, frame: Frame, data: str, data_at: int, due: dict[str, int]) -> FrameRow:
    return FrameRow(
        execution,
        frame.frame,
        frame.parent,
        frame.branch,
        frame.at,
        data,
        frame.previous,
        frame.entered,
        frame.entered_at,
        frame.visit,
        frame.awaiting,
        list(frame.retries),
        frame.events,
        frame.frames,
        dict(due),
        len(frame.variables),
        data_at,
    )


def awaits_token(row: FrameRow, visit: int, token: str) -> bool:
    """Whether a Task stands at the frame that waits for this token."""
    return row.visit == visit and isinstance(row.awaiting, Tasking) and row.awaiting.token == token
