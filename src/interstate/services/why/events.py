"""Why an event arrived, or did not: the rules of its buses, the deliveries, and what they started.

Theory of operation
-------------------
An event's id leads to its row of the log, and the row to all attempts to deliver its events, on whatever bus: an event that
crosses to another bus of its region keeps its id. Rules are judged as they are now; one that was changed since says so.
Nothing here writes, and everything that is read is bounded.
"""

from datetime import datetime
from typing import Any

from interstate.base.arn import caller_of
from interstate.core.why.chains import DELIVERED, WAITING, Chain, Try, chains
from interstate.services.events.locate import DEFAULT, find_bus
from interstate.services.why import executions, functions, messages, rules
from interstate.services.why.logged import Found, find_event, is_older_than_log, kept_days
from interstate.store.ports import Work
from interstate.store.records.events import (
    ARCHIVES_OF_BUS,
    ATTEMPTS_OF_LOG,
    DISABLED,
    RULES,
    RULES_OF_BUS,
    TARGETS_OF_RULE,
    Attempt,
    Rule,
)

RULES_MAX = 500
"""Rules of a bus that an answer judges; a bus has 300 unless its quota was raised."""
_ATTEMPTS_PAGE = 500
_ATTEMPTS_MAX = 5_000
_TARGETS_MAX = 100
_ARCHIVES_MAX = 100
_STARTED_MAX = 20
"""Things started by an event that are looked up."""

_NEVER = "not delivered"
_NOT_YET = "no attempt has ended: a call is under way, or the rule or target is newer than the event"

_Road = tuple[str, str]  # Rule's ARN, target's id.


def why_event(found: Found, work: Work) -> dict[str, Any]:
    """The whole answer for an event that the log has."""
    attempts = _attempts(found, work)
    deliveries = _Deliveries(found, attempts, work)
    names = [found.row.bus, *deliveries.crossed_to]
    told: dict[str, Any] = {
        "kind": "event",
        "id": found.id,
        "bus": found.row.bus,
        "receivedAt": found.row.at,
        "event": found.event,
        "buses": [_bus(name, found, deliveries, work) for name in names],
    }
    notes = _notes(found, deliveries, work)
    told["summary"] = _summary(told["buses"])
    return {**told, "notes": notes} if notes else told


def not_found(work: Work) -> str:
    """What an id may be that the log does not have."""
    return (
        f"No event with this id is in the log, which is kept for {kept_days(work)} days. It may be older; or it was put on a "
        "bus that does not exist: such events are taken, given an id, and dropped, as on AWS."
    )


def _notes(found: Found, deliveries: "_Deliveries", work: Work) -> list[str]:
    notes = []
    if "replay-name" in found.event:
        notes.append(f"This is a copy, sent by the replay {found.event['replay-name']}.")
    if deliveries.cut:
        notes.append(f"Only the first {_ATTEMPTS_MAX:,} attempts of the call that brought it are told.")
    if is_older_than_log(found.row.at, work):
        notes.append("The event is older than the log is kept: attempts may be forgotten already.")
    return notes


def _attempts(found: Found, work: Work) -> list[Attempt]:
    taken: list[Attempt] = []
    after = 0
    while len(taken) < _ATTEMPTS_MAX:
        page = work.select(ATTEMPTS_OF_LOG, limit=_ATTEMPTS_PAGE, log=found.row.id, after=after)
        taken += page
        if len(page) < _ATTEMPTS_PAGE:
            break
        after = page[-1].id
    return taken


