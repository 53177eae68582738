"""A crash before any commit changes nothing of what an execution did, for machines that use every type of state.

What must stay: each branch's history but for times and ids, the end with its output, the messages in the store, and the
keys under which the outside was asked: one a call, used again only when the process died before it took the answer.
"""

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.corpus_world import Story
from tests.simulation.machine_corpus_more import CORPUS

from interstate.core.asl.definition import Machine, Map, Parallel
from interstate.core.asl.history import shown
from interstate.core.asl.parse import parse
from interstate.core.asl.replay.player import replay
from interstate.core.asl.replay.recorded import read_history
from interstate.core.asl.replay.trace import Place, Trace

SAMPLED = random.Random(7).sample(sorted(CORPUS), 12)
"""Machines that die once in the fast run; all of them, before any commit, behind the marker slow."""
_DIFFERENT_EACH_TIME = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # identifiers
    r"|[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]{32,}"  # task tokens
    r"|\d{4}-\d\d-\d\dT[0-9:.]+Z|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [0-9:]+ GMT|1[0-9]{12}"  # instants
    r"|\b[0-9a-f]{32}\b"  # digests of what holds one of these
    r"|event id #\d+"
)
Events = list[tuple[str, str | None, str, str]]


def told(story: Story) -> dict[Place, Events]:
    """The history of each branch, times and ids aside."""
    history = story.history()
    trace = Trace(history)
    found: dict[Place, Events] = {}
    for event in history:
        more = {name: value for name, value in (event.more or {}).items() if name != "mapRunArn"}
        texts = (_plain(event.data or ""), _plain(json.dumps(more)))
        found.setdefault(trace.of[event.id].place, []).append((event.type, event.name, *texts))
    return found


def _plain(text: str) -> str:
    return _DIFFERENT_EACH_TIME.sub("<>", text)


def messages(story: Story) -> Counter[str]:
    """What was sent to the queue."""
    found: Counter[str] = Counter()
    while True:
        got = story.world.call("sqs", "ReceiveMessage", {"QueueUrl": "q", "MaxNumberOfMessages": 10})
        if not got.get("Messages"):
            return found
        found.update(_plain(message["Body"]) for message in got["Messages"])


def end_of(story: Story) -> tuple[Any, ...]:
    """How it ended, for comparison."""
    row = story.ended
    assert story.left() == []
    assert story.miscounted() == (0, 0)
    assert [event.id for event in story.history()] == list(range(1, len(story.history()) + 1))
    end = (row.status, _plain(row.output or ""), row.error, _plain(row.cause or ""))
    return end, told(story), messages(story), len(story.outside.calls)


def survives(name: str, directory: Path, dies_at: int, calm: tuple[Any, ...]) -> bool:
    """Run the machine's story with one crash, and hold it to the calm one; False when the crash never came."""
    story = Story(CORPUS[name], directory / str(dies_at), dies_at).run()
    assert end_of(story) == calm, dies_at
    assert sum(story.outside.calls.values()) <= len(story.outside.calls) + story.crashes, "a key was used again"
    died = story.crashes > 0
    story.world.close()
    return died


@pytest.mark.parametrize("name", SAMPLED)
def test_a_crash_before_some_commit_changes_nothing(name: str, tmp_path: Path) -> None:
    calm = Story(CORPUS[name], tmp_path / "calm").run()
    commits = calm.world.commits
    expected = end_of(calm)
    calm.world.close()
    assert expected[0][0] == CORPUS[name].ends
    survives(name, tmp_path, random.Random(name).randint(1, commits), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPUS)
def test_a_crash_before_any_commit_changes_nothing(name: str, tmp_path: Path) -> None:
    calm = Story(CORPUS[name], tmp_path / "calm").run()
    expected = end_of(calm)
    calm.world.close()
    dies_at = 1
    while survives(name, tmp_path, dies_at, expected):
        dies_at += 1
    assert dies_at > 1


def types_of(machine: Machine) -> Counter[str]:
    """The types of states of a machine and of all within it."""
    found: Counter[str] = Counter()
    for state in machine.states.values():
        found[type(state).__name__] += 1
        inner = state.branches if isinstance(state, Parallel) else (state.processor,) if isinstance(state, Map) else ()
        for below in inner:
            found += types_of(below)
    return found


def test_the_corpus_has_every_type_of_state_in_both_query_languages() -> None:
    for jsonata in (True, False):
        found: Counter[str] = Counter()
        for case in CORPUS.values():
            if (case.top.get("QueryLanguage") == "JSONata") is jsonata:
                text = json.dumps({"StartAt": next(iter(case.states)), "States": case.states, **case.top})
                found += types_of(parse(text).machine)
        assert set(found) == {"Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"}, jsonata
    assert len(CORPUS) >= 50


def test_the_corpus_has_distributed_maps_callbacks_nested_executions_activities_and_redrives() -> None:
    text = json.dumps([case.states for case in CORPUS.values()])
    for word in ("DISTRIBUTED", ".waitForTaskToken", ".sync", ".sync:2", ":activity:", "ItemReader", "ResultWriter"):
        assert word in text, word
    assert any(case.redrives for case in CORPUS.values())


@pytest.mark.parametrize("name", CORPUS)
def test_the_history_of_a_machine_replays_against_its_own_definition(name: str, tmp_path: Path) -> None:
    case = CORPUS[name]
    if case.redrives:
        pytest.skip("a replay ends where the first end is")
    story = Story(case, tmp_path).run()
    text = json.dumps({"StartAt": next(iter(case.states)), "States": case.states, **case.top})
    history = json.loads(json.dumps([shown(event) for event in story.history()], default=str))
    found = replay(parse(text), read_history(history))
    assert found.same, found.difference
    assert found.status == case.ends
    story.world.close()
