"""Answers of ``interstate why`` as trees."""

import json
from collections.abc import Mapping
from typing import Any

from rich.text import Text
from rich.tree import Tree

GOOD, BAD, WAIT, DIM, HEAD = "green", "red", "yellow", "dim", "bold"
_STYLES = {
    "matched": GOOD,
    "delivered": GOOD,
    "SUCCEEDED": GOOD,
    "not matched": DIM,
    "no pattern": DIM,
    "waiting": WAIT,
    "RUNNING": WAIT,
    "in flight": WAIT,
    "delayed": WAIT,
    "dead letter": BAD,
    "dead letter refused": BAD,
    "dropped": BAD,
    "ended with its rule": BAD,
    "FAILED": BAD,
    "TIMED_OUT": BAD,
    "ABORTED": BAD,
}
_KINDS = {
    "sqs": "queue",
    "sns": "topic",
    "lambda": "function",
    "states": "state machine",
    "logs": "log group",
    "execute-api": "API",
    "api-destination": "API destination",
    "event-bus": "bus",
}
_DETAIL_MAX = 400


def short(arn: str) -> str:
    """An ARN in two words: ``queue orders``."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn
    kind, slash, rest = parts[5].partition("/")
    if parts[2] == "events" and slash:
        return f"{_KINDS.get(kind, kind)} {rest}"
    return f"{_KINDS.get(parts[2], parts[2])} {parts[5].rpartition(':')[2]}"


def instant(text: str | None) -> str:
    """An instant as people read it."""
    return "" if text is None else text[:19].replace("T", " ") + "Z"


def _styled(word: str) -> tuple[str, str]:
    return word, _STYLES.get(word, "")


def tree(answer: Mapping[str, Any]) -> Tree:
    """One answer of ``/_interstate/why``."""
    match answer["kind"]:
        case "event":
            return _event(answer)
        case "execution":
            return _execution(answer)
        case _:
            return _message(answer)


# Events ------------------------------------------------------------------------------------------------------------


def _event(answer: Mapping[str, Any]) -> Tree:
    event = answer["event"]
    title = Text.assemble(("event ", HEAD), answer["id"], f"  {event.get('detail-type')} from {event.get('source')}")
    root = Tree(title)
    root.add(Text(f"came onto {short(answer['bus'])} at {instant(answer['receivedAt'])}"))
    detail = json.dumps(event.get("detail"), ensure_ascii=False)
    root.add(Text(detail if len(detail) <= _DETAIL_MAX else detail[:_DETAIL_MAX] + "...", DIM))
    for note in answer.get("notes", ()):
        root.add(Text(note, WAIT))
    for bus in answer["buses"]:
        branch = root if len(answer["buses"]) == 1 else root.add(Text(short(bus["bus"]), HEAD))
        for rule in bus["rules"]:
            _rule(branch, rule)
        for archive in bus.get("archives", ()):
            kept = "keeps it" if archive["kept"] else "does not want it"
            branch.add(Text(f"archive {archive['archive']}: {kept}", "" if archive["kept"] else DIM))
        if "note" in bus:
            branch.add(Text(bus["note"], WAIT))
    root.add(Text(answer["summary"], HEAD))
    return root


def _rule(branch: Tree, rule: Mapping[str, Any]) -> None:
    head = Text.assemble(f"rule {rule['rule']}: ", _styled(rule["verdict"]))
    for note in rule.get("notes", ()):
        head.append(f"; {note}", WAIT)
    node = branch.add(head)
    reasons = rule.get("reasons", [])
    for at, alternative in enumerate(reasons, 1):
        under = node if len(reasons) == 1 else node.add(Text(f"alternative {at}", DIM))
        for reason in alternative:
            under.add(Text(reason))
    for target in rule.get("targets", ()):
        _target(node, target)


def _target(node: Tree, target: Mapping[str, Any]) -> None:
    name = f"target {target['target']}, {short(target['targetArn'])}: "
    if not target["deliveries"]:
        node.add(Text.assemble(name, (target.get("note", "no attempt is kept"), WAIT)))
    for delivery in target["deliveries"]:
        head = Text.assemble(name, _styled(delivery["state"]))
        if "nextAt" in delivery:
            head.append(f", next try at {instant(delivery['nextAt'])}")
        under = node.add(head)
        for number, attempt in enumerate(delivery["attempts"], 1):
            under.add(_attempt(number, attempt))
        if "started" in delivery:
            _started(under, delivery["started"])


def _attempt(number: int, attempt: Mapping[str, Any]) -> Text:
    text = Text(f"attempt {number} at {instant(attempt['at'])}")
    if "errorCode" in attempt:
        text.append(f": {attempt['errorCode']}", BAD)
        text.append(f" {attempt.get('errorMessage', '')}")
    return text


def _started(under: Tree, started: Mapping[str, Any]) -> None:
    match started["kind"]:
        case "execution" if "status" in started:
            _execution(started, under)
        case "execution":
            under.add(Text(f"execution {started['executionArn']}: {started['note']}"))
        case "message":
            _message(started, under)
        case "function request":
            _request(under, started)
        case "event":
            under.add(Text(f"event {started['id']} on {short(started['bus'])}"))
        case "notification":
            under.add(Text(f"notification {started['messageId']} of {short(started['topicArn'])}"))
        case "log stream":
            under.add(Text(f"log stream {started['logStream']}"))
        case _:
            under.add(Text(f"answered with {started['answer']}"))


def _request(under: Tree, request: Mapping[str, Any]) -> None:
    head = Text.assemble(f"request {request['requestId']}: ", _styled(request["state"]))
    if "attempt" in request:
        head.append(f", attempt {request['attempt']} at {instant(request['until'])}")
    if request.get("failed"):
        head.append(", failed", BAD)
    node = under.add(head)
    for line in request.get("log", ()):
        node.add(Text(line[:_DETAIL_MAX], DIM))


# Executions and messages -------------------------------------------------------------------------------------------


def _execution(answer: Mapping[str, Any], under: Tree | None = None) -> Tree:
    head = Text.assemble(("execution ", HEAD), answer["executionArn"], ": ", _styled(answer["status"]))
    if "failedState" in answer:
        head.append(f" in {answer['failedState']}", BAD)
    node = Tree(head) if under is None else under.add(head)
    stopped = f", ended {instant(answer['stoppedAt'])}" if "stoppedAt" in answer else ""
    node.add(Text(f"started {instant(answer['startedAt'])}{stopped}"))
    if "startedBy" in answer:
        by = answer["startedBy"]
        node.add(Text(f"by {by['kind']} {by.get('id') or by.get('executionArn') or ''}{by.get('note', '')}"))
    if "error" in answer:
        node.add(Text.assemble((answer["error"], BAD), f": {answer.get('cause', '')[:_DETAIL_MAX]}"))
    for wait in answer.get("waitsFor", ()):
        until = f" until {instant(wait['until'])}" if "until" in wait else ""
        node.add(Text(f"{wait['state']} waits for {wait['what']}{until}, since {instant(wait['since'])}", WAIT))
    for name in ("input", "output"):
        if name in answer:
            node.add(Text(f"{name} {answer[name][:_DETAIL_MAX]}", DIM))
    return node


def _message(answer: Mapping[str, Any], under: Tree | None = None) -> Tree:
    queue = short(answer["queueArn"]) if "queueArn" in answer else "a queue that is gone"
    head = Text.assemble(("message ", HEAD), f"{answer['messageId']} in {queue}: ", _styled(answer["state"]))
    node = Tree(head) if under is None else under.add(head)
    if "note" in answer:
        node.add(Text(answer["note"], DIM))
        return node
    node.add(Text(f"sent {instant(answer['sentAt'])}, received {answer['receiveCount']}x{_visible(answer)}"))
    if "deadLetterOf" in answer:
        node.add(Text(f"a dead letter of {short(answer['deadLetterOf'])}: it was received too often", BAD))
    if "sentBy" in answer:
        node.add(Text(f"sent by {_sender(answer['sentBy'])}"))
    for name, value in answer.get("attributes", {}).items():
        node.add(Text(f"{name}: {value}", DIM))
    if "body" in answer:
        node.add(Text(answer["body"][:_DETAIL_MAX], DIM))
    return node


def _visible(answer: Mapping[str, Any]) -> str:
    return "" if answer["state"] == "visible" else f", visible again {instant(answer['visibleAt'])}"


def _sender(by: Mapping[str, Any]) -> str:
    match by["kind"]:
        case "rule":
            event = f" for event {by['eventId']}" if "eventId" in by else ""
            return f"rule {by['ruleArn'].partition(':rule/')[2]}{event}" + (f" ({by['note']})" if "note" in by else "")
        case "topic":
            return short(by["topicArn"])
        case "function":
            return f"a function, as dead letter of request {by['requestId']}"
        case _:
            return f"{by['note']}, account {by['senderId']}"