class _Deliveries:
    """The attempts of one event, by rule and target."""

    def __init__(self, found: Found, attempts: list[Attempt], work: Work) -> None:
        self._work = work
        self._left = _STARTED_MAX
        self.cut = len(attempts) >= _ATTEMPTS_MAX
        self.roads: dict[_Road, list[Try]] = {}
        self.arns: dict[_Road, str] = {}
        for attempt in attempts:
            if found.place not in attempt.places:
                continue
            at = attempt.places.index(found.place)
            made = attempt.made[at] if at < len(attempt.made) else ""
            road = attempt.rule, attempt.target
            if attempt.target_arn or road not in self.arns:
                self.arns[road] = attempt.target_arn
            self.roads.setdefault(road, []).append(
                Try(
                    attempt.retries,
                    attempt.at,
                    attempt.outcome,
                    attempt.code,
                    attempt.message,
                    attempt.next_at,
                    made,
                )
            )
        crossed = [self.arns[road] for road, tries in self.roads.items() if _crossed(self.arns[road], tries, found.id)]
        # A copy of a global endpoint has the same id, too, and is known by its deliveries only.
        crossed += [_bus_of(rule) for rule, _ in self.roads]
        self.crossed_to = list(dict.fromkeys(bus for bus in crossed if bus != found.row.bus))

    def of(self, rule: Rule) -> list[dict[str, Any]]:
        """The deliveries of a rule's targets, as they are now and as they were."""
        targets = {
            row.id: row.arn for row in self._work.select(TARGETS_OF_RULE, limit=_TARGETS_MAX, rule=rule.arn, after="")
        }
        targets |= {target: arn for (of, target), arn in self.arns.items() if of == rule.arn}
        return [self._target(rule.arn, target, arn) for target, arn in targets.items()]

    def of_gone(self, bus: str, known: set[str]) -> dict[str, list[dict[str, Any]]]:
        """Deliveries of rules that are not there any more."""
        gone = dict.fromkeys(rule for rule, _ in self.roads if rule not in known and _bus_of(rule) == bus)
        return {
            rule: [self._target(rule, target, self.arns[of, target]) for of, target in self.roads if of == rule]
            for rule in gone
            if self._work.get(RULES, rule) is None
        }

    def _target(self, rule: str, target: str, arn: str) -> dict[str, Any]:
        tries = self.roads.get((rule, target), [])
        return {
            "target": target,
            "targetArn": arn,
            "deliveries": [self._delivery(chain, arn) for chain in chains(tries)],
        }

    def _delivery(self, chain: Chain, arn: str) -> dict[str, Any]:
        last = chain.tries[-1]
        told: dict[str, Any] = {"state": chain.state, "attempts": [_shown(one) for one in chain.tries]}
        if chain.state == WAITING:
            told["nextAt"] = last.next_at
        if chain.state == DELIVERED and last.made and self._left > 0:
            self._left -= 1
            told["started"] = started(arn, last.made, last.at, self._work)
        return told


def _bus_of(rule_arn: str) -> str:
    """The ARN of a rule's bus; names of partner buses hold slashes."""
    name = rule_arn.partition(":rule/")[2].rpartition("/")[0] or DEFAULT
    return caller_of(rule_arn).arn("events", f"event-bus/{name}")


def _crossed(target_arn: str, tries: list[Try], event_id: str) -> bool:
    return ":event-bus/" in target_arn and any(one.made == event_id for one in tries)


def _shown(one: Try) -> dict[str, Any]:
    told = {
        "at": one.at,
        "outcome": one.outcome,
        "errorCode": one.code,
        "errorMessage": one.message,
        "nextAt": one.next_at,
    }
    return {name: value for name, value in told.items() if value is not None}


def started(target_arn: str, made: str, at: datetime, work: Work) -> dict[str, Any]:
    """What a delivery made, as it stands now."""
    if made.startswith("arn:aws:states:"):
        execution = executions.execution_with(made, work)
        if execution is None:
            return {"kind": "execution", "executionArn": made, "note": "not kept: Express, or forgotten after 90 days"}
        return executions.summary(execution, work)
    if ":sqs:" in target_arn:
        message = messages.find_sent(made, target_arn, work)
        return messages.gone(made, target_arn) if message is None else messages.summary(message, work)
    if ":lambda:" in target_arn:
        return functions.request(target_arn, made, at, work)
    if ":sns:" in target_arn:
        return {"kind": "notification", "messageId": made, "topicArn": target_arn}
    if ":event-bus/" in target_arn:
        return {"kind": "event", "id": made, "bus": target_arn}
    if ":log-group:" in target_arn:
        return {"kind": "log stream", "logStream": made, "logGroup": target_arn}
    return {"kind": "answer", "answer": made}


