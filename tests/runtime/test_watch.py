"""What changes on disk reaches the server by the shortest way; what is refused changes nothing."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.runtime.test_deploy import WorldEngine

from interstate.runtime.deploy import Deployed, deploy
from interstate.runtime.testing import World
from interstate.runtime.transform_child import Order, Result
from interstate.runtime.transformer import Transformer
from interstate.runtime.watch import Watcher

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Work:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: Work, Runtime: python3.11, CodeUri: work, Handler: app.handler, Timeout: 3}
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: Flow
      DefinitionUri: flow.asl.json
      DefinitionSubstitutions: {WorkArn: !GetAtt Work.Arn}
"""
FLOW = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 1, "End": true}}}'
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:Flow"


class Site:
    """An application that was deployed, and is watched."""

    def __init__(self, folder: Path) -> None:
        (folder / "work").mkdir()
        self.code, self.flow, self.template = folder / "work" / "app.py", folder / "flow.asl.json", folder / "t.yaml"
        self.code.write_text("def handler(event, context): return 1\n")
        self.flow.write_text(FLOW)
        self.template.write_text(TEMPLATE)
        self.world = World()
        self.said: list[str] = []
        self.stood: list[Deployed] = []
        self._engine = WorldEngine(self.world)
        self._watcher: Watcher | None = None

    def use(self, transformer: Transformer) -> None:
        assert self._watcher is not None
        self._watcher._transformer = transformer

    async def _stands(self, _template: Path, deployed: Deployed) -> None:
        self.stood.append(deployed)

    def deploy(self) -> None:
        self._watcher = Watcher(self._engine, self.template, "site", {}, self.said.append)
        self._watcher.begin(asyncio.run(deploy(self._engine, self.template, "site")))

    def change(self, path: Path, text: str) -> str:
        """Write a file and let the watcher hear of it; what it said."""
        path.write_text(text)
        assert self._watcher is not None
        self.said.clear()
        asyncio.run(self._hear(self._watcher, path))
        return "\n".join(self.said)

    async def _hear(self, watcher: Watcher, path: Path) -> None:
        await watcher.changed({path}, self._stands)
        await watcher.end()

    @property
    def definition(self) -> str:
        found: str = self.world.call("stepfunctions", "DescribeStateMachine", {"stateMachineArn": MACHINE})[
            "definition"
        ]
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    site.deploy()
    yield site
    site.world.close()


def test_changed_code_needs_no_deploy_and_says_whose_it_is(site: Site) -> None:
    commits = site.world.commits
    said = site.change(site.code, "def handler(event, context): return 2\n")
    assert said.startswith("code of Work: live at the next call")
    assert site.world.commits == commits


def test_code_that_cannot_be_read_is_told_with_its_line(site: Site) -> None:
    assert "app.py, line 2: " in site.change(site.code, "def handler(event, context):\nreturn 2\n")


def test_a_changed_definition_takes_the_short_way(site: Site) -> None:
    said = site.change(site.flow, FLOW.replace("1", '"${WorkArn}"'))
    assert said.startswith("definition of Flow: live")
    assert '"Result": "arn:aws:lambda:us-east-1:000000000000:function:Work"' in site.definition
    assert site.stood == []


def test_what_runs_keeps_its_own_definition(site: Site) -> None:
    waits = '{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "P"}, "P": {"Type": "Pass", "Result": 1, "End": true}}}'
    site.change(site.flow, waits)
    started = site.world.call("stepfunctions", "StartExecution", {"stateMachineArn": MACHINE})
    site.world.run_due()
    site.change(site.flow, waits.replace('"Result": 1', '"Result": 2'))
    site.world.advance(timedelta(seconds=61))
    ended = site.world.call("stepfunctions", "DescribeExecution", {"executionArn": started["executionArn"]})
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", "1")


def test_a_definition_that_is_refused_changes_nothing_and_is_told(site: Site) -> None:
    before = site.definition
    said = site.change(site.flow, FLOW.replace("Pass", "Pas"))
    assert said.startswith("interstate: nothing was changed: Flow: ")
    assert site.definition == before
    assert "live" in site.change(site.flow, FLOW.replace("1", "3"))
    assert "live" in site.change(site.flow, FLOW)


def test_a_changed_template_is_deployed(site: Site) -> None:
    said = site.change(site.template, TEMPLATE.replace("Timeout: 3", "Timeout: 9"))
    assert said.startswith("template: live")
    shown = site.world.call("lambda", "GetFunctionConfiguration", {"FunctionName": "Work"})
    assert shown["Timeout"] == 9


def test_a_template_that_is_none_changes_nothing_and_is_told(site: Site) -> None:
    assert site.change(site.template, "Resources: [").startswith("interstate: nothing was changed: ")
    assert site.change(site.template, TEMPLATE).startswith("template: ")


class Saving(Transformer):
    """An editor saves again while a template is packaged."""

    def __init__(self, path: Path, texts: list[str]) -> None:
        super().__init__()
        self.path, self.texts, self.orders = path, texts, 0

    async def carry_out(self, order: Order) -> Result:
        self.orders += 1
        result = await super().carry_out(order)
        if self.texts:
            self.path.write_text(self.texts.pop(0))
        return result


@pytest.mark.parametrize("first", [TEMPLATE.replace("Timeout: 3", "Timeout: 8"), "", "Resources: [", "Transform: x"])
def test_what_was_still_being_written_is_not_deployed(site: Site, first: str) -> None:
    editor = Saving(
        site.template, [TEMPLATE.replace("Timeout: 3", "Timeout: 899"), TEMPLATE.replace("Timeout: 3", "Timeout: 9")]
    )
    site.use(editor)
    commits = site.world.commits
    said = site.change(site.template, first)
    assert said.startswith("template: live")
    assert editor.orders == 3
    assert site.world.commits <= commits + 2  # One update, and the lookup of nothing else.
    shown = site.world.call("lambda", "GetFunctionConfiguration", {"FunctionName": "Work"})
    assert shown["Timeout"] == 9


def test_other_files_are_nobodys_business(site: Site) -> None:
    assert site.change(site.template.parent / "notes.txt", "x") == ""
