"""A machine as SVG; with an execution, states and arrows are coloured by what happened."""

from collections.abc import Mapping
from html import escape
from itertools import pairwise

from interstate.cli.graphs.layout import DOT, END, HEAD, START, Box, Picture, Point, Way, laid_out, words_of
from interstate.cli.graphs.machine import Happened, Part

MARGIN, LEGEND = 28.0, 34.0
_FONT = "ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_COLOURS: Mapping[str, tuple[str, str, str]] = {  # fill, edge, text
    "succeeded": ("#e3f6e8", "#2e9e5b", "#14532d"),
    "running": ("#e3effd", "#2f7de1", "#173f78"),
    "failed": ("#fde8e8", "#d93a3a", "#7f1d1d"),
    "caught": ("#fdf2d8", "#d9920a", "#713f12"),
    "aborted": ("#efeff2", "#8a8f9c", "#3f4450"),
    "": ("#ffffff", "#b9bfca", "#3b4252"),
}
_UNREACHED = ("#fafafb", "#d5d9e0", "#9aa1ad")
_SIGNS = {"succeeded": "✓", "running": "▶", "failed": "✕", "caught": "↷", "aborted": "■"}
_WORDS = {
    "succeeded": "succeeded",
    "running": "running",
    "failed": "failed",
    "caught": "error caught",
    "aborted": "aborted",
    "": "never reached",
}
_KINDS = {"next": "#7b8494", "choice": "#7b8494", "default": "#7b8494", "catch": "#c27803"}