# Buses -------------------------------------------------------------------------------------------------------------


def _bus(arn: str, found: Found, deliveries: _Deliveries, work: Work) -> dict[str, Any]:
    told: dict[str, Any] = {"bus": arn, "rules": []}
    if find_bus(arn, work) is None:
        return {**told, "note": "the bus is gone"}
    existing = work.select(RULES_OF_BUS, limit=RULES_MAX, bus=arn, after="", prefix="")
    judged = [_rule(rule, found, deliveries) for rule in existing]
    gone = deliveries.of_gone(arn, {rule.arn for rule in existing})
    for rule_arn, targets in gone.items():
        name = rule_arn.rpartition("/")[2]
        judged.append(
            {
                "rule": name,
                "ruleArn": rule_arn,
                "verdict": rules.MATCHED,
                "targets": targets,
                "notes": ["the rule is gone"],
            }
        )
    told["rules"] = sorted(judged, key=lambda one: one["verdict"] != rules.MATCHED)  # Stable: by name within each.
    if len(existing) == RULES_MAX:
        told["note"] = f"only the first {RULES_MAX} rules are told"
    archives = work.select(ARCHIVES_OF_BUS, limit=_ARCHIVES_MAX, bus=arn)
    if archives:
        told["archives"] = [rules.kept(archive, found.event) for archive in archives if archive.created <= found.row.at]
    return told


def _rule(rule: Rule, found: Found, deliveries: _Deliveries) -> dict[str, Any]:
    told = rules.verdict(rule, found.event, found.row.at)
    targets = deliveries.of(rule)
    attempted = any(target["deliveries"] for target in targets)
    if told["verdict"] != rules.MATCHED and not attempted:
        return told
    notes: list[str] = told.get("notes", [])
    if not targets:
        notes = [*notes, "the rule has no targets"]
    if told["verdict"] != rules.MATCHED:
        notes = [*notes, "it was delivered: a schedule fired, or the rule said something else then"]
    for target in targets:
        if not target["deliveries"]:
            target["note"] = _NEVER if rule.state == DISABLED else _NOT_YET
    return {**told, "targets": targets} | ({"notes": notes} if notes else {})


def _summary(buses: list[dict[str, Any]]) -> str:
    """The answer in a sentence."""
    judged = [rule for bus in buses for rule in bus["rules"]]
    if not judged:
        return "The bus has no rules: nobody asked for the event."
    matched = [rule for rule in judged if rule["verdict"] == rules.MATCHED]
    active = [rule for rule in matched if rule.get("state") != DISABLED or ("targets" in rule and _states(rule))]
    if not matched:
        return f"None of {len(judged)} {'rule' if len(judged) == 1 else 'rules'} matched the event."
    if not active:
        return "Only disabled rules match the event."
    states = [state for rule in active for state in _states(rule)]
    if not states:
        return f"{len(active)} matched, and nothing was delivered: see the notes of the rules."
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return f"{len(active)} of {len(judged)} {'rule' if len(judged) == 1 else 'rules'} matched; deliveries: {counts}."


def _states(rule: dict[str, Any]) -> list[str]:
    return [delivery["state"] for target in rule.get("targets", ()) for delivery in target["deliveries"]]


def event_or_none(event_id: str, work: Work) -> dict[str, Any] | None:
    """The answer for an event's id; None when the log does not have it."""
    found = find_event(event_id, work)
    return None if found is None else why_event(found, work)
