"""``interstate executions`` against a server: list, timeline, the past, the picture, a restart, a replay."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.server_process import ServerProcess
from typer.testing import CliRunner

from interstate.cli.app import app

pytestmark = pytest.mark.server

STATES: dict[str, Any] = {
    "Take": {"Type": "Pass", "Assign": {"n": "{% $states.input.n %}"}, "Next": "Rest"},
    "Rest": {"Type": "Wait", "Seconds": "{% $states.input.rest %}", "Next": "Check"},
    "Check": {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.input.good %}", "Next": "Done"}],
        "Default": "No",
    },
    "Done": {"Type": "Succeed", "Output": "{% $n %}"},
    "No": {"Type": "Fail", "Error": "NotGood"},
}


def said(server: ServerProcess, *words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["executions", *words, "--endpoint-url", server.url])
    assert result.exit_code == code, result.output
    return result.output


def test_executions_are_listed_shown_drawn_restarted_and_replayed(server: ServerProcess, tmp_path: Path) -> None:
    states = server.client("stepfunctions")
    definition = {"QueryLanguage": "JSONata", "StartAt": "Take", "States": STATES}
    role = "arn:aws:iam::000000000000:role/r"
    arn = states.create_state_machine(name="m", definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
    given = json.dumps({"n": 7, "rest": 1, "good": False})
    states.start_execution(stateMachineArn=arn, name="first", input=given)
    followed = said(server, "show", "m:first", "--follow")  # By long polls, until it has ended.
    assert [word for word in ("Take", "Rest", "Check", "NotGood", "FAILED") if word not in followed] == []
    listed = json.loads(said(server, "list", "--machine", "m", "--status", "failed", "--json"))
    assert [one["name"] for one in listed] == ["first"]
    assert "first" in said(server, "list", "--since", "60")
    shown = json.loads(said(server, "show", "first", "--full", "--json"))
    assert [(visit["state"], visit["status"]) for visit in shown["visits"]] == [
        ("Take", "succeeded"),
        ("Rest", "succeeded"),
        ("Check", "succeeded"),
        ("No", "failed"),
    ]
    assert shown["visits"][0]["input"] == {"n": 7, "rest": 1, "good": False}
    then = said(server, "show", "first", "--at", "4")
    assert "Rest" in then
    assert "waits for its time" in then
    assert "There is no event 99" in said(server, "show", "first", "--at", "99", code=1)
    assert "✕ No  Fail NotGood" in said(server, "graph", "first")
    target = tmp_path / "m.svg"
    said(server, "graph", "m", "--svg", str(target))
    assert "<svg" in target.read_text()
    assert "begins at Check" in said(server, "restart", "first", "--from", "Check", "--input", '{"good": true}')
    assert "SUCCEEDED" in said(server, "show", "first-2", "--follow")
    again = arn.replace("stateMachine", "execution") + ":first-2"
    assert states.describe_execution(executionArn=again)["output"] == "7"
    assert "restarted from first at Check" in said(server, "show", "first-2")
    assert "same" in said(server, "replay", "first")
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps({**definition, "States": {**STATES, "No": {"Type": "Fail", "Error": "Other"}}}))
    assert "NotGood" in said(server, "replay", "first", "--definition", str(changed), code=1)
    assert "no execution is named none" in said(server, "show", "none", code=1)
