"""Where the states of a machine stand in a picture: in layers from top to bottom, machines inside of states as boxes.

Theory of operation
-------------------
Arrows that lead back are turned round; a state stands one layer below the lowest of those that lead to it; an arrow that crosses
layers has a *bend* in each, a node without extent that keeps its way free. Within a layer, nodes are ordered by
where their neighbours stand (a few sweeps down and up), and then drawn towards them as far as there is room. A state that holds
machines is laid out first, and is a node as large as they are.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from interstate.cli.graphs.machine import Arrow, Part, inner

STATE_HEIGHT, GAP_X, GAP_Y, PADDING, HEAD = 46.0, 34.0, 48.0, 18.0, 46.0
CHARACTER, WIDTH_MIN, WIDTH_MAX = 7.6, 116.0, 300.0
BEND_WIDTH = 14.0
DOT = 18.0
START, END = "\0start", "\0end"
_SWEEPS, _PULLS = 8, 12


class Point(NamedTuple):
    """A place in a picture; y grows downwards."""

    x: float
    y: float


class Box:
    """A state in a picture; ``inside`` are the pictures of its machines, placed within it."""

    __slots__ = ("height", "inside", "name", "state", "width", "x", "y")

    def __init__(self, name: str, state: Mapping[str, Any] | None, width: float, height: float) -> None:
        self.name = name
        self.state = state
        self.width = width
        self.height = height
        self.x = self.y = 0.0
        self.inside: list[Picture] = []


class Way(NamedTuple):
    """An arrow with the points through which it goes, from its source to its target."""

    arrow: Arrow
    points: tuple[Point, ...]


class Picture(NamedTuple):
    """A machine laid out: everything is relative to ``x`` and ``y``."""

    width: float
    height: float
    boxes: list[Box]
    ways: list[Way]
    x: float = 0.0
    y: float = 0.0


def laid_out(part: Part, *, outermost: bool = True) -> Picture:
    """A machine as a picture."""
    boxes = {name: _box(name, state) for name, state in part.states.items()}
    arrows = part.arrows()
    if outermost:
        boxes = {START: Box(START, None, DOT, DOT), **boxes, END: Box(END, None, DOT, DOT)}
        arrows = [Arrow(START, part.start, "next"), *arrows]
        arrows += [Arrow(name, END, "next") for name in part.states if part.ends(name)]
        arrows = [arrow for arrow in arrows if arrow.target in boxes]
    if not boxes:
        return Picture(WIDTH_MIN, STATE_HEIGHT, [], [])
    return _Layers(boxes, arrows, START if outermost else part.start).picture()


def _box(name: str, state: Mapping[str, Any]) -> Box:
    width = min(WIDTH_MAX, max(WIDTH_MIN, 40 + CHARACTER * max(len(name), 0.85 * len(words_of(state)) + 4)))
    machines = [laid_out(part, outermost=False) for part in inner(state)]
    if not machines:
        return Box(name, state, width, STATE_HEIGHT)
    across = sum(one.width for one in machines) + GAP_X * (len(machines) - 1)
    box = Box(name, state, max(width, across + 2 * PADDING), HEAD + max(one.height for one in machines) + PADDING)
    at = (box.width - across) / 2
    for one in machines:
        box.inside.append(one._replace(x=at, y=HEAD))
        at += one.width + GAP_X
    return box


def words_of(state: Mapping[str, Any]) -> str:
    """What stands below a state's name: its type, or what a Task calls."""
    resource = str(state.get("Resource", ""))
    for kind, word in ((":function:", "Lambda: "), (":activity:", "activity: ")):
        if kind in resource:
            return word + resource.split(kind)[1]
    return resource.removeprefix("arn:aws:states:::") or str(state.get("Type", ""))