class Drawing:
    """One SVG in the making; without ``states`` it shows the definition alone."""

    def __init__(self, states: Mapping[str, Happened] | None, taken: frozenset[tuple[str, str]]) -> None:
        self._states = states
        self._taken = taken
        self._under: list[str] = []
        self._over: list[str] = []

    def text(self, picture: Picture) -> str:
        """The whole document."""
        self._picture(picture, MARGIN, MARGIN, depth=0)
        legend = self._legend(MARGIN + picture.height + MARGIN) if self._states is not None else ""
        width = max(picture.width + 2 * MARGIN, 560 if legend else 0)
        height = picture.height + 2 * MARGIN + (LEGEND if legend else 0)
        shift = (width - picture.width - 2 * MARGIN) / 2
        markers = "".join(_marker(f"tip-{name}", colour) for name, colour in (*_KINDS.items(), ("taken", "#374151")))
        body = "\n".join([*self._under, *self._over])
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
            f'height="{height:.0f}" font-family="{_FONT}" font-size="13">\n<defs>{markers}</defs>\n'
            f'<rect width="100%" height="100%" fill="#ffffff"/>\n<g transform="translate({shift:.1f} 0)">\n{body}\n</g>\n'
            f"{legend}</svg>\n"
        )

    def _picture(self, picture: Picture, x: float, y: float, depth: int) -> None:
        for box in picture.boxes:
            self._box(box, x, y, depth)
        for way in picture.ways:
            self._way(way, x, y)

    # States --------------------------------------------------------------------------------------------------------

    def _box(self, box: Box, x: float, y: float, depth: int) -> None:
        left, top = x + box.x, y + box.y
        if box.name in {START, END}:
            self._dot(box.name, left + DOT / 2, top + DOT / 2)
            return
        assert box.state is not None
        one = None if self._states is None else self._states.get(box.name)
        fill, edge, ink = self._colours(one)
        kind = str(box.state.get("Type", ""))
        dashed = ' stroke-dasharray="5 4"' if self._states is not None and one is None else ""
        rounded = 22 if kind in {"Succeed", "Fail"} else 9
        if box.inside:
            fill = {"": "#f6f7f9"}.get(one.status if one else "", fill) if depth % 2 == 0 else "#ffffff"
        self._under.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{rounded}" '
            f'fill="{fill}" fill-opacity="{0.45 if box.inside else 1}" stroke="{edge}" stroke-width="1.6"{dashed}/>'
        )
        self._words(box, left, top, kind, one, ink)
        for picture in box.inside:
            self._lane(picture, left, top, len(box.inside))
            self._picture(picture, left + picture.x, top + picture.y, depth + 1)

    def _colours(self, one: Happened | None) -> tuple[str, str, str]:
        if self._states is None:
            return _COLOURS[""]
        return _UNREACHED if one is None else _COLOURS[one.status]

    def _words(self, box: Box, left: float, top: float, kind: str, one: Happened | None, ink: str) -> None:
        middle = left + box.width / 2
        line = top + (18 if box.inside else 20)
        room = max(8, int((box.width - 34) / 7.2))
        name = box.name if len(box.name) <= room else box.name[: room - 1] + "…"
        assert box.state is not None
        below = words_of(box.state)
        if one is not None and one.times > 1:
            below = f"{below} · {one.times}×"
        if one is not None and one.error and not box.inside:
            below = one.error
        room = int(room * 1.25)  # The type stands in smaller letters.
        below = below if len(below) <= room else below[: room - 1] + "…"
        said = [kind, *([_WORDS[one.status], one.error] if one else [])]
        title = escape(f"{box.name}: {', '.join(word for word in said if word)}")
        self._over.append(
            f'<g><title>{title}</title><text x="{middle:.1f}" y="{line:.1f}" text-anchor="middle" font-weight="600" '
            f'fill="{ink}">{escape(name)}</text><text x="{middle:.1f}" y="{line + 15:.1f}" text-anchor="middle" '
            f'font-size="10.5" fill="{ink}" fill-opacity="0.75">{escape(below)}</text></g>'
        )
        if one is not None:
            edge = _COLOURS[one.status][1]
            self._over.append(
                f'<circle cx="{left + box.width - 2:.1f}" cy="{top + 2:.1f}" r="8.5" fill="{edge}" stroke="#fff" '
                f'stroke-width="1.5"/><text x="{left + box.width - 2:.1f}" y="{top + 5.8:.1f}" text-anchor="middle" '
                f'font-size="10" fill="#fff">{_SIGNS[one.status]}</text>'
            )

    def _lane(self, picture: Picture, left: float, top: float, lanes: int) -> None:
        if lanes > 1:
            self._under.append(
                f'<rect x="{left + picture.x - 10:.1f}" y="{top + HEAD - 4:.1f}" width="{picture.width + 20:.1f}" '
                f'height="{picture.height + 12:.1f}" rx="8" fill="#ffffff" fill-opacity="0.6" stroke="#d5d9e0" '
                'stroke-dasharray="2 3"/>'
            )

    def _dot(self, name: str, x: float, y: float) -> None:
        ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="none" stroke="#374151" stroke-width="1.6"/>'
        core = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{8 if name == START else 4.6}" fill="#374151"/>'
        self._under.append((ring if name == END else "") + core)

    # Arrows ----------------------------------------------------------------------------------------------------------

    def _way(self, way: Way, x: float, y: float) -> None:
        arrow = way.arrow
        points = [Point(point.x + x, point.y + y) for point in way.points]
        taken = self._is_taken(arrow.source, arrow.target)
        faint = self._states is not None and not taken
        colour = "#374151" if taken else _KINDS[arrow.kind]
        tip = "taken" if taken else arrow.kind
        dashes = ' stroke-dasharray="5 4"' if arrow.kind == "catch" else ""
        opacity = ' opacity="0.45"' if faint else ""
        self._under.append(
            f'<path d="{_curve(points)}" fill="none" stroke="{colour}" stroke-width="{2 if taken else 1.4}"{dashes}'
            f'{opacity} marker-end="url(#tip-{tip})"/>'
        )
        if arrow.label:
            self._label(arrow.label, points, colour, opacity)

    def _label(self, label: str, points: list[Point], colour: str, opacity: str) -> None:
        one, other = points[0], points[1]
        at = Point(one.x + (other.x - one.x) / 2, one.y + (other.y - one.y) / 2 + 3)
        width = 6.1 * len(label) + 8
        self._over.append(
            f'<g{opacity}><rect x="{at.x - width / 2:.1f}" y="{at.y - 11:.1f}" width="{width:.1f}" height="15" rx="4" '
            f'fill="#ffffff" fill-opacity="0.92"/><text x="{at.x:.1f}" y="{at.y:.1f}" text-anchor="middle" '
            f'font-size="10.5" fill="{colour}">{escape(label)}</text></g>'
        )

    def _is_taken(self, source: str, target: str) -> bool:
        if self._states is None:
            return False
        if source == START:
            return target in self._states
        if target == END:
            return source in self._states and self._states[source].status == "succeeded" and not self._goes_on(source)
        return (source, target) in self._taken

    def _goes_on(self, source: str) -> bool:
        return any(one == source for one, _other in self._taken)

    def _legend(self, y: float) -> str:
        assert self._states is not None
        parts, x = [], MARGIN
        for status, words in _WORDS.items():
            fill, edge, ink = _COLOURS[status] if status else _UNREACHED
            dashed = "" if status else ' stroke-dasharray="3 3"'
            parts.append(
                f'<rect x="{x:.0f}" y="{y:.0f}" width="14" height="14" rx="4" fill="{fill}" stroke="{edge}"{dashed}/>'
                f'<text x="{x + 20:.0f}" y="{y + 11:.0f}" font-size="11" fill="{ink}">{words}</text>'
            )
            x += 32 + 6.3 * len(words)
        return "".join(parts) + "\n"


def drawn(
    part: Part, states: Mapping[str, Happened] | None = None, taken: frozenset[tuple[str, str]] = frozenset()
) -> str:
    """The machine as an SVG document."""
    return Drawing(states, taken).text(laid_out(part))


def _curve(points: list[Point]) -> str:
    parts = [f"M{points[0].x:.1f} {points[0].y:.1f}"]
    last = len(points) - 2
    for at, (one, other) in enumerate(pairwise(points)):
        end = Point(other.x, other.y + (-3 if other.y >= one.y else 3)) if at == last else other
        bow = (end.y - one.y) * 0.5
        parts.append(f"C{one.x:.1f} {one.y + bow:.1f} {end.x:.1f} {end.y - bow:.1f} {end.x:.1f} {end.y:.1f}")
    return "".join(parts)


def _marker(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="8" refY="5" markerUnits="userSpaceOnUse" markerWidth="11" markerHeight="11" '
        f'orient="auto-start-reverse"><path d="M0 1 9 5 0 9z" fill="{colour}"/></marker>'
    )
