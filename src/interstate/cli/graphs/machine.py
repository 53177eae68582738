"""A definition as a graph: states, arrows with words, and machines inside of states."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

_COMPARED = {  # The longer words first.
    "GreaterThanEquals": "≥",
    "LessThanEquals": "≤",
    "GreaterThan": ">",
    "LessThan": "<",
    "Equals": "=",
}
_LABEL_MAX = 34
_WORST_FIRST = ("failed", "running", "caught", "aborted", "succeeded")


class Arrow(NamedTuple):
    """From one state to another; ``kind`` is "next", "choice", "default" or "catch"."""

    source: str
    target: str
    kind: str
    label: str = ""


class Part(NamedTuple):
    """A machine: the whole definition, a branch of a Parallel, the processor of a Map."""

    start: str
    states: Mapping[str, Mapping[str, Any]]

    def arrows(self) -> list[Arrow]:
        """All arrows, in the order of the definition; those to states that do not exist are left out."""
        found = [arrow for name, state in self.states.items() for arrow in _arrows(name, state)]
        return [arrow for arrow in found if arrow.target in self.states]

    def ends(self, name: str) -> bool:
        """Whether the machine can end with this state."""
        state = self.states[name]
        return bool(state.get("End")) or state.get("Type") in {"Succeed", "Fail"}


class Happened(NamedTuple):
    """What happened to a state in an execution: its status, how often it was entered, the error that it ended with."""

    status: str
    times: int = 1
    error: str = ""


def part_of(definition: Mapping[str, Any]) -> Part:
    """The machine of a definition, a branch or a processor."""
    return Part(str(definition.get("StartAt", "")), definition.get("States") or {})


def inner(state: Mapping[str, Any]) -> list[Part]:
    """The machines inside of a state."""
    if state.get("Type") == "Parallel":
        return [part_of(branch) for branch in state.get("Branches") or ()]
    if state.get("Type") == "Map":
        return [part_of(state.get("ItemProcessor") or state.get("Iterator") or {})]
    return []


def happened(visits: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Happened], set[tuple[str, str]]]:
    """By state what happened to it, and the arrows that were gone along.

    A state of the execution itself shows its last visit; one inside of a Map or a Parallel the worst of its visits.
    """
    states: dict[str, Happened] = {}
    taken: set[tuple[str, str]] = set()
    last: dict[tuple[str, ...], str] = {}
    for visit in visits:
        name, within = visit["state"], tuple(visit.get("within", ()))
        if within in last:
            taken.add((last[within], name))
        last[within] = name
        before = states.get(name)
        now = Happened(visit["status"], 1 if before is None else before.times + 1, visit.get("error") or "")
        if before is not None and within and _rank(before) < _rank(now):
            now = before._replace(times=now.times)
        states[name] = now
    return states, taken


def _rank(one: Happened) -> int:
    return _WORST_FIRST.index(one.status)


def _arrows(name: str, state: Mapping[str, Any]) -> Iterable[Arrow]:
    if isinstance(state.get("Next"), str):
        yield Arrow(name, state["Next"], "next")
    for rule in state.get("Choices") or ():
        yield Arrow(name, str(rule.get("Next")), "choice", _short(condition(rule)))
    if isinstance(state.get("Default"), str):
        yield Arrow(name, state["Default"], "default", "otherwise")
    for catcher in state.get("Catch") or ():
        words = ", ".join(map(str, catcher.get("ErrorEquals") or ()))
        yield Arrow(name, str(catcher.get("Next")), "catch", _short("any error" if words == "States.ALL" else words))


def condition(rule: Mapping[str, Any]) -> str:
    """A choice's rule in short: ``$.n > 3``."""
    if "Condition" in rule:
        return str(rule["Condition"]).removeprefix("{%").removesuffix("%}").strip()
    for name, word in (("And", " and "), ("Or", " or ")):
        if isinstance(rule.get(name), Sequence):
            return word.join(condition(one) for one in rule[name])
    if isinstance(rule.get("Not"), Mapping):
        return f"not ({condition(rule['Not'])})"
    variable = str(rule.get("Variable", ""))
    for key, value in rule.items():
        if key in {"Variable", "Next", "Comment", "Assign", "Output"}:
            continue
        plain = key.removesuffix("Path")
        for end, sign in _COMPARED.items():
            if plain.endswith(end) and not plain.startswith("Is"):
                return f"{variable} {sign} {_value(value)}"
        if key.startswith("Is"):
            return f"{variable} is {'' if value else 'not '}{key.removeprefix('Is').lower()}"
        return f"{variable} {key} {_value(value)}"
    return variable


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= _LABEL_MAX else text[: _LABEL_MAX - 1] + "…"