class _Layers:
    """The layers of one machine."""

    def __init__(self, boxes: dict[str, Box], arrows: list[Arrow], start: str) -> None:
        self.boxes = dict(boxes)
        self.names = set(boxes)
        self.arrows = arrows
        pairs = {(arrow.source, arrow.target) for arrow in arrows if arrow.source != arrow.target}
        order = _order(list(boxes), start, arrows)
        self.down = {pair if order[pair[0]] < order[pair[1]] else (pair[1], pair[0]) for pair in pairs}
        self.layer = _layers(sorted(boxes, key=lambda name: order[name]), self.down)
        self.bends: dict[tuple[str, str], list[str]] = {}
        self.above: dict[str, list[str]] = {}
        self.below: dict[str, list[str]] = {}
        for pair in sorted(self.down, key=lambda pair: (order[pair[0]], order[pair[1]])):
            self._bend(*pair)
        rows: dict[int, list[str]] = {}
        for name in [*sorted(boxes, key=lambda name: order[name]), *self.bend_names()]:
            rows.setdefault(self.layer[name], []).append(name)
        self.rows = [rows[number] for number in sorted(rows)]

    def bend_names(self) -> list[str]:
        """All bends."""
        return [name for names in self.bends.values() for name in names]

    def _bend(self, upper: str, lower: str) -> None:
        names = []
        for layer in range(self.layer[upper] + 1, self.layer[lower]):
            name = f"\0{upper}\0{lower}\0{layer}"
            self.boxes[name] = Box(name, None, BEND_WIDTH, 0.0)
            self.layer[name] = layer
            names.append(name)
        self.bends[upper, lower] = names
        chain = [upper, *names, lower]
        for one, other in pairwise(chain):
            self.below.setdefault(one, []).append(other)
            self.above.setdefault(other, []).append(one)

    def picture(self) -> Picture:
        """Order, place, and tell the ways of the arrows."""
        for sweep in range(_SWEEPS):
            near = self.above if sweep % 2 == 0 else self.below
            rows = self.rows if sweep % 2 == 0 else self.rows[::-1]
            for row in rows:
                self._sort(row, near)
        self._place()
        left = min(box.x for box in self.boxes.values())
        y = 0.0
        for row in self.rows:
            height = max(self.boxes[name].height for name in row)
            for name in row:
                box = self.boxes[name]
                box.x -= left
                if name not in self.names:  # A bend keeps its way free from the top of the layer to its end.
                    box.height = height
                box.y = y + (height - box.height) / 2
            y += height + GAP_Y
        width = max(box.x + box.width for box in self.boxes.values())
        ways = [Way(arrow, self._way(arrow)) for arrow in self.arrows]
        own = [box for name, box in self.boxes.items() if name in self.names]
        loops = any(arrow.source == arrow.target for arrow in self.arrows)
        return Picture(width + (24 if loops else 0), y - GAP_Y, own, ways)

    def _sort(self, row: list[str], near: Mapping[str, list[str]]) -> None:
        place = {name: at for one in self.rows for at, name in enumerate(one)}
        share = {name: max(1, len(one) - 1) for one in self.rows for name in one}

        def wanted(name: str) -> float:
            around = near.get(name)
            if not around:
                return place[name] / share[name]
            return sum(place[one] / share[one] for one in around) / len(around)

        row.sort(key=lambda name: (wanted(name), place[name]))

    def _place(self) -> None:
        for row in self.rows:
            at = -sum(self.boxes[name].width + GAP_X for name in row) / 2
            for name in row:
                self.boxes[name].x = at
                at += self.boxes[name].width + GAP_X
        for pull in range(_PULLS):
            near = (self.above, self.below)[pull % 2]
            for row in self.rows if pull % 2 == 0 else self.rows[::-1]:
                self._pull(row, near)

    def _pull(self, row: list[str], near: Mapping[str, list[str]]) -> None:
        """Move a layer's nodes to the middle of their neighbours, keeping their order and their distances."""
        wanted = [self._wanted(name, near) for name in row]
        widths = [self.boxes[name].width for name in row]
        right: list[float] = []
        for x, width in zip(wanted, widths, strict=True):  # Pushed to the right by those before.
            least = right[-1] if right else float("-inf")
            right.append(max(x, least) + width + GAP_X)
        pushed_right = [end - width - GAP_X for end, width in zip(right, widths, strict=True)]
        pushed_left: list[float] = []
        most = float("inf")
        for x, width in zip(reversed(wanted), reversed(widths), strict=True):
            at = min(x, most - width - GAP_X)
            pushed_left.insert(0, at)
            most = at
        for name, one, other in zip(row, pushed_right, pushed_left, strict=True):
            self.boxes[name].x = (one + other) / 2

    def _wanted(self, name: str, near: Mapping[str, list[str]]) -> float:
        box, around = self.boxes[name], near.get(name)
        if not around:
            return box.x
        return sum(self.boxes[one].x + self.boxes[one].width / 2 for one in around) / len(around) - box.width / 2

    def _way(self, arrow: Arrow) -> tuple[Point, ...]:
        source, target = self.boxes[arrow.source], self.boxes[arrow.target]
        if source is target:
            side, middle = source.x + source.width, source.y + source.height / 2
            return (Point(side, middle - 10), Point(side + 22, middle), Point(side, middle + 10))
        back = (arrow.source, arrow.target) not in self.bends
        bends = self.bends[(arrow.target, arrow.source) if back else (arrow.source, arrow.target)]
        middle_of: list[Point] = []
        for box in (self.boxes[name] for name in bends):
            middle = box.x + BEND_WIDTH / 2
            middle_of += [Point(middle, box.y), Point(middle, box.y + box.height)]
        upper, lower = (target, source) if back else (source, target)
        points = [
            self._port(upper, lower, bends, down=True),
            *middle_of,
            self._port(lower, upper, bends[::-1], down=False),
        ]
        return tuple(points[::-1] if back else points)

    def _port(self, box: Box, other: Box, bends: list[str], *, down: bool) -> Point:
        """Where at its edge an arrow leaves or reaches a box: its arrows side by side, in the order of where they lead."""
        near = (self.below if down else self.above).get(box.name, [])
        order = sorted(set(near), key=lambda name: self.boxes[name].x + self.boxes[name].width / 2)
        towards = bends[0] if bends else other.name
        at = order.index(towards)
        step = min(26.0, box.width * 0.6 / max(1, len(order)))
        x = box.x + box.width / 2 + (at - (len(order) - 1) / 2) * step
        return Point(x, box.y + box.height if down else box.y)


def _order(names: list[str], start: str, arrows: list[Arrow]) -> dict[str, int]:
    """A number for each state, such that only arrows that lead back go from a higher one to a lower one."""
    following: dict[str, list[str]] = {}
    for arrow in arrows:
        following.setdefault(arrow.source, []).append(arrow.target)
    left: list[str] = []
    seen: set[str] = set()
    for first in [start, *names]:
        if first in seen or first not in names:
            continue
        seen.add(first)
        stack = [(first, iter(following.get(first, ())))]
        while stack:
            name, targets = stack[-1]
            target = next((one for one in targets if one not in seen), None)
            if target is None:
                left.append(name)
                stack.pop()
            else:
                seen.add(target)
                stack.append((target, iter(following.get(target, ()))))
    return {name: at for at, name in enumerate(reversed(left))}


def _layers(order: list[str], down: set[tuple[str, str]]) -> dict[str, int]:
    above: dict[str, list[str]] = {}
    for upper, lower in down:
        above.setdefault(lower, []).append(upper)
    layer: dict[str, int] = {}
    for name in order:
        layer[name] = max((layer[one] + 1 for one in above.get(name, ())), default=0)
    return layer
